/** Bytes in a line. */
const WIDTH = 16;

/** Characters that a line of text has at most. */
const LONGEST_LINE = 1000;

/** Bytes as lines of hexadecimal digits and characters, with how many came before each. */
export function hexLines(bytes: Uint8Array, offset: number): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += WIDTH) {
    const row = [...bytes.subarray(at, at + WIDTH)];
    const digits = row.map((byte) => byte.toString(16).padStart(2, "0"));
    const halves = [digits.slice(0, WIDTH / 2), digits.slice(WIDTH / 2)].map((half) =>
      half.join(" ")
    );
    const characters = row.map((byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "."
    );
    const place = (offset + at).toString(16).padStart(8, "0");
    lines.push(`${place}  ${halves.join("  ").padEnd(3 * WIDTH)}  |${characters.join("")}|`);
  }
  return lines;
}

/** Bytes as lines of text; what is none is shown as `\x1b`. */
export function textLines(bytes: Uint8Array): string[] {
  const text = decoded(bytes).replace(/\r?\n$/, "");
  return text.split(/\r?\n/).flatMap((line) => {
    const shown = line.replace(/\p{C}|[\u2028\u2029]/gu, escaped);
    return shown.match(new RegExp(`.{1,${LONGEST_LINE}}`, "gu")) ?? [""];
  });
}

/** As UTF-8 if that is what it is, and otherwise each byte for itself. */
function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return Array.from(bytes, (byte) => {
      return byte < 0x80 ? String.fromCharCode(byte) : escaped(String.fromCharCode(byte));
    }).join("");
  }
}

function escaped(character: string): string {
  const codes = [...new TextEncoder().encode(character)];
  const bytes = character.length === 1 && character.charCodeAt(0) < 0x100
    ? [character.charCodeAt(0)]
    : codes;
  return bytes.map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}
