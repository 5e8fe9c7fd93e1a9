// @ts-check
/// <reference lib="dom" />
import { addForm } from "./add_form.js";
import { changeTogether } from "./bulk.js";
import { found, sharedOf, sorted } from "./destination_facts.js";
import { DestinationView } from "./destination_view.js";
import { DestinationTools } from "./destination_tools.js";
import { h, KeyedList, setAttribute, setText } from "./dom.js";
import { Flow } from "./flow.js";
import { count } from "./format.js";
import { takes } from "./slots.js";

/** @typedef {import("../../../operations/destination_status.ts").DestinationStatus} DestinationStatus */
/** @typedef {import("../../../operations/listener_status.ts").ListenerStatus} ListenerStatus */
/** @typedef {import("./destination_facts.js").SortKey} SortKey */

/** From so many on there is one line for each. */
const DENSE_FROM = 40;
/** From so many on there is something to find them with. */
const TOOLS_FROM = 12;
/** Up to so many are always shown. */
const ALWAYS_SHOWN = 120;
/** Of more, so many, and all those that take no sessions. */
const SHOWN_AT_FIRST = 60;

/** Up to so many are kept up to date even where nobody sees them. */
const EAGER = 100;

/** @type {{ text: string, sort: SortKey, hint?: string }[][]} */
const COLUMNS = [
  [{ text: "Destination", sort: "name" }, { text: "State", sort: "state" }],
  [{ text: "Slots", sort: "slots" }],
  [{ text: "Sessions", sort: "sessions" }],
  [{ text: "p50, p99", sort: "time", hint: "how long sessions took, by the last five minutes" }],
  [{ text: "Failures", sort: "failures", hint: "of the last five minutes" }],
  [{ text: "Bytes", sort: "bytes" }],
];

/** The destinations of a listener, and what is needed to find one among hundreds. */
export class DestinationsView {
  root;
  #tools;
  #body = h("tbody", { role: "rowgroup" });
  #more = h("button", { type: "button", class: "more", click: () => this.#toggle() });
  #list;
  #table;
  #heads;
  #flow = new Flow();
  #all = false;
  /** @type {SortKey} */
  #sort = "";
  /** The order by which they were shown last, by their IDs. @type {string[]} */
  #order = [];
  /** @type {Set<string>} */
  #chosen = new Set();
  /** @type {readonly DestinationStatus[]} */
  #destinations = [];

