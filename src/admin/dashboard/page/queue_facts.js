// @ts-check
import { count, rate, span } from "./format.js";

/** @typedef {import("../../../operations/destination_status.ts").DestinationStatus} DestinationStatus */
/** @typedef {import("../../../operations/listener_status.ts").ListenerStatus} ListenerStatus */
/** @typedef {import("./history.js").Point} Point */
/** @typedef {"good" | "plain" | "wait" | "bad"} Tone */
/**
 * @typedef {object} Rates Sessions a second, by the latest seconds.
 * @property {number} arriving
 * @property {number} served
 * @property {number} ended Served, sent away or gone.
 * @property {number} idle For how many milliseconds none has been served, as far as that was seen.
 */

/** From this share on, a queue is as good as full. */
const NEARLY_FULL = 0.9;
/** More room than this is no limit: a program that drains takes whoever is still at the door. */
const ENDLESS = 1e9;
/** The shares of the longest wait from which on a queue is old, and as good as too old. */
const OLD = { wait: 0.25, bad: 0.75 };
/** What counts as the longest wait where there is none, in milliseconds. */
const PATIENCE_MS = 60_000;
/** From this load on more comes than is served, and not by chance. */
const GROWING = 1.05;
/** How far back rates look, and where there is nothing in that time. */
const LATELY_MS = 5000;
const SLOWLY_MS = 60_000;
/** So many times as long as between two before, and it is no pause any more. */
const FAR_LONGER = 5;

/**
 * How many may wait, unless there is no limit.
 *
 * @param {ListenerStatus} listener
 */
export function roomOf({ queue }) {
  return queue > ENDLESS ? undefined : queue;
}

/**
 * What the age of a queue means, measured by how long anybody may wait.
 *
 * @param {ListenerStatus} listener
 * @returns {Tone}
 */
export function ageTone({ waiting, oldest_waiting_ms, waits_at_most_ms }) {
  const share = waiting === 0 ? 0 : oldest_waiting_ms / (waits_at_most_ms || PATIENCE_MS);
  return share >= OLD.bad ? "bad" : share >= OLD.wait ? "wait" : "good";
}

/** @param {ListenerStatus} listener */
export function isNearlyFull({ waiting, queue }) {
  return waiting > 0 && waiting >= queue * NEARLY_FULL;
}

/**
 * What the queue looks like: its age, unless it is full.
 *
 * @param {ListenerStatus} listener
 * @returns {Tone}
 */
export function queueTone(listener) {
  return isNearlyFull(listener) ? "bad" : ageTone(listener);
}

/**
 * Whether anybody waits, in words.
 *
 * @param {readonly ListenerStatus[]} listeners
 * @returns {{ tone: Tone, title: string, detail: string }}
 */
export function queueOf(listeners) {
  const waiting = listeners.reduce((total, one) => total + one.waiting, 0);
  if (waiting === 0) return { tone: "good", title: "Nobody waits", detail: "" };
  const oldest = Math.max(...listeners.map(({ oldest_waiting_ms }) => oldest_waiting_ms));
  const tones = listeners.map(queueTone);
  return {
    tone: tones.includes("bad") ? "bad" : tones.includes("wait") ? "wait" : "good",
    title: `${count(waiting)} waiting`,
    detail: `oldest ${span(oldest)}`,
  };
}

/** Who is next where that is not who has waited longest. */
const NEXT = {
  oldest: "",
  newest: "the newest is next",
  turns: "clients take turns",
  several: "others wait for other destinations",
};

/**
 * Who stands at the head of the queue, in words.
 *
 * @param {ListenerStatus} listener
 */
export function firstOf({ next, oldest_waiting_ms: oldest }) {
  const here = `here for ${span(oldest)}`;
  return next === "oldest" ? `next, ${here}` : `oldest, ${here}; ${NEXT[next]}`;
}

/**
 * Sessions a second that come and that are served, by the latest seconds.
 *
 * @param {readonly Point[]} points
 * @param {readonly DestinationStatus[]} destinations
 * @returns {Rates}
 */
export function ratesOf(points, destinations) {
  const since = (points.at(-1)?.t ?? 0) - LATELY_MS;
  const lately = points.slice(-10).filter(({ t }) => t > since);
  const mean = (/** @type {"accepted" | "ended" | "served"} */ key) =>
    lately.reduce((total, point) => total + (point[key] ?? 0), 0) / (lately.length || 1);
  const known = destinations.every(({ recent }) => recent);
  const recent = destinations.reduce((total, one) => total + (one.recent?.sessions_per_s ?? 0), 0);
  const [arriving, ended] = [mean("accepted"), mean("ended")];
  const own = points.filter(({ served }) => served !== undefined);
  const last = own.findLast(({ served = 0 }) => served > 0) ?? own[0];
  const idle = last ? (points.at(-1)?.t ?? 0) - last.t : 0;
  if (lately.length > 0 && lately.every(({ served }) => served !== undefined)) {
    return { arriving, ended, idle, served: mean("served") || slowly(own) };
  }
  // Whoever was sent away has ended, and who got a free slot has not: both are not served.
  return { arriving, ended, idle, served: known ? Math.min(recent, ended) : ended };
}

/**
 * How many are served a second where it is not one in some seconds: none if it has been far longer
 * than before that none was.
 *
 * @param {readonly Point[]} points
 */
function slowly(points) {
  const now = points.at(-1)?.t ?? 0;
  const own = points.filter(({ t }) => t > now - SLOWLY_MS);
  const last = own.findLast(({ served = 0 }) => served > 0);
  if (!last) return 0;
  const mean = own.reduce((total, { served = 0 }) => total + served, 0) / own.length;
  const gap = (now - last.t) / 1000;
  return gap * mean > FAR_LONGER ? 0 : Math.min(mean, 1 / gap);
}

/**
 * How long until those that wait now have been served, or that it takes ever longer, in words.
 *
 * @param {ListenerStatus} listener
 * @param {Rates} rates
 */
export function clearsIn({ waiting, queue, forecast: { load } }, rates) {
  const { arriving, served, ended, idle } = rates;
  if (waiting === 0) return "";
  if (served <= 0) return idle >= LATELY_MS ? "does not move" : "";
  if (load !== null && load > GROWING && arriving > served) {
    if (waiting >= queue) return "stays full";
    // Who is sent away makes it shorter, and does not clear it.
    return arriving > ended * GROWING ? `grows by ${rate(arriving - ended)}/s` : "gets no shorter";
  }
  return `clears in about ${span(1000 * waiting / served)}`;
}

/**
 * For how long somebody has waited while nobody was served and not a byte moved, in milliseconds.
 *
 * @param {readonly Point[]} points
 */
export function stillFor(points) {
  const last = points.at(-1)?.t ?? 0;
  let since = last;
  for (const { t, waiting, ended, up, down } of points.toReversed()) {
    if (!waiting || ended || up || down) break;
    since = t;
  }
  return last - since;
}
