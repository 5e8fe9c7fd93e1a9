import {
  type AccessRule,
  formatNetwork,
  NETWORK_FORMS,
  parseNetworks,
  type Verdict,
} from "./access_rules.ts";
import { type Check, CHECK_FORMS, formatCheck, parseCheck } from "./check.ts";
import { UsageError } from "./errors.ts";
import { DURATION_FORM, formatDuration, parseDuration } from "./units.ts";

/** One option: a flag of the command line, in milliseconds where it is a duration. */
export interface Option<T> {
  /** What stands for the value in the help text. */
  readonly form: string;
  readonly default: T;
  /** What exactly it does, in a sentence or two; the unit is in `form`. */
  readonly help: string;
  /** The value, or `undefined` if the text is not allowed. */
  parse(text: string): T | undefined;
  /** What is allowed, in words that follow "must be". */
  readonly allowed: string;
  /** The value as one would write it. */
  format(value: T): string;
}

const YEAR = 365 * 86_400_000;

function count(spec: { default: number; min: number; max: number; help: string }): Option<number> {
  const { min, max } = spec;
  return {
    form: "N",
    default: spec.default,
    help: spec.help,
    allowed: `a whole number from ${min} to ${max}`,
    parse(text) {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
      return value >= min && value <= max ? value : undefined;
    },
    format: String,
  };
}

function duration(
  spec: { default: number; min?: number; max?: number; help: string },
): Option<number> {
  const { min = 0, max = YEAR } = spec;
  return {
    form: "TIME",
    default: spec.default,
    help: spec.help,
    allowed: `${DURATION_FORM}, from ${formatDuration(min)} to ${formatDuration(max)}`,
    parse(text) {
      const value = parseDuration(text);
      return value !== undefined && value >= min && value <= max ? value : undefined;
    },
    format: formatDuration,
  };
}

function choice<T extends string>(spec: { of: readonly T[]; default: T; help: string }): Option<T> {
  return {
    form: spec.of.join("|"),
    default: spec.default,
    help: spec.help,
    allowed: `one of ${spec.of.join(", ")}`,
    parse: (text) => spec.of.find((name) => name === text),
    format: (value) => value,
  };
}

function networks(verdict: Verdict): Option<readonly AccessRule[]> {
  const other = verdict === "allow" ? "--deny" : "--allow";
  return {
    form: "NETWORKS",
    default: [],
    help: `clients that are ${verdict === "allow" ? "let in" : "closed at once"}: ` +
      `${NETWORK_FORMS}; may be given several times and with ${other}: the first that matches ` +
      "counts, in the order of the command line; without a match a client is let in",
    allowed: NETWORK_FORMS,
    parse: (text) => parseNetworks(text, verdict),
    format: (rules) => rules.length === 0 ? "none" : rules.map(formatNetwork).join(","),
  };
}

