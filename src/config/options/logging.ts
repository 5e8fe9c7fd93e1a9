import {
  formatLogTarget,
  type LogTarget,
  logTargetProblem,
  parseLogTarget,
} from "../log_target.ts";
import { NO_RESERVED_WORD } from "../values/address_pattern.ts";
import { afterRestart, choice, file, type Option, table } from "../option.ts";
import { FACILITY_NAMES } from "../values/syslog_facility.ts";
import { parseTemplate, TEMPLATE_FIELDS, TemplateError } from "../values/access_template.ts";

/** What is logged, and where. */
export const LOGGING_ROWS = table({ scope: "program", group: "Logging" }, {
  logLevel: choice({
    of: ["debug", "info", "warning", "error"],
    default: "info",
    help: "least important messages that are logged",
  }),
  logFormat: choice({
    of: ["text", "json"],
    default: "text",
    help: "for people, or one JSON object per line",
  }),
  log: afterRestart<LogTarget>({
    form: "stderr|syslog[:ADDRESS]",
    default: { kind: "stderr" },
    help: "where messages go: standard error, or syslog (RFC 5424) at /dev/log, at another " +
      "Unix-domain socket, or over UDP",
    allowed: "stderr, syslog, syslog:unix:/path or syslog:HOST:PORT",
    parse: parseLogTarget,
    problem: logTargetProblem,
    format: formatLogTarget,
    notation: {
      words: ["stderr", "syslog"],
      pattern: `^syslog:(udp:(?=.*:))?(unix:/.*|${NO_RESERVED_WORD}.+)$`,
    },
  }),
  syslogFacility: {
    ...choice({
      of: FACILITY_NAMES,
      default: "daemon",
      help: "what kind of program syslog takes this one for, by which it sorts messages: daemon, " +
        "user, local0 to local7 and the others of syslog(3) but kern and syslog",
    }),
    form: "FACILITY",
  },
  syslogIdent: {
    form: "NAME",
    default: "iawlb",
    help: "what the program is called in syslog",
    allowed: "1 to 48 visible ASCII characters",
    parse: (text) => /^[\x21-\x7e]{1,48}$/.test(text) ? text : undefined,
    format: (value) => value,
    notation: { pattern: "^[!-~]{1,48}$" },
  } as Option<string>,
  accessLog: file({
    words: ["on", "off", "syslog"],
    default: "on",
    form: "on|off|syslog|FILE",
    help: "one line per session: on standard output (also - or /dev/stdout), not at all, to the " +
      "syslog that --log names (/dev/log if it names none), or appended to FILE, which SIGUSR2 " +
      "opens again; FILE may be a FIFO or /dev/stderr",
  }),
  accessLogFormat: {
    form: "auto|text|json|TEMPLATE",
    default: "auto",
    help: "what such a line looks like: auto follows --log-format, or fields in braces with " +
      'units, such as "{time} {client} {destination} {queue:ms} {total:s}"; the documentation has all',
    allowed: `auto, text, json or a template with some of the fields ${TEMPLATE_FIELDS}`,
    parse: (text) => templateError(text) ? undefined : text,
    problem: (text) => /[{}]/.test(text) ? templateError(text)?.message : undefined,
    format: (value) => value,
    notation: { words: ["auto", "text", "json"], pattern: "[{].+[}]" },
  } as Option<string>,
});

function templateError(text: string): TemplateError | undefined {
  if (["auto", "text", "json"].includes(text)) return undefined;
  try {
    parseTemplate(text);
  } catch (error) {
    if (error instanceof TemplateError) return error;
    throw error;
  }
}
