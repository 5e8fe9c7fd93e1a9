// @ts-check
/// <reference lib="dom" />
import { ask } from "./api.js";
import { attempt, confirm } from "./dialogs.js";
import { h, setAttribute, setText, svg } from "./dom.js";
import { Dots } from "./draw.js";
import { bytes, count, short } from "./format.js";
import { STATES } from "./verdict.js";

/** @typedef {import("../../../operations/destination_status.ts").DestinationStatus} DestinationStatus */
/** @typedef {import("../../../operations/states.ts").AdminState} AdminState */

/** The width of a destination's slots. */
const SLOTS_WIDTH = 160;

/** What a press of a button does. */
const ADMIN_STATES = {
  ready: "takes sessions while it is healthy",
  drain: "finishes its sessions and takes no new ones",
  maint: "finishes its sessions, takes no new ones and is not checked",
};

/** The sign within the marker of each state; a destination that is up has a full disc. */
const SIGNS = {
  untried: "M-2.6 0h.2M0 0h.2M2.6 0h.2",
  up: "",
  suspect: "M0-3.6v4.2M0 3.4v.2",
  down: "M-3.2-3.2l6.4 6.4M3.2-3.2l-6.4 6.4",
  drain: "M0-4v7M-3 .4l3 3 3-3",
  maint: "M-1.8-3v6M1.8-3v6",
};

/** A destination: a row of the table and a station of the rail. */
export class DestinationView {
  root;
  #sign = svg("path");
  #name = h("span", { class: "address" });
  #state = h("span", { class: "state" });
  #tags = h("span", { class: "tags" });
  #dots = new Dots({ pitches: [10, 7, 5], height: 22 });
  #slots = h("span", { class: "figure" });
  #sessions = h("span");
  #failures = h("span", { class: "failures" });
  #up = h("span");
  #down = h("span");
  #buttons;
  #remove;
  #busy = false;
  /** @type {DestinationStatus} */
  #destination;

  /** @param {DestinationStatus} destination */
  constructor(destination) {
    this.#destination = destination;
    const { id, name, source } = destination;
    const marker = svg(
      "svg",
      { class: "marker", viewBox: "-12 -12 24 24", "aria-hidden": "true" },
      svg("circle", { r: 8 }),
      this.#sign,
    );
    this.#buttons = /** @type {AdminState[]} */ (Object.keys(ADMIN_STATES)).map((state) =>
      h("button", {
        type: "button",
        "aria-label": `${state} ${name}`,
        title: `${name} ${ADMIN_STATES[state]}`,
        "data-to": state,
        click: () => this.#change(state),
      }, state)
    );
    this.#remove = h("button", {
      type: "button",
      class: "quiet",
      "aria-label": `remove ${name}`,
      click: () => this.#askToRemove(),
    }, "remove");
    // A record of a name goes with its name, or when the name server says so. Its place stays.
    this.#remove.classList.toggle("absent", source !== "");
    this.root = h(
      "tr",
      { role: "row", "data-id": id },
      h(
        "th",
        { role: "rowheader", scope: "row" },
        marker,
        this.#name,
        h("span", { class: "about" }, this.#state, this.#tags),
      ),
      h("td", { role: "cell", class: "slots" }, this.#dots.root, this.#slots),
      cell("Sessions", this.#sessions, this.#failures),
      cell("Bytes", this.#up, this.#down),
      h(
        "td",
        { role: "cell", class: "actions" },
        h(
          "span",
          { class: "choice", role: "group", "aria-label": `State of ${name}` },
          ...this.#buttons,
        ),
        this.#remove,
      ),
    );
  }

  /** @param {DestinationStatus} destination */
  update(destination) {
    this.#destination = destination;
    const { state, admin, leaving, active, limit, weight, backup, tier, failures } = destination;
    const reason = destination.limit_reason.replaceAll("-", " ");
    setAttribute(this.root, "data-state", leaving ? "drain" : state);
    setAttribute(this.#sign, "d", SIGNS[leaving ? "drain" : state]);
    setText(this.#name, destination.name);
    setAttribute(this.#name, "title", destination.address);
    setText(this.#state, leaving ? "leaving" : state);
    setAttribute(this.#state, "title", leaving ? "finishes its sessions and goes" : STATES[state]);
    setText(
      this.#tags,
      (backup ? ` · backup${tier > 1 ? ` ${tier}` : ""}` : "") +
        (weight === 1 ? "" : ` · weight ${weight}`) +
        (reason === "configured" ? "" : ` · slots auto: ${reason}`) +
        (destination.sni === "" ? "" : ` · for ${destination.sni}`) +
        (destination.alpn === "" ? "" : ` · ${destination.alpn}`) +
        (destination.send_proxy === "off" ? "" : ` · PROXY ${destination.send_proxy}`) +
        (destination.tls === "off"
          ? ""
          : destination.tls === "insecure"
          ? " · TLS NOT VERIFIED"
          : " · TLS") +
        (destination.agent === "" ? "" : ` · says ${destination.agent}`),
    );
    this.#dots.update({ count: active, capacity: limit, width: SLOTS_WIDTH });
    setText(this.#slots, `${count(active)} / ${count(limit)}`);
    setAttribute(this.#slots, "title", `limit: ${reason}`);
    setText(this.#sessions, short(destination.sessions));
    setText(this.#failures, `${short(failures)} ${failures === 1 ? "failure" : "failures"}`);
    this.#failures.classList.toggle("some", failures > 0);
    setText(this.#up, `↑ ${bytes(destination.bytes_up)}`);
    setText(this.#down, `↓ ${bytes(destination.bytes_down)}`);
    for (const button of this.#buttons) {
      setAttribute(button, "aria-pressed", String(button.dataset.to === admin && !leaving));
      setAttribute(button, "aria-disabled", String(leaving || this.#busy));
    }
    setAttribute(this.#remove, "aria-disabled", String(leaving || this.#busy));
  }

  /** @param {AdminState} state */
  async #change(state) {
    const { id, name, leaving, admin } = this.#destination;
    if (leaving || this.#busy || admin === state) return;
    await this.#do(`${state} ${name}`, async () => {
      const response = await ask(`/destinations/${id}`, { method: "PATCH", body: { state } });
      this.#destination = await response.json();
      return `${name} ${ADMIN_STATES[state]}.`;
    });
  }

  async #askToRemove() {
    const { id, name, leaving, active } = this.#destination;
    if (leaving || this.#busy) return;
    const sure = await confirm({
      title: `Remove ${name}?`,
      text: active > 0
        ? `It finishes the ${count(active)} it serves, takes no new sessions and is forgotten then.`
        : "It takes no new sessions and is forgotten.",
      action: "Remove",
    });
    if (!sure) return;
    await this.#do(`Remove ${name}`, async () => {
      await ask(`/destinations/${id}`, { method: "DELETE" });
      this.#destination = { ...this.#destination, leaving: true };
      return `${name} finishes its sessions and is forgotten then.`;
    });
  }

  /**
   * @param {string} what
   * @param {() => Promise<string>} operation
   */
  async #do(what, operation) {
    this.#busy = true;
    this.update(this.#destination);
    await attempt(what, operation);
    this.#busy = false;
    this.update(this.#destination);
  }
}

/**
 * A cell with two numbers, one above the other.
 *
 * @param {string} label For narrow screens, which show no head of the table.
 * @param {HTMLElement[]} numbers
 */
function cell(label, ...numbers) {
  return h("td", { role: "cell", class: "number pair", "data-label": label }, ...numbers);
}
