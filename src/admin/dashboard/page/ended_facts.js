// @ts-check
import { short } from "./format.js";

/** @typedef {import("../../../operations/end_reasons.ts").Outcome} Outcome */
/** @typedef {{ help: string, outcome: Outcome }} Meaning */
/** @typedef {"good" | "plain" | "bad"} EndTone */
/**
 * How often sessions ended for a reason.
 *
 * @typedef {object} End
 * @property {string} reason
 * @property {EndTone} tone
 * @property {number} number Lately.
 * @property {number} share Of all that ended lately.
 * @property {number} perMinute
 * @property {number} total Since the start.
 */

/** How far back "lately" looks. */
export const LATELY_MIN = 5;
/** Outcomes that somebody should look into. */
const ILL = ["failed", "timed out", "cut"];
/** Time-outs that are how sessions are meant to end, and no fault. */
const MEANT = ["idle-timeout", "half-close-timeout", "session-timeout"];

/**
 * What an end reason means to whoever looks for errors.
 *
 * @param {string} reason
 * @param {Outcome | undefined} outcome
 * @returns {EndTone}
 */
export function endTone(reason, outcome) {
  if (outcome === "finished") return "good";
  return outcome && ILL.includes(outcome) && !MEANT.includes(reason) ? "bad" : "plain";
}

/**
 * How sessions ended, those first that went wrong, and of these the most frequent ones.
 *
 * @param {Partial<Record<string, number>>} totals Since the start.
 * @param {{ lately: Partial<Record<string, number>> | undefined, minutes: number, meanings: Record<string, Meaning> }} more
 *   Undefined if it is not known what was lately: then all is told that was since the start.
 * @returns {End[]}
 */
export function endsOf(totals, { lately, minutes, meanings }) {
  const numbers = lately ?? totals;
  const all = Object.values(numbers).reduce((/** @type {number} */ sum, n) => sum + (n ?? 0), 0);
  const order = ["bad", "plain", "good"];
  return Object.entries(totals).filter(([, total = 0]) => total > 0).map(([reason, total = 0]) => {
    const number = numbers[reason] ?? 0;
    return {
      reason,
      tone: endTone(reason, meanings[reason]?.outcome),
      number,
      share: all === 0 ? 0 : number / all,
      perMinute: minutes > 0 ? number / minutes : 0,
      total,
    };
  }).toSorted((a, b) => order.indexOf(a.tone) - order.indexOf(b.tone) || b.total - a.total);
}

/**
 * The same of those that did not occur lately, in a line; nothing if there are none.
 *
 * @param {readonly End[]} ends
 */
export function notLately(ends) {
  const before = ends.filter(({ number }) => number === 0).toSorted((a, b) => b.total - a.total);
  if (before.length === 0) return "";
  const list = before.map(({ reason, total }) => `${reason} ${short(total)}`);
  return `Not lately, but since the start: ${list.join(", ")}.`;
}

/**
 * A share in percent that is not 0 unless there was nothing, and not 100 unless it was all.
 *
 * @param {number} share
 */
export function percent(share) {
  if (share === 0 || share === 1) return `${100 * share} %`;
  if (share < 0.001) return "< 0.1 %";
  if (share > 0.999) return "> 99.9 %";
  return `${(100 * share).toFixed(share < 0.1 || share > 0.99 ? 1 : 0)} %`;
}
