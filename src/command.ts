import { parseArgs } from "@std/cli/parse-args";
import { closestString } from "@std/text/closest-string";
import { type ListenerTexts, type ProgramConfig, readListener } from "./config.ts";
import { UsageError } from "./errors.ts";
import { flagOf, type OptionName, optionNames, readOption } from "./options.ts";
import { assertDivisible } from "./thread_config.ts";

/** What the command line asks for. */
export type Command =
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  /** `texts` has no addresses: the demo knows its own. */
  | { readonly kind: "demo"; readonly texts: Omit<ListenerTexts, "listen" | "destinations"> }
  | {
    readonly kind: "serve";
    readonly config: ProgramConfig;
    /**
     * The configuration anew, for a reload.
     *
     * @throws {UsageError} If it is not allowed any more.
     */
    load(): ProgramConfig;
  };

const SWITCHES = ["demo", "help", "version"];
const SHORT: Readonly<Record<string, string>> = { "-h": "help", "-V": "version" };

/**
 * Reads the arguments of the program.
 *
 * @throws {UsageError} If they are not allowed.
 */
export function parseCommand(args: readonly string[]): Command {
  const flags = optionNames().map((name) => flagOf(name).slice(2));
  // The parser would take it for its own name of the addresses.
  const reserved = options(args).find((arg) => /^--_(?:=|$)/.test(arg));
  if (reserved) throw unknownOption(reserved);
  const joined = joinValues(args, flags);
  const parsed = parseArgs(joined, {
    string: [...flags, "_"],
    boolean: SWITCHES,
    collect: flags,
    unknown: rejectUnknown,
  });
  if (parsed.help) return { kind: "help" };
  if (parsed.version) return { kind: "version" };
  const given: Partial<Record<OptionName, string>> = {};
  for (const name of optionNames()) {
    const values = parsed[flagOf(name).slice(2)] as string[];
    for (const value of values) readOption(name, value);
    if (name !== "allow" && name !== "deny" && values.length > 0) given[name] = values.at(-1)!;
  }
  const rules = readRules(joined);
  if (!parsed.demo) {
    const load = () => readProgram(parsed._, { options: given, rules });
    return { kind: "serve", config: load(), load };
  }
  if (parsed._.length > 0) {
    throw new UsageError(`${JSON.stringify(parsed._[0])}: --demo takes no addresses`);
  }
  if (given.threads !== undefined && given.threads !== "1") {
    throw new UsageError(`--threads "${given.threads}": --demo runs in one thread; must be 1`);
  }
  return { kind: "demo", texts: { options: given, rules } };

  function rejectUnknown(arg: string, key?: string): boolean {
    if (key === undefined) return true;
    throw unknownOption(arg);
  }

  function unknownOption(arg: string): UsageError {
    const name = arg.replace(/=.*$/s, "");
    const nearest = closestString(name, [...flags, ...SWITCHES].map((flag) => `--${flag}`));
    return new UsageError(`${JSON.stringify(name)}: no such option; the nearest is ${nearest}`);
  }
}

/** The configuration that the command line alone makes. */
function readProgram(
  addresses: readonly string[],
  rest: Omit<ListenerTexts, "listen" | "destinations">,
): ProgramConfig {
  const [listen, ...destinations] = addresses;
  if (listen === undefined) {
    throw new UsageError(
      "LISTEN is missing: give the address to listen on, then one or more destinations, " +
        "such as: iawlb 8080 9001 9002",
    );
  }
  const config = readListener({ listen, destinations, ...rest });
  assertDivisible(config);
  return { settings: config, listeners: [config] };
}

/** All `--allow` and `--deny`, in their common order. */
function readRules(joined: readonly string[]): ListenerTexts["rules"] {
  return options(joined).flatMap((arg) => {
    const [, verdict, networks] = /^--(allow|deny)=(.*)$/s.exec(arg) ?? [];
    return verdict === "allow" || verdict === "deny" ? [{ verdict, networks: networks! }] : [];
  });
}

/** The arguments before `--`. */
function options(args: readonly string[]): readonly string[] {
  const end = args.indexOf("--");
  return end === -1 ? args : args.slice(0, end);
}

/**
 * Joins every option to its value (`--queue -5` to `--queue=-5`) and gives every switch one, so
 * that the parser takes neither a value for an option nor an address for a value.
 */
function joinValues(args: readonly string[], flags: readonly string[]): string[] {
  const before = options(args);
  const joined: string[] = [];
  for (let i = 0; i < before.length; i++) {
    const arg = before[i]!;
    const name = SHORT[arg] ?? arg.replace(/^--/, "");
    const [stem = ""] = name.split("=", 1);
    if (SWITCHES.includes(stem) && arg.startsWith("-")) {
      if (name !== stem) {
        throw new UsageError(`${JSON.stringify(arg)}: --${stem} takes no value`);
      }
      joined.push(`--${stem}=true`);
    } else if (arg.startsWith("--") && flags.includes(name)) {
      const hasValue = i + 1 < before.length && !/^-[^\d]/.test(before[i + 1]!);
      joined.push(`${arg}=${hasValue ? before[++i] : ""}`);
    } else {
      joined.push(arg);
    }
  }
  return [...joined, ...args.slice(before.length)];
}
