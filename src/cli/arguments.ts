import { parseArgs } from "@std/cli/parse-args";
import type { Written, WrittenRule } from "../config/source.ts";
import { UsageError } from "../base/errors.ts";
import { nearest, quote } from "../base/text.ts";
import {
  flagOf,
  keyOf,
  type OptionName,
  optionNames,
  readOption,
  rowOf,
} from "../config/options.ts";
import { destinationOptionForm, isDestinationOption } from "../config/options/destination.ts";
import { destinationFromFolder, fromFolder, type StartFolder } from "../config/start_folder.ts";
import { meantByFlag } from "./meant.ts";
import { COMMAND_LINE_FLAGS, type CommandLineFlag, type Switch } from "./command_line_flags.ts";

/** What was given on the command line. */
export interface Arguments {
  readonly addresses: readonly string[];
  /** All of them allowed; the rules of access are apart. */
  readonly options: Readonly<Partial<Record<OptionName, Written>>>;
  /** All `--allow` and `--deny`, in their common order. */
  readonly rules: readonly WrittenRule[];
  /** The configuration file. */
  readonly config: string | undefined;
  readonly switches: ReadonlySet<Switch>;
  /** The values of flags that only this command has, the last one of each. */
  readonly own: Readonly<Record<string, string>>;
}

/** Options that are flags without a value. */
const BARE: ReadonlySet<string> = new Set(
  optionNames().filter((name) => rowOf(name).notation?.booleans).map(keyOf),
);

/** Which flags there are besides the switches; those of the program unless given. */
export interface Flags {
  readonly options: readonly OptionName[];
  /** Flags that are no options of the program, without their dashes. */
  readonly own: readonly string[];
  readonly switches: readonly Switch[];
}

/** How arguments are read, beside the flags that there are. */
export interface Reading {
  /** What relative paths mean, if not the working directory: they are made absolute. */
  readonly folder?: StartFolder | undefined;
}

/** The flag of the configuration file. */
const CONFIG = "config";

const FLAGS: [string, CommandLineFlag][] = Object.entries(COMMAND_LINE_FLAGS);
const SWITCHES = FLAGS.map(([name]) => name).filter((name) => name !== CONFIG) as Switch[];
/** The flags of the program itself. */
export const PROGRAM_FLAGS: Flags = {
  options: optionNames(),
  own: [CONFIG],
  switches: SWITCHES,
};

const SHORT: ReadonlyMap<string, string> = new Map(
  FLAGS.flatMap(([name, { short }]) => short === undefined ? [] : [[`-${short}`, name]]),
);

/**
 * Sorts the arguments of the program, or of a command that starts it.
 *
 * @throws {UsageError} For the first that is not allowed by itself.
 */
export function readArguments(
  args: readonly string[],
  { options: names, own, switches: known, folder }: Flags & Reading = PROGRAM_FLAGS,
): Arguments {
  const flags = [...names.map(keyOf), ...own];
  // The parser would take it for its own name of the addresses.
  const reserved = beforeDashes(args).find((arg) => /^--_(?:=|$)/.test(arg));
  if (reserved) throw unknownOption(reserved);
  const joined = joinValues(args, flags, known).map((arg) => absolute(arg, folder));
  const parsed = parseArgs(joined, {
    string: [...flags, "_"],
    boolean: [...known],
    collect: flags,
    unknown: rejectUnknown,
  });
  const switches = new Set(known.filter((name) => parsed[name]));
  const options: Partial<Record<OptionName, Written>> = {};
  // Whoever asks for help gets it in spite of wrong values.
  const asked = switches.has("help") || switches.has("version");
  for (const name of asked ? [] : names) {
    const values = parsed[keyOf(name)] as string[];
    for (const value of values) readOption(name, value);
    const text = rowOf(name).notation?.list ? inOneList(name, values) : values.at(-1);
    if (text === undefined || rowOf(name).rule) continue;
    readOption(name, text);
    options[name] = { text };
  }
  const values = Object.fromEntries(
    own.flatMap((name) => {
      const text = (parsed[name] as string[]).at(-1);
      return text === undefined ? [] : [[name, text]];
    }),
  );
  const { [CONFIG]: config } = values;
  const addresses = folder === undefined
    ? parsed._
    : parsed._.map((text) => destinationFromFolder(text, { folder }));
  return { addresses, options, rules: readRules(joined), config, switches, own: values };

  function rejectUnknown(arg: string, key?: string): boolean {
    if (key === undefined) return true;
    throw unknownOption(arg);
  }

  function unknownOption(arg: string): UsageError {
    const name = arg.replace(/=.*$/s, "");
    const all = [...flags, ...known].map((flag) => `--${flag}`);
    const bare = name.replace(/^--/, "");
    const what = isDestinationOption(bare)
      ? `it is one of a DESTINATION, as in 10.0.0.7:9003,${destinationOptionForm(bare)}`
      : meantByFlag(name) ?? `the nearest is ${nearest(name, all)}`;
    return new UsageError(`${quote(name)}: no such option; ${what}`);
  }
}

