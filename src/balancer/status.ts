import { nameAt } from "../config/tls_out_terms.ts";
import type { Overload } from "./overload/overload.ts";
import type { Queue } from "./queue.ts";
import type { ChildStatus } from "../operations/child_status.ts";
import { formatAgentCheck } from "../config/values/agent_check.ts";
import { formatPlace } from "../config/service_address.ts";
import { haveProcesses } from "../config/thread_shares.ts";
import { formatCheck } from "../config/values/check.ts";
import type { DatagramCounts } from "../net/udp/terms.ts";
import type { Destination } from "../destinations/destination.ts";
import type { TlsGreeting } from "./greeting/tls_greeting.ts";
import type { Certificates, ServedCertificate } from "./tls/certificates.ts";
import type { CertificateStatus } from "../operations/tls_status.ts";
import type { SessionRegistry } from "../session/registry.ts";
import type { SessionInfo } from "../operations/operations.ts";
import type { DestinationStatus } from "../operations/destination_status.ts";
import type { Forecast } from "../operations/forecast.ts";
import type { RouteStatus } from "../operations/route_status.ts";
import type { ListenerStatus } from "../operations/listener_status.ts";
import type { NextOne } from "../operations/states.ts";
import { datagramsOf } from "../session/exchange.ts";
import { tlsOf } from "../session/client_tls.ts";
import type { Session } from "../session/session.ts";
import type { Timings } from "../session/timings.ts";

/** What {@linkcode listenerStatus} is made of. */
export interface StatusSources {
  id: number;
  name: string;
  address: string;
  draining: boolean;
  /** The policy in force. */
  balance: string;
  registry: SessionRegistry;
  queue: Pick<Queue, "size" | "clients" | "oldest">;
  /** Who of those that wait is served next. */
  next: NextOne;
  /** Most sessions that wait; the queue itself has no limit during a drain. */
  capacity: number;
  /** How long a session waits before it is ended, in milliseconds; 0 is for ever. */
  waitsAtMost: number;
  /** Sessions of which it is being read what stands before their payload. */
  greeting: number;
  /** Sessions that have waited in vain for the destination that they were bound to. */
  unbound: number;
  overload: Pick<Overload, "acts" | "patience">;
  /** Clients that were sent what `--reject-with` says. */
  answered: number;
  /** Clients that left before they had a destination. */
  gaveUp: number;
  forecast: Forecast;
  routes: RouteStatus[];
  datagrams: DatagramCounts;
  tls: Pick<TlsGreeting, "pending" | "done">;
  certificates: Pick<Certificates, "all">;
  timings: Timings;
  destinations: readonly Destination[];
  /** Which of several threads this is, counted from 0; alone if absent. */
  thread: number | undefined;
  now: number;
}

/** What a listener is doing right now. */
export function listenerStatus(sources: StatusSources): ListenerStatus {
  const { id, registry, queue, destinations, thread, now } = sources;
  const { accepted } = registry;
  const active = destinations.reduce((sum, one) => sum + one.active, 0);
  const ended = Object.entries(registry.ended).filter(([, number]) => number > 0);
  const { oldest } = queue;
  const live = liveBytes(registry.live);
  const all = [...live.values()];
  return {
    id,
    name: sources.name,
    address: sources.address,
    state: sources.draining ? "draining" : "running",
    balance: sources.balance,
    accepted,
    greeting: sources.greeting,
    waiting: queue.size,
    waiting_clients: queue.clients,
    next: sources.next,
    oldest_waiting_ms: oldest ? now - oldest.acceptedAt : 0,
    queue: sources.capacity,
    waits_at_most_ms: sources.waitsAtMost,
    active,
    unbound: sources.unbound,
    overloaded: Number(sources.overload.acts),
    patience_ms: sources.overload.patience,
    answered: sources.answered,
    bytes_up: all.reduce((sum, { up }) => sum + up, registry.bytesUp),
    bytes_down: all.reduce((sum, { down }) => sum + down, registry.bytesDown),
    datagrams_up: sources.datagrams.up,
    datagrams_down: sources.datagrams.down,
    datagrams_dropped: sources.datagrams.dropped,
    datagrams_foreign: sources.datagrams.foreign,
    datagrams_unsent: sources.datagrams.unsent,
    tls_pending: sources.tls.pending,
    tls_handshakes: sources.tls.done,
    certificates: sources.certificates.all.map(certificateStatus),
    ended: Object.fromEntries(ended),
    // Whoever keeps the history adds it, here and below.
    recent: null,
    forecast: sources.forecast,
    routes: sources.routes,
    gave_up: sources.gaveUp,
    latencies: sources.timings.data,
    children: [
      ...(thread === undefined ? [] : [{ name: nameOf(thread, destinations), accepted, active }]),
      ...childrenOf(destinations),
    ],
    // Whoever looks them up, once for all threads, adds them.
    names: [],
    destinations: destinations.map((one) => destinationStatus(one, { id, live })),
  };
}

