// @ts-check
/// <reference lib="dom" />
import { ask } from "./api.js";
import { Connection } from "./connection.js";
import { askForToken, attempt, confirm, prepareSaid } from "./dialogs.js";
import { byId, h, KeyedList, setAttribute, setText } from "./dom.js";
import { count, duration, plural, timeOfDay } from "./format.js";
import { ListenerView } from "./listener_view.js";
import { SessionsView } from "./sessions_view.js";
import { queueOf } from "./queue_facts.js";
import { takes } from "./slots.js";
import { healthOf, sum, tabTitle } from "./verdict.js";
import { VerdictView } from "./verdict_view.js";

/** @typedef {import("../../../operations/listener_status.ts").ListenerStatus} ListenerStatus */
/** @typedef {import("../../../operations/operations.ts").LogEvent} LogEvent */
/** @typedef {import("../../../operations/operations.ts").Status} Status */
/** @typedef {import("./listener_view.js").Told} Told */
/** @typedef {import("./verdict.js").Verdict} Verdict */

/** Most events that are listed. */
const EVENTS = 200;

/** The whole page: what it knows of the program, and whether it still hears from it. */
class Page {
  /** @type {Status | undefined} */
  #status;
  /** When to try again, if the connection is lost. */
  #retryAt = 0;
  #lost = false;
  #newStream = true;
  #verdict = new VerdictView();
  #connection;
  #listeners;
  #overview = new KeyedList(byId("overview-list"), {
    key: (/** @type {ListenerStatus} */ { id }) => id,
    create: overviewOf,
  });

  /** @param {import("./listener_view.js").Constants} constants */
  constructor(constants) {
    this.#listeners = new KeyedList(byId("listeners"), {
      key: (/** @type {Told} */ { listener }) => listener.id,
      create: ({ listener }) => new ListenerView(listener, constants),
    });
    this.#connection = new Connection({
      opened: () => this.#newStream = true,
      event: (event, data) => this.#take(event, JSON.parse(data)),
      lost: (retryAt) => {
        this.#lost = true;
        this.#retryAt = retryAt;
        this.#tellConnection();
      },
      tokenWanted: askForToken,
    });
    byId("retry").addEventListener("click", () => this.#connection.retry());
    byId("reload").addEventListener("click", reload);
    byId("drain").addEventListener("click", drain);
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.#lost) this.#connection.retry();
    });
    setInterval(() => this.#tellConnection(), 1000);
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
      byId("events-list").replaceChildren();
    }
    if (event === "log") addEvent(/** @type {LogEvent} */ (data));
    if (event === "status") this.#show(/** @type {Status} */ (data));
  }

  /** @param {Status} status */
  #show(status) {
    this.#status = status;
    this.#lost = false;
    this.#tellConnection();
    const { listeners, state, time, uptime_ms, version, pid, log_lines_lost: { access, log } } = status;
    document.body.dataset.loaded = "yes";
    const lost = access + log > 0 ? ` · ${access + log} log lines lost` : "";
    setText(byId("about"), `${version} · pid ${pid} · up ${duration(uptime_ms)}${lost}`);
    const offset = Date.parse(time) - uptime_ms;
    this.#listeners.render(listeners.map((listener) => ({ listener, time: uptime_ms, offset })));
    const verdict = healthOf(listeners, {
      draining: state === "draining",
      still: (id) => this.#listeners.view(id)?.still ?? 0,
    });
    this.#verdict.update(verdict, listeners);
    setAttribute(byId("drain"), "aria-disabled", String(state === "draining"));
    document.title = tabTitle(listeners, verdict);
    setAttribute(byId("icon"), "href", icon(verdict.tone));
    byId("overview").hidden = listeners.length < 2;
    if (listeners.length > 1) this.#overview.render(listeners);
  }

  #tellConnection() {
    const status = this.#status;
    const banner = byId("banner");
    const draining = status?.state === "draining";
    const link = this.#lost ? "lost" : status ? "live" : "waiting";
    setAttribute(document.body, "data-link", link);
    setText(byId("link"), { lost: "not connected", live: "live", waiting: "connecting" }[link]);
    banner.hidden = !this.#lost && !draining;
    byId("retry").hidden = !this.#lost;
    if (banner.hidden) return;
    const left = Math.max(0, Math.ceil((this.#retryAt - performance.now()) / 1000));
    // Only what is worth saying is said aloud, not each second that passes.
    setText(byId("countdown"), this.#lost ? `Next attempt in ${left} s.` : "");
    setText(byId("banner-text"), this.#lost ? lostText(status) : drainText(status));
    setAttribute(banner, "data-tone", this.#lost && !draining ? "bad" : "wait");
  }
}

/** @param {Status | undefined} status */
function lostText(status) {
  if (!status) return "The program does not answer.";
  if (status.state === "draining") return "The program has drained and is gone.";
  return `Connection lost. What you see is from ${timeOfDay(status.time)}.`;
}

/** @param {Status | undefined} status */
function drainText(status) {
  const left = sum(status?.listeners ?? [], ({ greeting, waiting, active }) => {
    return greeting + waiting + active;
  });
  return `Draining: no new sessions; ${plural(left, "session")} to finish, then the program ends.`;
}

/**
 * A listener in one row, for programs that have several.
 *
 * @param {ListenerStatus} listener
 */
function overviewOf({ id, name }) {
  const health = h("span", { class: "verdict" });
  const queue = h("span", { class: "verdict" });
  const service = h("span", { class: "muted" });
  const link = h("a", { href: `#l${id}` }, h("span", { class: "address" }, name));
  return {
    root: h("li", {}, link, health, queue, service),
    update: (/** @type {ListenerStatus} */ listener) => {
      for (
        const [element, verdict] of /** @type {const} */ ([
          [health, healthOf([listener])],
          [queue, queueOf([listener])],
        ])
      ) {
        setText(element, verdict.title);
        setAttribute(element, "data-tone", verdict.tone);
      }
      const up = listener.destinations.filter(takes).length;
      setText(
        service,
        `${count(listener.active)} served by ${up} of ${listener.destinations.length}`,
      );
    },
  };
}

/** @param {LogEvent} event */
function addEvent({ time, level, message }) {
  const list = byId("events-list");
  list.prepend(h(
    "li",
    { "data-level": level },
    h("time", { datetime: time, title: time }, timeOfDay(time)),
    h("span", { class: "level" }, level),
    h("span", { class: "message" }, message),
  ));
  if (list.childElementCount > EVENTS) list.lastElementChild?.remove();
}

async function reload() {
  const sure = await confirm({
    title: "Reload the configuration?",
    text: "What is different is applied. No session is cut, and none that waits loses its place.",
    action: "Reload",
  });
  if (!sure) return;
  await attempt("Reload", async () => {
    const response = await ask("/reload", { method: "POST" });
    /** @type {import("../../../operations/operations.ts").ReloadResult} */
    const { changes, needs_restart } = await response.json();
    const restart = needs_restart.map((key) => `${key} counts only after a restart`);
    if (changes.length + restart.length === 0) return "Reloaded: nothing was different.";
    return ["Reloaded", ...changes, ...restart];
  });
}

async function drain() {
  if (byId("drain").getAttribute("aria-disabled") === "true") return;
  const sure = await confirm({
    title: "Drain the program?",
    text: "It takes no new sessions, finishes those it has, and ends. This cannot be taken back.",
    action: "Drain and end",
  });
  if (!sure) return;
  await attempt("Drain", async () => {
    await ask("/drain", { method: "POST" });
    return "The program drains.";
  });
}

/**
 * The icon of the tab: a disc in the colour of what is the matter.
 *
 * @param {Verdict["tone"]} tone
 */
function icon(tone) {
  const colour = { good: "%231f8a66", plain: "%234a7894", wait: "%23c77700", bad: "%23c62f26" }[tone];
  return "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>" +
    `<circle cx='8' cy='8' r='7' fill='${colour}'/></svg>`;
}

prepareSaid();
new SessionsView();
await new Page(JSON.parse(byId("constants").textContent ?? "{}")).run();
