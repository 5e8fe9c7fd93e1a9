import { plural } from "../base/text.ts";
import { type HistogramData, quantile } from "../operations/histogram.ts";
import type { SessionInfo, Status } from "../operations/operations.ts";
import type { ListenerStatus } from "../operations/listener_status.ts";
import { datagramsOf } from "./datagrams.ts";
import { foreseen } from "./forecast.ts";
import {
  backupMark,
  type Column,
  formatBytes,
  formatLatency,
  formatSpan,
  formatTable,
  plain,
} from "./format.ts";
import { namesOf, nameText } from "./names.ts";
import { tlsOf } from "./tls.ts";

const DESTINATION_COLUMNS: readonly Column[] = [
  { title: "ID" },
  { title: "DESTINATION" },
  { title: "STATE" },
  { title: "ACTIVE", align: "right" },
  { title: "LIMIT", align: "right" },
  { title: "WEIGHT", align: "right" },
  { title: "SESSIONS", align: "right" },
  { title: "FAILURES", align: "right" },
  { title: "UP", align: "right" },
  { title: "DOWN", align: "right" },
];

/** Only where a destination has a name. */
const ADDRESS_COLUMN: Column = { title: "ADDRESS" };

/** Only where clients get some of them by what they ask for. */
const SERVES_COLUMNS: readonly Column[] = [{ title: "SNI" }, { title: "ALPN" }];

/** Only where a server has said something of itself. */
const AGENT_COLUMN: Column = { title: "AGENT" };

/** Only where a server is spoken to over TLS. */
const TLS_COLUMN: Column = { title: "TLS" };

/** Stands behind the client where one was named by somebody else. */
const PEER_COLUMN: Column = { title: "PEER" };

/** Only where clients have said which server they want. */
const NAME_COLUMN: Column = { title: "SERVER NAME" };

/** Only where clients have shown certificates. */
const TLS_CLIENT_COLUMN: Column = { title: "TLS CLIENT" };

/** Only where there are sessions of UDP. */
const DATAGRAM_COLUMNS: readonly Column[] = [
  { title: "DGRAMS UP", align: "right" },
  { title: "DOWN", align: "right" },
];

const SESSION_COLUMNS: readonly Column[] = [
  { title: "STAGE" },
  { title: "PLACE", align: "right" },
  { title: "DESTINATION" },
  { title: "AGE", align: "right" },
  { title: "UP", align: "right" },
  { title: "DOWN", align: "right" },
  { title: "ATTEMPTS", align: "right" },
  { title: "LISTENER" },
];

/** The status for people, one line each. */
export function statusLines(status: Status): string[] {
  const { version, pid, generation, state, uptime_ms, log_lines_lost: { access, log } } = status;
  const nth = generation > 1 ? ` (generation ${generation})` : "";
  return [
    `iawlb ${plain(version)}, pid ${pid}${nth}, ${state}, up ${formatSpan(uptime_ms)}`,
    ...(access + log > 0 ? [`lines lost: ${access} of the access log, ${log} of the log`] : []),
    ...status.listeners.flatMap((listener) => ["", ...listenerLines(listener)]),
  ];
}

function listenerLines(listener: ListenerStatus): string[] {
  const { id, name, address, state, latencies, destinations } = listener;
  const { accepted, waiting, queue, oldest_waiting_ms, active, bytes_up, bytes_down } = listener;
  // An earlier version does not tell the policy, and greets nobody.
  const policy = listener.balance ? `, balance ${plain(listener.balance)}` : "";
  const greeted = listener.greeting > 0 ? `, ${listener.greeting} being greeted` : "";
  const clients = listener.waiting_clients > 0 ? `, of ${listener.waiting_clients} clients` : "";
  const oldest = waiting > 0 ? `, the oldest for ${formatSpan(oldest_waiting_ms)}` : "";
  const ended = Object.entries(listener.ended).map(([reason, number]) => `${number} ${reason}`);
  const forecast = foreseen(listener).map(([name, text]) => `${name} ${text}`);
  const durations = [
    ...durationText("queue", latencies.queue),
    ...durationText("connect", latencies.connect),
    ...durationText("session", latencies.session),
  ];
  // An earlier version does not tell the address.
  const named = destinations.some(({ name, address, source }) => {
    // The name of a record ends in its address.
    return !source && (address ?? name) !== name;
  });
  // An earlier version does not tell them.
  const routed = destinations.some(({ sni, alpn }) => sni || alpn);
  const reported = destinations.some(({ agent }) => agent);
  const encrypted = destinations.some(({ tls }) => tls !== undefined && tls !== "off");
  const columns = [
    ...DESTINATION_COLUMNS,
    ...(named ? [ADDRESS_COLUMN] : []),
    ...(routed ? SERVES_COLUMNS : []),
    ...(encrypted ? [TLS_COLUMN] : []),
    ...(reported ? [AGENT_COLUMN] : []),
  ];
  const rows = destinations.map((one) => [
    one.id,
    one.name + backupMark(one) + (one.leaving ? " (leaving)" : ""),
    one.state,
    String(one.active),
    String(one.limit),
    String(one.weight),
    String(one.sessions),
    String(one.failures),
    formatBytes(one.bytes_up),
    formatBytes(one.bytes_down),
    ...(named ? [one.address] : []),
    ...(routed ? [one.sni || "*", one.alpn || "*"] : []),
    ...(encrypted ? [one.tls ?? "-"] : []),
    ...(reported ? [one.agent || "-"] : []),
  ]);
  const table = rows.length === 0 ? ["no destinations"] : formatTable(columns, rows);
  return [
    `Listener ${id}: ${plain(name)} (${plain(address)}), ${state}${policy}`,
    `  ${accepted} accepted${greeted}, ${active} active, ${waiting} of ${queue} waiting${clients}${oldest}`,
    `  ${formatBytes(bytes_up)} up, ${formatBytes(bytes_down)} down`,
    ...datagramLine(listener),
    ...tlsLine(listener),
    ...(forecast.length > 0 ? [`  ${forecast.join(", ")}`] : []),
    ...(ended.length > 0 ? [`  ended: ${plain(ended.join(", "))}`] : []),
    ...(durations.length > 0 ? [`  ${durations.join("; ")}`] : []),
    ...routeLines(listener),
    ...namesOf(listener).map((name) => `  ${name.id} ${nameText(name)}`),
    "",
    ...table.map((line) => `  ${line}`),
  ];
}

