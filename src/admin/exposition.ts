import { BUCKETS_S, type HistogramData } from "../histogram.ts";
import type { Labels, Point } from "../metrics.ts";

/** The content type of the text format of Prometheus that {@linkcode Exposition} writes. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * Writes metrics in the text format of Prometheus, version 0.0.4.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export class Exposition {
  readonly #lines: string[] = [];

  /** One metric: its values, each with the labels that tell it from the others. */
  add(
    metric: { name: string; type: "counter" | "gauge"; help: string },
    values: readonly Point[],
  ): void {
    this.#head(metric);
    for (const [value, labels] of values) this.#sample(metric.name, labels, value);
  }

  /** One metric that has distributions; cumulative here, which they are not in the program. */
  addHistograms(
    metric: { name: string; help: string },
    values: readonly (readonly [HistogramData, Labels])[],
  ): void {
    const { name } = metric;
    this.#head({ ...metric, type: "histogram" });
    for (const [{ counts, count, sum }, labels] of values) {
      let below = 0;
      for (const [i, bound] of BUCKETS_S.entries()) {
        below += counts[i] ?? 0;
        this.#sample(`${name}_bucket`, { ...labels, le: String(bound) }, below);
      }
      this.#sample(`${name}_bucket`, { ...labels, le: "+Inf" }, count);
      this.#sample(`${name}_sum`, labels, sum);
      this.#sample(`${name}_count`, labels, count);
    }
  }

  /** All that was added. */
  toString(): string {
    return this.#lines.join("\n") + "\n";
  }

  #head({ name, type, help }: { name: string; type: string; help: string }): void {
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
  }

  #sample(name: string, labels: Labels, value: number): void {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
    this.#lines.push(`${name}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""} ${value}`);
  }
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
