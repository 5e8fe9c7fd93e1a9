import type { LogEvent, ReloadResult, SessionInfo, Status } from "../operations/operations.ts";
import type { DestinationStatus } from "../operations/destination_status.ts";

/** Whether something that came from outside is what is made of it. */
type Test = (value: unknown) => boolean;

/** Longest text that is taken; a host name has at most 253 characters. */
const LONGEST_TEXT = 1000;

const text: Test = (value) => typeof value === "string" && value.length <= LONGEST_TEXT;
const longText: Test = (value) => typeof value === "string";
const amount: Test = (value) => typeof value === "number" && Number.isFinite(value) && value >= 0;
const flag: Test = (value) => typeof value === "boolean";
const id: Test = (value) => typeof value === "string" && /^\d{1,20}\.\d{1,20}$/.test(value);
const number: Test = (value) => Number.isSafeInteger(value);

function list(of: Test): Test {
  return (value) => Array.isArray(value) && value.every(of);
}

function either(first: Test, second: Test): Test {
  return (value) => first(value) || second(value);
}

/** An object that has these members, and maybe others, which a later version may have added. */
function object(members: Readonly<Record<string, Test>>): Test {
  const tests = Object.entries(members);
  return (value) => {
    if (typeof value !== "object" || value === null) return false;
    return tests.every(([name, test]) => test((value as Record<string, unknown>)[name]));
  };
}

const none: Test = (value) => value === null;
const missing: Test = (value) => value === undefined;
const anything = object({});
const amounts: Test = (value) => anything(value) && Object.values(value as object).every(amount);

// An earlier version does not tell the fine buckets.
const histogram = object({ fine: either(missing, list(number)) });

const destination = object({
  ...{ id, name: text, address: either(missing, text), source: either(missing, text) },
  agent: either(missing, text),
  // An earlier version does not read hellos.
  ...{ sni: either(missing, longText), alpn: either(missing, longText) },
  // An earlier version does not tell the tier.
  ...{ state: text, admin: text, leaving: flag, backup: flag, tier: either(missing, amount) },
  ...{ limit: amount, weight: amount, active: amount, sessions: amount, failures: amount },
  ...{ bytes_up: amount, bytes_down: amount },
});

const route = object({
  ...{ name: text, protocol: text, sessions: amount, waiting: amount, live: amount },
});

const name = object({
  ...{ id, name: text, address: text, admin: text, records: amount, failures: amount },
  ...{ last_error: longText, age_ms: either(none, amount) },
});

const certificate = object({ path: longText, names: list(text), expires_in_s: number });

const maybe = either(none, amount);
const forecast = object({
  ...{ expected_wait_ms: maybe, clears_in_ms: maybe, capacity_per_s: maybe, load: maybe },
  ...{ offered_per_s: amount, gave_up_per_s: amount, turned_away_per_s: amount },
});

const listener = object({
  ...{ id: amount, name: text, address: text, state: text, accepted: amount, waiting: amount },
  ...{ oldest_waiting_ms: amount, queue: amount, active: amount, ended: amounts },
  // An earlier version greets and binds nobody.
  ...{ greeting: either(missing, amount), unbound: either(missing, amount) },
  // It tells no clients apart.
  waiting_clients: either(missing, amount),
  ...{ bytes_up: amount, bytes_down: amount, destinations: list(destination) },
  // An earlier version foresees nothing.
  forecast: either(missing, forecast),
  // An earlier version does not tell them.
  ...{ datagrams_up: either(missing, amount), datagrams_down: either(missing, amount) },
  ...{ datagrams_dropped: either(missing, amount), datagrams_foreign: either(missing, amount) },
  datagrams_unsent: either(missing, amount),
  ...{ tls_pending: either(missing, amount), tls_handshakes: either(missing, amount) },
  certificates: either(missing, list(certificate)),
  routes: either(missing, list(route)),
  ...{ names: either(missing, list(name)), balance: either(missing, text) },
  latencies: object({ queue: histogram, connect: histogram, session: histogram }),
});

const status = object({
  ...{ version: text, pid: amount, uptime_ms: amount, state: text, listeners: list(listener) },
});

const session = object({
  ...{ id, listener: text, client: text, destination: either(none, text), stage: text },
  // An earlier version does not tell it.
  peer: either(missing, text),
  server_name: either(missing, either(none, text)),
  tls_client: either(missing, longText),
  ...{ place: either(none, amount), age_ms: amount, bytes_up: amount, bytes_down: amount },
  attempts: amount,
  ...{ datagrams_up: either(missing, amount), datagrams_down: either(missing, amount) },
});

