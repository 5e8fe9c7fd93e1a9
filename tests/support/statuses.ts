import { Histogram, type HistogramData } from "../../src/operations/histogram.ts";
import type { Status } from "../../src/operations/operations.ts";
import type { DestinationStatus } from "../../src/operations/destination_status.ts";
import type { Latencies } from "../../src/operations/latencies.ts";
import type { ListenerStatus } from "../../src/operations/listener_status.ts";
import type { CertificateStatus } from "../../src/operations/tls_status.ts";

/** The status of a program that has done nothing, with what a test wants different. */
export function statusOf(different: Partial<Status>): Status {
  return {
    version: "0.1.0",
    pid: 4242,
    generation: 1,
    time: "2026-01-01T00:00:00.000Z",
    uptime_ms: 60_000,
    state: "running",
    log_lines_lost: { access: 0, log: 0 },
    departed: [],
    listeners: [listenerOf({})],
    ...different,
  };
}

/** A listener with two destinations. */
export function listenerOf(different: Partial<ListenerStatus>): ListenerStatus {
  return {
    id: 1,
    name: "8080",
    address: "[::]:8080",
    state: "running",
    balance: "fifo",
    accepted: 0,
    greeting: 0,
    waiting: 0,
    waiting_clients: 0,
    next: "oldest",
    oldest_waiting_ms: 0,
    queue: 1024,
    waits_at_most_ms: 30_000,
    active: 0,
    unbound: 0,
    overloaded: 0,
    patience_ms: 0,
    answered: 0,
    gave_up: 0,
    forecast: {
      expected_wait_ms: 0,
      clears_in_ms: 0,
      offered_per_s: 0,
      capacity_per_s: null,
      load: null,
      gave_up_per_s: 0,
      turned_away_per_s: 0,
    },
    bytes_up: 0,
    bytes_down: 0,
    datagrams_up: 0,
    datagrams_down: 0,
    datagrams_dropped: 0,
    datagrams_foreign: 0,
    datagrams_unsent: 0,
    tls_pending: 0,
    tls_handshakes: 0,
    certificates: [],
    ended: {},
    recent: null,
    latencies: latenciesOf({}),
    children: [],
    routes: [],
    names: [],
    destinations: [destinationOf({}), destinationOf({ id: "1.2", name: "9002" })],
    ...different,
  };
}

/** A certificate that ends in so many days. */
export function certificateOf(days: number, name = "a.example"): CertificateStatus {
  const expires = new Date(Date.now() + days * 86_400_000).toISOString();
  return { path: "/a.pem", names: [name], expires, expires_in_s: days * 86_400 };
}

/** A destination that is up. */
export function destinationOf(different: Partial<DestinationStatus>): DestinationStatus {
  return {
    id: "1.1",
    name: "9001",
    address: different.name ?? "9001",
    source: "",
    state: "up",
    state_age_ms: 60_000,
    last_error: null,
    last_check: null,
    admin: "ready",
    leaving: false,
    limit: 16,
    limit_reason: "configured",
    limit_changes: 0,
    weight: 1,
    check: "off",
    sni: "",
    alpn: "",
    send_proxy: "off",
    tls: "off",
    tls_name: "",
    tls_unfinished: 0,
    agent_check: "off",
    agent: "",
    agent_failures: 0,
    backup: false,
    tier: 0,
    workers: 1,
    active: 0,
    sessions: 0,
    failures: 0,
    lookup_failures: 0,
    bytes_up: 0,
    bytes_down: 0,
    recent: null,
    latencies: latenciesOf({}),
    ...different,
  };
}

/** Distributions of these durations, in milliseconds; none of those that are not given. */
export function latenciesOf(durations: Partial<Record<keyof Latencies, number[]>>): Latencies {
  const { queue, connect, session } = durations;
  return { queue: counted(queue), connect: counted(connect), session: counted(session) };
}

function counted(durations: readonly number[] = []): HistogramData {
  const histogram = new Histogram();
  for (const ms of durations) histogram.observe(ms);
  return histogram.data;
}
