// @ts-check
/// <reference lib="dom" />
import { h, KeyedList, setText } from "./dom.js";
import { count } from "./format.js";
import { sum } from "./verdict.js";

/** @typedef {{ reason: string, number: number, share: number }} Entry */

/** Reasons that are no fault of anybody. */
const WELL = ["done"];
/** Reasons that somebody should look into. */
const ILL = ["connect-failed", "server-reset", "error", "answer-timeout", "queue-timeout"];
const HINT = "Choose a reason to read what it means.";

/** How sessions ended: a bar for each reason. */
export class Reasons {
  root;
  #meaning = h("p", { class: "meaning muted", "aria-live": "polite" }, HINT);
  #none = h("p", { class: "muted" }, "None has ended yet.");
  #list = h("ul", { class: "reasons" });
  #keyed;

  /** @param {Record<string, string>} meanings */
  constructor(meanings) {
    this.root = h("div", {}, this.#none, this.#list, this.#meaning);
    this.#keyed = new KeyedList(this.#list, {
      key: (/** @type {Entry} */ { reason }) => reason,
      create: ({ reason }) => this.#bar(reason, meanings[reason] ?? "not known to this page"),
    });
  }

  /** @param {Partial<Record<string, number>>} ended */
  update(ended) {
    const entries = Object.entries(ended).map(([reason, number = 0]) => ({ reason, number }));
    const total = sum(entries, ({ number }) => number);
    this.#none.hidden = total > 0;
    this.#meaning.hidden = total === 0;
    // Their order is that of the first look at them: bars that change places cannot be read.
    this.#keyed.render(entries.map((entry) => ({ ...entry, share: entry.number / total })));
  }

  /**
   * @param {string} reason
   * @param {string} meaning
   */
  #bar(reason, meaning) {
    const number = h("span", { class: "number" });
    const bar = h("span", { class: "bar" });
    const tell = () => setText(this.#meaning, `${reason}: ${meaning}.`);
    const button = h(
      "button",
      { type: "button", "aria-description": meaning, focus: tell, click: tell, mouseenter: tell },
      h("span", { class: "reason" }, reason),
      h("span", { class: "track" }, bar),
      number,
    );
    const tone = WELL.includes(reason) ? "good" : ILL.includes(reason) ? "bad" : "plain";
    return {
      root: h("li", { "data-tone": tone, "data-reason": reason }, button),
      update: (/** @type {Entry} */ entry) => {
        setText(number, count(entry.number));
        bar.style.setProperty("--share", entry.share.toFixed(4));
      },
    };
  }
}
