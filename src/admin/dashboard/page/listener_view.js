// @ts-check
/// <reference lib="dom" />
import { ConfigView } from "./config_view.js";
import { DestinationsView } from "./destinations_view.js";
import { h, setAttribute, setText } from "./dom.js";
import { Dots } from "./draw.js";
import { count, plural, rate } from "./format.js";
import { History } from "./history.js";
import { Reasons } from "./reasons_view.js";
import { Recorder } from "./recorder_view.js";
import { datagramsOf, forecastOf, queueOf, roomOf, tlsOf } from "./verdict.js";

/** @typedef {import("../../../operations/listener_status.ts").ListenerStatus} ListenerStatus */
/** @typedef {{ fineness: import("./history.js").Fineness, reasons: Record<string, import("./ended_facts.js").Meaning> }} Constants */

/** A listener: its queue, who serves it, its charts and how its sessions ended. */
export class ListenerView {
  root;
  #history;
  #works = h("div", { class: "works" });
  #name = h("span", { class: "address" });
  #about = h("p", { class: "muted" });
  #queue = h("div", { class: "queue" });
  #waiting = h("strong");
  #waitingText = h("span", { class: "muted" });
  #forecast = h("p", { class: "forecast muted" });
  #datagrams = h("p", { class: "datagrams muted" });
  #tls = h("p", { class: "tls muted" });
  #arrivals = h("span", { class: "arrivals" });
  #waitingRoom = h("div", { class: "waiting-room" });
  #dots = new Dots({ pitches: [12, 9, 7], height: 72 });
  #destinations;
  #config;
  #recorder = new Recorder();
  #reasons;
  /** Places that are drawn. */
  #room = 1;
  /** @type {ListenerStatus} */
  #listener;

  /**
   * @param {ListenerStatus} listener
   * @param {Constants} constants
   */
  constructor(listener, { fineness, reasons }) {
    this.#listener = listener;
    this.#history = new History(fineness);
    this.#destinations = new DestinationsView(listener);
    this.#reasons = new Reasons(reasons);
    this.#config = new ConfigView(listener);
    this.#waitingRoom.append(this.#dots.root);
    this.#queue.append(this.#waitingRoom, this.#arrivals);
    this.#works.append(
      h("h3", {}, "The queue"),
      h("p", { class: "reading" }, this.#waiting, " ", this.#waitingText),
      this.#queue,
      this.#forecast,
      this.#datagrams,
      this.#tls,
      h("h3", { class: "hidden" }, "Destinations"),
      this.#destinations.root,
      this.#reasons.root,
      this.#config.root,
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
        this.#works,
        h("aside", { "aria-label": `Charts of ${listener.name}` }, this.#recorder.root),
      ),
    );
    new ResizeObserver(() => this.#draw()).observe(this.#waitingRoom);
  }

  /** What it did lately. */
  get points() {
    return this.#history.points;
  }

  /** @param {{ listener: ListenerStatus, time: number }} status */
  update({ listener, time }) {
    this.#listener = listener;
    this.#history.add(listener, time);
    const { name, address, state, waiting, destinations, names } = listener;
    const troubles = names.filter(({ last_error }) => last_error !== "").map((one) => {
      return ` The latest look-up of ${one.name}: ${one.last_error}.`;
    });
    setText(this.#name, name);
    setText(
      this.#about,
      `${state === "draining" ? "Draining: takes no new sessions. " : ""}` +
        `${name === address ? "" : `Bound to ${address}. `}` +
        `Balance ${listener.balance}. ` +
        `${plural(listener.accepted, "session")} accepted since the start` +
        `${listener.greeting > 0 ? `, ${count(listener.greeting)} being greeted` : ""}.` +
        troubles.join(""),
    );
    const { tone, title, detail } = queueOf([listener]);
    setAttribute(this.#works, "data-tone", tone);
    setText(this.#waiting, waiting === 0 ? "Nobody waits" : title);
    setText(this.#waitingText, detail);
    setText(this.#forecast, forecastOf(listener));
    setText(this.#datagrams, datagramsOf(listener));
    const tls = tlsOf(listener);
    setText(this.#tls, tls.text);
    setAttribute(this.#tls, "data-tone", tls.tone);
    const last = this.#history.points.at(-1);
    const dot = this.#dots.scale > 1 ? `, one dot is ${count(this.#dots.scale)} sessions` : "";
    setText(
      this.#arrivals,
      `${rate(last?.accepted ?? 0)} sessions/s arrive${dot}`,
    );
    this.#draw();
    this.#destinations.update(destinations, time);
    this.#recorder.update(this.#history.points);
    this.#reasons.update(listener, time);
    this.#config.update(listener);
  }

  #draw() {
    const { waiting } = this.#listener;
    this.#room = roomOf(this.#listener) ?? Math.max(waiting, this.#room);
    this.#dots.update({
      count: waiting,
      capacity: this.#room,
      width: this.#waitingRoom.clientWidth,
    });
    // The rail begins at the middle of the head of the queue, wherever that is.
    this.#queue.style.setProperty("--head", `${this.#waitingRoom.clientHeight / 2}px`);
  }
}
