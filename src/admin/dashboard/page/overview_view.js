// @ts-check
/// <reference lib="dom" />
import { byId, h, KeyedList, setAttribute, setText } from "./dom.js";
import { count, rate } from "./format.js";
import { queueOf } from "./queue_facts.js";
import { takes } from "./slots.js";
import { Sparkline } from "./sparkline.js";
import { healthOf } from "./verdict.js";

/** @typedef {import("../../../operations/listener_status.ts").ListenerStatus} ListenerStatus */
/** @typedef {{ root: HTMLElement, still: number, points: readonly import("./history.js").Point[] }} Section */

/**
 * The listeners of a program that has several: a row each, which opens the section of its listener.
 * Those that are well are closed until somebody wants to see them.
 */
export class Overview {
  #nav = byId("overview");
  #list;
  /** Which of them somebody has opened or closed. @type {Map<number, boolean>} */
  #wanted = new Map();
  /** Which of them opened by themselves, since something was the matter. @type {Set<number>} */
  #opened = new Set();
  /** @type {(id: number) => Section | undefined} */
  #section = () => undefined;

  constructor() {
    this.#list = new KeyedList(byId("overview-list"), {
      key: (/** @type {ListenerStatus} */ { id }) => id,
      create: (listener) =>
        new OverviewRow(listener, {
          section: () => this.#section(listener.id),
          toggle: () => this.#toggle(listener.id),
        }),
    });
    // A way to something within a closed section opens that.
    document.addEventListener("click", ({ target }) => {
      const link = target instanceof Element ? target.closest('a[href^="#"]') : null;
      const at = link && document.getElementById(link.getAttribute("href")?.slice(1) ?? "");
      const id = at?.closest(".listener")?.id.slice(1);
      if (id === undefined || !this.#isClosed(Number(id))) return;
      this.#toggle(Number(id));
    }, { capture: true });
  }

  /**
   * @param {readonly ListenerStatus[]} listeners
   * @param {(id: number) => Section | undefined} section Where a listener is shown.
   */
  update(listeners, section) {
    this.#section = section;
    const several = listeners.length > 1;
    this.#nav.hidden = !several;
    for (const listener of listeners) {
      const shown = section(listener.id);
      if (!shown) continue;
      // What opens by itself stays: a page that closes what somebody reads is no help.
      if (isIll(listener, shown.still)) this.#opened.add(listener.id);
      const open = this.#wanted.get(listener.id) ?? this.#opened.has(listener.id);
      shown.root.hidden = several && !open;
    }
    if (several) this.#list.render(listeners);
  }

  /** @param {number} id */
  #isClosed(id) {
    return this.#section(id)?.root.hidden === true;
  }

  /** @param {number} id */
  #toggle(id) {
    const section = this.#section(id);
    if (!section) return;
    this.#wanted.set(id, this.#isClosed(id));
    section.root.hidden = !section.root.hidden;
    this.#list.view(id)?.fold(!section.root.hidden);
  }
}

/** A listener in one row. */
class OverviewRow {
  #name = h("span", { class: "address" });
  #spark = new Sparkline();
  #health = h("span", { class: "verdict" });
  #queue = h("span");
  #service = h("span", { class: "muted" });
  #coming = h("span", { class: "muted" });
  #button;
  #hooks;

  /**
   * @param {ListenerStatus} listener
   * @param {{ section: () => Section | undefined, toggle: () => void }} hooks
   */
  constructor({ id }, hooks) {
    this.#hooks = hooks;
    this.#button = h(
      "button",
      {
        type: "button",
        class: "fold",
        "aria-expanded": "false",
        "aria-controls": `l${id}`,
        click: hooks.toggle,
      },
      this.#name,
    );
    this.root = h(
      "li",
      {},
      this.#button,
      this.#health,
      this.#queue,
      this.#service,
      h("span", { class: "lately" }, this.#spark.root, this.#coming),
    );
  }

  /** @param {ListenerStatus} listener */
  update(listener) {
    const section = this.#hooks.section();
    const health = healthOf([listener], { still: () => section?.still ?? 0 });
    setText(this.#name, listener.name);
    setText(this.#health, health.title);
    setAttribute(this.#health, "data-tone", health.tone);
    setText(this.#queue, queueOf([listener]).title);
    this.#queue.classList.toggle("muted", listener.waiting === 0);
    const up = listener.destinations.filter(takes).length;
    setText(
      this.#service,
      `${count(listener.active)} served by ${up} of ${listener.destinations.length}`,
    );
    const points = section?.points ?? [];
    this.#spark.update(points);
    setText(this.#coming, `${rate(points.at(-1)?.accepted ?? 0)}/s`);
    this.fold(section?.root.hidden === false);
  }

  /** @param {boolean} open */
  fold(open) {
    setAttribute(this.#button, "aria-expanded", String(open));
  }
}

/**
 * Whether somebody is to see all of it: its queue is old, or something is down. What only comes up,
 * as the end of a certificate, is said in its row.
 *
 * @param {ListenerStatus} listener
 * @param {number} still For how long nothing has moved, in milliseconds.
 */
function isIll(listener, still) {
  return healthOf([listener], { still: () => still }).tone === "bad" ||
    queueOf([listener]).tone !== "good" ||
    listener.destinations.some(({ state }) => state === "down" || state === "suspect");
}
