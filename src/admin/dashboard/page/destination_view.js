// @ts-check
/// <reference lib="dom" />
import { ask } from "./api.js";
import {
  notesOf,
  piecesOf,
  SERVICE,
  serviceDetail,
  serviceWord,
  stateAge,
  stateOf,
  tagsOf,
} from "./destination_facts.js";
import { attempt, confirm } from "./dialogs.js";
import { h, setAttribute, setText, svg } from "./dom.js";
import { Dots } from "./draw.js";
import { brief, byteRate, bytes, count, duration, plural, rate, short } from "./format.js";
import { InView } from "./in_view.js";
import { toggleMenu } from "./menu.js";
import { allow, isAllowed } from "./rights.js";
import { STATES } from "./verdict.js";

/** @typedef {import("../../../operations/destination_status.ts").DestinationStatus} DestinationStatus */
/** @typedef {import("../../../operations/states.ts").AdminState} AdminState */
/**
 * A destination and what the table knows of it.
 *
 * @typedef {object} Row
 * @property {DestinationStatus} destination
 * @property {{ up: number, down: number } | undefined} flow Bytes a second.
 * @property {{ head: number, tail: number }} shared How much of its name all others have, too.
 * @property {boolean} dense
 * @property {boolean} eager Whether it is kept up to date where nobody sees it.
 * @property {boolean} chosen Whether it is one of those that are to be changed together.
 */

