import {
  type AccessRule,
  formatNetwork,
  formatPeers,
  NETWORK_FORMS,
  parseNetworks,
  parsePeers,
  type Peers,
  type Verdict,
} from "../net/networks.ts";
import { DURATION_FORM, formatDuration, parseDuration } from "../base/duration.ts";

/** What an option is: its values, and how they are written. Durations are in milliseconds. */
export interface Option<T> {
  /** What stands for the value in the help text; empty of a flag that needs none. */
  readonly form: string;
  readonly default: T;
  /** What exactly it does, in a sentence or two; the unit is in `form`. */
  readonly help: string;
  /** The value, or `undefined` if the text is not allowed. */
  parse(text: string): T | undefined;
  /** What is allowed, in words that follow "must be". */
  readonly allowed: string;
  /** What exactly is wrong with a text that is not allowed, instead of {@linkcode allowed}. */
  problem?(text: string): string | undefined;
  /** The value as one would write it. */
  format(value: T): string;
  /** What counts where it is 0, for who looks at what is in force; 0 is a number like others unless given. */
  readonly zero?: string;
  /** What is said of the value when it changes, if {@linkcode format} does not say all. */
  tell?(value: T): string;
  /** The text with each path in it changed, where it is not one path and no more. */
  withPaths?(text: string, change: (path: string) => string): string;
  /** How a configuration file writes it; any string unless given. */
  readonly notation?: Notation;
  /** Whether another value counts only after a restart; otherwise a reload applies it. */
  readonly needsRestart?: true;
  /** Whether it is of one listener, so that the top level is no default for several. */
  readonly single?: true;
  /** What it does to the clients in its networks, if it is a rule of access. */
  readonly rule?: Verdict;
  /** Whether a value that is none of the words is the path of a file. */
  readonly path?: true;
  /** Whether the listener's option of the same name counts for a destination that lacks it. */
  readonly inherited?: true;
}

/** Whom an option concerns: the program as a whole, each listener, or each destination. */
export type Scope = "program" | "listener" | "destination";

/** Where an option belongs. */
export interface Place {
  readonly scope: Scope;
  /** The title of the group in which it is documented. */
  readonly group: string;
}

/** An option in its table. */
export type Row<T> = Option<T> & Place;

/** A table of options that belong together, by their names in the program. */
export function table<O extends Readonly<Record<string, Option<unknown>>>>(
  place: Place,
  options: O,
): { readonly [N in keyof O]: O[N] & Place } {
  const rows = Object.entries(options).map(([name, option]) => [name, { ...option, ...place }]);
  return Object.fromEntries(rows);
}

/** The same option, of which another value counts only after a restart. */
export function afterRestart<T>(option: Option<T>): Option<T> {
  return { ...option, needsRestart: true };
}

/** What is wrong with a text that is not allowed, and what is allowed instead. */
export function problemWith<T>(option: Option<T>, text: string): string {
  return option.problem?.(text) ?? `must be ${option.allowed}`;
}

/** How a configuration file writes a value, which its JSON schema tells editors. */
export interface Notation {
  /** The strings that there are. */
  readonly words?: readonly string[];
  /** A regular expression for further strings. */
  readonly pattern?: string;
  /** The least and the greatest of the integers, if it may be one. */
  readonly integers?: readonly [min: number, max: number];
  /** Whether it may be a boolean, which in a text is the name alone. */
  readonly booleans?: true;
  /** Whether it may also be a list of such values. */
  readonly list?: true;
  /** What stands between these in a text; a comma unless given. */
  readonly separator?: string;
  /** The keys of tables that the elements of the list may be: a value is both with a colon between. */
  readonly pairs?: readonly [first: string, second: string];
}

/** 365 days in milliseconds: the longest duration of any option. */
export const YEAR = 365 * 86_400_000;

/** How a configuration file may write a number as a text. */
export const NUMBER_PATTERN = "^[0-9]{1,15}$";

/** A whole number within bounds. */
export function count(
  spec: { default: number; min: number; max: number; help: string; zero?: string },
): Option<number> {
  const { min, max, zero } = spec;
  return {
    form: "N",
    default: spec.default,
    help: spec.help,
    ...(zero !== undefined && { zero }),
    allowed: `a whole number from ${min} to ${max}`,
    parse(text) {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
      return value >= min && value <= max ? value : undefined;
    },
    format: String,
    notation: { pattern: NUMBER_PATTERN, integers: [min, max] },
  };
}

/** A duration in milliseconds within bounds, which are 0 and a year unless given. */
export function duration(
  spec: { default: number; min?: number; max?: number; help: string; zero?: string },
): Option<number> {
  const { min = 0, max = YEAR, zero } = spec;
  return {
    form: "TIME",
    default: spec.default,
    help: spec.help,
    ...(zero !== undefined && { zero }),
    allowed: `${DURATION_FORM}, from ${formatDuration(min)} to ${formatDuration(max)}`,
    parse(text) {
      const value = parseDuration(text);
      return value !== undefined && value >= min && value <= max ? value : undefined;
    },
    format: formatDuration,
    notation: {
      pattern: `^(${min === 0 ? "0|" : ""}[0-9]+(\\.[0-9]+)?(ms|s|m|h|d))$`,
      ...(min === 0 && { integers: [0, 0] }),
    },
  };
}

