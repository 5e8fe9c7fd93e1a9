import { objectSchema, type Schema } from "./field.ts";
import { LOWEST_BUCKET, PER_DOUBLING } from "./fine_counts.ts";
import { addHistograms, BUCKETS_S, type HistogramData } from "./histogram.ts";

/** What is measured of each session, each with a histogram for its listener and its destination. */
export const DURATIONS = {
  queue: "Time in the queue, until a connect that succeeded or the end",
  connect: "Duration of the connects that succeeded",
  session: "Duration of the sessions, from accept to the end",
} as const;

/** The name of something that is measured. */
export type Duration = keyof typeof DURATIONS;

/** All of them. */
export const DURATION_NAMES = Object.keys(DURATIONS) as Duration[];

/** Distributions of durations since the start, in seconds. */
export type Latencies = Record<Duration, HistogramData>;

/** Where a duration was taken: names of a listener and, if the session had one, a destination. */
export type Place = { listener: string; destination?: string };

/** Records durations of sessions one by one. */
export interface Durations {
  /** @param ms Milliseconds. */
  record(what: Duration, ms: number, place: Place): void;
}

/** Something for each duration. */
export function eachDuration<T>(make: (name: Duration) => T): Record<Duration, T> {
  return Object.fromEntries(DURATION_NAMES.map((name) => [name, make(name)])) as Record<
    Duration,
    T
  >;
}

/** The latencies of several as one. */
export function addLatencies(all: readonly Latencies[]): Latencies {
  return eachDuration((name) => addHistograms(all.map((one) => one[name])));
}

/** The schema of a histogram. */
export const HISTOGRAM_SCHEMA: Schema = objectSchema({
  counts: {
    type: "array",
    items: { type: "integer", minimum: 0 },
    description: `values per bucket, not cumulative: up to ${BUCKETS_S.join(", ")} s, the rest`,
  },
  count: { type: "integer", minimum: 0 },
  sum: { type: "number", minimum: 0, description: "seconds" },
  fine: {
    type: "array",
    items: { type: "integer" },
    description:
      `the same values in buckets for quantiles, without the empty ones: bucket, values ` +
      `in it, bucket, values in it, and so on; bucket i has those from 2^(i/${PER_DOUBLING}) to ` +
      `2^((i+1)/${PER_DOUBLING}) ms, the lowest, ${LOWEST_BUCKET}, also those below`,
  },
});
