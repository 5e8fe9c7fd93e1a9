// @ts-check
/// <reference lib="dom" />
import { byId, h } from "./dom.js";
import { timeOfDay } from "./format.js";

/** Most events that are listed. */
const EVENTS = 200;

/** What the log said lately, latest first. */
export class EventsView {
  #list = byId("events-list");

  clear() {
    this.#list.replaceChildren();
  }

  /** @param {import("../../../operations/operations.ts").LogEvent} event */
  add({ time, level, message }) {
    const list = this.#list;
    list.prepend(h(
      "li",
      { "data-level": level },
      h("time", { datetime: time, title: time }, timeOfDay(time)),
      h("span", { class: "level" }, level),
      h("span", { class: "message" }, message),
    ));
    if (list.childElementCount > EVENTS) list.lastElementChild?.remove();
  }
}
