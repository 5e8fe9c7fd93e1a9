// @ts-check
/// <reference lib="dom" />
import { h, setAttribute, setText, svg } from "./dom.js";
import { byteRate, count, duration, rate, trimmed } from "./format.js";
import { highestOf, linesOf, PLOT, roundTop, thinned } from "./scale.js";

/** @typedef {import("./history.js").Point} Point */
/** @typedef {import("./scale.js").Tick} Tick */
/** @typedef {{ label: string, look: string, of: (point: Point) => number | null | undefined, rare?: boolean, elsewhere?: boolean, peak?: boolean }} Line */
/**
 * @typedef {object} Subject What a chart is of.
 * @property {string} name
 * @property {string} title
 * @property {readonly Line[]} lines The first one over a tinted area; a rare one only where it is not
 *   0; what is told elsewhere has its number here only where a moment is pointed at.
 * @property {(value: number) => string} format
 * @property {"number" | "bytes" | "time"} kind
 * @property {number} least What the axis ends at, at least.
 */
/**
 * @typedef {object} Frame The part of time that is shown.
 * @property {number} now The uptime at its end, in milliseconds.
 * @property {number} span
 * @property {number} gap What no line bridges.
 * @property {string} words
 * @property {readonly { x: number, text: string, minor: boolean }[]} ticks
 * @property {readonly { x: number, kind: string }[]} marks
 */

/** @type {readonly Subject[]} */
export const SUBJECTS = [
  {
    name: "queue",
    title: "Waiting and in service",
    lines: [
      { label: "Waiting", look: "in", of: ({ waiting }) => waiting, elsewhere: true, peak: true },
      { label: "In service", look: "out", of: ({ active }) => active, elsewhere: true, peak: true },
    ],
    format: count,
    kind: "number",
    least: 5,
  },
  {
    name: "rates",
    title: "Arrivals and endings",
    lines: [
      { label: "Arrive", look: "in", of: ({ accepted }) => accepted, elsewhere: true },
      { label: "End", look: "out", of: ({ ended }) => ended },
      { label: "Fail", look: "bad", of: ({ failed }) => failed, rare: true },
    ],
    format: perSecond,
    kind: "number",
    least: 1,
  },
  {
    name: "wait",
    title: "How long they wait",
    lines: [
      { label: "Wait", look: "in", of: ({ wait }) => wait[0], peak: true },
      { label: "p99", look: "late", of: ({ wait }) => wait[1], peak: true },
    ],
    format: duration,
    kind: "time",
    least: 10,
  },
  {
    name: "bytes",
    title: "Bytes both ways",
    lines: [
      { label: "Up", look: "in", of: ({ up }) => up },
      { label: "Down", look: "out", of: ({ down }) => down },
    ],
    format: byteRate,
    kind: "bytes",
    least: 1024,
  },
];

/** One chart: lines over time, the values of one moment above, and an axis each way. */
export class ChartView {
  root;
  plot = h("div", { class: "plot", role: "img" });
  #subject;
  #top = h("span", { class: "y-top" });
  #cursor = h("span", { class: "cursor", hidden: true });
  #before = h("span", { class: "before" });
  #marks = h("span", { class: "marks" });
  #ticks = h("span", { class: "ticks", "aria-hidden": "true" });
  #area = svg("path", { class: "area" });
  #lines;

