// @ts-check
/// <reference lib="dom" />
import { ProgramMenu } from "./actions.js";
import { ask } from "./api.js";
import { refreshConfig } from "./config_source.js";
import { ProgramConfigView } from "./config_view.js";
import { Connection } from "./connection.js";
import { askForToken, prepareSaid } from "./dialogs.js";
import { byId, KeyedList, setAttribute, setText } from "./dom.js";
import { agedFor } from "./destination_facts.js";
import { EventsView } from "./events_view.js";
import { ListenerView } from "./listener_view.js";
import { Overview } from "./overview_view.js";
import { Past } from "./past.js";
import { Presence } from "./presence.js";
import { setRights } from "./rights.js";
import { SessionsView } from "./sessions_view.js";
import { healthOf, tabTitle } from "./verdict.js";
import { VerdictView } from "./verdict_view.js";

/** @typedef {import("../../../operations/listener_status.ts").ListenerStatus} ListenerStatus */
/** @typedef {import("../../../operations/operations.ts").LogEvent} LogEvent */
/** @typedef {import("../../../operations/operations.ts").Status} Status */
/** @typedef {import("../../../operations/history.ts").History} History */
/** @typedef {import("../../../operations/history.ts").Mark} Mark */
/** @typedef {import("./listener_view.js").Told} Told */
/** @typedef {import("./verdict.js").Verdict} Verdict */

/** What happened if something else is in force. */
const CHANGES = ["reload", "added", "removed"];

/** Up to so many are kept up to date even where nobody sees them. */
const EAGER_LISTENERS = 6;

/** The whole page: what it knows of the program, and who shows what of it. */
class Page {
  #newStream = true;
  #verdict = new VerdictView();
  #presence = new Presence();
  #overview = new Overview();
  #events = new EventsView();
  #program = new ProgramMenu();
  #connection;
  #past;
  #listeners;

  /** @param {import("./history.js").Constants} constants */
  constructor(constants) {
    this.#past = new Past(constants, ask);
    this.#listeners = new KeyedList(byId("listeners"), {
      key: (/** @type {Told} */ { listener }) => listener.id,
      create: ({ listener }) => new ListenerView(listener, constants, this.#past),
    });
    this.#connection = new Connection({
      opened: () => {
        this.#newStream = true;
        askWhoLooks();
        refreshConfig();
      },
      event: (event, data) => this.#take(event, JSON.parse(data)),
      lost: (retryAt, closed) => this.#presence.lose(retryAt, closed),
      tokenWanted: () => {
        this.#presence.askWho();
        return askForToken();
      },
    });
    byId("retry").addEventListener("click", () => this.#connection.retry());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.#presence.lost) this.#connection.retry();
    });
  }

  /** Follows the program for ever. */
  async run() {
    await this.#connection.run();
  }

  /**
   * @param {string} event
   * @param {unknown} data
   */
  #take(event, data) {
    if (this.#newStream) {
      this.#newStream = false;
      this.#events.clear();
    }
    if (event === "log") this.#events.add(/** @type {LogEvent} */ (data));
    if (event === "history") this.#past.take(/** @type {History} */ (data));
    if (event === "mark") {
      const mark = /** @type {Mark} */ (data);
      this.#past.mark(mark);
      if (CHANGES.includes(mark.kind)) refreshConfig();
    }
    if (event === "status") this.#show(/** @type {Status} */ (data));
  }

  /** @param {Status} status */
  #show(status) {
    this.#presence.heard(status);
    this.#past.add(status);
    const { listeners, state, time, uptime_ms, version, pid, log_lines_lost: { access, log } } =
      status;
    document.body.dataset.loaded = "yes";
    const lost = access + log > 0 ? ` · ${access + log} log lines lost` : "";
    setText(byId("about"), `${version} · pid ${pid} · up ${agedFor(uptime_ms)}${lost}`);
    const offset = Date.parse(time) - uptime_ms;
    const eager = listeners.length <= EAGER_LISTENERS;
    this.#listeners.render(listeners.map((listener) => {
      return { listener, time: uptime_ms, offset, eager };
    }));
    const draining = state === "draining";
    const verdict = healthOf(listeners, {
      draining,
      still: (id) => this.#listeners.view(id)?.still ?? 0,
    });
    this.#verdict.update(verdict, listeners);
    this.#program.update(status);
    document.title = tabTitle(listeners, verdict);
    setAttribute(byId("icon"), "href", icon(verdict.tone));
    this.#overview.update(listeners, (id) => this.#listeners.view(id));
  }
}

/**
 * The icon of the tab: a disc in the colour of what is the matter.
 *
 * @param {Verdict["tone"]} tone
 */
function icon(tone) {
  const colour =
    { good: "%231f8a66", plain: "%234a7894", wait: "%23c77700", bad: "%23c62f26" }[tone];
  return "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>" +
    `<circle cx='8' cy='8' r='7' fill='${colour}'/></svg>`;
}

/** Asks what whoever looks may do. Who has no answer may try: the program says no by itself. */
async function askWhoLooks() {
  try {
    /** @type {import("../../caller.ts").Whoami} */
    const { name, may, token } = await (await ask("/whoami")).json();
    setRights({ reader: may === "read" });
    setText(byId("who"), may === "read" ? `${name}, may look` : token ? name : "");
  } catch {
    setRights({ reader: false });
  }
}

prepareSaid();
new SessionsView();
new ProgramConfigView();
await new Page(JSON.parse(byId("constants").textContent ?? "{}")).run();
