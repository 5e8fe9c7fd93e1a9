import type { Settings } from "./options.ts";
import type { Session } from "./session.ts";

/** Turns an ended session into its line of the access log. */
export type AccessLogFormat = (session: Session, time: Date) => string;

/** What the access log says about a session; `null` where a stage was not reached. */
export interface AccessRecord {
  /** When the session ended, RFC 3339 in UTC. */
  time: string;
  id: number;
  client: string;
  /** The destination of the latest connect. */
  destination: string | null;
  /** One of `END_REASONS`. */
  reason: string;
  /** From accept to the beginning of the latest connect, earlier connects included. */
  queue_ms: number | null;
  /** The latest connect, if it succeeded. */
  connect_ms: number | null;
  /** From accept to close. */
  total_ms: number;
  bytes_up: number;
  bytes_down: number;
  /** Connects begun. */
  attempts: number;
}

/** The facts of an ended session. */
export function accessRecord(session: Session, time: Date): AccessRecord {
  const { acceptedAt, connectStartedAt, connectedAt, endedAt } = session;
  return {
    time: time.toISOString(),
    id: session.id,
    client: session.clientName,
    destination: session.destination ?? null,
    reason: session.reason ?? "done",
    queue_ms: elapsed(acceptedAt, connectStartedAt),
    connect_ms: elapsed(connectStartedAt, connectedAt),
    total_ms: elapsed(acceptedAt, endedAt) ?? 0,
    bytes_up: session.up.bytes,
    bytes_down: session.down.bytes,
    attempts: session.attempts,
  };
}

/** The chosen format: `key=value` pairs for people, or a JSON object. */
export function accessLogFormat(format: Settings["logFormat"]): AccessLogFormat {
  return format === "json" ? jsonLine : textLine;
}

function jsonLine(session: Session, time: Date): string {
  return JSON.stringify(accessRecord(session, time));
}

function textLine(session: Session, time: Date): string {
  const r = accessRecord(session, time);
  return `${r.time} id=${r.id} client=${r.client} destination=${r.destination ?? "-"} ` +
    `reason=${r.reason} queue=${ms(r.queue_ms)} connect=${ms(r.connect_ms)} ` +
    `total=${ms(r.total_ms)} up=${r.bytes_up} down=${r.bytes_down} attempts=${r.attempts}`;
}

function ms(value: number | null): string {
  return value === null ? "-" : `${value}ms`;
}

/** Milliseconds between two times, to the microsecond. */
function elapsed(from: number | undefined, to: number | undefined): number | null {
  if (from === undefined || to === undefined) return null;
  return Math.round((to - from) * 1000) / 1000;
}
