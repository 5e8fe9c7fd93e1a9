import { objectSchema, type Schema } from "./field.ts";

/** How much each span of the history has: steps of so many milliseconds, and so many of them. */
export const SPANS = {
  "5m": { stepMs: 1000, steps: 300 },
  "24h": { stepMs: 60_000, steps: 1440 },
} as const;

/** The name of a span. */
export type Span = keyof typeof SPANS;

/** All of them, the default first. */
export const SPAN_NAMES = Object.keys(SPANS) as Span[];

/** What a value of a step is, which says how those of a longer step are made of it. */
export type ValueKind =
  /** Of a second. */
  | "rate"
  /** The highest of all looks. */
  | "peak"
  /** Of the whole step. */
  | "count"
  /** A duration that half of all do not exceed, or 99 in 100. */
  | "quantile";

/** A column of a series. */
interface Row {
  readonly kind: ValueKind;
  readonly help: string;
}

/** What is kept of each listener. */
export const LISTENER_COLUMNS = {
  waiting: { kind: "peak", help: "sessions in the queue" },
  active: { kind: "peak", help: "sessions that have a worker" },
  accepted_per_s: { kind: "rate", help: "sessions that came, refused ones included" },
  ended_per_s: { kind: "rate", help: "sessions that ended, whatever the reason" },
  failed_per_s: { kind: "rate", help: "those of them whose reason is a failure" },
  bytes_up_per_s: { kind: "rate", help: "bytes from clients to destinations" },
  bytes_down_per_s: { kind: "rate", help: "bytes from destinations to clients" },
  wait_p50_ms: { kind: "quantile", help: "how long half of the sessions waited at most" },
  wait_p99_ms: { kind: "quantile", help: "the same of 99 in 100" },
} as const satisfies Record<string, Row>;

/** What is kept of each destination. */
export const DESTINATION_COLUMNS = {
  active: { kind: "peak", help: "sessions that it serves" },
  sessions_per_s: { kind: "rate", help: "sessions that were connected to it" },
  failures: { kind: "count", help: "connects, probes and checks that failed in the step" },
  bytes_up_per_s: { kind: "rate", help: "bytes from clients to it" },
  bytes_down_per_s: { kind: "rate", help: "bytes from it to clients" },
  session_p50_ms: { kind: "quantile", help: "how long half of its sessions took at most" },
  session_p99_ms: { kind: "quantile", help: "the same of 99 in 100" },
} as const satisfies Record<string, Row>;

/** Values by step, oldest first; `null` where nothing was measured. */
export type Values = (number | null)[];

/** What a listener did. All columns are of the same length. */
export type Series = Record<keyof typeof LISTENER_COLUMNS, Values>;

/** What a destination did. All columns are of the same length. */
export type DestinationSeries = Record<keyof typeof DESTINATION_COLUMNS, Values>;

/** What a {@linkcode Mark} can be about. */
export const MARK_KINDS = [
  "start",
  "down",
  "up",
  "drain",
  "ready",
  "maint",
  "reload",
  "added",
  "removed",
] as const;

/** One of {@linkcode MARK_KINDS}. */
export type MarkKind = typeof MARK_KINDS[number];

/** Something that happened, to be marked in a chart. */
export interface Mark {
  /** RFC 3339 in UTC. */
  time: string;
  uptime_ms: number;
  kind: MarkKind;
  /** Names. */
  listener?: string;
  destination?: string;
  /** A sentence without its end, such as `db2 is down: connection refused`. */
  text: string;
}

/** What a destination did. */
export interface DestinationHistory {
  id: string;
  name: string;
  series: DestinationSeries;
}

/** What a listener did. */
export interface ListenerHistory {
  id: number;
  name: string;
  series: Series;
  /** Of those of which something is kept; absent where only listeners are asked for. */
  destinations?: DestinationHistory[];
}

/** What the program did: what `GET /history` answers. */
export interface History {
  span: Span;
  step_ms: 1000 | 60_000;
  /** When the last step ends, RFC 3339 in UTC. */
  time: string;
  /** The same by the uptime. */
  uptime_ms: number;
  listeners: ListenerHistory[];
  /** Latest last. */
  marks: Mark[];
}

/** What of the history is asked for. */
export interface HistoryQuery {
  span: Span;
  /** The number or the name of a listener; all of them if absent, of a day without destinations. */
  listener?: string | undefined;
  /** Whether destinations are of no interest. */
  brief?: boolean;
}

const text: Schema = { type: "string" };
const amount: Schema = { type: "number", minimum: 0 };

function seriesSchema(columns: Readonly<Record<string, Row>>): Schema {
  return objectSchema(
    Object.fromEntries(
      Object.entries(columns).map(([name, { help }]) => [name, {
        type: "array",
        items: { type: ["number", "null"], minimum: 0 },
        description: help,
      }]),
    ),
  );
}

/** The schema of {@linkcode Mark}. */
export const MARK_SCHEMA: Schema = {
  type: "object",
  properties: {
    time: { type: "string", format: "date-time" },
    uptime_ms: amount,
    kind: { enum: MARK_KINDS },
    listener: { ...text, description: "its name" },
    destination: { ...text, description: "its name" },
    text: { ...text, description: "what happened, in words" },
  },
  required: ["time", "uptime_ms", "kind", "text"],
  additionalProperties: false,
};

/** The schema of {@linkcode History}; `mark` refers to that of a mark. */
export function historySchema(mark: Schema): Schema {
  const destination = objectSchema({
    id: { type: "string", pattern: "^\\d+\\.\\d+$" },
    name: text,
    series: seriesSchema(DESTINATION_COLUMNS),
  });
  const listener = {
    type: "object",
    properties: {
      id: { type: "integer", minimum: 0 },
      name: text,
      series: seriesSchema(LISTENER_COLUMNS),
      destinations: { type: "array", items: destination },
    },
    required: ["id", "name", "series"],
    additionalProperties: false,
  };
  return objectSchema({
    span: { enum: SPAN_NAMES },
    step_ms: { enum: SPAN_NAMES.map((name) => SPANS[name].stepMs) },
    time: {
      type: "string",
      format: "date-time",
      description: "when the last step ends; steps have no gaps, values are oldest first",
    },
    uptime_ms: { ...amount, description: "the same by the uptime" },
    listeners: { type: "array", items: listener },
    marks: { type: "array", items: mark, description: "what happened, latest last" },
  });
}
