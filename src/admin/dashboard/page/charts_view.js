// @ts-check
/// <reference lib="dom" />
import { ChartView, SUBJECTS } from "./chart_view.js";
import { h, setAttribute, setText } from "./dom.js";
import { timeOfDay } from "./format.js";
import { nearest, ticksOf } from "./scale.js";

/** @typedef {import("../../../operations/history.ts").Mark} Mark */
/** @typedef {import("./history.js").Point} Point */
/** @typedef {"5m" | "24h"} Span */
/**
 * @typedef {object} Records
 * @property {readonly Point[]} points Oldest first.
 * @property {readonly Mark[]} marks
 */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** What can be shown: how long, where time is written, and what no line bridges. */
const SPANS = {
  "5m": { ms: 5 * MINUTE, step: MINUTE, gap: 5000, button: "5 min", words: "last five minutes" },
  "24h": { ms: 24 * HOUR, step: 6 * HOUR, gap: 3 * MINUTE, button: "24 h", words: "last 24 hours" },
};

/** The charts of a listener, which all show the same moment where one is pointed at. */
export class ChartsView {
  root;
  #charts = SUBJECTS.map((subject) => new ChartView(subject));
  #moment;
  #note = h("p", { class: "note muted" });
  #buttons;
  #choose;
  /** @type {Span} */
  #span = "5m";
  /** @type {Records} */
  #records = { points: [], marks: [] };
  /** When the last point ended, and the clock at uptime 0, in milliseconds. */
  #now = 0;
  #offset = 0;
  /** The moment that is pointed at, by the uptime; as a share of the width while the pointer is there.
   * @type {{ t: number } | { x: number } | undefined} */
  #at;

