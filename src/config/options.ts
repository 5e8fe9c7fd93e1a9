import { UsageError } from "../base/errors.ts";
import { quote } from "../base/text.ts";
import { type Option, problemWith, type Row, type Scope } from "./option.ts";
import { DAEMON_ROWS } from "./options/daemon.ts";
import { GREETING_ROWS } from "./options/greeting.ts";
import { HEALTH_ROWS } from "./options/health.ts";
import { LISTENER_ROWS } from "./options/listener.ts";
import { LOGGING_ROWS } from "./options/logging.ts";
import { NAMES_ROWS } from "./options/names.ts";
import { ORDER_ROWS } from "./options/order.ts";
import { PROGRAM_ROWS } from "./options/program.ts";
import { PROXY_PROTOCOL_ROWS } from "./options/proxy_protocol.ts";
import { SESSION_ROWS } from "./options/session.ts";
import { TLS_ROWS } from "./options/tls.ts";
import { UDP_ROWS } from "./options/udp.ts";

/**
 * Every option of listeners and of the program: each is a flag of the command line and a key of the
 * configuration file. Those of a destination are in `options/destination.ts`.
 */
export const OPTIONS = {
  ...LISTENER_ROWS,
  ...ORDER_ROWS,
  ...SESSION_ROWS,
  ...UDP_ROWS,
  ...HEALTH_ROWS,
  ...PROXY_PROTOCOL_ROWS,
  ...GREETING_ROWS,
  ...TLS_ROWS,
  ...NAMES_ROWS,
  ...LOGGING_ROWS,
  ...PROGRAM_ROWS,
  ...DAEMON_ROWS,
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

/** The row of an option. */
export function rowOf(name: OptionName): Row<unknown> {
  return OPTIONS[name];
}

/** The names of all options, or of those of one scope, in the order in which they are documented. */
export function optionNames(scope?: Scope): OptionName[] {
  const names = Object.keys(OPTIONS) as OptionName[];
  return scope === undefined ? names : names.filter((name) => OPTIONS[name].scope === scope);
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
  const option = rowOf(name);
  const value = option.parse(text);
  if (value === undefined) {
    throw new UsageError(
      `${flagOf(name)} ${quote(text)}: ${problemWith(option, text)}`,
    );
  }
  return value as Settings[N];
}
