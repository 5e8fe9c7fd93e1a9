import { parseTemplate, TEMPLATE_FIELDS, TemplateError } from "./values/access_template.ts";
import { AddressError, formatAddress, parseAddress } from "../net/address.ts";
import type { Option } from "./option.ts";

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

/** The option `--log`. */
export function logTarget(spec: { help: string }): Option<LogTarget> {
  return {
    form: "stderr|syslog[:ADDRESS]",
    default: { kind: "stderr" },
    help: spec.help,
    allowed: "stderr, syslog, syslog:unix:/path or syslog:HOST:PORT",
    parse: parseLogTarget,
    format: formatLogTarget,
    notation: { words: ["stderr", "syslog"], pattern: "^syslog:.+" },
  };
}

/** The option `--access-log-format`. */
export function template(spec: { help: string }): Option<string> {
  return {
    form: "auto|text|json|TEMPLATE",
    default: "auto",
    help: spec.help,
    allowed: `auto, text, json or a template with some of the fields ${TEMPLATE_FIELDS}`,
    parse: (text) => templateError(text) ? undefined : text,
    problem(text) {
      const isTemplate = /[{}]/.test(text);
      return isTemplate ? templateError(text)?.message : undefined;
    },
    format: (value) => value,
    notation: { words: ["auto", "text", "json"], pattern: "[{].+[}]" },
  };
}

function templateError(text: string): TemplateError | undefined {
  if (["auto", "text", "json"].includes(text)) return undefined;
  try {
    parseTemplate(text);
  } catch (error) {
    if (error instanceof TemplateError) return error;
    throw error;
  }
}

function parseLogTarget(text: string): LogTarget | undefined {
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

function formatLogTarget(target: LogTarget): string {
  if (target.kind === "stderr") return "stderr";
  const { address } = target;
  const where = formatSyslogAddress(address);
  return where === formatSyslogAddress(LOCAL_SYSLOG) ? "syslog" : `syslog:${where}`;
}

/** The address as it follows `syslog:`. */
export function formatSyslogAddress(address: SyslogAddress): string {
  return formatAddress(address.transport === "unix" ? address : { ...address, transport: "tcp" });
}
