// @ts-check
/// <reference lib="dom" />
import { h, setAttribute, setText } from "./dom.js";
import { Spark } from "./draw.js";
import { byteRate, count, duration, rate } from "./format.js";

/** @typedef {import("./history.js").Point} Point */
/**
 * @typedef {object} Strip
 * @property {string} name
 * @property {string} label
 * @property {(point: Point) => (number | undefined)[]} values One or two: the median and the 99th percentile.
 * @property {(value: number) => string} format
 */

/** @type {readonly Strip[]} */
const STRIPS = [
  { name: "waiting", label: "Waiting", values: ({ waiting }) => [waiting], format: count },
  { name: "accepted", label: "Accepted", values: ({ accepted }) => [accepted], format: perSecond },
  { name: "ended", label: "Ended", values: ({ ended }) => [ended], format: perSecond },
  { name: "up", label: "Bytes ↑", values: ({ up }) => [up], format: byteRate },
  { name: "down", label: "Bytes ↓", values: ({ down }) => [down], format: byteRate },
  {
    name: "queue",
    label: "Wait",
    values: ({ latencies }) => latencies.queue,
    format: duration,
  },
  {
    name: "connect",
    label: "Connect",
    values: ({ latencies }) => latencies.connect,
    format: duration,
  },
  {
    name: "session",
    label: "Session",
    values: ({ latencies }) => latencies.session,
    format: duration,
  },
];

/** The charts of the last five minutes, one strip each. */
export class Recorder {
  #charts = h("dl", { class: "recorder" });
  root = h(
    "div",
    {},
    h("h3", {}, "Last five minutes"),
    this.#charts,
    h(
      "p",
      { class: "note muted" },
      "Wait, connect and session are durations: the median of 10 s and, dotted, their 99th percentile.",
    ),
  );
  #strips = STRIPS.map((strip) => {
    const spark = new Spark(strip.name in { queue: 1, connect: 1, session: 1 } ? 2 : 1);
    const value = h("span", { class: "value" });
    const tail = h("span", { class: "tail" });
    const top = h("span", { class: "top" });
    const chart = h("dd", { class: "chart", role: "img" });
    chart.append(spark.root);
    this.#charts.append(
      h(
        "div",
        { class: "strip", "data-strip": strip.name },
        h("dt", {}, strip.label, " ", top),
        h("dd", { class: "now" }, value, tail),
        chart,
      ),
    );
    return { strip, spark, value, tail, top, chart };
  });

  /** @param {readonly Point[]} points */
  update(points) {
    const times = points.map(({ t }) => t);
    for (const { strip, spark, value, tail, top, chart } of this.#strips) {
      const all = points.map(strip.values);
      const series = Array.from(
        { length: all[0]?.length ?? 1 },
        (_, i) => all.map((values) => values[i]),
      );
      spark.update(times, series);
      const [now, slow] = all.at(-1) ?? [];
      const shown = now === undefined ? "–" : strip.format(now);
      setText(value, shown);
      if (series.length > 1) {
        setText(tail, slow === undefined ? "" : `p99 ${strip.format(slow)}`);
      }
      const highest = strip.format(spark.top);
      setText(top, spark.top > 0 ? `max ${highest}` : "");
      setAttribute(
        chart,
        "aria-label",
        `${strip.label}, last five minutes: now ${shown}, highest ${highest}`,
      );
    }
  }
}

/** @param {number} n */
function perSecond(n) {
  return `${rate(n)}/s`;
}
