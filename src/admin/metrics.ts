import { look, type Metric, METRICS } from "../metrics.ts";
import type { Latencies, Status } from "../operations.ts";
import { Exposition } from "./exposition.ts";

/** What the metrics say of the process, beside the status. */
export interface ProcessFacts {
  /** When the program started, in seconds since 1970; the same at every call. */
  startTime: number;
  /** Memory that the process has, in bytes. */
  residentBytes: number;
}

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
  out.add({ name: "iawlb_info", type: "gauge", help: "Version of the program; always 1." }, [
    [1, { version: status.version }],
  ]);
  out.add({
    name: "iawlb_start_time_seconds",
    type: "gauge",
    help: "When the program started, in seconds since 1970.",
  }, [[facts.startTime, {}]]);
  out.add({
    name: "iawlb_resident_memory_bytes",
    type: "gauge",
    help: "Memory that the process has.",
  }, [[facts.residentBytes, {}]]);
  const seen = look(status);
  for (const metric of METRICS) {
    const { kind: type, help } = metric;
    out.add({ name: exposedName(metric), type, help }, metric.values(seen));
  }
  for (const { kind, help } of DURATIONS) {
    out.addHistograms(
      { name: `iawlb_${kind}_seconds`, help: `${help}, per listener.` },
      seen.listeners.map(([{ latencies }, place]) => [latencies[kind], place]),
    );
    out.addHistograms(
      { name: `iawlb_destination_${kind}_seconds`, help: `${help}, per destination.` },
      seen.destinations.map(([{ latencies }, place]) => [latencies[kind], place]),
    );
  }
  return out.toString();
}

/** Prometheus has the unit and the kind in the name: `iawlb_destination_failures_total`. */
function exposedName({ name, kind, unit }: Metric): string {
  return name.replaceAll(".", "_") + (unit === "s" ? "_seconds" : "") +
    (kind === "counter" ? "_total" : "");
}