const sessions = object({ sessions: list(session), total: amount });
const reloadResult = object({ changes: list(longText), needs_restart: list(longText) });

const logEvent = object({ time: text, level: text, message: longText });

const entry = object({ value: longText, given: flag });
const entries: Test = (value) => anything(value) && Object.values(value as object).every(entry);
const config = object({
  file: either(none, longText),
  settings: entries,
  listeners: list(object({
    ...{ id: amount, name: text, listen: list(longText), options: entries },
    destinations: list(object({ id, name: text, address: longText, options: entries })),
  })),
});

const values = list(either(none, amount));
const series: Test = (value) => anything(value) && Object.values(value as object).every(values);
const past = object({
  uptime_ms: amount,
  listeners: list(object({
    ...{ id: amount, series },
    destinations: either(missing, list(object({ id, series }))),
  })),
});

const history = object({
  ...{ span: text, step_ms: amount, time: text, uptime_ms: amount },
  listeners: list(object({
    ...{ id: amount, name: text, series },
    destinations: either(missing, list(object({ id, name: text, series }))),
  })),
  marks: list(object({ time: text, kind: text, text: longText })),
});

/** What `GET /sessions` answers. */
export interface Sessions {
  sessions: SessionInfo[];
  total: number;
}

/** A value that is in force, and whether it was given. */
export interface ConfigEntry {
  readonly value: string;
  readonly given: boolean;
}

/** What `GET /config` answers. */
export interface ConfigInForce {
  readonly file: string | null;
  readonly settings: Readonly<Record<string, ConfigEntry>>;
  readonly listeners: readonly {
    readonly id: number;
    readonly name: string;
    readonly listen: readonly string[];
    readonly options: Readonly<Record<string, ConfigEntry>>;
    readonly destinations: readonly {
      readonly id: string;
      readonly name: string;
      readonly address: string;
      readonly options: Readonly<Record<string, ConfigEntry>>;
    }[];
  }[];
}

/** Columns of a series, by their names. */
export type ToldSeries = Readonly<Record<string, PastValues | undefined>>;

/** What `GET /history` answers, with all that is shown. */
export interface ToldHistory {
  readonly span: string;
  readonly step_ms: number;
  readonly time: string;
  readonly listeners: readonly {
    readonly id: number;
    readonly name: string;
    readonly series: ToldSeries;
    readonly destinations?: readonly {
      readonly id: string;
      readonly name: string;
      readonly series: ToldSeries;
    }[];
  }[];
  readonly marks: readonly { readonly time: string; readonly text: string }[];
}

/** Values by second, oldest first; `null` where nothing was measured. */
export type PastValues = readonly (number | null)[];

/** What `GET /history` answers, as far as it is looked at. */
export interface Past {
  readonly uptime_ms: number;
  readonly listeners: readonly {
    readonly id: number;
    readonly series: Readonly<Record<string, PastValues>>;
    readonly destinations?: readonly {
      readonly id: string;
      readonly series: Readonly<Record<string, PastValues>>;
    }[];
  }[];
}

const health = object({ status: text });

/** Whether it can be shown as what happened before. */
export function isPast(value: unknown): value is Past {
  return past(value);
}

/** Whether it can be shown as a status. */
export function isStatus(value: unknown): value is Status {
  return status(value);
}

/** Whether it can be shown as a history; a later version may have other columns. */
export function isHistory(value: unknown): value is ToldHistory {
  return history(value);
}

/** Whether it can be shown as a destination. */
export function isDestination(value: unknown): value is DestinationStatus {
  return destination(value);
}

/** Whether it can be shown as a list of sessions. */
export function isSessions(value: unknown): value is Sessions {
  return sessions(value);
}

/** Whether it can be shown as something that the log has told. */
export function isLogEvent(value: unknown): value is LogEvent {
  return logEvent(value);
}

/** Whether it can be shown as what is in force. */
export function isConfig(value: unknown): value is ConfigInForce {
  return config(value);
}

/** Whether it can be shown as what a reload did. */
export function isReloadResult(value: unknown): value is ReloadResult {
  return reloadResult(value);
}

/** Whether it is what is said of health. */
export function isHealth(value: unknown): value is { status: string } {
  return health(value);
}

/** Whether it is an object, which is all that is known of it. */
export function isObject(value: unknown): value is object {
  return anything(value);
}

/** Whether there is nothing. */
export function isNothing(value: unknown): value is undefined {
  return missing(value);
}