  /** @param {Subject} subject */
  constructor(subject) {
    this.#subject = subject;
    this.#lines = subject.lines.map(({ label, look }) => {
      const value = h("b", { class: "value" });
      return {
        value,
        key: h("span", { class: "key", "data-look": look }, `${label} `, value),
        path: svg("path", { "data-look": look }),
      };
    });
    this.#area.dataset.look = subject.lines[0]?.look ?? "";
    const drawing = svg(
      "svg",
      {
        class: "lines",
        viewBox: `0 0 ${PLOT.width} ${PLOT.height}`,
        preserveAspectRatio: "none",
        "aria-hidden": "true",
      },
      this.#area,
      ...this.#lines.map(({ path }) => path).toReversed(),
    );
    this.plot.append(this.#before, this.#marks, drawing, this.#top, this.#cursor);
    this.root = h(
      "div",
      { class: "chart", "data-chart": subject.name },
      h("p", { class: "keys" }, ...this.#lines.map(({ key }) => key)),
      this.plot,
      this.#ticks,
    );
  }

  /**
   * @param {readonly Point[]} points
   * @param {Frame} frame
   */
  draw(points, { now, span, gap, words, ticks, marks }) {
    const { title, lines, format, kind, least } = this.#subject;
    const times = points.map(({ t }) => t);
    const series = lines.map(({ of }) => points.map(of));
    const drawn = series.map((values, i) =>
      thinned(times, values, { span, peak: lines[i]?.peak === true })
    );
    const highest = highestOf(drawn.map(({ values }) => values));
    const top = roundTop(highest, { least, kind });
    setText(this.#top, trimmed(format(top)));
    for (const [i, { times, values, step }] of drawn.entries()) {
      const frame = { now, span, top, gap: Math.max(gap, 2.5 * step) };
      const { line, area } = linesOf(times, values, frame);
      const one = this.#lines[i];
      const never = lines[i]?.rare === true && highestOf([values]) === 0;
      one?.path.setAttribute("d", never ? "" : line);
      if (i === 0) this.#area.setAttribute("d", area);
      one?.key.toggleAttribute("hidden", never);
    }
    const begin = times.length === 0 ? 1 : 1 - (now - (times[0] ?? now)) / span;
    this.#before.hidden = begin < 0.03;
    this.#before.style.setProperty("--x", String(Math.min(1, begin)));
    place(this.#marks, marks, (mark, { kind }) => setAttribute(mark, "data-kind", kind));
    place(this.#ticks, ticks, (tick, { text, minor }) => {
      setText(tick, text);
      tick.classList.toggle("minor", minor);
    });
    const latest = lines.map(({ label, of }) => {
      const value = points.at(-1) && of(/** @type {Point} */ (points.at(-1)));
      return `${label} ${said(value, format)}`;
    });
    setAttribute(
      this.plot,
      "aria-label",
      `${title}, ${words}. Now: ${latest.join(", ")}. Highest: ${format(highest)}.`,
    );
  }

  /**
   * Tells the values of one moment.
   *
   * @param {Point | undefined} point
   * @param {number} [x] Where it is, if it is pointed at.
   * @returns {string} The same in words.
   */
  tell(point, x) {
    const { lines, format } = this.#subject;
    this.#cursor.hidden = x === undefined;
    if (x !== undefined) this.#cursor.style.setProperty("--x", String(x));
    const words = lines.map(({ label, of }, i) => {
      const value = said(point && of(point), format);
      const one = this.#lines[i];
      const twice = x === undefined && lines[i]?.elsewhere;
      if (one) setText(one.value, twice ? "" : value);
      return one?.key.hidden ? "" : `${label} ${value}`;
    });
    return words.filter(Boolean).join(", ");
  }
}

/**
 * @param {number | null | undefined} value
 * @param {(value: number) => string} format
 */
function said(value, format) {
  return value === undefined || value === null ? "–" : format(value);
}

/**
 * One element for each thing at its place, those that are there already first.
 *
 * @template {{ x: number }} T
 * @param {HTMLElement} parent
 * @param {readonly T[]} things
 * @param {(element: HTMLElement, thing: T) => void} fill
 */
function place(parent, things, fill) {
  while (parent.childElementCount > things.length) parent.lastElementChild?.remove();
  for (const [i, thing] of things.entries()) {
    if (!parent.children[i]) parent.append(h("i"));
    const element = /** @type {HTMLElement} */ (parent.children[i]);
    element.style.setProperty("--x", thing.x.toFixed(4));
    fill(element, thing);
  }
}

/** @param {number} n */
function perSecond(n) {
  return `${rate(n)}/s`;
}
