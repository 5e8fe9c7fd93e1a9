// @ts-check
/// <reference lib="dom" />
import { ChartsView } from "./charts_view.js";
import { ConfigView } from "./config_view.js";
import { DestinationsView } from "./destinations_view.js";
import { h, setAttribute, setText } from "./dom.js";
import { count, plural } from "./format.js";
import { InView } from "./in_view.js";
import { datagramsOf, forecastOf, tlsOf } from "./listener_facts.js";
import { queueTone, stillFor } from "./queue_facts.js";
import { QueueView } from "./queue_view.js";
import { Reasons } from "./reasons_view.js";

/** @typedef {import("../../../operations/listener_status.ts").ListenerStatus} ListenerStatus */
/** @typedef {import("./history.js").Constants} Constants */
/**
 * @typedef {object} Told
 * @property {ListenerStatus} listener
 * @property {number} time The uptime, in milliseconds.
 * @property {number} offset The clock at uptime 0, in milliseconds.
 * @property {boolean} eager Whether it is kept up to date where nobody sees it.
 */

/** A listener: its queue, its charts, who serves it and how its sessions ended. */
export class ListenerView {
  root;
  /** For how long nothing has moved although somebody waits, in milliseconds. */
  still = 0;
  /** @type {Told | undefined} */
  #told;
  #past;
  #works = h("div", { class: "works" });
  #name = h("span", { class: "address" });
  #about = h("p", { class: "muted" });
  #queue = new QueueView();
  #remarks = h("div", { class: "remarks" });
  #forecast = h("p", { class: "forecast muted" });
  #datagrams = h("p", { class: "datagrams muted" });
  #tls = h("p", { class: "tls muted" });
  #charts;
  #destinations;
  #config;
  #reasons;
  #inView;

  /**
   * @param {ListenerStatus} listener
   * @param {Constants} constants
   * @param {import("./past.js").Past} past
   */
  constructor(listener, { reasons }, past) {
    this.#past = past;
    this.#charts = new ChartsView(listener.name, (span) => this.#choose(span));
    this.#destinations = new DestinationsView(listener);
    this.#reasons = new Reasons(reasons);
    this.#config = new ConfigView(listener);
    this.#remarks.append(this.#forecast, this.#datagrams, this.#tls);
    this.#works.append(
      h("h3", { class: "hidden" }, "The queue"),
      this.#queue.root,
      this.#remarks,
      h("h3", { class: "hidden" }, "What it did lately"),
      this.#charts.root,
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
      this.#works,
    );
    this.#inView = new InView(this.root, (/** @type {Told} */ told) => this.#show(told));
  }

  /** What it did lately. */
  get points() {
    return this.#told ? this.#past.of(this.#told.listener.id).points : [];
  }

  /** @param {Told} told */
  update(told) {
    const before = this.#told?.listener;
    const { id, state, destinations } = told.listener;
    // What the verdict leads to has to be there.
    const matters = told.eager || before?.state !== state ||
      before.destinations.length !== destinations.length;
    this.#told = told;
    this.still = stillFor(this.#past.of(id).points);
    this.#inView.update(told, matters);
  }

  /** @param {Told} told */
  #show({ listener, time }) {
    const { name, address, destinations, names } = listener;
    const { points } = this.#past.of(listener.id);
    const troubles = names.filter(({ last_error }) => last_error !== "").map((one) => {
      return ` The latest look-up of ${one.name}: ${one.last_error}.`;
    });
    setText(this.#name, name);
    setText(
      this.#about,
      `${name === address ? "" : `Bound to ${address}. `}` +
        `Balance ${listener.balance}. ` +
        `${plural(listener.accepted, "session")} accepted since the start` +
        `${listener.greeting > 0 ? `, ${count(listener.greeting)} being greeted` : ""}.` +
        troubles.join(""),
    );
    setAttribute(this.#works, "data-tone", queueTone(listener));
    this.#queue.update(listener, points);
    setText(this.#forecast, forecastOf(listener));
    setText(this.#datagrams, datagramsOf(listener));
    const tls = tlsOf(listener);
    setText(this.#tls, tls.text);
    setAttribute(this.#tls, "data-tone", tls.tone);
    this.#showCharts();
    this.#destinations.update(destinations, time);
    this.#reasons.update(listener, time);
    this.#config.update(listener);
  }

  /** @param {"5m" | "24h"} span */
  async #choose(span) {
    const id = this.#told?.listener.id;
    if (id === undefined) return;
    await this.#past.wantDay(id, span === "24h");
    this.#showCharts();
  }

  #showCharts() {
    if (!this.#told) return;
    const { listener: { id, name }, time, offset } = this.#told;
    const { points, day } = this.#past.of(id);
    // A day ends with the latest full minute: what is read as now is of now all the same.
    const shown = this.#charts.span === "24h" ? [...day, ...points.slice(-1)] : points;
    const marks = this.#past.marksOf(name);
    this.#charts.update({ points: shown, marks }, { now: time, offset });
  }
}
