import { UsageError } from "../base/errors.ts";
import { quote } from "../base/text.ts";
import type { Config } from "../config/config.ts";
import { isTemplate } from "../config/destination_text.ts";
import { flagOf, type OptionName } from "../config/options.ts";
import type { ProgramSource, Written } from "../config/source.ts";
import { streamOf } from "../logging/sinks.ts";
import type { Arguments } from "./arguments.ts";

/** Options that say something where one client is served. */
const OPTIONS: readonly OptionName[] = [
  ...["name", "balance", "hashMask", "allow", "deny", "keepalive", "halfClose"] as const,
  ...["queueTimeout", "connectTimeout", "idleTimeout", "halfCloseTimeout"] as const,
  ...["answerTimeout", "sessionTimeout", "drainTimeout", "retries", "redispatch"] as const,
  ...["execGrace", "syslogFacility", "syslogIdent"] as const,
  ...["sendProxy", "acceptProxy", "acceptProxyTimeout", "greetingTimeout", "resolver"] as const,
  ...["tlsCert", "tlsKey", "certificates", "tlsMin", "tlsAlpn", "tlsClientCa"] as const,
  ...["logLevel", "logFormat", "log", "accessLog", "accessLogFormat"] as const,
];

/** Stands for the address of the listener, which has none. */
const LISTEN = "unix:/dev/stdin";

/** `-i`, also where it is written in a way that is not allowed. */
const INETD_FLAG = /^(?:-[a-z]*i[a-z]*|--inetd(?:=.*)?)$/i;

/** Whether such arguments are for the one client that the standard descriptors belong to. */
export function isForOneClient(args: readonly string[]): boolean {
  if (["inetd", "top", "ctl", "send"].includes(args[0] ?? "")) return false;
  const end = args.indexOf("--");
  const flags = end === -1 ? args : args.slice(0, end);
  return flags.some((flag) => INETD_FLAG.test(flag));
}

/** Whether an option says something where one client is served. */
export function isOfOneClient(name: OptionName): boolean {
  return OPTIONS.includes(name);
}

/**
 * The configuration for the one client of `iawlb -i`. Messages and the access log go to syslog unless
 * something else is given, since the standard descriptors are the client.
 *
 * @throws {UsageError} If an option says nothing there, or something is to go to the client.
 */
export function oneClientSource(
  { addresses, options, rules, switches, config }: Omit<Arguments, "own">,
): ProgramSource {
  if (addresses.length === 0) {
    throw new UsageError(
      "DESTINATION is missing: give one or more after -i, such as: iawlb -i 9001 9002",
    );
  }
  const others = [
    ...config === undefined ? [] : ["--config"],
    ...[...switches].filter((name) => name !== "inetd").map((name) => `--${name}`),
    ...(Object.keys(options) as OptionName[]).filter((name) => !isOfOneClient(name)).map(flagOf),
  ];
  if (others.length > 0) {
    throw new UsageError(`${others[0]}: says nothing with -i, which serves one client`);
  }
  refuseDescriptors(options);
  const usual: Partial<Record<OptionName, Written>> = {
    log: { text: "syslog" },
    logLevel: { text: "warning" },
    accessLog: { text: "syslog" },
    retries: { text: String(Math.min(Math.max(3, addresses.length - 1), 1000)) },
  };
  const all = { ...usual, ...options };
  const destinations = addresses.map((text) => ({ text }));
  return {
    options: all,
    listeners: [{ listen: { text: LISTEN }, destinations, options: all, rules }],
  };
}

/**
 * Makes sure that nothing is asked for that only a program does that stays.
 *
 * @throws {UsageError} If a destination is a name of records, or is to be checked.
 */
export function checkOneClient({ configured, texts }: Config): void {
  for (const [index, one] of configured.entries()) {
    const problem = isTemplate(one)
      ? "is looked up again and again, which is for a program that stays; must be HOST:PORT"
      : one.check !== null || one["agent-check"] !== null
      ? "is to be checked again and again, which is for a program that stays; must be without"
      : undefined;
    if (problem === undefined) continue;
    throw new UsageError(`DESTINATION ${quote(texts.destinations[index]!)}: ${problem}`);
  }
}

function refuseDescriptors({ log, accessLog }: Arguments["options"]): void {
  if (log?.text === "stderr") {
    throw new UsageError(
      '--log "stderr": is the client with -i; must be syslog, syslog:unix:/path or syslog:HOST:PORT',
    );
  }
  if (accessLog && streamOf(accessLog.text) !== undefined) {
    throw new UsageError(
      `--access-log ${quote(accessLog.text)}: is the client with -i; must be off, syslog or the ` +
        "path of a file",
    );
  }
}
