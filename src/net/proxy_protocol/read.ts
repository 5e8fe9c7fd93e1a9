import { bad, MORE, type Reading, SIGNATURE } from "./header.ts";
import { PREFIX, readV1 } from "./read_v1.ts";
import { readV2 } from "./read_v2.ts";

/** Bytes that are shown of what is no header. */
const SHOWN = 12;

/**
 * Reads a PROXY header of version 1 or 2 at the beginning of what a connection has sent so far.
 *
 * It holds on to nothing: call it again with all that has come. It says as soon as it can that the
 * bytes are no header, at the first wrong one in most cases.
 *
 * @param bytes All that has come, the payload behind the header included.
 */
export function readHeader(bytes: Uint8Array): Reading {
  if (bytes.length === 0) return MORE;
  const [begin, read] = bytes[0] === PREFIX[0] ? [PREFIX, readV1] : [SIGNATURE, readV2];
  const common = Math.min(begin.length, bytes.length);
  for (let i = 0; i < common; i++) {
    if (bytes[i] !== begin[i]) return bad(`no PROXY header, it begins with ${shown(bytes)}`);
  }
  return bytes.length < begin.length ? MORE : read(bytes);
}

/** The first bytes, harmless in a log. */
function shown(bytes: Uint8Array): string {
  const characters = Array.from(bytes.subarray(0, SHOWN), (byte) => {
    if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`;
    if (byte >= 0x20 && byte < 0x7f) return String.fromCharCode(byte);
    return `\\x${byte.toString(16).padStart(2, "0")}`;
  });
  return `"${characters.join("")}"`;
}
