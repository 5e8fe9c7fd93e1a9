import type { Address } from "../net/address.ts";
import { formatAdmin, parseAdmin } from "./admin_address.ts";
import {
  type Check,
  CHECK_FORMS,
  CHECK_PATTERN,
  CHECK_WORDS,
  formatCheck,
  parseCheck,
} from "./values/check.ts";
import { UsageError } from "../base/errors.ts";
import { logTarget, template } from "./log_target.ts";
import {
  choice,
  count,
  duration,
  file,
  networks,
  ofProgram,
  type Option,
  problemWith,
  threads,
  YEAR,
} from "./option.ts";
import { quote } from "../base/text.ts";

/** Every option with its default, unit and meaning. `queueTimeout` here is the flag `--queue-timeout`. */
export const OPTIONS = {
  workers: count({
    default: 256,
    min: 1,
    max: 1_000_000,
    help: "most concurrent connections per destination; 1 is strictly one at a time",
  }),
  threads: threads({
    help: "threads, each with a line of its own, that share the port; the kernel deals the " +
      "connections out, and every limit is divided among them; auto = one for each processor",
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
      "until one ends; never more than the limit of open files (ulimit -n) has room for; 0 = as many",
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
  halfClose: choice({
    of: ["keep", "abandon"],
    default: "keep",
    help:
      "what a client means that finishes sending before it was answered: keep = it still reads " +
      "and gets its answer; abandon = it has given up: it leaves the queue at once, and while it " +
      "is served its destination is closed at once",
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
    help: "whether a session whose destination resets before its first byte goes to one other, " +
      "once: if all that was sent is still held (at most 4 KiB; the request may then be seen " +
      "twice), only if nothing was sent, or never",
  }),
  check: {
    form: "off|tcp|http:/PATH|redis|postgres|mysql:USER|smtp|expect:TEXT",
    default: null,
    help:
      "how destinations are checked while they are up: a connect, a GET with a status from 200 " +
      "to 399, a few words of a server's protocol of which it keeps no error (also postgres:USER), " +
      "or a text that has to come back (also send:TEXT,expect:TEXT); off = only connects of " +
      "sessions count",
    allowed: CHECK_FORMS,
    parse: parseCheck,
    format: formatCheck,
    notation: {
      words: CHECK_WORDS,
      pattern: CHECK_PATTERN,
    },
  } as Option<Check | null>,
  checkInterval: duration({
    default: 2000,
    min: 10,
    max: YEAR,
    help: "time between two checks of a destination, and with --check the longest until one that " +
      "is down is probed again, which is 5s otherwise",
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
      "first failed connect it takes no sessions until a probe succeeds; a session that it resets " +
      "is no failure; 0 = 1, or 3 with a check",
  }),
  rise: count({
    default: 0,
    min: 0,
    max: 1000,
    help: "successful probes or checks in a row that bring a destination back up; 0 = 1, or 2 " +
      "with a check",
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
  logLevel: ofProgram(choice({
    of: ["debug", "info", "warning", "error"],
    default: "info",
    help: "least important messages that are logged",
  })),
  logFormat: ofProgram(choice({
    of: ["text", "json"],
    default: "text",
    help: "for people, or one JSON object per line",
  })),
  log: ofProgram(logTarget({
    help: "where messages go: standard error, or syslog (RFC 5424) at /dev/log, at another " +
      "Unix-domain socket, or over UDP",
  })),
  accessLog: ofProgram(file({
    words: ["on", "off", "syslog"],
    default: "on",
    form: "on|off|syslog|FILE",
    help: "one line per session: on standard output (also - or /dev/stdout), not at all, to the " +
      "syslog that --log names (/dev/log if it names none), or appended to FILE, which SIGUSR2 " +
      "opens again; FILE may be a FIFO or /dev/stderr",
  })),
  accessLogFormat: ofProgram(template({
    help: "what such a line looks like: auto follows --log-format, or fields in braces with " +
      'units, such as "{time} {client} {destination} {queue:ms} {total:s}"; the README has all',
  })),
  admin: {
    form: "off|ADDRESS",
    default: null,
    help: "where the program answers about itself and takes changes: PORT, which is 127.0.0.1 " +
      "only, 127.0.0.1:PORT, [::1]:PORT or unix:/path; any other address needs " +
      "--admin-token-file",
    allowed: "off, PORT, 127.0.0.1:PORT, [::1]:PORT or unix:/path, with a port from 0 to 65535",
    parse: parseAdmin,
    format: formatAdmin,
    scope: "program",
    notation: { words: ["off"], pattern: "^([0-9]+|.+:[0-9]+|unix:/.*)$", integers: [0, 65535] },
  } as Option<Address | null>,
  adminTokenFile: ofProgram(file({
    words: ["none"],
    default: "",
    form: "none|FILE",
    help: "the file with the secret that requests to --admin have to show",
  })),
} as const;

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

/** The key of an option in a configuration file: `queueTimeout` is `queue-timeout`. */
export function keyOf(name: string): string {
  return flagOf(name).slice(2);
}

/** Whether an option concerns the program as a whole and no listener in particular. */
export function isProgramOption(name: OptionName): boolean {
  return (OPTIONS[name] as Option<unknown>).scope === "program";
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
    throw new UsageError(
      `${flagOf(name)} ${quote(text)}: ${problemWith(option, text)}`,
    );
  }
  return value as Settings[N];
}
