import { AddressError, formatAddress, parseAddress, reservedWordProblem } from "../net/address.ts";

/** Where messages go; the address of a syslog daemon takes datagrams. */
export type LogTarget =
  | { readonly kind: "stderr" }
  | { readonly kind: "syslog"; readonly address: SyslogAddress };

/** Where a syslog daemon receives datagrams. */
export type SyslogAddress =
  | { readonly transport: "unix"; readonly path: string }
  | {
    readonly transport: "udp";
    readonly hostname: string;
    readonly port: number;
    readonly service?: string;
  };

/** Where a syslog daemon of this machine listens. */
export const LOCAL_SYSLOG: SyslogAddress = { transport: "unix", path: "/dev/log" };

/** Reads the option `log`; `undefined` if the text is not allowed. */
export function parseLogTarget(text: string): LogTarget | undefined {
  if (text === "stderr") return { kind: "stderr" };
  if (text === "syslog") return { kind: "syslog", address: LOCAL_SYSLOG };
  const [, where] = /^syslog:(?:udp:)?(.*)$/s.exec(text) ?? [];
  if (where === undefined || text.startsWith("syslog:udp:unix:")) return undefined;
  try {
    const address = parseAddress(where, { minPort: 1, protocol: "udp" });
    if (address.transport === "unix") return { kind: "syslog", address };
    const { hostname, ...rest } = address;
    if (hostname === undefined) return undefined;
    return { kind: "syslog", address: { ...rest, transport: "udp", hostname } };
  } catch (error) {
    if (error instanceof AddressError) return undefined;
    throw error;
  }
}

/** What is wrong with the address of a text that begins with a word that is no host. */
export function logTargetProblem(text: string): string | undefined {
  const [, where] = /^syslog:(?:udp:(?=.*:))?(.*)$/s.exec(text) ?? [];
  return where === undefined ? undefined : reservedWordProblem(where);
}

/** The text that {@linkcode parseLogTarget} reads back as the same. */
export function formatLogTarget(target: LogTarget): string {
  if (target.kind === "stderr") return "stderr";
  const { address } = target;
  const where = formatSyslogAddress(address);
  return where === formatSyslogAddress(LOCAL_SYSLOG) ? "syslog" : `syslog:${where}`;
}

/** The address as it follows `syslog:`. */
export function formatSyslogAddress(address: SyslogAddress): string {
  return formatAddress(address.transport === "unix" ? address : { ...address, transport: "tcp" });
}
