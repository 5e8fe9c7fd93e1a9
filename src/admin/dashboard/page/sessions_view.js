// @ts-check
/// <reference lib="dom" />
import { ask } from "./api.js";
import { attempt } from "./dialogs.js";
import { byId, h, KeyedList, setText } from "./dom.js";
import { brief, bytes, count, duration } from "./format.js";
import { allow, isAllowed } from "./rights.js";

/** @typedef {import("../../../operations/operations.ts").SessionInfo} SessionInfo */

/** Most sessions that are listed. */
const MOST = 100;
/** How often the open list is asked for again. */
const REFRESH_MS = 2000;

/** The live sessions, asked for only while the list is open. */
export class SessionsView {
  #details = /** @type {HTMLDetailsElement} */ (byId("sessions"));
  #summary = byId("sessions-summary");
  #count = byId("sessions-count");
  #refreshing = false;
  #list = new KeyedList(byId("sessions-list"), {
    key: (/** @type {SessionInfo} */ { id }) => id,
    create: (session) => this.#row(session),
    onFocusLost: () => this.#summary.focus(),
  });

  constructor() {
    this.#details.addEventListener("toggle", () => {
      if (!this.#refreshing) this.#refresh();
    });
  }

  async #refresh() {
    this.#refreshing = true;
    while (this.#details.open) {
      try {
        const response = await ask(`/sessions?limit=${MOST}`);
        const { sessions, total } = await response.json();
        this.#list.render(sessions);
        setText(
          this.#count,
          total === 0
            ? "No live sessions."
            : total > sessions.length
            ? `The oldest ${count(sessions.length)} of ${count(total)}.`
            : `${count(total)} in all, oldest first.`,
        );
      } catch {
        setText(this.#count, "The list could not be had; trying again.");
      }
      await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
    }
    this.#refreshing = false;
  }

  /**
   * @param {SessionInfo} session
   * @returns {import("./dom.js").View<SessionInfo>}
   */
  #row({ id, client, peer, listener }) {
    const stage = h("td", { role: "cell", "data-label": "Stage" });
    const destination = h("td", { role: "cell", class: "address", "data-label": "Destination" });
    const age = h("td", { role: "cell", class: "number", "data-label": "Age" });
    const moved = h("td", { role: "cell", class: "number", "data-label": "Bytes" });
    const end = h("button", {
      type: "button",
      class: "quiet",
      "aria-label": `end session ${id}`,
      "data-act": "yes",
      click: () => {
        if (!isAllowed(end)) return;
        attempt(`End session ${id}`, async () => {
          await ask(`/sessions/${id}`, { method: "DELETE" });
          return `Session ${id} from ${client} was ended.`;
        });
      },
    }, "end");
    const root = h(
      "tr",
      { role: "row", "data-id": id },
      h("th", { role: "rowheader", scope: "row" }, id),
      h(
        "td",
        { role: "cell", class: "address", "data-label": "Client" },
        brief(client),
        peer === client ? "" : ` through ${brief(peer)}`,
      ),
      h("td", { role: "cell", class: "address", "data-label": "Listener" }, listener),
      stage,
      destination,
      age,
      moved,
      h("td", { role: "cell", class: "actions" }, end),
    );
    return {
      root,
      update: (session) => {
        const tries = session.attempts > 1 ? `, attempt ${session.attempts}` : "";
        setText(
          stage,
          session.place === null
            ? session.stage + tries
            : `${session.stage}, place ${count(session.place)}`,
        );
        allow(end, true);
        setText(destination, brief(session.destination ?? "–"));
        setText(age, duration(session.age_ms));
        const { datagrams_up: up, datagrams_down: down } = session;
        const datagrams = up === undefined
          ? ""
          : ` in ↑ ${count(up)} ↓ ${count(down ?? 0)} datagrams`;
        setText(moved, `↑ ${bytes(session.bytes_up)} ↓ ${bytes(session.bytes_down)}${datagrams}`);
      },
    };
  }
}
