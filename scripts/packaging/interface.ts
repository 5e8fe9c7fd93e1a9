/** A flag as a help text shows it. */
export interface Flag {
  /** With its dashes: `--queue`. */
  readonly name: string;
  /** The same in short: `-h`. */
  readonly short?: string | undefined;
  /** What stands for its value; without it there is none. */
  readonly form?: string | undefined;
  readonly default?: string | undefined;
  readonly help: string;
  /** The title below which it stands, if it stands below one. */
  readonly group?: string | undefined;
}

/** A word with its meaning, such as a command of `iawlb ctl`. */
export interface Term {
  readonly name: string;
  /** What follows the word. */
  readonly form: string;
  readonly help: string;
}

/** A paragraph, or what introduces a list of terms and the list. */
export interface Paragraph {
  readonly text: string;
  readonly terms: readonly Term[];
}

/** What one help text says: the program's, or that of one of its commands. */
export interface Help {
  /** What it is, in half a sentence. */
  readonly title: string;
  readonly usage: readonly string[];
  /** What is between the usage and the options. */
  readonly description: readonly Paragraph[];
  readonly flags: readonly Flag[];
  /** What follows "Signals:" and "Exit status:", if there is anything. */
  readonly signals: string | undefined;
  readonly exitStatus: string | undefined;
}

/** Everything that the program can be told on the command line. */
export interface Interface {
  readonly program: Help;
  /** `ctl` and the like by name. */
  readonly commands: Readonly<Record<string, Help>>;
}

/** Words of which the program may have a help text of its own. */
const COMMAND_NAMES = ["init", "serve", "inetd", "send", "top", "ctl"];

/**
 * Asks the program for its help texts and takes them apart, so that the manual and the completions
 * have everything that the program has.
 *
 * @param run Runs the program with these arguments and returns its standard output.
 */
export async function readInterface(
  run: (args: readonly string[]) => Promise<string>,
): Promise<Interface> {
  const commands: Record<string, Help> = {};
  for (const name of COMMAND_NAMES) {
    const text = await run([name, "--help"]).catch(() => "");
    // A program that has no such command takes the word for an address and shows its own help.
    if (text.startsWith(`iawlb ${name}`)) commands[name] = parseHelp(text);
  }
  return { program: parseHelp(await run(["--help"])), commands };
}

/** Takes a help text apart. */
export function parseHelp(text: string): Help {
  const blocks = text.trimEnd().split(/\n{2,}/).map((block) => block.split("\n"));
  const [head, ...rest] = blocks;
  const labelled = (label: string) => {
    const block = rest.find(([first]) => first!.startsWith(`${label}:`));
    return block && joined(block).slice(label.length + 1).trim();
  };
  const description = rest.filter(([first, ...lines]) => {
    const isOther = /^(Usage|Signals|Exit status|Options)\b/.test(first!);
    return !isOther && !lines.some((line) => FLAG.test(line));
  });
  return {
    title: joined(head!).replace(/^[^:]*: /, ""),
    usage: readUsage(rest),
    description: description.map(readParagraph),
    flags: rest.flatMap(readFlags),
    signals: labelled("Signals"),
    exitStatus: labelled("Exit status"),
  };
}

/** `  -h, --help`, `  --queue N  (1024)` or `  --json   what it does`. */
const FLAG = /^ {2}(?:(-\w), )?(--[\w-]+)(?: (\S+))?(?: {2,}(.*))?$/;

/** `  workers=N   what it does`, or the word alone above its indented meaning. */
const TERM = /^ {2}(\w\S*)((?: \S+)*)(?: {2,}(.*))?$/;

function readUsage(blocks: readonly string[][]): string[] {
  const block = blocks.find(([first]) => first!.startsWith("Usage:")) ?? [];
  // A usage may be followed by what it does.
  return block.map((line) => line.replace(/^Usage:/, "").trim().replace(/ {2,}.*/, ""))
    .filter((line) => line !== "");
}

function readFlags(block: readonly string[]): Flag[] {
  const [, group] = /^(?!Options)(\S.*):$/.exec(block[0]!) ?? [];
  return withMeanings(block, FLAG).map(({ match, meaning }) => {
    const [, short, name = "", form, rest = ""] = match;
    const [, preset] = /^\((.*)\)$/.exec(rest) ?? [];
    const help = preset === undefined ? `${rest} ${meaning}`.trim() : meaning;
    return { name, short, form, default: preset, help, ...(group && { group }) };
  });
}

function readParagraph(block: readonly string[]): Paragraph {
  const first = block.findIndex((line) => TERM.test(line));
  const terms = withMeanings(block, TERM).map(({ match, meaning }) => {
    const [, name = "", form = "", rest = ""] = match;
    return { name, form: form.trim(), help: `${rest} ${meaning}`.trim() };
  });
  return { text: joined(first === -1 ? block : block.slice(0, first)), terms };
}

/** The lines that match, each with the further indented lines below it. */
function withMeanings(
  block: readonly string[],
  pattern: RegExp,
): { match: RegExpExecArray; meaning: string }[] {
  const found: { match: RegExpExecArray; meaning: string }[] = [];
  for (const line of block) {
    const match = pattern.exec(line);
    const last = found.at(-1);
    if (match) found.push({ match, meaning: "" });
    else if (last && /^ {3,}/.test(line)) last.meaning = `${last.meaning} ${line.trim()}`.trim();
  }
  return found;
}

function joined(lines: readonly string[]): string {
  return lines.map((line) => line.trim()).join(" ");
}

/** The words that are allowed as a value, as far as the form names them. */
export function choicesOf({ form = "" }: Flag): string[] {
  return form.split("|").filter((part) => /^[a-z][a-z0-9-]*$/.test(part));
}

/** Whether the value is, or may be, the path of a file. */
export function takesFile({ form = "" }: Flag): boolean {
  return form.split("|").includes("FILE");
}
