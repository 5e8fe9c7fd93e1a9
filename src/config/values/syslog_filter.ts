import type { Option } from "../option.ts";

/** The facilities by their numbers (RFC 5424, table 1), as syslog.conf(5) calls them. */
export const FACILITIES = [
  ...["kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron"],
  ...["authpriv", "ftp", "ntp", "audit", "alert", "clock"],
  ...["local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"],
] as const;

/** The levels by their numbers, the most severe first (RFC 5424, table 2). */
export const LEVELS = [
  "emerg",
  "alert",
  "crit",
  "err",
  "warning",
  "notice",
  "info",
  "debug",
] as const;

/** Other words for levels, as syslog.conf(5) has them. */
const SYNONYMS: Readonly<Record<string, string>> = {
  "*": "debug",
  panic: "emerg",
  error: "err",
  warn: "warning",
};

/** Messages of one facility, or of all, that are at least so severe. */
export interface SyslogSelector {
  /** Its number; `undefined` for all of them. */
  readonly facility: number | undefined;
  /** The number of the least severe level. */
  readonly level: number;
}

/** Which messages count: those of any of these, or all if there are none. */
export type SyslogFilter = readonly SyslogSelector[];

/** Whether a message counts, by its facility and level. */
export function passes(filter: SyslogFilter, facility: number, level: number): boolean {
  return filter.length === 0 || filter.some((one) => {
    return (one.facility === undefined || one.facility === facility) && level <= one.level;
  });
}

/** An option that chooses syslog messages. */
export function syslogFilter(spec: { help: string }): Option<SyslogFilter> {
  return {
    form: "FACILITY.LEVEL",
    default: [],
    help: `${spec.help}; all = every message`,
    allowed: `all, or FACILITY.LEVEL with a facility of ${FACILITIES.join(", ")} or *, and a ` +
      `level of ${LEVELS.join(", ")} or *; several separated by +`,
    parse(text) {
      if (text === "all") return [];
      const parts = text.split("+");
      const selectors = parts.flatMap((part) => parseSelector(part) ?? []);
      return parts.length <= FACILITIES.length && selectors.length === parts.length
        ? selectors
        : undefined;
    },
    format: (filter) => filter.map(formatSelector).join("+") || "all",
    notation: {
      words: ["all"],
      pattern: "^([a-z0-7]+|\\*)\\.([a-z]+|\\*)(\\+([a-z0-7]+|\\*)\\.([a-z]+|\\*))*$",
    },
  };
}

function parseSelector(text: string): SyslogSelector | undefined {
  const [, facility = "", level = ""] = /^([a-z0-7]+|\*)\.([a-z]+|\*)$/.exec(text) ?? [];
  const number = indexIn(FACILITIES, facility);
  const least = indexIn(LEVELS, Object.hasOwn(SYNONYMS, level) ? SYNONYMS[level]! : level);
  if (least < 0 || (number < 0 && facility !== "*")) return undefined;
  return { facility: facility === "*" ? undefined : number, level: least };
}

function indexIn(names: readonly string[], name: string): number {
  return names.indexOf(name);
}

function formatSelector({ facility, level }: SyslogSelector): string {
  return `${facility === undefined ? "*" : FACILITIES[facility]}.${LEVELS[level]}`;
}
