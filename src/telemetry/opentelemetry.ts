import type { BatchObservableResult, Meter, Observable } from "@opentelemetry/api";
import project from "../../deno.json" with { type: "json" };
import { Pace } from "../async/pace.ts";
import { BUCKETS_S } from "../operations/histogram.ts";
import { DURATIONS, type Durations, eachDuration } from "../operations/latencies.ts";
import type { Operations } from "../operations/operations.ts";
import type { Metric } from "./metrics.ts";

/**
 * The instruments for durations; `undefined` unless the runtime exports metrics. Every thread has
 * its own, and their values add up.
 */
export async function openDurations(): Promise<Durations | undefined> {
  const meter = await openMeter();
  if (!meter) return undefined;
  const advice = { explicitBucketBoundaries: [...BUCKETS_S] };
  const histograms = eachDuration((name) => {
    const description = `${DURATIONS[name]}.`;
    return meter.createHistogram(`iawlb.${name}`, { description, unit: "s", advice });
  });
  return {
    record: (what, ms, place) => histograms[what].record(ms / 1000, place),
  };
}

/** Instead of a start time, which Prometheus has. */
const UPTIME: Metric = {
  name: "iawlb.uptime",
  kind: "gauge",
  unit: "s",
  help: "Time since the start.",
  values: ({ status }) => [[status.uptime_ms / 1000, {}]],
};

/** Options of {@linkcode exportMetrics}. */
export interface ExportOptions {
  /** Ends the export, which otherwise lasts as long as the process. */
  signal?: AbortSignal;
  /** Told why a round of values is missing. */
  onError(error: unknown): void;
}

/**
 * Gives the runtime's exporter what `GET /metrics` shows, as often as it asks. Does nothing unless
 * the runtime exports metrics, which it does with the environment variable `OTEL_DENO=true`.
 */
export async function exportMetrics(
  operations: Pick<Operations, "status">,
  options: ExportOptions,
): Promise<void> {
  const meter = await openMeter();
  if (!meter || options.signal?.aborted) return;
  const { look, METRICS } = await import("./metrics.ts");
  const instruments = [UPTIME, ...METRICS].map((metric) => ({
    metric,
    observable: create(meter, metric),
  }));
  const pace = new Pace();
  const observables = instruments.map(({ observable }) => observable);

  async function observe(result: BatchObservableResult): Promise<void> {
    // A callback that fails would be the last one that the runtime calls.
    try {
      const seen = look(await operations.status());
      await pace.turn();
      for (const { metric, observable } of instruments) {
        for (const [value, place, own] of metric.values(seen)) {
          result.observe(observable, value, own ? { ...place, ...own } : place);
          if (pace.due) await pace.turn();
        }
      }
    } catch (error) {
      options.onError(error);
    }
  }

  meter.addBatchObservableCallback(observe, observables);
  options.signal?.addEventListener(
    "abort",
    () => meter.removeBatchObservableCallback(observe, observables),
    { once: true },
  );
}

/** The runtime's meter; `undefined` if nothing is exported. */
async function openMeter(): Promise<Meter | undefined> {
  // Asking the runtime costs no permission, unlike the environment variables, and without metrics
  // the package need not even be loaded. It finds the runtime's meters at this very place.
  const scope = globalThis as { [key: symbol]: { metrics?: unknown } | undefined };
  if (scope[Symbol.for("opentelemetry.js.api.1")]?.metrics === undefined) return undefined;
  const { metrics } = await import("@opentelemetry/api");
  return metrics.getMeter("iawlb", project.version);
}

function create(meter: Meter, { name, kind, unit, help }: Metric): Observable {
  const options = { unit, description: help };
  return kind === "counter"
    ? meter.createObservableCounter(name, options)
    : meter.createObservableGauge(name, options);
}
