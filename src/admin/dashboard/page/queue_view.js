// @ts-check
/// <reference lib="dom" />
import { h, setAttribute, setText } from "./dom.js";
import { Dots } from "./draw.js";
import { count, rate, trimmed } from "./format.js";
import { clearsIn, firstOf, queueTone, ratesOf, roomOf } from "./queue_facts.js";

/** @typedef {import("../../../operations/listener_status.ts").ListenerStatus} ListenerStatus */
/** @typedef {import("./history.js").Point} Point */

/** The height of the lane in which sessions wait. */
const LANE_HEIGHT = 60;
/** So many places are drawn at least: one who waits is no crowd. */
const FEWEST = 20;

/** The queue: its head at the rail where the slots are, the door at the other end. */
export class QueueView {
  root;
  #count = h("strong");
  #clears = h("span", { class: "muted" });
  #arriving = h("span", { class: "arriving muted" });
  #next = h("span", { class: "next muted" });
  #scale = h("span", { class: "scale muted" });
  #lane = h("div", { class: "lane" });
  #dots = new Dots({ pitches: [20, 15, 12, 10, 8], height: LANE_HEIGHT });
  #full = h("span", { class: "full" });
  #bar = h("div", { class: "capacity", "aria-hidden": "true" }, this.#full);
  #room = h("span", { class: "room muted" });
  /** @type {{ waiting: number, peak: number }} */
  #drawn = { waiting: 0, peak: 0 };
  /** The width of the lane: asking for it would have the browser lay out all that has changed. */
  #width = 0;

  constructor() {
    this.#lane.append(this.#dots.root, h("span", { class: "door", "aria-hidden": "true" }));
    this.root = h(
      "div",
      { class: "queue" },
      h("p", { class: "reading" }, this.#count, " ", this.#clears, this.#arriving),
      this.#lane,
      h("div", { class: "feet" }, this.#next, this.#scale, this.#room, this.#bar),
    );
    new ResizeObserver(() => {
      this.#width = this.#lane.clientWidth;
      this.#draw();
    }).observe(this.#lane);
  }

  /**
   * @param {ListenerStatus} listener
   * @param {readonly Point[]} points Of the last minutes.
   */
  update(listener, points) {
    const { waiting, state } = listener;
    const rates = ratesOf(points, listener.destinations);
    const { arriving } = rates;
    const room = roomOf(listener);
    setAttribute(this.root, "data-tone", queueTone(listener));
    this.root.classList.toggle("closed", state === "draining");
    this.root.classList.toggle("calm", arriving === 0);
    setText(this.#count, waiting === 0 ? "Nobody waits" : `${count(waiting)} waiting`);
    setText(this.#clears, clearsIn(listener, rates));
    setText(
      this.#arriving,
      state === "draining" ? "the door is closed" : `arriving ${trimmed(`${rate(arriving)}/s`)}`,
    );
    setText(this.#next, waiting === 0 ? "" : firstOf(listener));
    setText(this.#room, room === undefined ? "" : `room for ${count(room)}`);
    this.#bar.hidden = room === undefined;
    const share = room ? Math.min(1, waiting / room) : 0;
    this.#full.style.setProperty("--share", share.toFixed(4));
    const peak = points.reduce((most, point) => Math.max(most, point.waiting ?? 0), waiting);
    this.#drawn = { waiting, peak };
    this.#draw();
    const { scale } = this.#dots;
    setText(this.#scale, scale > 1 && peak > 0 ? `one dot is ${count(scale)} sessions` : "");
  }

  #draw() {
    const { waiting, peak } = this.#drawn;
    this.#lane.classList.toggle("empty", peak === 0);
    // Some room for the door.
    const width = this.#width - 26;
    this.#dots.update({ count: waiting, capacity: Math.max(peak, FEWEST), places: peak, width });
  }
}