/** What clients have asked for, where that decides who serves them. */
function routeLines({ routes }: ListenerStatus): string[] {
  // An earlier version has none.
  return ((routes as ListenerStatus["routes"] | undefined) ?? []).map((route) => {
    const { name, protocol, live, waiting, sessions } = route;
    const what = protocol ? `${plain(name)} ${plain(protocol)}` : plain(name);
    return `  asked for ${what}: ${plural(sessions, "session")}, ${live} live, ${waiting} waiting`;
  });
}

/** Handshakes and certificates, where clients speak TLS. */
function tlsLine(listener: ListenerStatus): string[] {
  const tls = tlsOf(listener);
  if (!tls) return [];
  const { handshakes, pending, failed, certificates } = tls;
  return [
    `  TLS: ${handshakes} handshakes, ${pending} under way, ${failed} failed; ${certificates}`,
  ];
}

/** What became of datagrams, where there were some. */
function datagramLine(listener: ListenerStatus): string[] {
  const datagrams = datagramsOf(listener);
  if (!datagrams) return [];
  const { up, down, lost } = datagrams;
  const losses = lost.map(([why, number]) => `, ${number} ${why}`);
  return [`  datagrams: ${up} up, ${down} down${losses.join("")}`];
}

function durationText(what: string, histogram: HistogramData): string[] {
  // An earlier version does not tell the fine buckets.
  const { fine = [] } = histogram;
  const [median, most] = [quantile({ fine }, 0.5), quantile({ fine }, 0.99)];
  if (median === undefined || most === undefined) return [];
  return [`${what} p50 ${formatLatency(median)}, p99 ${formatLatency(most)}`];
}

/** Live sessions for people, one line each. */
export function sessionLines(answer: { sessions: SessionInfo[]; total: number }): string[] {
  const { sessions, total } = answer;
  if (sessions.length === 0) return ["no sessions"];
  const named = sessions.some(({ client, peer }) => peer !== undefined && peer !== client);
  const asked = sessions.some(({ server_name }) => server_name);
  const verified = sessions.some(({ tls_client }) => tls_client);
  const datagrams = sessions.some(({ datagrams_up }) => datagrams_up !== undefined);
  const rows = sessions.map((session) => [
    session.id,
    session.client,
    // An earlier version does not tell it.
    ...named ? [session.peer ?? "-"] : [],
    ...asked ? [session.server_name ?? "-"] : [],
    ...verified ? [session.tls_client ?? "-"] : [],
    session.stage,
    session.place === null ? "-" : String(session.place),
    session.destination ?? "-",
    formatSpan(session.age_ms),
    formatBytes(session.bytes_up),
    formatBytes(session.bytes_down),
    String(session.attempts),
    session.listener,
    ...datagrams ? [session.datagrams_up, session.datagrams_down].map((n) => String(n ?? "-")) : [],
  ]);
  const begin = [
    { title: "ID" },
    { title: "CLIENT" },
    ...named ? [PEER_COLUMN] : [],
    ...asked ? [NAME_COLUMN] : [],
    ...verified ? [TLS_CLIENT_COLUMN] : [],
  ];
  const lines = formatTable(
    [...begin, ...SESSION_COLUMNS, ...datagrams ? DATAGRAM_COLUMNS : []],
    rows,
  );
  if (total > sessions.length) {
    lines.push(`the ${sessions.length} oldest of ${total}; --limit N shows more`);
  }
  return lines;
}