  /**
   * @param {string} name Of what.
   * @param {(span: Span) => void} choose Called when another span is wanted.
   */
  constructor(name, choose) {
    this.#choose = choose;
    this.#moment = h("span", {
      class: "moment",
      role: "slider",
      tabindex: 0,
      "aria-label": `Moment in the charts of ${name}`,
      title: "arrow keys: other moments; with Shift: from mark to mark; Escape: now",
      keydown: (event) => this.#press(/** @type {KeyboardEvent} */ (event)),
      blur: () => this.#point(undefined),
    });
    this.#buttons = /** @type {Span[]} */ (Object.keys(SPANS)).map((span) =>
      h("button", {
        type: "button",
        "data-span": span,
        "aria-pressed": String(span === this.#span),
        click: () => this.#show(span),
      }, SPANS[span].button)
    );
    this.root = h(
      "div",
      { class: "charts" },
      h(
        "div",
        { class: "charts-head" },
        this.#moment,
        this.#note,
        h("span", { class: "choice", role: "group", "aria-label": "Time shown" }, ...this.#buttons),
      ),
      h("div", { class: "chart-row" }, ...this.#charts.map(({ root }) => root)),
    );
    for (const { plot } of this.#charts) {
      plot.addEventListener("pointermove", (event) => {
        const { left, width } = plot.getBoundingClientRect();
        this.#point({ x: Math.max(0, Math.min(1, (event.clientX - left) / width)) });
      });
      plot.addEventListener("pointerleave", () => this.#point(undefined));
    }
  }

  get span() {
    return this.#span;
  }

  /**
   * @param {Records} records Of the span that is shown.
   * @param {{ now: number, offset: number }} clock The uptime of the program, and the time at its start.
   */
  update(records, { now, offset }) {
    this.#records = records;
    this.#now = this.#span === "5m" ? now : records.points.at(-1)?.t ?? now;
    this.#offset = offset;
    if (!document.hidden && this.root.checkVisibility()) this.#draw();
  }

  #draw() {
    const { ms, step, gap, words } = SPANS[this.#span];
    const [now, offset] = [this.#now, this.#offset];
    const ticks = ticksOf({ now, span: ms, step, offset }).map(({ x, t, minor }) => {
      return { x, minor, text: timeOfDay(new Date(offset + t).toISOString()).slice(0, 5) };
    });
    const marks = this.#marks().map(({ uptime_ms, kind }) => ({ x: this.#xOf(uptime_ms), kind }));
    const frame = { now, span: ms, gap, words, ticks, marks };
    for (const chart of this.#charts) chart.draw(this.#records.points, frame);
    this.#tell();
  }

  /** Those of the time that is shown. */
  #marks() {
    return this.#records.marks.filter(({ uptime_ms }) => {
      const x = this.#xOf(uptime_ms);
      return x >= 0 && x <= 1;
    });
  }

  /** @param {number} t */
  #xOf(t) {
    return 1 - (this.#now - t) / SPANS[this.#span].ms;
  }

  #tell() {
    const { points } = this.#records;
    const { ms, step } = SPANS[this.#span];
    const at = this.#at;
    const wanted = at && ("t" in at ? at.t : this.#now - ms * (1 - at.x));
    const index = wanted === undefined
      ? points.length - 1
      : nearest(points.map(({ t }) => t), wanted);
    const point = points[index];
    const shown = at && point;
    const told = this.#charts.map((chart) => chart.tell(point, shown && this.#xOf(point.t)));
    const near = shown
      ? this.#marks().filter(({ uptime_ms }) => Math.abs(uptime_ms - point.t) < ms / 120)
      : [];
    const time = point
      ? timeOfDay(new Date(this.#offset + point.t).toISOString())
      : "no records yet";
    const words = this.#span === "24h" ? time.slice(0, 5) : time;
    setText(this.#moment, shown ? words : "Now");
    const note = near.map(({ text }) => text).join("; ");
    const begun = points[0] && this.#xOf(points[0].t) > 0.03
      ? `and the time since ${timeOfDay(new Date(this.#offset + points[0].t).toISOString())}`
      : `and the ${SPANS[this.#span].words}`;
    setText(this.#note, shown ? note : begun);
    this.#note.classList.toggle("muted", note === "");
    setAttribute(this.#moment, "aria-valuemin", "0");
    setAttribute(this.#moment, "aria-valuemax", String(Math.max(0, points.length - 1)));
    setAttribute(this.#moment, "aria-valuenow", String(Math.max(0, index)));
    // Only somebody who is there hears it: elsewhere it would change each second.
    if (shown || step === 0) {
      setAttribute(
        this.#moment,
        "aria-valuetext",
        [words, note, ...told].filter(Boolean).join(", "),
      );
    } else setAttribute(this.#moment, "aria-valuetext", "now");
  }

  /** @param {{ t: number } | { x: number } | undefined} at */
  #point(at) {
    this.#at = at;
    this.#tell();
  }

  /** @param {Span} span */
  #show(span) {
    this.#span = span;
    this.#at = undefined;
    this.#records = { points: [], marks: this.#records.marks };
    for (const button of this.#buttons) {
      setAttribute(button, "aria-pressed", String(button.dataset.span === span));
    }
    this.#choose(span);
    this.#draw();
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const { points } = this.#records;
    const last = points.length - 1;
    const now = this.#at && "t" in this.#at ? nearest(points.map(({ t }) => t), this.#at.t) : last;
    const steps = {
      ArrowLeft: -1,
      ArrowDown: -1,
      ArrowRight: 1,
      ArrowUp: 1,
      PageDown: -10,
      PageUp: 10,
    };
    const by = steps[/** @type {keyof typeof steps} */ (event.key)];
    let index = now;
    if (event.key === "Escape" || event.key === "End") index = last;
    else if (event.key === "Home") index = 0;
    else if (by === undefined || last < 0) return;
    else if (event.shiftKey) index = this.#nextMark(now, by);
    else index = Math.max(0, Math.min(last, now + by));
    event.preventDefault();
    const point = points[index];
    this.#point(index === last || !point ? undefined : { t: point.t });
  }

  /**
   * @param {number} index
   * @param {number} direction
   */
  #nextMark(index, direction) {
    const times = this.#records.points.map(({ t }) => t);
    const marked = this.#marks().map(({ uptime_ms }) => nearest(times, uptime_ms));
    return direction < 0
      ? marked.findLast((one) => one < index) ?? index
      : marked.find((one) => one > index) ?? times.length - 1;
  }
}
