import { isIp } from "../net/address.ts";
import { formatPeers, type Verdict } from "../net/networks.ts";
import type { Config, ProgramConfig } from "./config.ts";
import { type ConfiguredDestination, isTemplate } from "./destination_text.ts";
import { asksForHello, isFairByName } from "./hello_terms.ts";
import { flagOf, keyOf, type OptionName, rowOf, type Settings } from "./options.ts";
import { isProgram } from "./program_warnings.ts";
import { neverMatched } from "./never_matched.ts";
import type { ProgramSource, Written } from "./source.ts";
import { speaksTls } from "./tls_rules.ts";
import { quote } from "../base/text.ts";
import { warningLines } from "./warning_lines.ts";

/** An option that counts only together with something else. */
interface Companion<C> {
  /** Whether it may count. */
  counts(config: C): boolean;
  /** Why it does not, with names of options as where it was written. */
  why(name: (option: OptionName) => string): string;
}

/** A configuration of the program. */
type Read = Pick<ProgramConfig, "settings" | "listeners">;

type Companions<C> = Partial<Record<OptionName, Companion<C>>>;

const SHEDS: Companion<Config> = {
  counts: ({ whenOverloaded }) => whenOverloaded !== "hold",
  why: (name) => `without ${name("whenOverloaded")} shed or newest`,
};

const HASHES: Companion<Config> = {
  counts: ({ balance }) => balance === "hash",
  why: (name) => `without ${name("balance")} hash`,
};

const CHECKS: Companion<Config> = {
  counts: ({ configured }) => configured.some((one) => one.check || one["agent-check"]),
  why: (name) => `without ${name("check")} or ${name("agentCheck")}`,
};

const LEADS: Companion<Config> = {
  counts: ({ configured }) => configured.some(isTemplate),
  why: () => "without a destination dns: or srv:",
};

const OVER_TLS: Companion<Config> = {
  counts: speaksTls,
  why: (name) => `without ${name("tlsCert")}`,
};

const ON_PATH: Companion<Config> = {
  counts: ({ listen }) => listen.transport === "unix",
  why: () => "without a listener on unix:/path",
};

const IN_SYSLOG: Companion<Settings> = {
  counts: ({ log, accessLog }) => log.kind === "syslog" || accessLog === "syslog",
  why: (name) => `without ${name("log")} or ${name("accessLog")} syslog`,
};

const OF_TCP: Companion<Config> = {
  counts: ({ listen }) => listen.transport !== "udp",
  why: () => "for UDP",
};

const OF_UDP: Companion<Config> = {
  counts: ({ listen }) => listen.transport === "udp",
  why: () => "without udp: before LISTEN",
};

/** Those of listeners. `--max-wait` is not among them: to rely on it in vain is an error. */
const OF_LISTENERS: Companions<Config> = {
  workersMax: {
    counts: ({ configured }) => configured.some(({ workers }) => workers === 0),
    why: (name) => `without ${name("workers")} auto`,
  },
  execGrace: {
    counts: ({ configured }) => configured.some(isProgram),
    why: () => "without a destination exec:",
  },
  hashMask: HASHES,
  hashWait: HASHES,
  shedTarget: SHEDS,
  shedInterval: SHEDS,
  rejectWith: {
    counts: ({ overflow, queueTimeout, whenOverloaded }) => {
      return overflow === "reject" || queueTimeout > 0 || whenOverloaded !== "hold";
    },
    why: (name) => {
      return `without ${name("overflow")} reject, ${name("queueTimeout")} or ` +
        `${name("whenOverloaded")} shed or newest`;
    },
  },
  perIpMask: {
    counts: ({ maxPerIp, ratePerIp }) => maxPerIp > 0 || ratePerIp > 0,
    why: (name) => `without ${name("maxPerIp")} or ${name("ratePerIp")}`,
  },
  socketMode: ON_PATH,
  socketOwner: ON_PATH,
  batchDelay: {
    counts: ({ batchSize }) => batchSize !== 1,
    why: (name) => `with ${name("batchSize")} 1`,
  },
  fairBy: {
    counts: ({ queueOrder }) => queueOrder === "fair",
    why: (name) => `without ${name("queueOrder")} fair`,
  },
  fairMask: {
    counts: ({ queueOrder }) => queueOrder === "fair",
    why: (name) => `without ${name("queueOrder")} fair`,
  },
  checkInterval: CHECKS,
  checkTimeout: CHECKS,
  greetingTimeout: {
    counts: (config) => {
      return config.configured.some(asksForHello) || isFairByName(config) || speaksTls(config);
    },
    why: (name) => {
      return `without ${name("tlsCert")}, a destination that has sni or alpn, or ${
        name("fairBy")
      } sni`;
    },
  },
  acceptProxyTimeout: {
    counts: ({ acceptProxy }) => acceptProxy.length > 0,
    why: (name) => `without ${name("acceptProxy")}`,
  },
  tlsMin: OVER_TLS,
  tlsAlpn: OVER_TLS,
  tlsHandshakes: OVER_TLS,
  resolver: {
    counts: ({ configured }) => configured.some(hasName),
    why: () => "without a destination or an agent that is a name",
  },
  resolveInterval: {
    counts: ({ configured, resolver }) => {
      return configured.some(resolver === "system" ? isTemplate : hasName);
    },
    why: (name) =>
      `without a destination dns: or srv:, or a name and addresses as ${name("resolver")}`,
  },
  resolveEmpty: LEADS,
  keepalive: OF_TCP,
  idleTimeout: OF_TCP,
  halfCloseTimeout: OF_TCP,
  answerTimeout: OF_TCP,
  udpIdle: OF_UDP,
  udpAnswers: OF_UDP,
  udpRequestTimeout: OF_UDP,
  udpBuffer: OF_UDP,
  udpReplyPort: OF_UDP,
};

