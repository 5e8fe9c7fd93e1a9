import { calledAs } from "../base/called_as.ts";
import { FatalError, fileProblem, messageOf, UsageError } from "../base/errors.ts";
import { complain, print } from "../base/output.ts";
import { ShellWordsError, splitWords } from "../base/shell_words.ts";
import { plural, quote, wrap } from "../base/text.ts";
import { optionNames } from "../config/options.ts";
import { shortAdmin, starterFile } from "../config/starter_file.ts";
import { parseAddress } from "../net/address.ts";
import { type Arguments, readArguments } from "./arguments.ts";
import { type Loaded, readAddresses } from "./command.ts";
import { flagHelp } from "./option_help.ts";
import { questions } from "./questions.ts";

/** What the file is called, unless somebody says otherwise. */
const FILE = "iawlb.toml";

/** What stands for standard output. */
const OUTPUT = "-";

/** The port of the page, or the next one that is none of the addresses that were given. */
const PAGE_PORT = 9090;

/** What a configuration is made of. */
type Given = Pick<Arguments, "addresses" | "options" | "rules">;

/** Sorts the arguments of `iawlb init`, without the name of the command. */
export function readInitArguments(args: readonly string[]): Arguments {
  return readArguments(args, { options: optionNames(), own: ["file"], switches: ["help"] });
}

/**
 * `iawlb init`: writes a configuration to begin with.
 *
 * @throws {UsageError} If what was given is not allowed.
 * @throws {FatalError} If the file cannot be written.
 */
export async function runInit(args: readonly string[]): Promise<number> {
  const { own: { file = FILE }, switches, ...given } = readInitArguments(args);
  if (switches.has("help")) {
    print(initHelp());
    return 0;
  }
  if (file !== OUTPUT) assertNew(file);
  const loaded = await readAddresses(
    withPage(given.addresses.length > 0 ? given : await ask(given)),
  );
  for (const warning of loaded.config.warnings ?? []) complain(`iawlb: warning: ${warning}`);
  const text = starterFile(loaded.source, file === OUTPUT ? "FILE" : file);
  if (file === OUTPUT) print(text.trimEnd());
  else write(text, { file, loaded });
  return 0;
}

/** The answers of whoever is at the terminal. */
async function ask(given: Given): Promise<Given> {
  if (!Deno.stdin.isTerminal()) {
    throw new UsageError(
      "LISTEN is missing, and there is no terminal to ask at: give the addresses, such as: " +
        "iawlb init 8080 9001 9002",
    );
  }
  print("iawlb init writes a configuration. Enter takes what is in brackets.\n");
  const next = questions();
  const check = (addresses: readonly string[], options = given.options) => {
    return problemOf(withPage({ ...given, addresses, options }));
  };
  const listen = await next("Where do clients connect? A port, HOST:PORT or unix:/path", {
    usual: "8080",
    // Any destination will do, as long as it is none of the listener.
    problem: (text) => check([text, "unix:/run/iawlb-init.sock"]),
  });
  const servers = await next(
    "Where are your servers? With blanks in between, as 9001 10.0.0.8:9001",
    { problem: (text) => check([listen, ...wordsOf(text)]) },
  );
  const addresses = [listen, ...wordsOf(servers)];
  if (given.options.workers) return { ...given, addresses };
  const workers = (text: string) => ({ ...given.options, workers: { text } });
  const number = await next(
    "How many clients does each server take at a time? Others wait; auto finds it out",
    { usual: "256", problem: (text) => check(addresses, workers(text)) },
  );
  return { ...given, addresses, options: workers(number) };
}

/**
 * Addresses as people write lists: a comma at the end of one is none of its own.
 *
 * @throws {UsageError} If a quote is not closed.
 */
function wordsOf(text: string): string[] {
  try {
    return splitWords(text).map((word) => word.replace(/,$/, ""));
  } catch (error) {
    if (error instanceof ShellWordsError) throw new UsageError(messageOf(error));
    throw error;
  }
}

