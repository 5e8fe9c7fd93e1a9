import { type Arguments, readArguments } from "./arguments.ts";
import type { ListenerTexts, ProgramConfig } from "../config/config.ts";
import { optionTexts, type ProgramSource } from "../config/source.ts";
import { UsageError } from "../base/errors.ts";
import { readSettings } from "../config/options.ts";
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
  /** A service for the one client that standard input and output are. */
  | { readonly kind: "converse"; readonly service: ServiceAddress }
  /** `texts` has no addresses: the demo knows its own. */
  | { readonly kind: "demo"; readonly texts: Omit<ListenerTexts, "listen" | "destinations"> }
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
interface Loaded {
  readonly config: ProgramConfig;
  readonly notes: readonly string[];
  readonly source: ProgramSource;
}

/**
 * Reads the arguments of the program, and the configuration file if they name one.
 *
 * @throws {UsageError} If they are not allowed, with a line for each problem of the file.
 */
export async function parseCommand(args: readonly string[]): Promise<Command> {
  const given = readArguments(args);
  const { switches } = given;
  if (switches.has("help")) return { kind: "help" };
  if (switches.has("version")) return { kind: "version" };
  if (switches.has("demo")) return demo(given);
  return await commandOf(await loader(given), switches);
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
export async function parseServe(args: readonly string[]): Promise<Command> {
  const { readServeArguments, serveHelp, serveSource, standardService } = await import(
    "./serve.ts"
  );
  const given = readServeArguments(args);
  if (given.switches.has("help")) return { kind: "print", text: serveHelp() };
  const service = standardService(given);
  if (service) return { kind: "converse", service };
  const source = serveSource(given);
  return await commandOf(
    async () => ({ config: await inTurns(readProgram(source)), source, notes: [] }),
    given.switches,
  );
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
  const { threads } = optionTexts(options);
  if (threads !== undefined && threads !== "1") {
    throw new UsageError(`--threads "${threads}": --demo runs in one thread; must be 1`);
  }
  const networks = rules.map(({ verdict, text }) => ({ verdict, networks: text }));
  return { kind: "demo", texts: { options: optionTexts(options), rules: networks } };
}

/** A function that reads the configuration, and the file anew whenever it is called. */
async function loader(given: Arguments): Promise<() => Promise<Loaded>> {
  const { addresses, config: name, options, rules } = given;
  if (name === undefined) {
    const { source, notes } = addressSource(given);
    return async () => ({ config: await inTurns(readProgram(source)), source, notes });
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
  const read = configReader(name, { options, rules });
  return async () => {
    const { source, problems } = await read();
    return { config: await inTurns(readProgram(source, problems)), source, notes: [] };
  };
}

/** The configuration that the command line alone makes, and what there is to say about it. */
function addressSource(
  { addresses, options, rules }: Arguments,
): { source: ProgramSource; notes: readonly string[] } {
  const [listen, ...texts] = addresses;
  if (listen === undefined) {
    throw new UsageError(
      "LISTEN is missing: give the address to listen on, then one or more destinations, " +
        "such as: iawlb 8080 9001 9002",
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