function certificateStatus({ path, pair }: ServedCertificate): CertificateStatus {
  return {
    path,
    names: [...pair.names],
    expires: new Date(pair.until).toISOString(),
    expires_in_s: Math.floor((pair.until - Date.now()) / 1000),
  };
}

/** What one of several threads is called, or the process in its place. */
function nameOf(thread: number, destinations: readonly Destination[]): string {
  const isProcess = haveProcesses({ destinations: destinations.map(({ config }) => config) });
  return isProcess ? `process ${Deno.pid}` : `thread ${thread}`;
}

/** What each process has done that serves sessions of these destinations. */
export function childrenOf(destinations: readonly Destination[]): ChildStatus[] {
  return destinations.flatMap(({ connector }) => connector.children ?? []);
}

/** Bytes by destination. */
type LiveBytes = Map<object, { up: number; down: number }>;

/**
 * Bytes of the live sessions by destination. Those of a session that was not answered yet do not
 * count: it may go to another destination, and a sum must never become less.
 */
export function liveBytes(live: Iterable<Session>): LiveBytes {
  const bytes: LiveBytes = new Map();
  for (const { destination, up, down } of live) {
    if (destination === undefined || down.bytes === 0) continue;
    const sum = bytes.get(destination);
    if (sum) {
      sum.up += up.bytes;
      sum.down += down.bytes;
    } else bytes.set(destination, { up: up.bytes, down: down.bytes });
  }
  return bytes;
}

/** What one destination is doing right now. */
export function destinationStatus(
  destination: Destination,
  { id, live }: { id: number; live: LiveBytes },
): DestinationStatus {
  const { name, config, share, workers, active, sessions, failures } = destination;
  const { up, down } = live.get(destination) ?? { up: 0, down: 0 };
  return {
    id: `${id}.${destination.number}`,
    name,
    address: formatPlace(config.address),
    source: config.source ?? "",
    state: destination.standing.shown,
    ...destination.standing.facts,
    admin: destination.admin,
    leaving: destination.leaving,
    limit: share.fullLimit,
    limit_reason: destination.auto?.reason ?? "configured",
    limit_changes: destination.auto?.changes ?? 0,
    weight: Math.round(100 * share.fullWeight) / 100,
    backup: config.backup > 0,
    tier: config.backup,
    check: formatCheck(config.check),
    sni: config.sni.join("|"),
    alpn: config.alpn.join("|"),
    send_proxy: config["send-proxy"],
    tls: !config.tls ? "off" : config["tls-insecure"] ? "insecure" : "verified",
    tls_name: config.tls ? config["tls-name"] || nameAt(config.address) : "",
    tls_unfinished: destination.unfinishedTls,
    agent_check: formatAgentCheck(config["agent-check"]),
    agent: destination.agent.text,
    workers,
    active,
    sessions,
    failures,
    lookup_failures: destination.lookupFailures,
    agent_failures: destination.agentFailures,
    bytes_up: destination.bytesUp + up,
    bytes_down: destination.bytesDown + down,
    recent: null,
    latencies: destination.timings.data,
  };
}

/** The oldest of the live sessions. */
export function sessionInfos(
  live: Iterable<Session>,
  options: { listener: { id: number; name: string }; limit: number; now: number },
): SessionInfo[] {
  const { listener, limit, now } = options;
  const infos: SessionInfo[] = [];
  // The queue is in the order in which sessions were admitted, as those that are live are.
  let place = 0;
  for (const session of live) {
    if (infos.length >= limit) break;
    if (session.stage === "ended") continue;
    infos.push({
      id: session.title,
      listener: listener.name,
      client: session.clientName,
      peer: session.peerName,
      server_name: session.hello?.name ?? null,
      destination: session.destination?.name ?? null,
      stage: session.stage,
      place: session.stage === "waiting" ? ++place : null,
      age_ms: now - session.acceptedAt,
      bytes_up: session.up.bytes,
      bytes_down: session.down.bytes,
      ...datagramsOf(session),
      ...tlsOf(session),
      attempts: session.attempts,
    });
  }
  return infos;
}
