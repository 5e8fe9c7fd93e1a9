import type {
  DestinationStatus,
  ListenerStatus,
  ShownState,
  Status,
} from "../operations/operations.ts";
import { END_REASONS } from "../operations/end_reasons.ts";
import { addDestinations, addStatuses } from "../operations/sums.ts";

/** What tells the values of a metric from each other. */
export type Labels = Readonly<Record<string, string>>;

/**
 * One value of a metric: the labels of what it belongs to, always the same object for the same thing,
 * and those that it has besides.
 */
export type Point = readonly [value: number, place: Labels, own?: Labels];

/** One number of the program; its name is that of OpenTelemetry. */
export interface Metric {
  readonly name: string;
  readonly kind: "counter" | "gauge";
  readonly unit: string;
  readonly help: string;
  /** Made one by one, so that whoever takes them may pause. */
  values(seen: Seen): Iterable<Point>;
}

/** A status as metrics see it: each name is there once. */
export interface Seen {
  readonly status: Status;
  readonly listeners: readonly Placed<ListenerStatus>[];
  readonly destinations: readonly Placed<DestinationStatus>[];
}

/** A listener or a destination with its labels. */
export type Placed<T> = readonly [one: T, place: Labels];

const STATES: readonly ShownState[] = ["untried", "up", "suspect", "down", "drain", "maint"];

const NONE_ENDED = Object.fromEntries(Object.keys(END_REASONS).map((reason) => [reason, 0]));

/** Every number of the status, but for the durations: for Prometheus and OpenTelemetry alike. */
export const METRICS: readonly Metric[] = [
  {
    name: "iawlb.draining",
    kind: "gauge",
    unit: "1",
    help: "1 while the program drains, which ends it.",
    values: ({ status }) => [[status.state === "draining" ? 1 : 0, {}]],
  },
  {
    name: "iawlb.log.lines_lost",
    kind: "counter",
    unit: "{line}",
    help: "Lines of the access log, and of the log itself, that could not be written.",
    values: ({ status: { log_lines_lost } }) => {
      return Object.entries(log_lines_lost).map(([log, lines]): Point => [lines, { log }]);
    },
  },
  ofListener("counter", "sessions.accepted", {
    unit: "{session}",
    help: "Sessions that were accepted, refused ones included.",
    value: ({ accepted }) => accepted,
  }),
  ofListener("counter", "sessions.ended", {
    unit: "{session}",
    help: "Sessions that ended, by reason.",
    // Reasons that did not occur count 0, so that the first one that occurs is an increase.
    value: ({ ended }) => {
      const counts: Record<string, number> = { ...NONE_ENDED, ...ended };
      return Object.entries(counts).map(([reason, number]): OwnPoint => [number, { reason }]);
    },
  }),
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
  ofListener("counter", "bytes", {
    unit: "By",
    help: "Bytes relayed, up from clients to destinations and down back.",
    value: bytes,
  }),
  ofDestination("gauge", "up", {
    unit: "1",
    help: "1 if it was reached and takes sessions, otherwise 0.",
    value: ({ state }) => state === "up" ? 1 : 0,
  }),
  ofDestination("gauge", "state", {
    unit: "1",
    help: "1 for the state that it is in, 0 for the others.",
    value: (one) => STATES.map((state): OwnPoint => [one.state === state ? 1 : 0, { state }]),
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
  ofDestination("counter", "lookup_failures", {
    unit: "{failure}",
    help: "Look-ups of its name that failed.",
    value: ({ lookup_failures }) => lookup_failures,
  }),
  ofDestination("counter", "bytes", {
    unit: "By",
    help: "Bytes relayed, up from clients to the destination and down back.",
    value: bytes,
  }),
];

/** Gives everything in a status its labels. */
export function look(status: Status): Seen {
  const listeners = byName([...status.listeners, ...status.departed]);
  const gone = new Set(status.departed.flatMap(({ destinations }) => destinations));
  return {
    status,
    listeners: listeners.map((all) => {
      const one = listenerOfName(all);
      return [one, { listener: one.name }];
    }),
    destinations: listeners.flatMap((all) => {
      const known = byName(all.flatMap(({ destinations }) => destinations));
      const shown = known.filter((same) => same.some((one) => !gone.has(one)));
      return shown.map((same) => {
        const one = destinationOfName(same);
        return [one, { listener: all[0]!.name, destination: one.name }] as const;
      });
    }),
  };
}

function byName<T extends { name: string }>(all: readonly T[]): T[][] {
  return [...Map.groupBy(all, ({ name }) => name).values()];
}

/**
 * Those with the same name as one: what was removed and added again while it finished its sessions
 * is there twice, and a series may not be. Numbers add up; what it is like is that of the latest one
 * that stays.
 */
function listenerOfName(all: readonly ListenerStatus[]): ListenerStatus {
  if (all.length === 1) return all[0]!;
  const { queue } = all.findLast(({ state }) => state === "running") ?? all.at(-1)!;
  return { ...addStatuses(all), queue };
}

function destinationOfName(all: readonly DestinationStatus[]): DestinationStatus {
  if (all.length === 1) return all[0]!;
  const { state, limit, weight } = all.findLast(({ leaving }) => !leaving) ?? all.at(-1)!;
  return { ...addDestinations(all), state, limit, weight };
}

/** A value with the labels that it has besides those of what it belongs to. */
type OwnPoint = readonly [value: number, own: Labels];

/** What is the same about the metrics of one kind of thing. */
interface Spec<T> {
  unit: string;
  help: string;
  /** Its value, or several. */
  value(one: T): number | OwnPoint[];
}

function ofListener(kind: Metric["kind"], name: string, spec: Spec<ListenerStatus>): Metric {
  const { unit, help, value } = spec;
  return {
    ...{ name: `iawlb.${name}`, kind, unit, help },
    values: ({ listeners }) => points(listeners, value),
  };
}

function ofDestination(kind: Metric["kind"], name: string, spec: Spec<DestinationStatus>): Metric {
  const { unit, help, value } = spec;
  return {
    ...{ name: `iawlb.destination.${name}`, kind, unit, help },
    values: ({ destinations }) => points(destinations, value),
  };
}

function* points<T>(all: readonly Placed<T>[], value: Spec<T>["value"]): Generator<Point> {
  for (const [one, place] of all) {
    const values = value(one);
    if (typeof values === "number") yield [values, place];
    else for (const [number, own] of values) yield [number, place, own];
  }
}

function bytes({ bytes_up, bytes_down }: { bytes_up: number; bytes_down: number }): OwnPoint[] {
  return [[bytes_up, { direction: "up" }], [bytes_down, { direction: "down" }]];
}