const OF_ADMIN: Companion<Settings> = {
  counts: ({ admin }) => admin !== null,
  why: (name) => `without ${name("admin")}`,
};

/** Those of the program as a whole. */
const OF_PROGRAM: Companions<Settings> = {
  accessLogFormat: {
    counts: ({ accessLog }) => accessLog !== "off",
    why: (name) => `with ${name("accessLog")} off`,
  },
  syslogFacility: IN_SYSLOG,
  syslogIdent: IN_SYSLOG,
  adminTokenFile: OF_ADMIN,
  adminReadTokenFile: OF_ADMIN,
};

/**
 * What was written and has no effect, a line for each, as far as that is certain; an option with its
 * default value says nothing. What stands once for several listeners has an effect if it has one for
 * any of them.
 *
 * It is told and is no error, as with HAProxy and nginx: nothing is done that was not asked for, what
 * it needs may come with a reload or a destination that an operator adds, and whoever turns that on and
 * off can leave it where it is.
 */
export function withoutEffect(
  read: Read,
  source: ProgramSource,
): string[] {
  function* all(): Iterable<string> {
    for (const find of [ofProgram, ofListeners, ofDestinations, ofEntries]) {
      yield* find(read, source);
    }
  }
  return warningLines(all(), "further options have no effect, which are not told");
}

function* ofProgram({ settings }: Read, source: ProgramSource): Iterable<string> {
  for (const [option, companion] of entriesOf(OF_PROGRAM)) {
    const written = source.options[option];
    if (!written || isUsual(option, settings) || companion.counts(settings)) continue;
    yield describe(option, { written, companion, source });
  }
}

function* ofListeners({ listeners }: Read, source: ProgramSource): Iterable<string> {
  for (const [option, companion] of entriesOf(OF_LISTENERS)) {
    const idle = new Map<number | undefined, Written>();
    const busy = new Set<number | undefined>();
    for (const [i, config] of listeners.entries()) {
      const written = source.listeners[i]!.options[option];
      if (!written || isUsual(option, config)) continue;
      if (companion.counts(config)) busy.add(written.line);
      else idle.set(written.line, written);
    }
    for (const [line, written] of idle) {
      if (!busy.has(line)) yield describe(option, { written, companion, source });
    }
  }
}

function* ofDestinations({ listeners }: Read, source: ProgramSource): Iterable<string> {
  for (const [i, { configured, workersMax }] of listeners.entries()) {
    for (const [index, one] of configured.entries()) {
      if (one.workers === 0 || one["workers-max"] === workersMax) continue;
      const { text, line } = source.listeners[i]!.destinations[index]!;
      const what = line === undefined ? "DESTINATION" : `${source.file}:${line}: destinations`;
      yield `${what} ${quote(text)}: workers-max has no effect without workers=auto`;
    }
  }
}

/** Entries of lists that earlier ones hide; those of the top level are in several listeners. */
function* ofEntries(_read: Read, source: ProgramSource): Iterable<string> {
  const told = new Set<string>();
  for (const listener of source.listeners) {
    for (const { of, entry, earlier } of neverMatched(listener)) {
      const { line } = entry.written;
      const place = line === undefined ? "" : `${source.file}:${line}: `;
      const name = line === undefined ? flagOf : keyOf;
      const [one, other] = [entry, earlier].map(({ clients, effect }) => {
        const text = formatPeers([clients]);
        return of === "access" ? `${name(effect as Verdict)} ${text}` : `${text}=${effect}`;
      });
      const what = of === "access" ? one : `${name("priority")} ${one}`;
      const text = `${place}${what} has no effect after ${other}: the first that matches counts`;
      if (!told.has(text)) yield text;
      told.add(text);
    }
  }
}

function entriesOf<C>(companions: Companions<C>): [OptionName, Companion<C>][] {
  return Object.entries(companions) as [OptionName, Companion<C>][];
}

function describe<C>(
  option: OptionName,
  { written, companion, source }: {
    written: Written;
    companion: Companion<C>;
    source: ProgramSource;
  },
): string {
  const { line } = written;
  const [place, name] = line === undefined ? ["", flagOf] : [`${source.file}:${line}: `, keyOf];
  return `${place}${name(option)} has no effect ${companion.why(name)}`;
}

/** Whether an option has its default value. */
function isUsual(option: OptionName, settings: Settings): boolean {
  const { format, default: usual } = rowOf(option);
  return format(settings[option]) === format(usual);
}

/** Whether a name has to be looked up for a destination or its agent. */
function hasName(one: ConfiguredDestination): boolean {
  if (isTemplate(one)) return true;
  return [one.address, one["agent-check"]].some((address) => {
    const hostname = address?.transport === "tcp" ? address.hostname : undefined;
    return hostname !== undefined && !isIp(hostname);
  });
}
