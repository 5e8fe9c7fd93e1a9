// @ts-check
/// <reference lib="dom" />
import { byId, h, KeyedList, setAttribute, setText } from "./dom.js";
import { count } from "./format.js";
import { queueOf } from "./queue_facts.js";
import { takes } from "./slots.js";
import { healthOf } from "./verdict.js";

/** @typedef {import("../../../operations/listener_status.ts").ListenerStatus} ListenerStatus */

/** The listeners of a program that has several, a row each. */
export class Overview {
  #nav = byId("overview");
  #list = new KeyedList(byId("overview-list"), {
    key: (/** @type {ListenerStatus} */ { id }) => id,
    create: rowOf,
  });

  /** @param {readonly ListenerStatus[]} listeners */
  update(listeners) {
    this.#nav.hidden = listeners.length < 2;
    if (listeners.length > 1) this.#list.render(listeners);
  }
}

/** @param {ListenerStatus} listener */
function rowOf({ id, name }) {
  const health = h("span", { class: "verdict" });
  const queue = h("span", { class: "verdict" });
  const service = h("span", { class: "muted" });
  const link = h("a", { href: `#l${id}` }, h("span", { class: "address" }, name));
  return {
    root: h("li", {}, link, health, queue, service),
    update: (/** @type {ListenerStatus} */ listener) => {
      for (
        const [element, verdict] of /** @type {const} */ ([
          [health, healthOf([listener])],
          [queue, queueOf([listener])],
        ])
      ) {
        setText(element, verdict.title);
        setAttribute(element, "data-tone", verdict.tone);
      }
      const up = listener.destinations.filter(takes).length;
      setText(
        service,
        `${count(listener.active)} served by ${up} of ${listener.destinations.length}`,
      );
    },
  };
}
