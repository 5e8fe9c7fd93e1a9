import { BUCKETS_S, type HistogramData } from "../operations/histogram.ts";
import type { Point } from "./metrics.ts";
import type { Labels } from "../operations/field.ts";

/** The content type of the text format of Prometheus that {@linkcode Exposition} writes. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The label of each bucket. */
const BOUNDS = [...BUCKETS_S.map(String), "+Inf"].map((bound) => `le="${bound}"`);

/**
 * Writes metrics in the text format of Prometheus, version 0.0.4, in pieces.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export class Exposition {
  /** Labels as text: each is wanted some thirty times. */
  readonly #written = new Map<Labels, string>();

  /** One metric: its values, each with the labels that tell it from the others. */
  *add(
    metric: { name: string; type: "counter" | "gauge"; help: string },
    values: Iterable<Point>,
  ): Generator<string> {
    yield head(metric);
    for (const [value, place, own] of values) {
      const labels = own ? join(this.#write(place), pairs(own)) : this.#write(place);
      yield `${metric.name}${labels === "" ? "" : `{${labels}}`} ${value}\n`;
    }
  }

  /** One metric that has distributions; cumulative here, which they are not in the program. */
  *addHistograms(
    metric: { name: string; help: string },
    values: Iterable<readonly [HistogramData, Labels]>,
  ): Generator<string> {
    const { name } = metric;
    yield head({ ...metric, type: "histogram" });
    for (const [{ counts, count, sum }, place] of values) {
      const labels = this.#write(place);
      const bucket = `${name}_bucket{${labels === "" ? "" : `${labels},`}`;
      let text = "";
      let below = 0;
      for (let i = 0; i < BUCKETS_S.length; i++) {
        below += counts[i] ?? 0;
        text += `${bucket}${BOUNDS[i]}} ${below}\n`;
      }
      const all = labels === "" ? "" : `{${labels}}`;
      yield `${text}${bucket}${BOUNDS.at(-1)}} ${count}\n` +
        `${name}_sum${all} ${sum}\n${name}_count${all} ${count}\n`;
    }
  }

  #write(place: Labels): string {
    let text = this.#written.get(place);
    if (text === undefined) this.#written.set(place, text = pairs(place));
    return text;
  }
}

function head({ name, type, help }: { name: string; type: string; help: string }): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function pairs(labels: Labels): string {
  return Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`).join(",");
}

function join(labels: string, more: string): string {
  return labels === "" ? more : `${labels},${more}`;
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