/** A duration in milliseconds within bounds that are more than 0, which stands for "auto". */
export function adaptive(spec: { min: number; max: number; help: string }): Option<number> {
  const time = duration({ default: 0, ...spec });
  return {
    ...time,
    form: "TIME|auto",
    allowed: `${time.allowed}, or auto`,
    parse: (text) => text === "auto" ? 0 : time.parse(text),
    format: (value) => value === 0 ? "auto" : time.format(value),
    notation: { ...time.notation, words: ["auto"] },
  };
}

/** One of some words. */
export function choice<const T extends string>(
  spec: { of: readonly T[]; default: T; help: string },
): Option<T> {
  return {
    form: spec.of.join("|"),
    default: spec.default,
    help: spec.help,
    allowed: `one of ${spec.of.join(", ")}`,
    parse: (text) => spec.of.find((name) => name === text),
    format: (value) => value,
    notation: { words: spec.of },
  };
}

/** The path of a file or one of some words, of which `none` stands for an empty text. */
export function file(
  spec: { words: readonly string[]; default: string; form: string; help: string },
): Option<string> {
  const { words, form, help } = spec;
  return {
    form,
    default: spec.default,
    help,
    allowed: `${words.join(", ")} or the path of a file`,
    parse(text) {
      if (text === "" || text.includes("\0")) return undefined;
      return text === "none" && words.includes(text) ? "" : text;
    },
    format: (value) => value || "none",
    notation: { words, pattern: "." },
    path: true,
  };
}

/** Something that is done or not: the flag alone stands for it, and `=false` takes it back. */
export function flag(spec: { help: string }): Option<boolean> {
  return {
    form: "",
    default: false,
    help: spec.help,
    allowed: "true or false",
    parse: (text) => text === "true" ? true : text === "false" ? false : undefined,
    format: String,
    notation: { words: ["true", "false"], booleans: true },
  };
}

/** A number of threads; 0 stands for "auto". */
export function threads(spec: { help: string }): Option<number> {
  return orAuto(count({ default: 1, min: 1, max: 64, help: spec.help }));
}

/** A number of slots within bounds; 0 stands for "auto". */
export function slots(
  spec: { default: number; min: number; max: number; help: string },
): Option<number> {
  return orAuto(count(spec));
}

/** A number, or "auto", for which 0 stands. */
function orAuto(number: Option<number>): Option<number> {
  return {
    ...number,
    form: "N|auto",
    allowed: `${number.allowed}, or auto`,
    parse: (text) => text === "auto" ? 0 : number.parse(text),
    format: (value) => value === 0 ? "auto" : String(value),
    notation: { ...number.notation, words: ["auto"] },
  };
}

/** A mark that a destination has or lacks, or has with a number: the name alone is 1, lacking it 0. */
export function mark(spec: { max: number; help: string }): Option<number> {
  const number = count({ default: 0, min: 0, ...spec });
  const words = ["false", "true"];
  return {
    ...number,
    allowed: `true, false or ${number.allowed}`,
    parse: (text) => words.includes(text) ? words.indexOf(text) : number.parse(text),
    format: (value) => words[value] ?? number.format(value),
    notation: { ...number.notation, pattern: "^(true|false|[0-9]{1,15})$", booleans: true },
  };
}

/** A list of networks, of which each is allowed or denied. */
export function networks(verdict: Verdict): Option<readonly AccessRule[]> {
  const other = verdict === "allow" ? "--deny" : "--allow";
  return {
    form: "NETWORKS",
    default: [],
    help: `clients that are ${verdict === "allow" ? "served" : "closed at once"}: ` +
      `${NETWORK_FORMS}; may be given several times and with ${other}: the first that matches ` +
      "counts, in the order in which they are given; without a match a client is served",
    allowed: NETWORK_FORMS,
    parse: (text) => parseNetworks(text, verdict),
    format: (rules) => rules.length === 0 ? "none" : rules.map(formatNetwork).join(","),
    notation: { pattern: "^[0-9a-fA-F:.]+(/[0-9]+)?( *, *[^ ]+)*$", list: true },
    rule: verdict,
  };
}

/** A list of networks that peers are in, with the word `unix` for those on UNIX sockets. */
export function peers(spec: { help: string }): Option<readonly Peers[]> {
  return {
    form: "NETWORKS",
    default: [],
    help: spec.help,
    allowed: `none, or ${NETWORK_FORMS}, with the word unix for peers on UNIX sockets`,
    parse: parsePeers,
    format: formatPeers,
    notation: {
      words: ["none", "unix"],
      pattern: "^([0-9a-fA-F:.]+(/[0-9]+)?|unix)( *, *([0-9a-fA-F:.]+(/[0-9]+)?|unix))*$",
      list: true,
    },
  };
}
