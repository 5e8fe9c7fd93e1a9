import { UsageError } from "../base/errors.ts";

/**
 * What a document may have. All of it is far beyond what any configuration needs, and little enough
 * for the parser, whose time grows with some of it faster than with the length.
 */
const MAX_DEPTH = 16;
const MAX_KEY_PARTS = 16;
const MAX_TEXT = 16 * 1024;
const MAX_WORD = 256;
const MAX_LINES = 100_000;
const MAX_VALUES = 100_000;

/** What {@linkcode measureToml} counts: the parser's time depends on it more than on the length. */
export interface TomlSize {
  /** Keys with all their parts, headers, and elements of lists. */
  tokens: number;
}

/**
 * Looks through a TOML document once, for what would take the parser too long or break it. What is
 * no TOML is left to the parser.
 *
 * @param file What the file is called in messages.
 * @throws {UsageError} If there is too much of something; the message names the line.
 */
export function measureToml(source: string, file: string): TomlSize {
  let line = 1;
  let depth = 0;
  let values = 0;
  let dots = 0;
  /** Parts of the key so far, a number with a point included. */
  let parts = 1;
  /** Where the word or number began, if there is one. */
  let word = -1;
  const refuse = (problem: string, limit: number): never => {
    throw new UsageError(`${file}:${line}: ${problem}; must be at most ${limit}`);
  };
  for (let i = 0; i < source.length;) {
    const char = source[i]!;
    const isWord = char > " " && !"\"'#=,.[]{}".includes(char);
    if (isWord) {
      if (word === -1) word = i;
      if (i - word >= MAX_WORD) refuse(`has a word of more than ${MAX_WORD} characters`, MAX_WORD);
      i++;
      continue;
    }
    word = -1;
    switch (char) {
      case "\n":
        if (++line > MAX_LINES) refuse("is one line too many", MAX_LINES);
        parts = 1;
        break;
      case "#":
        i = endOfLine(source, i);
        continue;
      case '"':
      case "'": {
        const { end, breaks } = endOfText(source, i);
        if (end - i > MAX_TEXT) refuse(`a text has ${end - i} characters`, MAX_TEXT);
        line += breaks;
        i = end;
        continue;
      }
      case ".":
        dots++;
        if (++parts > MAX_KEY_PARTS) refuse("a key has too many parts", MAX_KEY_PARTS);
        break;
      case "[":
      case "{":
        parts = 1;
        values++;
        if (++depth > MAX_DEPTH) refuse("brackets are nested too deeply", MAX_DEPTH);
        break;
      case "]":
      case "}":
        depth = Math.max(0, depth - 1);
        break;
      case "=":
      case ",":
        parts = 1;
        values++;
    }
    if (values > MAX_VALUES) refuse("has more keys and values than are allowed", MAX_VALUES);
    i++;
  }
  return { tokens: values + dots };
}

function endOfLine(source: string, from: number): number {
  const end = source.indexOf("\n", from);
  return end === -1 ? source.length : end;
}

/** Where a text ends that begins here, or the line that should have had its end; and its lines. */
function endOfText(source: string, from: number): { end: number; breaks: number } {
  const quote = source[from]!;
  const escapes = quote === '"';
  const long = source.startsWith(quote.repeat(3), from);
  let breaks = 0;
  let i = from + (long ? 3 : 1);
  for (; i < source.length; i++) {
    const char = source[i]!;
    if (char === "\n" && !long) return { end: i, breaks };
    if (char === "\n") breaks++;
    else if (char === "\\" && escapes && source[i + 1] !== "\n") i++;
    else if (char === quote && !long) return { end: i + 1, breaks };
    else if (char === quote && source.startsWith(quote.repeat(3), i)) {
      i += 3;
      // Up to two quotes before the closing ones belong to the text.
      while (source[i] === quote) i++;
      return { end: i, breaks };
    }
  }
  return { end: source.length, breaks };
}
