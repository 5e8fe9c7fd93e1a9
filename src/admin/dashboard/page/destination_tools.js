// @ts-check
/// <reference lib="dom" />
import { SERVICE, stateOf } from "./destination_facts.js";
import { h, setAttribute, setText } from "./dom.js";
import { count } from "./format.js";
import { toggleMenu } from "./menu.js";
import { allow, isAllowed } from "./rights.js";

/** @typedef {import("../../../operations/destination_status.ts").DestinationStatus} DestinationStatus */
/** @typedef {import("./destination_facts.js").AdminState} AdminState */
/** @typedef {import("./destination_facts.js").SortKey} SortKey */

/** The states that can be looked for, in the order of their chips; every one at first. */
const CHIPS = ["", "down", "suspect", "untried", "drain", "maint", "up"];
/** @type {Record<SortKey, string>} */
const ORDERS = {
  "": "as configured",
  name: "name",
  state: "state, worst first",
  slots: "busiest",
  sessions: "most sessions",
  time: "slowest",
  failures: "most failures",
  bytes: "most bytes",
};

/** What stands above many destinations: how many are in which state, what is looked for, changes. */
export class DestinationTools {
  input;
  root;
  #chips;
  #order;
  #change;
  #state = "";
  #hits = 0;
  #chosen = 0;
  /** Whether several are being changed. */
  busy = false;

  /**
   * @param {number} listener
   * @param {object} hooks
   * @param {() => void} hooks.filtered
   * @param {(key: SortKey) => void} hooks.sorted
   * @param {(to: AdminState) => void} hooks.change Of those that are chosen, or else found.
   * @param {() => void} hooks.forget Chooses none.
   */
  constructor(listener, hooks) {
    this.input = h("input", {
      id: `filter-${listener}`,
      type: "search",
      placeholder: "name, address, error",
      autocomplete: "off",
      spellcheck: "false",
      maxlength: 200,
      input: hooks.filtered,
    });
    this.#chips = CHIPS.map((state) => ({
      state,
      button: h("button", {
        type: "button",
        class: "chip",
        "data-state": state,
        click: () => {
          this.#state = state === this.#state ? "" : state;
          hooks.filtered();
        },
      }),
    }));
    this.#order = h(
      "select",
      { id: `order-${listener}` },
      ...Object.entries(ORDERS).map(([value, text]) => h("option", { value }, text)),
    );
    this.#order.addEventListener("change", () => {
      hooks.sorted(/** @type {SortKey} */ (this.#order.value));
    });
    this.#change = h("button", {
      type: "button",
      class: "opens",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "data-act": "yes",
      click: () => this.#openMenu(hooks),
    });
    this.root = h(
      "div",
      { class: "filter", hidden: true },
      h(
        "div",
        { class: "chips", role: "group", "aria-label": "Show those in a state" },
        ...this.#chips.map(({ button }) => button),
      ),
      h(
        "span",
        { class: "find" },
        h("label", { for: this.input.id, class: "hidden" }, "Find destinations"),
        this.input,
      ),
      h(
        "span",
        { class: "order" },
        h("label", { for: this.#order.id }, "Order"),
        this.#order,
      ),
      h("span", { class: "together" }, this.#change),
    );
  }

  /** What is looked for. */
  get wanted() {
    return { text: this.input.value.trim(), state: this.#state };
  }

  /**
   * @param {readonly DestinationStatus[]} all
   * @param {{ hits: number, chosen: number, sort: SortKey }} now
   */
  update(all, { hits, chosen, sort }) {
    this.#hits = hits;
    this.#chosen = chosen;
    for (const { state, button } of this.#chips) {
      const number = state === "" ? all.length : all.filter((one) => stateOf(one) === state).length;
      // The one that is in use stays, so that it can be left again.
      button.hidden = number === 0 && state !== this.#state;
      setText(button, `${count(number)} ${state || "in all"}`);
      setAttribute(button, "aria-pressed", String(state === this.#state));
    }
    if (this.#order.value !== sort) this.#order.value = sort;
    const { text, state } = this.wanted;
    const which = chosen > 0
      ? `${count(chosen)} chosen`
      : text !== "" || state !== ""
      ? `${count(hits)} found`
      : `all ${count(hits)}`;
    setText(this.#change, this.busy ? "Changing…" : `Change ${which}`);
    allow(this.#change, hits + chosen > 0 && !this.busy);
  }

  /** @param {{ change: (to: AdminState) => void, forget: () => void }} hooks */
  #openMenu({ change, forget }) {
    if (!isAllowed(this.#change)) return;
    toggleMenu(this.#change, {
      label: `Change ${count(this.#chosen || this.#hits)} destinations`,
      items: [
        .../** @type {AdminState[]} */ (Object.keys(SERVICE)).map((to) => ({
          label: `${SERVICE[to].label}…`,
          detail: `each ${SERVICE[to].done}`,
          act: () => change(to),
        })),
        ...(this.#chosen > 0
          ? [/** @type {const} */ ("line"), { label: "Choose none", act: forget }]
          : []),
      ],
    });
  }
}
