// @ts-check
/// <reference lib="dom" />
import { h, KeyedList, setAttribute, setText } from "./dom.js";
import { endsOf, LATELY_MIN, notLately, percent } from "./ended_facts.js";
import { count, plural, rate, short } from "./format.js";
import { sum } from "./verdict.js";

/** @typedef {import("../../../operations/listener_status.ts").ListenerStatus} ListenerStatus */
/** @typedef {import("./ended_facts.js").End} End */
/** @typedef {import("./ended_facts.js").Meaning} Meaning */

/** How sessions ended lately: how many with an error, and a line for each reason. */
export class Reasons {
  root;
  #title = h("h3");
  #summary = h("p", { class: "ends-summary" });
  #parts = ["bad", "plain", "good"].map((tone) => h("span", { "data-tone": tone }));
  #strip = h("div", { class: "ends-strip", "aria-hidden": "true" }, ...this.#parts);
  #before = h("p", { class: "not-lately muted" });
  #table;
  #list;
  #meanings;

  /** @param {Record<string, Meaning>} meanings */
  constructor(meanings) {
    this.#meanings = meanings;
    const body = h("tbody", { role: "rowgroup" });
    this.#list = new KeyedList(body, {
      key: (/** @type {End} */ { reason }) => reason,
      create: ({ reason }) => rowOfEnd(reason, meanings[reason]?.help ?? "not known to this page"),
    });
    this.#table = h(
      "table",
      { role: "table", class: "ends", "aria-label": "How sessions ended" },
      h(
        "thead",
        { role: "rowgroup" },
        h(
          "tr",
          { role: "row" },
          ...["Reason", "Share", "Per minute", "Since the start"].map((text) =>
            h("th", { role: "columnheader", scope: "col" }, text)
          ),
        ),
      ),
      body,
    );
    this.root = h(
      "div",
      { class: "ended" },
      this.#title,
      this.#summary,
      this.#strip,
      this.#table,
      this.#before,
    );
  }

  /**
   * @param {ListenerStatus} listener
   * @param {number} time The uptime, in milliseconds.
   */
  update({ ended, recent }, time) {
    const lately = recent?.ended;
    const minutes = lately ? Math.min(LATELY_MIN, time / 60_000) : time / 60_000;
    const ends = endsOf(ended, { lately, minutes, meanings: this.#meanings });
    const all = sum(ends, ({ number }) => number);
    const ill = sum(ends.filter(({ tone }) => tone === "bad"), ({ number }) => number);
    const span = lately && time >= LATELY_MIN * 60_000
      ? `in the last ${LATELY_MIN} minutes`
      : "since the start";
    setText(this.#title, "Ended sessions");
    setText(this.#summary, summaryOf({ all, ill, minutes, span }));
    setAttribute(this.#summary, "data-tone", ill > 0 ? "bad" : "plain");
    this.#strip.hidden = all === 0;
    for (const part of this.#parts) {
      const same = ends.filter(({ tone }) => tone === part.dataset.tone);
      const number = sum(same, (end) => end.number);
      part.hidden = number === 0;
      part.style.flexGrow = String(number);
    }
    const now = ends.filter(({ number }) => number > 0);
    this.#table.hidden = now.length === 0;
    this.#list.render(now);
    setText(this.#before, notLately(ends));
  }
}

/**
 * @param {{ all: number, ill: number, minutes: number, span: string }} numbers
 */
function summaryOf({ all, ill, minutes, span }) {
  if (all === 0) return `None ended ${span}.`;
  if (ill === 0) return `${plural(all, "session")} ended ${span}, none with an error.`;
  return `${count(ill)} of ${plural(all, "session")} that ended ${span} ended with an error: ` +
    `${percent(ill / all)}, ${rate(ill / minutes)} a minute.`;
}

/**
 * @param {string} reason
 * @param {string} meaning
 */
function rowOfEnd(reason, meaning) {
  const share = h("span");
  const bar = h("span", { class: "bar" });
  const perMinute = h("td", { role: "cell", class: "number", "data-label": "Per minute" });
  const total = h("td", { role: "cell", class: "number muted", "data-label": "Since the start" });
  const root = h(
    "tr",
    { role: "row", "data-reason": reason },
    h(
      "th",
      { role: "rowheader", scope: "row" },
      h("span", { class: "reason" }, reason),
      h("span", { class: "about" }, meaning),
    ),
    h(
      "td",
      { role: "cell", class: "number share", "data-label": "Share" },
      h("span", { class: "track", "aria-hidden": "true" }, bar),
      share,
    ),
    perMinute,
    total,
  );
  return {
    root,
    update: (/** @type {End} */ end) => {
      setAttribute(root, "data-tone", end.tone);
      setText(share, percent(end.share));
      bar.style.setProperty("--share", end.share.toFixed(4));
      setText(perMinute, rate(end.perMinute));
      setText(total, short(end.total));
    },
  };
}
