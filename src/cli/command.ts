import { type Arguments, PROGRAM_FLAGS, readArguments, type Reading } from "./arguments.ts";
import type { Config, ListenerTexts, ProgramConfig } from "../config/config.ts";
import { withDaemonDefaults } from "../config/daemon_rules.ts";
import type { ParsedConfig } from "../config/parse.ts";
import type { ConfigProblems } from "../config/problems.ts";
import { optionTexts, type ProgramSource } from "../config/source.ts";
import { UsageError } from "../base/errors.ts";
import { flagOf, type OptionName, readSettings } from "../config/options.ts";
import { DAEMON_ROWS } from "../config/options/daemon.ts";
import { readProgram } from "../config/program_config.ts";
import { plural, quote } from "../base/text.ts";
import { mergeRepeats } from "../config/repeats.ts";
import { inTurns } from "../async/chunks.ts";
import type { ServiceAddress } from "../config/service_address.ts";

/** What the command line asks for. */
export type Command =
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  /** A text for standard output, without its last line break. */
  | {
    readonly kind: "print";
    readonly text: string;
    /** Lines for standard error. */
    readonly warnings?: readonly string[];
  }
  /** The one client that standard input and output are. */
  | {
    readonly kind: "one-client";
    readonly config: Config;
    /** Whether it waits for a destination to come back when none can be connected. */
    readonly waits: boolean;
  }
  /** A process of a service of this program, which standard input and output are for. */
  | { readonly kind: "process"; readonly service: ServiceAddress }
  /** `texts` has no addresses: the demo knows its own. */
  | {
    readonly kind: "demo";
    readonly texts: Omit<ListenerTexts, "listen" | "destinations">;
    /** Whether it stops at each step. */
    readonly tour: boolean;
  }
  | {
    readonly kind: "serve";
    readonly config: ProgramConfig;
    /** What the log says about it at the start, a line each. */
    readonly notes: readonly string[];
    /**
     * The configuration anew, with the file as it is now, for a reload.
     *
     * @throws {UsageError} If it is not allowed any more, with a line for each problem.
     */
    load(): Promise<ProgramConfig>;
  };

/** A configuration, and what it was read from. */
export interface Loaded {
  readonly config: ProgramConfig;
  readonly notes: readonly string[];
  readonly source: ProgramSource;
}

/**
 * Reads the arguments of the program, and the configuration file if they name one.
 *
 * @throws {UsageError} If they are not allowed, with a line for each problem of the file.
 */
export async function parseCommand(
  args: readonly string[],
  reading: Reading = {},
): Promise<Command> {
  const given = readArguments(args, { ...PROGRAM_FLAGS, ...reading });
  const { switches } = given;
  if (switches.has("help")) return { kind: "help" };
  if (switches.has("version")) return { kind: "version" };
  if (switches.has("demo")) return demo(given);
  if (switches.has("tour")) throw new UsageError("--tour: is one of --demo; give that, too");
  if (switches.has("inetd")) return await oneClient(given);
  return await commandOf(await loader(given, reading), switches);
}

/** One client, for which everything is read once. */
async function oneClient(given: Omit<Arguments, "own">): Promise<Command> {
  const { checkOneClient, oneClientSource } = await import("./one_client.ts");
  const { listeners: [config] } = await inTurns(readProgram(oneClientSource(given)));
  checkOneClient(config!);
  return {
    kind: "one-client",
    config: config!,
    waits: given.options.queueTimeout !== undefined,
  };
}

/** What is to be done about a configuration that such a function reads. */
async function commandOf(
  load: () => Promise<Loaded>,
  switches: Arguments["switches"],
): Promise<Command> {
  const loaded = await load();
  if (switches.has("print-config")) {
    const { printConfig } = await import("../config/print.ts");
    return { kind: "print", text: printConfig(loaded.source) };
  }
  const { config, notes } = loaded;
  if (switches.has("check-config")) {
    const { warnings = [] } = config;
    return { kind: "print", text: summary(loaded), ...warnings.length > 0 && { warnings } };
  }
  return { kind: "serve", config, notes, load: async () => (await load()).config };
}

/**
 * Reads the arguments of `iawlb serve`: a listener in front of a service of its own.
 *
 * @param args Without the name of the command.
 * @throws {UsageError} If they are not allowed.
 */
export async function parseServe(
  args: readonly string[],
  reading: Reading = {},
): Promise<Command> {
  const { readServeArguments, serveHelp, serveSource, serviceOfProcess, standardClient } =
    await import("./serve.ts");
  const given = readServeArguments(args, reading);
  if (given.switches.has("help")) return { kind: "print", text: serveHelp() };
  const service = serviceOfProcess(given);
  if (service) return { kind: "process", service };
  const client = standardClient(given);
  if (client) return await oneClient(client);
  const source = serveSource(given);
  return await commandOf(() => readWhole({ source, notes: [] }), given.switches);
}

