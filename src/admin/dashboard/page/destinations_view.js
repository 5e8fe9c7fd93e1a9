// @ts-check
/// <reference lib="dom" />
import { ask } from "./api.js";
import { DestinationView } from "./destination_view.js";
import { attempt } from "./dialogs.js";
import { h, KeyedList, setText } from "./dom.js";
import { count } from "./format.js";
import { takes } from "./slots.js";

/** @typedef {import("../../../operations/destination_status.ts").DestinationStatus} DestinationStatus */
/** @typedef {import("../../../operations/listener_status.ts").ListenerStatus} ListenerStatus */

/** Up to so many destinations are always shown. */
const ALWAYS_SHOWN = 24;
/** Of more, so many, and all those that take no sessions. */
const SHOWN_AT_FIRST = 16;

const COLUMNS = ["Destination", "Slots", "Sessions", "Bytes", "Actions"];

/** The destinations of a listener, and what is needed to find one among hundreds. */
export class DestinationsView {
  root;
  #filter;
  #tools;
  #found = h("span", { class: "muted", role: "status" });
  #more = h("button", { type: "button", class: "more", click: () => this.#toggle() });
  #list;
  #all = false;
  /** @type {readonly DestinationStatus[]} */
  #destinations = [];

  /** @param {ListenerStatus} listener */
  constructor({ id, name }) {
    const body = h("tbody", { role: "rowgroup" });
    this.#filter = h("input", {
      id: `filter-${id}`,
      type: "search",
      placeholder: "address or state",
      autocomplete: "off",
      input: () => this.#render(),
    });
    this.#tools = h(
      "div",
      { class: "filter", hidden: true },
      h("label", { for: this.#filter.id }, "Find destinations"),
      this.#filter,
      this.#found,
    );
    this.#list = new KeyedList(body, {
      key: (/** @type {DestinationStatus} */ destination) => destination.id,
      create: (destination) => new DestinationView(destination),
      onFocusLost: () => (this.#tools.hidden ? this.#table : this.#filter).focus(),
    });
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
          ...COLUMNS.map((column) => h("th", { role: "columnheader", scope: "col" }, column)),
        ),
      ),
      body,
    );
    this.root = h("div", {}, this.#tools, this.#table, this.#more, addForm(id));
  }
  #table;

  /** @param {readonly DestinationStatus[]} destinations */
  update(destinations) {
    this.#destinations = destinations;
    this.#render();
  }

  #toggle() {
    this.#all = !this.#all;
    this.#render();
  }

  #render() {
    const all = this.#destinations;
    const many = all.length > ALWAYS_SHOWN;
    this.#tools.hidden = !many;
    const wanted = many ? this.#filter.value.trim().toLowerCase() : "";
    const found = wanted === ""
      ? all
      : all.filter(({ name, state }) => name.toLowerCase().includes(wanted) || state === wanted);
    setText(this.#found, wanted === "" ? "" : `${count(found.length)} of ${count(all.length)}`);
    let healthy = 0;
    const shown = this.#all || !many || wanted !== ""
      ? found
      : found.filter((one) => !takes(one) || healthy++ < SHOWN_AT_FIRST);
    this.#more.hidden = !many || wanted !== "" || (!this.#all && shown.length === all.length);
    setText(
      this.#more,
      this.#all ? "Show fewer" : `Show ${count(all.length - shown.length)} more that are up`,
    );
    this.#list.render(shown);
  }
}

/**
 * The form that adds a destination to a listener.
 *
 * @param {number} listener
 */
function addForm(listener) {
  const address = h("input", {
    id: `address-${listener}`,
    required: true,
    placeholder: "10.0.0.7:9003",
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
  });
  const workers = h("input", {
    id: `workers-${listener}`,
    class: "short",
    placeholder: "N or auto",
    pattern: "\\s*([1-9][0-9]*|[Aa][Uu][Tt][Oo])\\s*",
    title: "a whole number from 1 on, or auto",
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
  });
  const weight = h("input", {
    id: `weight-${listener}`,
    type: "number",
    min: 0,
    max: 256,
    step: 1,
  });
  const backup = h("input", {
    id: `backup-${listener}`,
    type: "number",
    min: 0,
    max: 256,
    step: 1,
    placeholder: "no",
  });
  const form = h(
    "form",
    {
      submit: (event) => {
        event.preventDefault();
        attempt(`Add ${address.value}`, async () => {
          const body = {
            listener: String(listener),
            address: address.value.trim(),
            ...(workers.value.trim() && { workers: slotsIn(workers.value) }),
            ...(weight.value && { weight: weight.valueAsNumber }),
            ...(backup.value && { backup: backup.valueAsNumber }),
          };
          await ask("/destinations", { method: "POST", body });
          form.reset();
          return `${body.address} was added.`;
        });
      },
    },
    field("Address", address),
    field("Slots", workers),
    field("Weight", weight),
    field("Backup", backup),
    h("button", {}, "Add"),
  );
  return h("details", { class: "add" }, h("summary", {}, "Add a destination"), form);
}

/**
 * How many slots were asked for.
 *
 * @param {string} text
 */
function slotsIn(text) {
  const word = text.trim().toLowerCase();
  return word === "auto" ? word : Number(word);
}

/**
 * @param {string} label
 * @param {HTMLInputElement} input
 */
function field(label, input) {
  return h("div", { class: "field" }, h("label", { for: input.id }, label), input);
}
