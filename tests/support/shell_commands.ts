/** Words that begin or end a part of a command in a shell, and are none themselves. */
const KEYWORDS = new Set([
  "until",
  "while",
  "if",
  "then",
  "else",
  "do",
  "done",
  "fi",
  "!",
  "{",
  "}",
]);

/**
 * The simple commands of a shell script, each in its words, without assignments before it,
 * redirections and comments. It knows as much of the shell as documentation needs.
 */
export function shellCommands(text: string): string[][] {
  // What stands in a file that the script writes are no commands of its own.
  const script = text.replace(/(<<'(\w+)')\n[^]*?\n\2(?=\n)/g, "$1");
  const commands: string[][] = [];
  let words: string[] = [];
  let word: string | undefined;
  const endWord = () => {
    if (word === undefined) return;
    words.push(word);
    word = undefined;
  };
  const endCommand = () => {
    endWord();
    while (words.length > 0 && (KEYWORDS.has(words[0]!) || /^\w+=/.test(words[0]!))) words.shift();
    words = words.filter((one, i) => !/^\d*[<>]/.test(one) && !/^\d*>$/.test(words[i - 1] ?? ""));
    if (words.length > 0 && words[0] !== "for") commands.push(words);
    words = [];
  };
  for (let i = 0; i < script.length; i++) {
    const rest = script.slice(i);
    const quoted = /^'([^']*)'|^"((?:[^"\\]|\\[^])*)"/.exec(rest);
    const separator = /^(?:&&|\|\||\d*>&\d|[;|&\n()])/.exec(rest);
    if (quoted) {
      word = (word ?? "") + (quoted[1] ?? quoted[2]);
      i += quoted[0].length - 1;
    } else if (rest.startsWith("\\\n")) i++;
    else if (/^\\[^]/.test(rest)) {
      word = (word ?? "") + rest[1];
      i++;
    } else if (word === undefined && rest.startsWith("#")) {
      i += rest.search(/\n|$/) - 1;
    } else if (separator && !/^\d*>/.test(separator[0])) {
      endCommand();
      i += separator[0].length - 1;
    } else if (/^\s/.test(rest)) endWord();
    else word = (word ?? "") + rest[0];
  }
  endCommand();
  return commands;
}
