// @ts-check
import { count } from "./format.js";

/** @typedef {import("../../../operations/listener_status.ts").ListenerStatus} ListenerStatus */

/** So many sessions that failed in the last five minutes, and such a share of all, are worth a word. */
const FAILED = { least: 3, share: 0.05 };
/** Ends that are somebody's fault, and what they are in words. */
const FAULTS = {
  "connect-failed": "no destination could be reached",
  "server-reset": "a destination cut them",
  "answer-timeout": "no answer in time",
  "queue-timeout": "they waited for too long",
  "destination-down": "their destination went down",
  "refused-overflow": "the queue was full",
  "loop": "they led back to the balancer",
  "error": "a defect, see the log",
};

/** Those of them who are turned away for want of room or time. */
const TURNED_AWAY = ["queue-timeout", "refused-overflow"];

/**
 * Sessions that ended badly in the last five minutes: their share in percent and why, if there are many.
 *
 * @param {ListenerStatus} listener
 * @returns {{ share: number, detail: string } | undefined}
 */
export function failedLately({ recent, forecast }) {
  const ended = Object.entries(recent?.ended ?? {});
  const all = ended.reduce((total, [, number]) => total + number, 0);
  // How many are turned away now is told already.
  const told = forecast.turned_away_per_s > 0 ? TURNED_AWAY : [];
  const bad = ended.filter(([reason]) => reason in FAULTS && !told.includes(reason))
    .sort(([, a], [, b]) => b - a);
  const failed = bad.reduce((total, [, number]) => total + number, 0);
  const [most] = bad;
  if (!most || failed < FAILED.least || failed < all * FAILED.share) return undefined;
  return {
    // All of them only if it was all of them.
    share: failed === all ? 100 : Math.min(99, Math.round(100 * failed / all)),
    detail: `${count(failed)} of ${count(all)} in five minutes, most of them since ` +
      `${FAULTS[/** @type {keyof typeof FAULTS} */ (most[0])]}.`,
  };
}