  /** @param {ListenerStatus} listener */
  constructor({ id, name }) {
    const body = this.#body;
    this.#tools = new DestinationTools(id, {
      filtered: () => this.#render(),
      sorted: (key) => this.#sortBy(key),
      change: (to) => this.#change(to),
      forget: () => this.#choose([], false),
    });
    this.#list = new KeyedList(body, {
      // One that is drawn otherwise is another view of it.
      key: (/** @type {import("./destination_view.js").Row} */ row) =>
        `${row.destination.id} ${row.dense}`,
      create: (row) =>
        new DestinationView(row, (chosen) => this.#choose([row.destination.id], chosen)),
      onFocusLost: () => (this.#tools.root.hidden ? this.#table : this.#tools.input).focus(),
    });
    this.#heads = COLUMNS.map((sorts) =>
      h(
        "th",
        { role: "columnheader", scope: "col" },
        ...sorts.map(({ text, sort, hint }) =>
          h("button", {
            type: "button",
            class: "sort",
            "data-sort": sort,
            ...(hint && { title: hint }),
            click: () => this.#sortBy(this.#sort === sort ? "" : sort),
          }, text)
        ),
      )
    );
    this.#table = h(
      "table",
      {
        role: "table",
        class: "destinations",
        tabindex: -1,
        "aria-label": `Destinations of ${name}`,
      },
      h(
        "thead",
        { role: "rowgroup" },
        h(
          "tr",
          { role: "row" },
          ...this.#heads,
          h(
            "th",
            { role: "columnheader", scope: "col", class: "actions" },
            h("span", { class: "hidden" }, "Actions"),
          ),
        ),
      ),
      body,
    );
    this.root = h("div", {}, this.#tools.root, this.#table, this.#more, addForm(id));
  }

  /**
   * @param {readonly DestinationStatus[]} destinations
   * @param {number} time The uptime, in milliseconds.
   */
  update(destinations, time) {
    this.#destinations = destinations;
    this.#flow.add(destinations, time);
    const ids = new Set(destinations.map(({ id }) => id));
    for (const id of this.#chosen) if (!ids.has(id)) this.#chosen.delete(id);
    this.#render();
  }

  #toggle() {
    this.#all = !this.#all;
    this.#render();
  }

  /** @param {SortKey} key */
  #sortBy(key) {
    this.#sort = key;
    this.#order = [];
    for (const button of this.#heads.flatMap((head) => [...head.children])) {
      const on = button.getAttribute("data-sort") === key && key !== "";
      setAttribute(button, "aria-pressed", String(on));
    }
    this.#render();
  }

  /**
   * @param {readonly string[]} ids Every one if empty.
   * @param {boolean} chosen
   */
  #choose(ids, chosen) {
    if (ids.length === 0) this.#chosen.clear();
    for (const id of ids) {
      if (chosen) this.#chosen.add(id);
      else this.#chosen.delete(id);
    }
    this.#render();
  }

  /** @param {import("./destination_facts.js").AdminState} to */
  async #change(to) {
    const all = () => this.#destinations.filter(({ leaving }) => !leaving);
    const chosen = this.#chosen.size > 0
      ? all().filter(({ id }) => this.#chosen.has(id))
      : found(all(), this.#tools.wanted);
    const left = await changeTogether(chosen, all, to, (busy) => {
      this.#tools.busy = busy;
      this.#render();
    });
    // What could not be changed stays chosen, so that it can be tried again.
    if (left) this.#chosen = new Set(left);
    this.#render();
  }

  #render() {
    const all = this.#destinations;
    const many = all.length > ALWAYS_SHOWN;
    const dense = all.length >= DENSE_FROM;
    const { wanted } = this.#tools;
    const hits = this.#inOrder(found(all, wanted));
    const filtered = wanted.text !== "" || wanted.state !== "";
    let healthy = 0;
    const shown = this.#all || !many || filtered
      ? hits
      : hits.filter((one) => !takes(one) || healthy++ < SHOWN_AT_FIRST);
    this.#tools.update(all, {
      hits: hits.filter(({ leaving }) => !leaving).length,
      chosen: this.#chosen.size,
      sort: this.#sort,
    });
    this.#tools.root.hidden = all.length < TOOLS_FROM && this.#chosen.size === 0;
    this.#more.hidden = !many || filtered || (!this.#all && shown.length === all.length);
    setText(
      this.#more,
      this.#all ? "Show fewer" : `Show ${count(all.length - shown.length)} more that are up`,
    );
    this.#table.classList.toggle("dense", dense);
    const shared = sharedOf(all.map(({ name }) => name));
    this.#list.render(shown.map((destination) => ({
      destination,
      flow: this.#flow.of(destination.id),
      shared,
      dense,
      eager: shown.length <= EAGER,
      chosen: this.#chosen.has(destination.id),
    })));
  }

  /**
   * In the order that was asked for. While somebody points at one of them or has its menu open they
   * keep their places: what moves away cannot be pressed.
   *
   * @param {DestinationStatus[]} hits
   */
  #inOrder(hits) {
    if (this.#sort === "") return hits;
    const held = this.#order.length > 0 &&
      (this.#body.matches(":hover, :focus-within") ||
        this.#body.querySelector('[aria-expanded="true"]') !== null);
    if (held) {
      const places = new Map(this.#order.map((id, place) => [id, place]));
      return hits.toSorted((a, b) => (places.get(a.id) ?? 1e9) - (places.get(b.id) ?? 1e9));
    }
    const order = sorted(hits, this.#sort, ({ id }) => {
      const flow = this.#flow.of(id);
      return flow ? flow.up + flow.down : 0;
    });
    this.#order = order.map(({ id }) => id);
    return order;
  }
}
