// @ts-check
import { count, plural } from "./format.js";
import { queueOf } from "./queue_facts.js";
import { takes } from "./slots.js";
import { troublesOf } from "./troubles.js";

/** @typedef {import("../../../operations/destination_status.ts").DestinationStatus} DestinationStatus */
/** @typedef {import("../../../operations/listener_status.ts").ListenerStatus} ListenerStatus */
/** @typedef {import("../../../operations/states.ts").ShownState} ShownState */
/** @typedef {import("./queue_facts.js").Tone} Tone */
/** @typedef {import("./troubles.js").Trouble} Trouble */
/**
 * @typedef {object} Verdict
 * @property {Tone} tone
 * @property {string} title
 * @property {string} detail
 * @property {string} said The same without what changes each second.
 * @property {string} [way] Where it is seen: the ID of the element of a listener or a destination.
 * @property {readonly Trouble[]} others What else there is.
 */

/** What the states of a destination mean. */
export const STATES = {
  untried: "takes sessions, nobody has reached it yet",
  up: "takes sessions",
  suspect: "a connect failed, being probed",
  down: "does not answer, being probed, or says so itself",
  drain: "finishes its sessions, takes no new ones",
  maint: "finishes its sessions, takes no new ones, is not checked",
};

/**
 * The one thing to know of listeners: the worst of what there is, or that all is well.
 *
 * @param {readonly ListenerStatus[]} listeners
 * @param {{ draining?: boolean, still?: (id: number) => number }} [more] Whether the whole program
 *   drains, and for how many milliseconds nothing has moved at a listener although somebody waits.
 * @returns {Verdict}
 */
export function healthOf(listeners, more = {}) {
  const [worst, ...others] = troublesOf(listeners, more);
  if (worst) return { ...worst, others };
  return { tone: "good", title: "Healthy", detail: wellOf(listeners), said: "Healthy", others: [] };
}

/**
 * What the title of the tab says.
 *
 * @param {readonly ListenerStatus[]} listeners
 * @param {Verdict} verdict
 */
export function tabTitle(listeners, { tone, title }) {
  const queue = queueOf(listeners).title;
  return `${tone === "good" && queue !== "Nobody waits" ? queue : title} – iawlb`;
}

/** @param {readonly ListenerStatus[]} listeners */
function wellOf(listeners) {
  const all = listeners.flatMap(({ destinations }) => destinations);
  const here = all.filter(({ leaving }) => !leaving);
  const up = here.filter(({ state }) => state === "up").length;
  const more = [
    aside(here.filter(({ state }) => state === "drain").length, "in drain"),
    aside(here.filter(({ state }) => state === "maint").length, "in maintenance"),
    aside(
      here.filter((one) => one.weight === 0 && takes({ ...one, weight: 1 })).length,
      "of weight 0",
    ),
  ].join("");
  const queue = listeners.some(({ waiting }) => waiting > 0) ? "the queue moves" : "nobody waits";
  return `${allUp(up, here.length)}${more}, ${queue}.`;
}

/**
 * @param {number} up
 * @param {number} all
 */
function allUp(up, all) {
  if (up < all) {
    return `${count(up)} of ${plural(all, "destination")} ${up === 1 ? "is" : "are"} up`;
  }
  if (all === 1) return "The destination is up";
  return `${all === 2 ? "Both" : `All ${count(all)}`} destinations are up`;
}

/**
 * @param {number} number
 * @param {string} what
 */
function aside(number, what) {
  return number === 0 ? "" : `, ${count(number)} ${what}`;
}

/**
 * @template T
 * @param {readonly T[]} all
 * @param {(one: T) => number} number
 */
export function sum(all, number) {
  return all.reduce((total, one) => total + number(one), 0);
}
