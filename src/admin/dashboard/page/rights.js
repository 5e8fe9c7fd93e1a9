// @ts-check
/// <reference lib="dom" />
import { setAttribute } from "./dom.js";

/** What whoever looks may do now: nothing while the program is not heard, and never as a reader. */
const rights = { connected: false, reader: false };

/** Whether anything can be changed now. */
export function mayAct() {
  return rights.connected && !rights.reader;
}

/**
 * Tells what may be done from now on: everything that acts goes by it.
 *
 * @param {Partial<typeof rights>} now
 */
export function setRights(now) {
  Object.assign(rights, now);
  setAttribute(document.body, "data-may", rights.reader ? "read" : "everything");
  for (const element of document.querySelectorAll("[data-act]")) {
    allow(element, element.getAttribute("data-act") === "yes");
  }
}

/**
 * Whether what acts can be pressed; what only looks needs none of this. It keeps the focus if it
 * cannot, so that nobody who goes by the keyboard is thrown out.
 *
 * @param {Element} element
 * @param {boolean} wanted Whether it could, were it not for the rights.
 */
export function allow(element, wanted) {
  setAttribute(element, "data-act", wanted ? "yes" : "no");
  setAttribute(element, "aria-disabled", String(!(wanted && mayAct())));
}

/** @param {Element} element */
export function isAllowed(element) {
  return element.getAttribute("aria-disabled") !== "true";
}
