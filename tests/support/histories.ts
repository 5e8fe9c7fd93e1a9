import {
  DESTINATION_COLUMNS,
  type DestinationSeries,
  type History,
  LISTENER_COLUMNS,
  type ListenerHistory,
  type Series,
} from "../../src/operations/history.ts";

import type { Second } from "./page_listener.ts";

/** A past that is empty, with what a test wants different. */
export function historyOf(different: Partial<History> = {}): History {
  return {
    span: "5m",
    step_ms: 1000,
    time: "2026-01-01T00:00:00.000Z",
    uptime_ms: 60_000,
    listeners: [],
    marks: [],
    ...different,
  };
}

/** What a listener did in so many steps: 0 all the time, but for the columns that are given by step. */
export function pastOf(
  { id, name, steps, values = {} }: {
    id: number;
    name: string;
    steps: number;
    values?: Partial<Record<keyof Series, (step: number) => number | null>>;
  },
): ListenerHistory {
  return { id, name, series: columnsOf(LISTENER_COLUMNS, steps, values) as Series };
}

/** What a destination did, as {@linkcode pastOf}. */
export function seriesOf(
  steps: number,
  values: Partial<Record<keyof DestinationSeries, (step: number) => number | null>> = {},
): DestinationSeries {
  return columnsOf(DESTINATION_COLUMNS, steps, values) as DestinationSeries;
}

/** What a listener did in these seconds. */
export function seriesOfSeconds(seconds: readonly Second[]): Series {
  return {
    waiting: seconds.map(({ waiting }) => waiting),
    active: seconds.map(({ active }) => active),
    accepted_per_s: seconds.map(({ accepted }) => accepted),
    ended_per_s: seconds.map(({ ended }) => ended),
    failed_per_s: seconds.map(({ failed }) => failed),
    bytes_up_per_s: seconds.map(({ up }) => up),
    bytes_down_per_s: seconds.map(({ down }) => down),
    wait_p50_ms: seconds.map(({ accepted, wait }) => accepted === 0 ? null : wait[0]),
    wait_p99_ms: seconds.map(({ accepted, wait }) => accepted === 0 ? null : wait[1]),
  };
}

function columnsOf(
  columns: object,
  steps: number,
  values: Readonly<Record<string, (step: number) => number | null>>,
): Record<string, (number | null)[]> {
  return Object.fromEntries(
    Object.keys(columns).map((name) => {
      const value = values[name] ?? (() => name.includes("_p") && name.endsWith("_ms") ? null : 0);
      return [name, Array.from({ length: steps }, (_, step) => value(step))];
    }),
  );
}
