/** A text in which whatever does more to a terminal than to be read is escaped. */
export function escaped(text: string): string {
  return text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069\u2028\u2029]/gu, (letter) => {
    return letter === "\t" ? " " : `\\x${letter.codePointAt(0)!.toString(16).padStart(2, "0")}`;
  });
}
