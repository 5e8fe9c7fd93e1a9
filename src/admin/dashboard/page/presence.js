// @ts-check
/// <reference lib="dom" />
import { byId, setAttribute, setText } from "./dom.js";
import { plural, timeOfDay } from "./format.js";
import { sum } from "./verdict.js";

/** @typedef {import("../../../operations/operations.ts").Status} Status */

/** Whether the program is still heard, and whether it drains: the banner and the sign in the head. */
export class Presence {
  /** @type {Status | undefined} */
  #status;
  /** When to try again, if the connection is lost. */
  #retryAt = 0;
  #lost = false;

  constructor() {
    setInterval(() => this.#tell(), 1000);
  }

  get lost() {
    return this.#lost;
  }

  /** @param {Status} status What the program has just told. */
  heard(status) {
    this.#status = status;
    this.#lost = false;
    this.#tell();
  }

  /** @param {number} retryAt When to try again, by the clock of the page. */
  lose(retryAt) {
    this.#lost = true;
    this.#retryAt = retryAt;
    this.#tell();
  }

  #tell() {
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
