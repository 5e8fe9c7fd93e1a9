import { parseArgs } from "@std/cli/parse-args";
import { closestString } from "@std/text/closest-string";
import project from "../deno.json" with { type: "json" };
import type { AccessRule, Verdict } from "./access_rules.ts";
import { type Config, readConfig } from "./config.ts";
import {
  flagOf,
  type OptionName,
  optionNames,
  readOption,
  readSettings,
  type Settings,
} from "./options.ts";
import { runDemo } from "./demo.ts";
import { FatalError, UsageError } from "./errors.ts";
import { guard } from "./guard.ts";
import { helpText } from "./help.ts";
import { type Logs, openLogs } from "./log.ts";
import { Server } from "./server.ts";
import { serveUntilSignalled } from "./signals.ts";

/** What the command line asks for. */
export type Command =
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | { readonly kind: "demo"; readonly settings: Settings }
  | { readonly kind: "serve"; readonly config: Config };

const SWITCHES = ["demo", "help", "version"];

/**
 * Reads the arguments of the program.
 *
 * @throws {UsageError} If they are not allowed.
 */
export function parseCommand(args: readonly string[]): Command {
  const flags = optionNames().map((name) => flagOf(name).slice(2));
  const parsed = parseArgs(attachNegatives(args, flags), {
    string: [...flags, "_"],
    boolean: SWITCHES,
    alias: { h: "help", V: "version" },
    unknown: rejectUnknown,
  });
  for (const name of SWITCHES) {
    const assigned = args.find((arg) => arg.startsWith(`--${name}=`));
    if (assigned) throw new UsageError(`${JSON.stringify(assigned)}: --${name} takes no value`);
  }
  if (parsed.help) return { kind: "help" };
  if (parsed.version) return { kind: "version" };
  const given: Partial<Record<OptionName, string>> = {};
  for (const name of optionNames()) {
    const value = parsed[flagOf(name).slice(2)];
    if (typeof value === "string") given[name] = value;
  }
  const settings = readSettings(given);
  if (!parsed.demo) {
    return { kind: "serve", config: readConfig(parsed._, settings, readRules(args)) };
  }
  if (parsed._.length > 0) {
    throw new UsageError(`${JSON.stringify(parsed._[0])}: --demo takes no addresses`);
  }
  return { kind: "demo", settings };

  function rejectUnknown(arg: string, key?: string): boolean {
    if (key === undefined) return true;
    const name = arg.replace(/=.*$/s, "");
    const nearest = closestString(name, [...flags, ...SWITCHES].map((flag) => `--${flag}`));
    throw new UsageError(`${JSON.stringify(name)}: no such option; the nearest is ${nearest}`);
  }
}

/** The values of all `--allow` and `--deny`, in their common order. */
function readRules(args: readonly string[]): AccessRule[] {
  return args.flatMap((arg, i) => {
    const [, name, assigned] = /^--(allow|deny)(?:=(.*))?$/s.exec(arg) ?? [];
    if (name === undefined) return [];
    return readOption(name as Verdict, assigned ?? args[i + 1] ?? "");
  });
}

/** Joins `--queue -5` to `--queue=-5`, so that the message is about the value and not a flag -5. */
function attachNegatives(args: readonly string[], flags: readonly string[]): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const before = joined.at(-1) ?? "";
    if (/^-\d/.test(arg) && flags.some((flag) => before === `--${flag}`)) {
      joined[joined.length - 1] = `${before}=${arg}`;
    } else {
      joined.push(arg);
    }
  }
  return joined;
}

/** Runs the program to its end. Returns the exit status. */
export async function run(args: readonly string[]): Promise<number> {
  try {
    return await execute(parseCommand(args));
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof FatalError)) throw error;
    console.error(`iawlb: ${error.message}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function execute(command: Command): Promise<number> {
  switch (command.kind) {
    case "help":
      console.log(helpText().trimEnd());
      return 0;
    case "version":
      console.log(`iawlb ${project.version}`);
      return 0;
    case "demo":
      return await withLogs(command.settings, (logs) => runDemo(logs, command.settings));
    case "serve":
      return await withLogs(command.config, async (logs) => {
        const server = await Server.start(command.config, logs);
        return await serveUntilSignalled(server, logs);
      });
  }
}

async function withLogs(
  settings: Settings,
  serve: (logs: Logs) => Promise<boolean>,
): Promise<number> {
  const logs = await openLogs(settings);
  const unguard = guard(logs.log);
  try {
    return await serve(logs) ? 0 : 1;
  } finally {
    unguard();
    await logs.close();
  }
}
