/** Bytes that are shown of what is no such thing. */
const SHOWN = 12;

/** The first bytes, harmless in a log. */
export function shownBytes(bytes: Uint8Array): string {
  const characters = Array.from(bytes.subarray(0, SHOWN), (byte) => {
    if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`;
    if (byte >= 0x20 && byte < 0x7f) return String.fromCharCode(byte);
    return `\\x${byte.toString(16).padStart(2, "0")}`;
  });
  return `"${characters.join("")}"`;
}
