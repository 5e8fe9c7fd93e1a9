import type { DestinationStatus, ListenerStatus, Status } from "./operations.ts";

/** One value of a metric, and what it is about. */
export type Point = [value: number, attributes?: Record<string, string>];

/** One metric, and its values in a status. */
export interface Metric {
  readonly name: string;
  readonly kind: "counter" | "gauge";
  readonly unit: string;
  readonly help: string;
  values(status: Status): Point[];
}

/** What `GET /metrics` shows, but for the durations, in the words of OpenTelemetry. */
export const METRICS: readonly Metric[] = [
  {
    name: "iawlb.uptime",
    kind: "gauge",
    unit: "s",
    help: "Time since the start.",
    values: ({ uptime_ms }) => [[uptime_ms / 1000]],
  },
  {
    name: "iawlb.draining",
    kind: "gauge",
    unit: "1",
    help: "1 while the program drains, which ends it.",
    values: ({ state }) => [[state === "draining" ? 1 : 0]],
  },
  ofListener("counter", "sessions.accepted", {
    unit: "{session}",
    help: "Sessions that were accepted, refused ones included.",
    value: ({ accepted }) => accepted,
  }),
  {
    name: "iawlb.sessions.ended",
    kind: "counter",
    unit: "{session}",
    help: "Sessions that ended, by reason.",
    values: ({ listeners }) =>
      listeners.flatMap(({ name, ended }) =>
        Object.entries(ended).map(([reason, n]): Point => [n, { listener: name, reason }])
      ),
  },
  ofListener("gauge", "sessions.waiting", {
    unit: "{session}",
    help: "Sessions in the line.",
    value: ({ waiting }) => waiting,
  }),
  ofListener("gauge", "sessions.active", {
    unit: "{session}",
    help: "Sessions that have a worker.",
    value: ({ active }) => active,
  }),
  ofListener("gauge", "queue.limit", {
    unit: "{session}",
    help: "Most sessions that wait.",
    value: ({ queue }) => queue,
  }),
  ofListener("gauge", "queue.oldest_waiting", {
    unit: "s",
    help:
      "Age of the session that has waited longest, 0 if none waits: the one number to alert on.",
    value: ({ oldest_waiting_ms }) => oldest_waiting_ms / 1000,
  }),
  {
    name: "iawlb.bytes",
    kind: "counter",
    unit: "By",
    help: "Bytes relayed, up from clients to destinations and down back.",
    values: ({ listeners }) => listeners.flatMap((one) => bytes(one, { listener: one.name })),
  },
  ofDestination("gauge", "up", {
    unit: "1",
    help: "1 if it takes sessions, otherwise 0.",
    value: ({ state }) => state === "up" ? 1 : 0,
  }),
  ofDestination("gauge", "workers", {
    unit: "{worker}",
    help: "Workers that exist.",
    value: ({ workers }) => workers,
  }),
  ofDestination("gauge", "active", {
    unit: "{session}",
    help: "Sessions that it serves.",
    value: ({ active }) => active,
  }),
  ofDestination("gauge", "limit", {
    unit: "{session}",
    help: "Most concurrent sessions.",
    value: ({ limit }) => limit,
  }),
  ofDestination("gauge", "weight", {
    unit: "1",
    help: "Share of the sessions.",
    value: ({ weight }) => weight,
  }),
  ofDestination("counter", "sessions", {
    unit: "{session}",
    help: "Sessions that were connected to it.",
    value: ({ sessions }) => sessions,
  }),
  ofDestination("counter", "failures", {
    unit: "{failure}",
    help: "Connects, probes and checks that failed.",
    value: ({ failures }) => failures,
  }),
  {
    name: "iawlb.destination.bytes",
    kind: "counter",
    unit: "By",
    help: "Bytes relayed, up from clients to the destination and down back.",
    values: (status) => destinationsOf(status).flatMap(([one, place]) => bytes(one, place)),
  },
];

/** A destination with its attributes. */
type Placed = [DestinationStatus, Record<string, string>];

/** What is the same about the metrics of one kind of thing. */
interface Spec<T> {
  unit: string;
  help: string;
  value(one: T): number;
}

function ofListener(kind: Metric["kind"], name: string, spec: Spec<ListenerStatus>): Metric {
  const { unit, help, value } = spec;
  const values = ({ listeners }: Status) =>
    listeners.map((one): Point => [value(one), { listener: one.name }]);
  return { name: `iawlb.${name}`, kind, unit, help, values };
}

function ofDestination(kind: Metric["kind"], name: string, spec: Spec<DestinationStatus>): Metric {
  const { unit, help, value } = spec;
  const values = (status: Status) =>
    destinationsOf(status).map(([one, place]): Point => [value(one), place]);
  return { name: `iawlb.destination.${name}`, kind, unit, help, values };
}

/**
 * All destinations with their names. Of those with the same name the one that stays counts, and not
 * one that was removed and only finishes its sessions.
 */
function destinationsOf({ listeners }: Status): Placed[] {
  return listeners.flatMap(({ name, destinations }) => {
    const byName = new Map<string, DestinationStatus>();
    for (const one of destinations) {
      if (!one.leaving || !byName.has(one.name)) byName.set(one.name, one);
    }
    const place = (destination: string) => ({ listener: name, destination });
    return [...byName.values()].map((one): Placed => [one, place(one.name)]);
  });
}

function bytes(
  { bytes_up, bytes_down }: { bytes_up: number; bytes_down: number },
  place: Record<string, string>,
): Point[] {
  return [
    [bytes_up, { ...place, direction: "up" }],
    [bytes_down, { ...place, direction: "down" }],
  ];
}
