/** What a key asks of the live view. */
export type Key =
  | "quit"
  | "stop"
  | "sort"
  | "pause"
  | "up"
  | "down"
  | "page up"
  | "page down"
  | "top"
  | "end"
  | "switch"
  | "drain"
  | "ready"
  | "maint"
  | "kill"
  | "yes"
  | "no";

const SEQUENCES: readonly (readonly [string, Key])[] = [
  ["\x1b[A", "up"],
  ["\x1bOA", "up"],
  ["\x1b[B", "down"],
  ["\x1bOB", "down"],
  ["\x1b[5~", "page up"],
  ["\x1b[6~", "page down"],
  ["\x1b[H", "top"],
  ["\x1b[F", "end"],
  // The same keys as other terminals send them.
  ["\x1bOH", "top"],
  ["\x1bOF", "end"],
  ["\x1b[1~", "top"],
  ["\x1b[4~", "end"],
  ["\x1b[7~", "top"],
  ["\x1b[8~", "end"],
  ["k", "up"],
  ["j", "down"],
  ["q", "quit"],
  ["Q", "quit"],
  // Ctrl-C and Ctrl-Z: a terminal in raw mode makes no signals of them.
  ["\x03", "quit"],
  ["\x1a", "stop"],
  ["s", "sort"],
  [" ", "pause"],
  ["\t", "switch"],
  ["d", "drain"],
  ["r", "ready"],
  ["m", "maint"],
  ["x", "kill"],
  ["y", "yes"],
  ["n", "no"],
];

/** The keys in what a terminal sent; unknown ones are left out. */
export function readKeys(input: string): Key[] {
  const keys: Key[] = [];
  for (let rest = input; rest !== "";) {
    // Escape alone: with more behind it, it begins a key.
    if (rest === "\x1b") return [...keys, "no"];
    const known = SEQUENCES.find(([sequence]) => rest.startsWith(sequence));
    if (known) keys.push(known[1]);
    rest = rest.slice(known ? known[0].length : unknownLength(rest));
  }
  return keys;
}

/** The length of the unknown key at the beginning: the letters of a sequence are no keys. */
function unknownLength(text: string): number {
  if (!text.startsWith("\x1b[")) return text.startsWith("\x1bO") ? 3 : 1;
  let end = 2;
  while (end < text.length && !/[@-~]/.test(text[end]!)) end++;
  return end + 1;
}
