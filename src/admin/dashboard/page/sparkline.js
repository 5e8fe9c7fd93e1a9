// @ts-check
/// <reference lib="dom" />
import { svg } from "./dom.js";

/** @typedef {import("./history.js").Point} Point */

/** The size of a sparkline in its own units, and how much of the past it shows. */
const SPARK = { width: 150, height: 26, ms: 300_000 };

/** What a listener did lately, small: who waited as an area, who came as a line. */
export class Sparkline {
  #waiting = svg("path", { class: "spark-waiting" });
  #coming = svg("path", { class: "spark-coming" });
  root = svg(
    "svg",
    {
      class: "sparkline",
      viewBox: `0 0 ${SPARK.width} ${SPARK.height}`,
      preserveAspectRatio: "none",
      "aria-hidden": "true",
    },
    this.#waiting,
    this.#coming,
  );

  /** @param {readonly Point[]} points */
  update(points) {
    this.#waiting.setAttribute("d", pathOf(points, ({ waiting }) => waiting, { closed: true }));
    this.#coming.setAttribute("d", pathOf(points, ({ accepted }) => accepted, { closed: false }));
  }
}

/**
 * @param {readonly Point[]} points
 * @param {(point: Point) => number | null | undefined} value
 * @param {{ closed: boolean }} options Whether it is an area.
 */
export function pathOf(points, value, { closed }) {
  const now = points.at(-1)?.t ?? 0;
  const top = points.reduce((most, point) => Math.max(most, value(point) ?? 0), 0);
  const seen = points.filter((point) => now - point.t <= SPARK.ms);
  if (seen.length < 2 || (closed && top === 0)) return "";
  const places = seen.map((point) => {
    const x = SPARK.width * (1 - (now - point.t) / SPARK.ms);
    const y = SPARK.height - 1.5 - (SPARK.height - 3) * ((value(point) ?? 0) / (top || 1));
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  const first = places[0]?.split(" ")[0] ?? "0";
  const line = `M${places.join("L")}`;
  return closed ? `${line}L${SPARK.width} ${SPARK.height}L${first} ${SPARK.height}Z` : line;
}