/** What is wrong with a configuration, in a line. */
async function problemOf(given: Given): Promise<string | undefined> {
  try {
    await readAddresses({ ...given, config: undefined });
  } catch (error) {
    if (error instanceof UsageError) return error.message.split("\n", 1)[0]!;
    throw error;
  }
}

/** With a page for this machine, unless something was said about it. */
function withPage(given: Given): Given & Pick<Arguments, "config"> {
  const taken = new Set(given.addresses.map(portOf));
  let port = PAGE_PORT;
  while (taken.has(port)) port++;
  const admin = { text: `127.0.0.1:${port}` };
  return { ...given, config: undefined, options: { admin, ...given.options } };
}

/** The port of an address of TCP; `undefined` if it has none, or is malformed, which is told elsewhere. */
function portOf(text: string): number | undefined {
  try {
    const [place = ""] = text.split(",", 1);
    const address = parseAddress(place, { minPort: 0, udp: true });
    return address.transport === "tcp" ? address.port : undefined;
  } catch {
    return undefined;
  }
}

/** @throws {UsageError} If there is something with this name. */
function assertNew(file: string): void {
  try {
    Deno.lstatSync(file);
  } catch {
    // That it cannot be written is told when it is.
    return;
  }
  throw new UsageError(
    `--file ${quote(file)}: is there already, and stays as it is; must be another, or - to print ` +
      "the configuration",
  );
}

function write(text: string, { file, loaded }: { file: string; loaded: Loaded }): void {
  let created = false;
  try {
    using opened = Deno.openSync(file, { write: true, createNew: true });
    created = true;
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += opened.writeSync(bytes.subarray(at));
  } catch (error) {
    // A part of it would be in the way of the next attempt.
    if (created) Deno.removeSync(file);
    const why = error instanceof Deno.errors.NotFound
      ? "there is no such folder"
      : fileProblem(error);
    throw new FatalError(`Cannot write ${quote(file)}: ${why}`, { cause: error });
  }
  const { config: { settings, listeners: [listener] }, source, notes } = loaded;
  const admin = shortAdmin(source.options.admin!.text);
  const page = /^\d+$/.test(admin) ? `http://localhost:${admin}/ or ` : "";
  const iawlb = calledAs();
  const steps = [
    `${file} is written: clients at ${source.listeners[0]!.listen!.text}, ` +
    plural(listener!.configured.length, "destination"),
    ...notes,
    "",
    `  start it   ${iawlb} --config ${file}`,
    ...settings.admin ? [`  see it     ${page}${iawlb} top ${admin}`] : [],
    `  change it  edit ${file}, then ${
      settings.admin ? `${iawlb} ctl ${admin} reload` : "send it SIGHUP"
    }; nobody is cut`,
  ];
  print(steps.join("\n"));
}

/** The text of `iawlb init --help`. */
export function initHelp(): string {
  return `iawlb init: writes a configuration to begin with

Usage: iawlb init [--file FILE] [OPTIONS] [LISTEN DESTINATION [DESTINATION ...]]

${
    wrap(
      "Writes FILE, with comments: the addresses and options that are given, and the options that " +
        "are asked for first, with their defaults. LISTEN, DESTINATION and OPTIONS are those of " +
        "iawlb itself, see iawlb --help. Without addresses it asks three questions: where clients " +
        "connect, where the servers are, and how many clients each of them takes at a time. The page " +
        "is at 127.0.0.1:9090, or the next port that none of the addresses has, unless --admin says " +
        "otherwise.",
      0,
    )
  }

${
    flagHelp(
      `--file FILE  (${FILE})`,
      "where it is written; it must not be there already; - is standard output",
    )
  }
${flagHelp("-h, --help", "shows this")}

Exit status: 0 written; 1 cannot be written; 2 bad usage.`;
}
