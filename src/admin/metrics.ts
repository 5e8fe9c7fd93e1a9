import type {
  DestinationStatus,
  Latencies,
  ListenerStatus,
  ShownState,
  Status,
} from "../operations.ts";
import { END_REASONS } from "../session.ts";
import { Exposition, type Labels } from "./exposition.ts";

/** What the metrics say of the process, beside the status. */
export interface ProcessFacts {
  /** When the program started, in seconds since 1970; the same at every call. */
  startTime: number;
  /** Memory that the process has, in bytes. */
  residentBytes: number;
}

const STATES: readonly ShownState[] = ["up", "suspect", "down", "drain", "maint"];

const DURATIONS: readonly { kind: keyof Latencies; help: string }[] = [
  { kind: "queue", help: "Time from accept to the beginning of the connect" },
  { kind: "connect", help: "Duration of the connects that succeeded" },
  { kind: "session", help: "Duration of the sessions, from accept to the end" },
];

/**
 * The metrics in the text format of Prometheus. Written by hand since it is a pure function of the
 * status: a client library would keep a second set of books beside it.
 */
export function metricsText(status: Status, facts: ProcessFacts): string {
  const out = new Exposition();
  addProgram(out, status, facts);
  const listeners = onePerName(status.listeners, ({ state }) => state === "running");
  addListeners(out, listeners);
  const destinations = listeners.flatMap((listener) => {
    const shown = onePerName(listener.destinations, ({ leaving }) => !leaving);
    return shown.map((destination) => ({
      labels: { listener: listener.name, destination: destination.name },
      destination,
    }));
  });
  addDestinations(out, destinations);
  return out.toString();
}

function addProgram(out: Exposition, status: Status, facts: ProcessFacts): void {
  out.add({
    name: "iawlb_info",
    type: "gauge",
    help: "Version of the program; always 1.",
  }, [[{ version: status.version }, 1]]);
  out.add({
    name: "iawlb_start_time_seconds",
    type: "gauge",
    help: "When the program started, in seconds since 1970.",
  }, [[{}, facts.startTime]]);
  out.add({
    name: "iawlb_resident_memory_bytes",
    type: "gauge",
    help: "Memory that the process has.",
  }, [[{}, facts.residentBytes]]);
  out.add({
    name: "iawlb_draining",
    type: "gauge",
    help: "1 while the program drains, which ends it.",
  }, [[{}, status.state === "draining" ? 1 : 0]]);
}

function addListeners(out: Exposition, listeners: readonly ListenerStatus[]): void {
  function gauge(name: string, help: string, value: (listener: ListenerStatus) => number): void {
    out.add({ name, type: "gauge", help }, listeners.map((l) => [{ listener: l.name }, value(l)]));
  }
  out.add(
    {
      name: "iawlb_sessions_accepted_total",
      type: "counter",
      help: "Sessions that were accepted, refused ones included.",
    },
    listeners.map((l) => [{ listener: l.name }, l.accepted]),
  );
  out.add({
    name: "iawlb_sessions_ended_total",
    type: "counter",
    help: "Sessions that ended, by reason.",
  }, listeners.flatMap(endedByReason));
  gauge("iawlb_sessions_waiting", "Sessions in the line.", (l) => l.waiting);
  gauge("iawlb_sessions_active", "Sessions that have a worker.", (l) => l.active);
  gauge("iawlb_queue_limit", "Most sessions that wait.", (l) => l.queue);
  gauge(
    "iawlb_queue_oldest_waiting_seconds",
    "Age of the session that has waited longest, 0 if none waits: the one number to alert on.",
    (l) => l.oldest_waiting_ms / 1000,
  );
  out.add(
    {
      name: "iawlb_bytes_total",
      type: "counter",
      help: "Bytes relayed, up from clients to destinations and down back.",
    },
    listeners.flatMap((l) => bytes({ listener: l.name }, l)),
  );
  for (const { kind, help } of DURATIONS) {
    out.addHistograms(
      { name: `iawlb_${kind}_seconds`, help: `${help}, per listener.` },
      listeners.map((l) => [{ listener: l.name }, l.latencies[kind]]),
    );
  }
}

/** Reasons that did not occur count 0, so that the first one that occurs is an increase. */
function endedByReason({ name, ended }: ListenerStatus): [Labels, number][] {
  const counts = { ...Object.fromEntries(Object.keys(END_REASONS).map((r) => [r, 0])), ...ended };
  return Object.entries(counts).map(([reason, n]) => [{ listener: name, reason }, n ?? 0]);
}

function addDestinations(
  out: Exposition,
  destinations: readonly { labels: Labels; destination: DestinationStatus }[],
): void {
  function each(
    type: "counter" | "gauge",
    name: string,
    options: { help: string; value: (destination: DestinationStatus) => number },
  ): void {
    const { help, value } = options;
    out.add(
      { name: `iawlb_destination_${name}`, type, help },
      destinations.map((d) => [d.labels, value(d.destination)]),
    );
  }
  each("gauge", "up", {
    help: "1 if it takes sessions, otherwise 0.",
    value: (d) => d.state === "up" ? 1 : 0,
  });
  out.add(
    {
      name: "iawlb_destination_state",
      type: "gauge",
      help: "1 for the state that it is in, 0 for the others.",
    },
    destinations.flatMap(({ labels, destination }) =>
      STATES.map((state): [Labels, number] => [
        { ...labels, state },
        destination.state === state ? 1 : 0,
      ])
    ),
  );
  each("gauge", "workers", { help: "Workers that exist.", value: (d) => d.workers });
  each("gauge", "active", { help: "Sessions that it serves.", value: (d) => d.active });
  each("gauge", "limit", { help: "Most concurrent sessions.", value: (d) => d.limit });
  each("gauge", "weight", { help: "Share of the sessions.", value: (d) => d.weight });
  each("counter", "sessions_total", {
    help: "Sessions that were connected to it.",
    value: (d) => d.sessions,
  });
  each("counter", "failures_total", {
    help: "Connects, probes and checks that failed.",
    value: (d) => d.failures,
  });
  out.add({
    name: "iawlb_destination_bytes_total",
    type: "counter",
    help: "Bytes relayed, up from clients to the destination and down back.",
  }, destinations.flatMap(({ labels, destination }) => bytes(labels, destination)));
  for (const { kind, help } of DURATIONS) {
    out.addHistograms(
      { name: `iawlb_destination_${kind}_seconds`, help: `${help}, per destination.` },
      destinations.map(({ labels, destination }) => [labels, destination.latencies[kind]]),
    );
  }
}

function bytes(
  labels: Labels,
  counted: { bytes_up: number; bytes_down: number },
): [Labels, number][] {
  return [
    [{ ...labels, direction: "up" }, counted.bytes_up],
    [{ ...labels, direction: "down" }, counted.bytes_down],
  ];
}

/**
 * One of those with the same name: the latest that stays, or else the latest. What was removed and
 * added again while it finished its sessions is there twice, and a series may not be.
 */
function onePerName<T extends { name: string }>(
  all: readonly T[],
  stays: (one: T) => boolean,
): T[] {
  const byName = new Map<string, T>();
  for (const one of all) {
    const other = byName.get(one.name);
    if (!other || stays(one) || !stays(other)) byName.set(one.name, one);
  }
  return [...byName.values()];
}
