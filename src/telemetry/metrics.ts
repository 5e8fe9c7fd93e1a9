import {
  addDestinations,
  DESTINATION_FIELDS,
  type DestinationStatus,
} from "../operations/destination_status.ts";
import type { FieldMetric, Fields, Labels, StatusOf } from "../operations/field.ts";
import {
  addStatuses,
  LISTENER_FIELDS,
  type ListenerStatus,
} from "../operations/listener_status.ts";
import type { Status } from "../operations/operations.ts";

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
    name: "iawlb.generation",
    kind: "gauge",
    unit: "1",
    help: "How many processes have served in this place, each replacing the one before.",
    // A label of all series would break them at each replacement: their sums, rates and alerts.
    values: ({ status }) => [[status.generation, {}]],
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
  ...metricsOf("iawlb.", LISTENER_FIELDS, ({ listeners }) => listeners),
  ...metricsOf("iawlb.destination.", DESTINATION_FIELDS, ({ destinations }) => destinations),
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
 * is there twice, and a series may not be. Numbers add up; the state, the limits and what is foreseen
 * are those of the latest one that stays.
 */
function listenerOfName(all: readonly ListenerStatus[]): ListenerStatus {
  if (all.length === 1) return all[0]!;
  const { queue, forecast } = all.findLast(({ state }) => state === "running") ?? all.at(-1)!;
  return { ...addStatuses(all), queue, forecast };
}

function destinationOfName(all: readonly DestinationStatus[]): DestinationStatus {
  if (all.length === 1) return all[0]!;
  const { state, limit, weight, tier } = all.findLast(({ leaving }) => !leaving) ?? all.at(-1)!;
  return { ...addDestinations(all), state, limit, weight, tier };
}

/** The metrics of the fields of one kind of thing, in the order of the fields. */
function metricsOf<F extends Fields>(
  prefix: string,
  fields: F,
  all: (seen: Seen) => readonly Placed<StatusOf<F>>[],
): Metric[] {
  const parts = Object.entries(fields).flatMap(([field, { metrics }]) => {
    return metrics.map((metric) => ({ field, metric }));
  });
  const byName = Map.groupBy(parts, ({ metric }) => metric.name);
  return [...byName].map(([name, parts]) => {
    const { kind, unit, help } = parts[0]!.metric;
    return { name: prefix + name, kind, unit, help, values: (seen) => points(all(seen), parts) };
  });
}

function* points<T extends Readonly<Record<string, unknown>>>(
  all: readonly Placed<T>[],
  parts: readonly { field: string; metric: FieldMetric<unknown> }[],
): Generator<Point> {
  for (const [one, place] of all) {
    for (const { field, metric } of parts) {
      const values = metric.value(one[field]);
      if (typeof values === "number") yield [values, place];
      else for (const [number, own] of values) yield [number, place, own];
    }
  }
}
