/** A text that does to a terminal no more than to be read. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069\u2028\u2029]/gu, (letter) => {
    return letter === "\t" ? " " : `\\x${letter.codePointAt(0)!.toString(16).padStart(2, "0")}`;
  });
}
