// @ts-check
/// <reference lib="dom" />
import { DestinationsView } from "./destinations_view.js";
import { h, setAttribute, setText } from "./dom.js";
import { Dots } from "./draw.js";
import { count, duration, plural, rate } from "./format.js";
import { History } from "./history.js";
import { Reasons } from "./reasons_view.js";
import { Recorder } from "./recorder_view.js";
import { lineOf } from "./verdict.js";

/** @typedef {import("../../operations.ts").ListenerStatus} ListenerStatus */
/** @typedef {{ buckets: readonly number[], reasons: Record<string, string> }} Constants */

/** A listener: its line, who serves it, its charts and how its sessions ended. */
export class ListenerView {
  root;
  #history;
  #name = h("span", { class: "address" });
  #about = h("p", { class: "muted" });
  #line = h("div", { class: "line" });
  #waiting = h("span", { class: "big" });
  #waitingText = h("span", { class: "muted" });
  #arrivals = h("span", { class: "arrivals" });
  #places = h("div", { class: "places" });
  #dots = new Dots({ pitches: [12, 9, 7], height: 72 });
  #destinations;
  #recorder = new Recorder();
  #reasons;
  /** @type {ListenerStatus} */
  #listener;

  /**
   * @param {ListenerStatus} listener
   * @param {Constants} constants
   */
  constructor(listener, { buckets, reasons }) {
    this.#listener = listener;
    this.#history = new History(buckets);
    this.#destinations = new DestinationsView(listener);
    this.#reasons = new Reasons(reasons);
    this.#places.append(this.#dots.root);
    this.#line.append(
      h("p", { class: "reading" }, this.#waiting, this.#waitingText),
      this.#places,
      this.#arrivals,
    );
    const title = `listener-${listener.id}`;
    this.root = h(
      "section",
      { class: "listener", id: `l${listener.id}`, "aria-labelledby": title, tabindex: -1 },
      h("h2", { id: title }, h("span", { class: "kind" }, "Listener "), this.#name),
      this.#about,
      h(
        "div",
        { class: "bench" },
        h(
          "div",
          { class: "works" },
          h("h3", {}, "The line"),
          this.#line,
          h("h3", { class: "hidden" }, "Destinations"),
          this.#destinations.root,
          h("h3", {}, "Ended sessions"),
          this.#reasons.root,
        ),
        h("aside", { "aria-label": `Charts of ${listener.name}` }, this.#recorder.root),
      ),
    );
    new ResizeObserver(() => this.#draw()).observe(this.#places);
  }

  /** @param {{ listener: ListenerStatus, time: number }} status */
  update({ listener, time }) {
    this.#listener = listener;
    this.#history.add(listener, time);
    const { name, address, state, waiting, destinations } = listener;
    setText(this.#name, name);
    setText(
      this.#about,
      `${state === "draining" ? "Draining: takes no new sessions. " : ""}` +
        `${name === address ? "" : `Bound to ${address}. `}` +
        `${plural(listener.accepted, "session")} accepted since the start.`,
    );
    const { tone, detail } = lineOf([listener]);
    setAttribute(this.#line, "data-tone", tone);
    setText(this.#waiting, count(waiting));
    setText(this.#waitingText, waiting === 0 ? "waiting" : `waiting, ${detail}`);
    const last = this.#history.points.at(-1);
    const dot = this.#dots.scale > 1 ? `, one dot is ${count(this.#dots.scale)} places` : "";
    setText(
      this.#arrivals,
      `${rate(last?.accepted ?? 0)} sessions/s arrive` +
        (waiting === 0 ? `; room for ${count(listener.queue)} to wait` : "") + dot,
    );
    this.#draw();
    this.#destinations.update(destinations);
    this.#recorder.update(this.#history.points);
    this.#reasons.update(listener.ended);
  }

  #draw() {
    const { waiting, queue } = this.#listener;
    this.#dots.update({ count: waiting, capacity: queue, width: this.#places.clientWidth });
    setAttribute(
      this.#places,
      "title",
      waiting === 0
        ? "Nobody waits."
        : `${plural(waiting, "session waits", "sessions wait")}, the first for ` +
          duration(this.#listener.oldest_waiting_ms),
    );
  }
}
