import type { Labels } from "../operations/field.ts";
import type { HistogramData } from "../operations/histogram.ts";
import { DURATION_NAMES, DURATIONS, type Latencies } from "../operations/latencies.ts";
import type { Status } from "../operations/operations.ts";
import { Exposition } from "./exposition.ts";
import { look, type Metric, METRICS, type Placed } from "./metrics.ts";

/** What the metrics say of the process, beside the status. */
export interface ProcessFacts {
  /** When the program started, in seconds since 1970; the same at every call. */
  startTime: number;
  /** Memory that the process has, in bytes. */
  residentBytes: number;
}

/**
 * The metrics in the text format of Prometheus, in pieces. Written by hand since it is a pure function
 * of the status: a client library would keep a second set of counters beside it.
 */
export function* metricsPieces(status: Status, facts: ProcessFacts): Generator<string> {
  const out = new Exposition();
  yield* out.add({
    name: "iawlb_info",
    type: "gauge",
    help: "Version of the program, and its generation; always 1.",
  }, [[1, { version: status.version, generation: String(status.generation) }]]);
  yield* out.add({
    name: "iawlb_start_time_seconds",
    type: "gauge",
    help: "When the program started, in seconds since 1970.",
  }, [[facts.startTime, {}]]);
  yield* out.add({
    name: "iawlb_resident_memory_bytes",
    type: "gauge",
    help: "Memory that the process has.",
  }, [[facts.residentBytes, {}]]);
  const seen = look(status);
  for (const metric of METRICS) {
    const { kind: type, help } = metric;
    yield* out.add({ name: exposedName(metric), type, help }, metric.values(seen));
  }
  for (const kind of DURATION_NAMES) {
    const help = DURATIONS[kind];
    yield* out.addHistograms(
      { name: `iawlb_${kind}_seconds`, help: `${help}, per listener.` },
      histograms(seen.listeners, kind),
    );
    yield* out.addHistograms(
      { name: `iawlb_destination_${kind}_seconds`, help: `${help}, per destination.` },
      histograms(seen.destinations, kind),
    );
  }
}

function histograms(
  all: readonly Placed<{ latencies: Latencies }>[],
  kind: keyof Latencies,
): (readonly [HistogramData, Labels])[] {
  return all.map(([{ latencies }, place]) => [latencies[kind], place]);
}

/** Prometheus has the unit and the kind in the name: `iawlb_destination_failures_total`. */
function exposedName({ name, kind, unit }: Metric): string {
  return name.replaceAll(".", "_") + (unit === "s" ? "_seconds" : "") +
    (kind === "counter" ? "_total" : "");
}