/** The width of a destination's slots, and where there is one line for it. */
const SLOTS_WIDTH = { roomy: 160, dense: 76 };

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
  #head = h("span", { class: "head" });
  #own = h("span", { class: "own" });
  #tail = h("span", { class: "tail" });
  #name = h("span", { class: "address name" }, this.#head, this.#own, this.#tail);
  #state = h("span", { class: "state" });
  #tags = h("span", { class: "tags" });
  #notes = h("span", { class: "notes" });
  #dots;
  #slots = h("span", { class: "figure" });
  #sessions = h("span");
  #median = h("span", { "data-quantile": "p50" });
  #slow = h("span", { "data-quantile": "p99" });
  #failures = h("span", { class: "failures" });
  #up = h("span");
  #down = h("span");
  #word = h("span", { class: "word" });
  #button;
  #choose;
  #busy = false;
  #inView;
  /** @type {Row} */
  #row;

  /**
   * @param {Row} row
   * @param {(chosen: boolean) => void} onChoose
   */
  constructor(row, onChoose) {
    this.#row = row;
    this.#dots = new Dots(
      row.dense ? { pitches: [8, 6, 4], height: 10 } : { pitches: [10, 7, 5], height: 22 },
    );
    const { id } = row.destination;
    const name = brief(row.destination.name);
    const marker = svg(
      "svg",
      { class: "marker", viewBox: "-12 -12 24 24", "aria-hidden": "true" },
      svg("circle", { r: 8 }),
      this.#sign,
    );
    // The menu does the same: by the keyboard there is one stop in a row.
    this.#choose = h("input", {
      type: "checkbox",
      class: "choose",
      tabindex: -1,
      "data-act": "yes",
      "aria-label": `choose ${name}`,
      change: () => onChoose(this.#choose.checked),
    });
    this.#button = h("button", {
      type: "button",
      class: "service",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "data-act": "yes",
      click: () => this.#openMenu(onChoose),
    }, this.#word);
    this.root = h(
      "tr",
      { role: "row", id: `d${id}`, "data-id": id },
      h(
        "th",
        { role: "rowheader", scope: "row" },
        marker,
        this.#choose,
        h(
          "div",
          { class: "id" },
          h("div", { class: "who" }, this.#name, " ", this.#tags),
          h("div", { class: "about" }, this.#state, " ", this.#notes),
        ),
      ),
      h("td", { role: "cell", class: "slots" }, this.#dots.root, this.#slots),
      cell("Sessions", this.#sessions),
      cell("Took", this.#median, this.#slow),
      cell("Failures", this.#failures),
      cell("Moves", this.#up, this.#down),
      h("td", { role: "cell", class: "actions" }, this.#button),
    );
    this.#inView = new InView(this.root, (/** @type {Row} */ row) => this.#show(row));
  }

  /** @param {Row} row */
  update(row) {
    const { destination, chosen } = this.#row;
    const { state, admin, leaving, last_error } = row.destination;
    // Whatever changes what somebody would do is never late.
    const matters = row.eager || row === this.#row || chosen !== row.chosen ||
      state !== destination.state ||
      admin !== destination.admin || leaving !== destination.leaving ||
      last_error?.text !== destination.last_error?.text;
    this.#row = row;
    this.#inView.update(row, matters);
  }

  /** @param {Row} row */
  #show(row) {
    const { destination, flow, shared, dense, chosen } = row;
    const { name, active, limit, leaving, recent } = destination;
    const state = stateOf(destination);
    setAttribute(this.root, "data-state", state);
    setAttribute(this.#sign, "d", SIGNS[state]);
    const { head, own, tail } = piecesOf(name, shared);
    setText(this.#head, head);
    setText(this.#own, own);
    setText(this.#tail, tail);
    setAttribute(
      this.#name,
      "title",
      name === destination.address ? name : `${name}, ${destination.address}`,
    );
    setText(
      this.#state,
      leaving ? "leaving" : `${state} ${dense ? "" : "for "}${stateAge(destination)}`,
    );
    setAttribute(this.#state, "title", leaving ? "finishes its sessions and goes" : STATES[state]);
    setText(this.#tags, tagsOf(destination));
    const notes = notesOf(destination);
    setText(this.#notes, notes);
    if (dense) setAttribute(this.#notes, "title", notes);
    this.#dots.update({
      count: active,
      capacity: limit,
      width: dense ? SLOTS_WIDTH.dense : SLOTS_WIDTH.roomy,
    });
    setText(this.#slots, `${count(active)} / ${count(limit)}`);
    setAttribute(this.#slots, "title", `limit: ${destination.limit_reason.replaceAll("-", " ")}`);
    setText(this.#sessions, recent ? `${rate(recent.sessions_per_s)}/s` : "–");
    setAttribute(
      this.#sessions,
      "title",
      `${plural(destination.sessions, "session")} since the start`,
    );
    setText(this.#median, duration(recent?.session_p50_ms ?? undefined));
    setText(this.#slow, duration(recent?.session_p99_ms ?? undefined));
    const failures = recent?.failures ?? destination.failures;
    setText(this.#failures, failures === 0 ? "none" : short(failures));
    this.#failures.classList.toggle("some", failures > 0);
    setAttribute(
      this.#failures,
      "title",
      `${recent ? "in the last five minutes; " : ""}${count(destination.failures)} since the start`,
    );
    setText(this.#up, flow ? `↑ ${byteRate(flow.up)}` : "–");
    setText(this.#down, flow ? `↓ ${byteRate(flow.down)}` : "");
    setAttribute(this.#up, "title", `${bytes(destination.bytes_up)} since the start`);
    setAttribute(this.#down, "title", `${bytes(destination.bytes_down)} since the start`);
    const word = serviceWord(destination);
    setText(this.#word, word);
    setAttribute(this.#button, "aria-label", `${brief(name)}: ${word}`);
    this.#choose.checked = chosen;
    setAttribute(this.root, "data-chosen", String(chosen));
    allow(this.#button, !leaving && !this.#busy);
  }

  /** @param {(chosen: boolean) => void} onChoose */
  #openMenu(onChoose) {
    if (!isAllowed(this.#button)) return;
    const { destination, chosen } = this.#row;
    const { source, admin } = destination;
    const states = /** @type {AdminState[]} */ (Object.keys(SERVICE)).map((state) => ({
      label: SERVICE[state].label,
      detail: serviceDetail(destination, state),
      checked: state === admin,
      act: () => this.#change(state),
    }));
    toggleMenu(this.#button, {
      label: brief(destination.name),
      items: [
        ...states,
        "line",
        {
          label: chosen ? "Do not choose" : "Choose",
          detail: "to change several at once",
          act: () => onChoose(!chosen),
        },
        // A record of a name goes with its name, or when the name server says so.
        ...(source === ""
          ? [{ label: "Remove…", danger: true, act: () => this.#askToRemove() }]
          : []),
      ],
    });
  }

  /** @param {AdminState} state */
  async #change(state) {
    const { id, admin } = this.#row.destination;
    if (admin === state) return;
    const name = brief(this.#row.destination.name);
    await this.#do(`${SERVICE[state].label} ${name}`, async () => {
      const response = await ask(`/destinations/${id}`, { method: "PATCH", body: { state } });
      this.#told(await response.json());
      return `${name} ${SERVICE[state].done}.`;
    });
  }

  async #askToRemove() {
    const { id, active } = this.#row.destination;
    const name = brief(this.#row.destination.name);
    const sure = await confirm({
      title: `Remove ${name}?`,
      text: active > 0
        ? `It finishes the ${
          plural(active, "session")
        } it serves, takes no new ones and is forgotten then.`
        : "It takes no new sessions and is forgotten.",
      action: "Remove",
    });
    if (!sure) return;
    await this.#do(`Remove ${name}`, async () => {
      await ask(`/destinations/${id}`, { method: "DELETE" });
      this.#told({ ...this.#row.destination, leaving: true });
      return `${name} finishes its sessions and is forgotten then.`;
    });
  }

  /** @param {DestinationStatus} destination */
  #told(destination) {
    this.#row = { ...this.#row, destination };
  }

  /**
   * @param {string} what
   * @param {() => Promise<string>} operation
   */
  async #do(what, operation) {
    this.#busy = true;
    this.#show(this.#row);
    await attempt(what, operation);
    this.#busy = false;
    this.#show(this.#row);
  }
}

/**
 * A cell with a number, or two of them.
 *
 * @param {string} label For narrow screens, which show no head of the table.
 * @param {HTMLElement[]} numbers
 */
function cell(label, ...numbers) {
  return h("td", { role: "cell", class: "number pair", "data-label": label }, ...numbers);
}