/**
 * Reads the arguments of `iawlb inetd`, and the file that they name.
 *
 * @param args Without the name of the command.
 * @throws {UsageError} If they are not allowed, with a line for each problem of the file.
 */
export async function parseInetd(
  args: readonly string[],
  reading: Reading = {},
): Promise<Command> {
  const { inetdHelp, readInetdArguments } = await import("./inetd.ts");
  const { folder } = reading;
  const { file, options, rules, switches } = readInetdArguments(args, reading);
  if (switches.has("help")) return { kind: "print", text: inetdHelp() };
  const { inetdReader } = await import("../config/inetd/file.ts");
  return await commandOf(loaderOf(inetdReader(file, { options, rules, folder })), switches);
}

/** What reads the configuration of the program with such a function. */
function loaderOf(read: () => Promise<ParsedConfig>): () => Promise<Loaded> {
  return async () => {
    const { source, problems, warnings = [] } = await read();
    const { config, ...rest } = await readWhole({ source, notes: [] }, problems);
    return { ...rest, config: { ...config, warnings: [...warnings, ...config.warnings ?? []] } };
  };
}

function demo({ addresses, options, rules, config, switches }: Arguments): Command {
  const [address] = addresses;
  if (address !== undefined) {
    throw new UsageError(`${JSON.stringify(address)}: --demo takes no addresses`);
  }
  if (config !== undefined) {
    throw new UsageError(`--config ${JSON.stringify(config)}: --demo takes no configuration file`);
  }
  for (const name of ["check-config", "print-config"] as const) {
    if (switches.has(name)) {
      throw new UsageError(`--${name}: --demo has a configuration of its own`);
    }
  }
  for (const name of Object.keys(DAEMON_ROWS) as OptionName[]) {
    if (!options[name]) continue;
    throw new UsageError(`${flagOf(name)}: --demo is to be looked at; must be without`);
  }
  const { threads } = optionTexts(options);
  if (threads !== undefined && threads !== "1") {
    throw new UsageError(`--threads "${threads}": --demo runs in one thread; must be 1`);
  }
  const networks = rules.map(({ verdict, text }) => ({ verdict, networks: text }));
  return {
    kind: "demo",
    texts: { options: optionTexts(options), rules: networks },
    tour: switches.has("tour"),
  };
}

/** A function that reads the configuration, and the file anew whenever it is called. */
async function loader(given: Arguments, { folder }: Reading): Promise<() => Promise<Loaded>> {
  const { addresses, config: name, options, rules } = given;
  if (name === undefined) {
    if (addresses[0] !== undefined) await (await import("./meant.ts")).assertNoWord(addresses[0]);
    const { source, notes } = addressSource(given);
    return () => readWhole({ source, notes });
  }
  if (name === "") {
    throw new UsageError('--config "": must be the path of a file, or - for standard input');
  }
  if (addresses.length > 0) {
    throw new UsageError(
      `${quote(addresses[0]!)}: --config takes no addresses; must be in the file`,
    );
  }
  const { configReader } = await import("../config/file.ts");
  return loaderOf(configReader(name, { options, rules, folder }));
}

/**
 * The configuration that addresses and flags alone make.
 *
 * @throws {UsageError} If they are not allowed.
 */
export function readAddresses(given: Omit<Arguments, "own" | "switches">): Promise<Loaded> {
  return readWhole(addressSource(given));
}

/** The configuration that was written, with what goes without saying. */
async function readWhole(
  { source: written, notes }: Omit<Loaded, "config">,
  problems?: ConfigProblems,
): Promise<Loaded> {
  const source = withDaemonDefaults(written);
  return { config: await inTurns(readProgram(source, problems)), source, notes };
}

/** The configuration that the command line alone makes, and what there is to say about it. */
function addressSource(
  { addresses, options, rules }: Omit<Arguments, "own" | "switches">,
): { source: ProgramSource; notes: readonly string[] } {
  const [listen, ...texts] = addresses;
  if (listen === undefined) {
    throw new UsageError(
      "LISTEN is missing: give the address to listen on, then one or more destinations, " +
        "such as: iawlb 8080 9001 9002; iawlb --demo shows it at work, iawlb --help tells the rest",
    );
  }
  const { destinations, notes } = mergeRepeats(texts, readSettings(optionTexts(options)));
  const listener = {
    listen: { text: listen },
    destinations: destinations.map((text) => ({ text })),
    options,
    rules,
  };
  return { source: { options, listeners: [listener] }, notes };
}

/** What a configuration comes to, in a line. */
function summary({ config: { listeners }, source: { file = "the command line" } }: Loaded): string {
  const number = listeners.reduce((sum, { configured }) => sum + configured.length, 0);
  return `${file} is fine: ${plural(listeners.length, "listener")}, ${
    plural(number, "destination")
  }`;
}