/** Every option with its default, unit and meaning. `queueTimeout` here is the flag `--queue-timeout`. */
export const OPTIONS = {
  workers: count({
    default: 256,
    min: 1,
    max: 1_000_000,
    help: "most concurrent connections per destination; 1 is strictly one at a time",
  }),
  queue: count({
    default: 1024,
    min: 1,
    max: 1_000_000,
    help: "most waiting sessions; when they are reached, accepting stops until there is room and " +
      "further clients wait in the kernel's backlog",
  }),
  maxConnections: count({
    default: 0,
    min: 0,
    max: 10_000_000,
    help:
      "most sessions at a time, waiting ones included; when they are reached, accepting stops " +
      "until one ends; 0 = as many as the limit of open files (ulimit -n) has room for",
  }),
  overflow: choice({
    of: ["wait", "reject"],
    default: "wait",
    help:
      "what happens to clients beyond --queue or --max-connections: they wait in the kernel's " +
      "backlog, or are closed at once",
  }),
  maxPerIp: count({
    default: 0,
    min: 0,
    max: 1_000_000,
    help:
      "most sessions at a time from one client address; further ones are closed at once; 0 = off",
  }),
  ratePerIp: count({
    default: 0,
    min: 0,
    max: 1_000_000,
    help:
      "most new sessions a second from one client address, of which as many can come at once; " +
      "further ones are closed at once; 0 = off",
  }),
  allow: networks("allow"),
  deny: networks("deny"),
  keepalive: choice({
    of: ["on", "off"],
    default: "on",
    help: "whether TCP keepalive finds peers that have vanished, on both sides, after the times " +
      "that the kernel is set to (net.ipv4.tcp_keepalive_time)",
  }),
  queueTimeout: duration({
    default: 30_000,
    help: "a session that has no destination this long after it was accepted is closed; 0 = never",
  }),
  connectTimeout: duration({
    default: 5000,
    help: "time for one connect to a destination, all addresses of its name together; " +
      "0 = as long as the kernel tries",
  }),
  idleTimeout: duration({
    default: 600_000,
    help: "a session in which no byte moves in either direction for this long is closed; " +
      "0 = never",
  }),
  halfCloseTimeout: duration({
    default: 60_000,
    help: "the same once one side has finished sending; 0 = only --idle-timeout counts",
  }),
  answerTimeout: duration({
    default: 0,
    help: "time from the client's first byte to the destination's first; 0 = off",
  }),
  sessionTimeout: duration({
    default: 0,
    help: "longest life of a session, from accept, whatever moves; 0 = off",
  }),
  drainTimeout: duration({
    default: 30_000,
    help: "after SIGTERM or SIGINT: what has not finished by then is cut and named in the log; " +
      "0 = wait for ever",
  }),
  retries: count({
    default: 3,
    min: 0,
    max: 1000,
    help: "further connects for a session whose first one failed, before the session is closed",
  }),
  redispatch: choice({
    of: ["held", "unsent", "off"],
    default: "held",
    help: "whether a session whose destination resets before its first byte goes to another one: " +
      "if all that was sent is still held (at most 4 KiB; the request may then be seen twice), " +
      "only if nothing was sent, or never",
  }),
  check: {
    form: "off|tcp|http:/PATH|[send:TEXT,]expect:TEXT",
    default: null,
    help:
      "how destinations are checked while they are up: a connect, a GET with a status from 200 " +
      "to 399, or a text that has to come back; off = only connects of sessions count",
    allowed: CHECK_FORMS,
    parse: parseCheck,
    format: formatCheck,
  } as Option<Check | null>,
  checkInterval: duration({
    default: 2000,
    min: 10,
    max: YEAR,
    help: "time between two checks of a destination, and the longest until it is probed again",
  }),
  checkTimeout: duration({
    default: 2000,
    help: "time for one check; 0 = 5s",
  }),
  fall: count({
    default: 0,
    min: 0,
    max: 1000,
    help: "failures in a row (connects, probes, checks) that make a destination down; after the " +
      "first failed connect it takes no sessions until a probe succeeds; 0 = 1, or 3 with --check",
  }),
  rise: count({
    default: 0,
    min: 0,
    max: 1000,
    help: "successful probes or checks in a row that bring a destination back up; 0 = 1, or 2 " +
      "with --check",
  }),
  slowStart: duration({
    default: 0,
    help:
      "time in which a destination that has come back gets its workers, in equal steps; never " +
      "at the start of the program; 0 = at once",
  }),
  backlog: count({
    default: 511,
    min: 1,
    max: 65535,
    help: "connections that the kernel holds before they are accepted; it silently lowers this " +
      "to net.core.somaxconn",
  }),
  batchSize: count({
    default: 0,
    min: 0,
    max: 65535,
    help: "accepted sessions that are handed over together; 0 = as many as there are idle workers",
  }),
  batchDelay: duration({
    default: 0,
    max: 1000,
    help: "longest time a session waits for its batch to fill; 0 = to the end of the same turn " +
      "of the event loop",
  }),
  logLevel: choice({
    of: ["debug", "info", "warning", "error"],
    default: "info",
    help: "least important messages that are logged, on standard error",
  }),
  logFormat: choice({
    of: ["text", "json"],
    default: "text",
    help: "for people, or one JSON object per line; the access log follows it",
  }),
  accessLog: {
    form: "on|off|FILE",
    default: "on",
    help: "one line per session: on standard output, not at all, or appended to FILE",
    allowed: "on, off or the path of a file",
    parse: (text: string) => text === "" || text.includes("\0") ? undefined : text,
    format: (value: string) => value,
  } satisfies Option<string>,
} as const;

/** The option `weight` of a destination; 256 as in HAProxy. */
export const WEIGHT = count({
  default: 1,
  min: 1,
  max: 256,
  help: "share of the sessions relative to the other destinations",
});

/** The name of an option in the program. */
export type OptionName = keyof typeof OPTIONS;

/** The value of every option, durations in milliseconds. */
export type Settings = {
  readonly [N in OptionName]: (typeof OPTIONS)[N] extends Option<infer T> ? T : never;
};

/** The flag of an option: `queueTimeout` is `--queue-timeout`. */
export function flagOf(name: string): string {
  return "--" + name.replace(/[A-Z]/g, (letter) => "-" + letter.toLowerCase());
}

/** All option names, in the order in which they are documented. */
export function optionNames(): OptionName[] {
  return Object.keys(OPTIONS) as OptionName[];
}

/**
 * The settings that result from the given texts, defaults for the rest.
 *
 * @throws {UsageError} For the first value that is not allowed.
 */
export function readSettings(given: Partial<Record<OptionName, string>>): Settings {
  const settings: Partial<Record<OptionName, unknown>> = {};
  for (const name of optionNames()) {
    const text = given[name];
    settings[name] = text === undefined ? OPTIONS[name].default : readOption(name, text);
  }
  return settings as Settings;
}

/**
 * The value of one option.
 *
 * @throws {UsageError} If the text is not allowed.
 */
export function readOption<N extends OptionName>(name: N, text: string): Settings[N] {
  const option = OPTIONS[name] as Option<unknown>;
  const value = option.parse(text);
  if (value === undefined) {
    throw new UsageError(`${flagOf(name)} ${JSON.stringify(text)}: must be ${option.allowed}`);
  }
  return value as Settings[N];
}