/** An argument with an absolute path, if it is a flag and its value such a path. */
function absolute(arg: string, folder: StartFolder | undefined): string {
  const [, key = "", text = ""] = /^--([^=]+)=(.*)$/s.exec(arg) ?? [];
  if (folder === undefined || key === "") return arg;
  return `--${key}=${fromFolder(key, { text, folder })}`;
}

/** Lists that were given one after the other, as one; what is no list, such as `none`, begins anew. */
function inOneList(name: OptionName, texts: readonly string[]): string | undefined {
  const { parse, notation } = rowOf(name);
  const alone = notation?.words?.filter((word) => parse(`${word},${word}`) === undefined) ?? [];
  const last = texts.findLastIndex((text) => alone.includes(text));
  const list = texts.slice(last + 1);
  return list.length > 0 ? list.join(",") : texts.at(-1);
}

function readRules(joined: readonly string[]): WrittenRule[] {
  const rules = new Map(optionNames().map((name) => [flagOf(name), rowOf(name).rule]));
  return beforeDashes(joined).flatMap((arg) => {
    const [, flag = "", text = ""] = /^(--[^=]*)=(.*)$/s.exec(arg) ?? [];
    const verdict = rules.get(flag);
    return verdict ? [{ verdict, text }] : [];
  });
}

/** The arguments before `--`. */
function beforeDashes(args: readonly string[]): readonly string[] {
  const end = args.indexOf("--");
  return end === -1 ? args : args.slice(0, end);
}

/**
 * Joins every option to its value (`--queue -5` to `--queue=-5`) and gives every switch one, so
 * that the parser takes neither a value for an option nor an address for a value.
 */
function joinValues(
  args: readonly string[],
  flags: readonly string[],
  switches: readonly Switch[],
): string[] {
  const before = beforeDashes(args);
  const joined: string[] = [];
  for (let i = 0; i < before.length; i++) {
    const arg = before[i]!;
    const name = SHORT.get(arg) ?? arg.replace(/^--/, "");
    const [stem = ""] = name.split("=", 1);
    if (switches.some((name) => name === stem) && arg.startsWith("-")) {
      if (name !== stem) {
        throw new UsageError(`${quote(arg)}: --${stem} takes no value`);
      }
      joined.push(`--${stem}=true`);
    } else if (arg.startsWith("--") && BARE.has(name)) {
      joined.push(`${arg}=true`);
    } else if (arg.startsWith("--") && flags.includes(name)) {
      const hasValue = i + 1 < before.length && !/^-[^\d]/.test(before[i + 1]!);
      joined.push(`${arg}=${hasValue ? before[++i] : ""}`);
    } else {
      joined.push(arg);
    }
  }
  return [...joined, ...args.slice(before.length)];
}
