/** Thrown by {@linkcode splitWords}; the message says what is wrong and what is allowed. */
export class ShellWordsError extends Error {
  override readonly name = "ShellWordsError";
}

/** Characters that stand for themselves in a word without quotes. */
const PLAIN = /^[\w@%+=:,./-]+$/;

/** Blanks, one quoted piece or character, or what stands for itself. */
const TOKENS = /[ \t\n]+|'([^']*)'|"((?:[^"\\]|\\[^])*)"|\\([^])|[^ \t\n'"\\]+|[^]/g;

/**
 * The words of a text as a shell has them: they end at blanks, and single quotes, double quotes and a
 * backslash take the meaning of what they are around. Nothing is expanded, and nothing else has a
 * meaning.
 *
 * @throws {ShellWordsError} If a quote is not closed, or a backslash has nothing behind it.
 */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (const [token, single, double, escaped] of text.matchAll(TOKENS)) {
    if (/^[ \t\n]/.test(token)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    const piece = single ?? (double === undefined ? undefined : unescape(double)) ??
      (escaped === "\n" ? "" : escaped) ?? token;
    if (piece === token && /^['"\\]$/.test(token)) throw new ShellWordsError(unclosed(token));
    if (escaped === "\n" && word === undefined) continue;
    word = (word ?? "") + piece;
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** The words as one text that is read as them again; the same text for the same words. */
export function joinWords(words: readonly string[]): string {
  return words.map((word) => PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)
    .join(" ");
}

/** Between double quotes a backslash is for a few characters only. */
function unescape(text: string): string {
  return text.replace(/\\([$`"\\\n])/g, (_, char: string) => char === "\n" ? "" : char);
}

function unclosed(token: string): string {
  return token === "\\"
    ? "ends in a backslash, which has nothing to stand before; must have \\\\ for a backslash"
    : `has a quote ${token} that is not closed; must have two of them, or \\${token}`;
}
