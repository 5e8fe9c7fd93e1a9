import { compileTemplate } from "./access_template.ts";
import { elapsed, escaped, exitOf, oneWord, toMicroseconds } from "./access_values.ts";
import type { Settings } from "../config/options.ts";
import { datagramsOf } from "../session/exchange.ts";
import { tlsOf } from "../session/client_tls.ts";
import type { Session } from "../session/session.ts";

/** Turns an ended session into its line of the access log. */
export type AccessLogFormat = (session: Session, time: Date) => string;

/** What the access log says about a session; `null` where a stage was not reached. */
export interface AccessRecord {
  /** When the session ended, RFC 3339 in UTC. */
  time: string;
  /** What it is called by operators, too: the number of its listener, a dot, and its own. */
  id: string;
  /** The address to listen on, as configured. */
  listener: string;
  client: string;
  /** The peer of its connection, if that has said that the client is somebody else. */
  peer?: string;
  /** The server that the client asks for in its hello of TLS, if it does and that is read. */
  server_name?: string;
  /** The destination of the latest connect. */
  destination: string | null;
  /** One of `END_REASONS`. */
  reason: string;
  /** In the queue, all waits together if a connect failed; the connects are not in it. */
  queue_ms: number;
  /** The latest connect, if it succeeded. */
  connect_ms: number | null;
  /** From accept to close. */
  total_ms: number;
  bytes_up: number;
  bytes_down: number;
  /** Datagrams of the client and of the destination; only of a session of UDP. */
  datagrams_up?: number;
  datagrams_down?: number;
  /** Status that the program ended with, or the signal; only of a session that one served. */
  exit_status?: number | null;
  exit_signal?: string | null;
  /** The version of TLS; only of a session with TLS. */
  tls_version?: string;
  /** What was agreed on over TLS (ALPN), empty if nothing was; only of a session with TLS. */
  alpn?: string;
  /** The subject of the client's certificate; only if it had to show one. */
  tls_client?: string;
  /** Connects begun. */
  attempts: number;
}

/** The facts of an ended session. */
function accessRecord(
  session: Session,
  { listener, time }: { listener: string; time: Date },
): AccessRecord {
  const { acceptedAt, connectStartedAt, connectedAt, endedAt } = session;
  return {
    time: time.toISOString(),
    id: session.title,
    listener,
    client: session.clientName,
    ...session.forwarded && { peer: session.peerName },
    ...session.hello?.name !== undefined && { server_name: session.hello.name },
    destination: session.destination?.name ?? null,
    reason: session.reason ?? "done",
    queue_ms: toMicroseconds(session.queued),
    connect_ms: elapsed(connectStartedAt, connectedAt),
    total_ms: elapsed(acceptedAt, endedAt) ?? 0,
    bytes_up: session.up.bytes,
    bytes_down: session.down.bytes,
    ...datagramsOf(session),
    ...exitOf(session),
    ...tlsOf(session),
    attempts: session.attempts,
  };
}

/** The settings that say what a line looks like. */
export type AccessLogSettings = Pick<Settings, "logFormat" | "accessLogFormat">;

/**
 * The chosen format: `key=value` pairs for people, a JSON object, or what a template says.
 *
 * @param options.listener The name of the listener that the sessions come from.
 * @throws {TemplateError} If the template is not allowed.
 */
export function accessLogFormat(
  settings: AccessLogSettings,
  options: { listener: string },
): AccessLogFormat {
  const { logFormat, accessLogFormat } = settings;
  switch (accessLogFormat === "auto" ? logFormat : accessLogFormat) {
    case "json":
      return (session, time) => JSON.stringify(accessRecord(session, { ...options, time }));
    case "text":
      return textFormat(options.listener);
    default:
      return compileTemplate(accessLogFormat, options);
  }
}

function textFormat(listener: string): AccessLogFormat {
  const listenerWord = oneWord(listener);
  return (session, time) => {
    const { acceptedAt, connectStartedAt, connectedAt, endedAt } = session;
    return `${time.toISOString()} id=${session.title} listener=${listenerWord} ` +
      `client=${oneWord(session.clientName)} ${
        session.forwarded ? `peer=${oneWord(session.peerName)} ` : ""
      }${
        session.hello?.name === undefined ? "" : `server_name=${session.hello.name} `
      }destination=${oneWord(session.destination?.name ?? "-")} ` +
      `reason=${session.reason ?? "done"} queue=${ms(toMicroseconds(session.queued))} ` +
      `connect=${ms(elapsed(connectStartedAt, connectedAt))} ` +
      `total=${ms(elapsed(acceptedAt, endedAt) ?? 0)} ` +
      `up=${session.up.bytes} down=${session.down.bytes} ${datagramWords(session)}${
        exitWords(session)
      }${tlsWords(session)}attempts=${session.attempts}`;
  };
}

/** Of a session of UDP, with a blank behind. */
function datagramWords(session: Session): string {
  const { datagrams_up: up, datagrams_down: down } = datagramsOf(session);
  return up === undefined ? "" : `datagrams_up=${up} datagrams_down=${down} `;
}

/** Of a session that a program has served, with a blank behind. */
function exitWords(session: Session): string {
  if (!session.exit) return "";
  const { exit_status: status, exit_signal: signal } = exitOf(session);
  return `exit_status=${status ?? "-"} exit_signal=${signal ?? "-"} `;
}

/** Of a session over TLS, with a blank behind. */
function tlsWords(session: Session): string {
  if (!session.tls) return "";
  const { tls_version: version, alpn, tls_client: client } = tlsOf(session);
  const subject = client === undefined ? "" : `tls_client=${escaped(client)} `;
  return `tls_version=${version} alpn=${alpn ? escaped(alpn) : "-"} ${subject}`;
}

function ms(value: number | null): string {
  return value === null ? "-" : `${value}ms`;
}
