// @ts-check
/// <reference lib="dom" />
import { byId, setAttribute, setText } from "./dom.js";
import { timeOfDay } from "./format.js";
import { setRights } from "./rights.js";

/** @typedef {import("../../../operations/operations.ts").Status} Status */
/** @typedef {"waiting" | "live" | "lost" | "ended" | "signing-in"} Link */

/** What the head says of each. */
const LINKS = {
  waiting: "connecting",
  live: "live",
  lost: "disconnected",
  ended: "ended",
  "signing-in": "",
};

/** Whether the program is still heard: the banner and the sign in the head. */
export class Presence {
  /** @type {Status | undefined} */
  #status;
  /** When to try again, if the connection is lost. */
  #retryAt = 0;
  /** @type {Link} */
  #link = "waiting";

  constructor() {
    setInterval(() => this.#tell(), 1000);
  }

  get lost() {
    return this.#link === "lost" || this.#link === "ended";
  }

  /** @param {Status} status What the program has just told. */
  heard(status) {
    this.#status = status;
    this.#become("live");
  }

  /**
   * @param {number} retryAt When to try again, by the clock of the page.
   * @param {boolean} closed Whether the program has said the last word: one that was killed while it
   *   drained, or that cannot be reached, has not ended as planned.
   */
  lose(retryAt, closed) {
    this.#retryAt = retryAt;
    const drained = closed && this.#status?.state === "draining";
    this.#become(drained || this.#link === "ended" ? "ended" : "lost");
  }

  /** The program wants to know who looks. */
  askWho() {
    this.#status = undefined;
    this.#become("signing-in");
  }

  /** @param {Link} link */
  #become(link) {
    this.#link = link;
    setRights({ connected: link === "live" });
    if (link === "signing-in") document.title = "sign in – iawlb";
    if (this.lost) {
      document.title = `${LINKS[link]} – iawlb`;
      setAttribute(byId("icon"), "href", HOLLOW);
    }
    this.#tell();
  }

  #tell() {
    const status = this.#status;
    const banner = byId("banner");
    setAttribute(document.body, "data-link", this.#link);
    setText(byId("link"), LINKS[this.#link]);
    banner.hidden = !this.lost;
    byId("retry").hidden = !this.lost;
    if (banner.hidden) return;
    const left = Math.max(0, Math.ceil((this.#retryAt - performance.now()) / 1000));
    // Only what is worth saying is said aloud, not each second that passes.
    setText(byId("countdown"), this.#link === "lost" ? `Next attempt in ${left} s.` : "");
    setText(byId("banner-text"), lostText(this.#link, status));
    setAttribute(banner, "data-tone", this.#link === "lost" ? "bad" : "plain");
  }
}

/** The icon of a tab whose program is not heard. */
const HOLLOW = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>" +
  "<circle cx='8' cy='8' r='5.5' fill='none' stroke='%23808588' stroke-width='3'/></svg>";

/**
 * @param {Link} link
 * @param {Status | undefined} status
 */
function lostText(link, status) {
  if (!status) return "Disconnected: the program does not answer.";
  const seen = timeOfDay(status.time);
  if (link === "ended") {
    return `Ended as planned: the program has drained and is gone. It was last heard at ${seen}.`;
  }
  const drained = status.state === "draining" ? " It was about to drain." : "";
  return `Disconnected: the program does not answer.${drained} What you see is from ${seen}.`;
}
