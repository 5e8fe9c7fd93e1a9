// @ts-check
import { count, rate, span } from "./format.js";

/** @typedef {import("../../../operations/destination_status.ts").DestinationStatus} DestinationStatus */
/** @typedef {import("../../../operations/listener_status.ts").ListenerStatus} ListenerStatus */
/** @typedef {import("./history.js").Point} Point */
/** @typedef {"good" | "plain" | "wait" | "bad"} Tone */

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
/** How far back rates look. */
const LATELY_MS = 5000;

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

/**
 * Sessions a second that come and that are served, by the latest seconds.
 *
 * @param {readonly Point[]} points
 * @param {readonly DestinationStatus[]} destinations
 * @returns {{ arriving: number, served: number }}
 */
export function ratesOf(points, destinations) {
  const since = (points.at(-1)?.t ?? 0) - LATELY_MS;
  const lately = points.slice(-10).filter(({ t }) => t > since);
  const mean = (/** @type {"accepted" | "ended"} */ key) =>
    lately.reduce((total, point) => total + (point[key] ?? 0), 0) / (lately.length || 1);
  const known = destinations.every(({ recent }) => recent);
  const served = destinations.reduce((total, one) => total + (one.recent?.sessions_per_s ?? 0), 0);
  return { arriving: mean("accepted"), served: known ? served : mean("ended") };
}

/**
 * How long until those that wait now have been served, or that it takes ever longer, in words.
 *
 * @param {ListenerStatus} listener
 * @param {{ arriving: number, served: number }} rates Sessions a second.
 */
export function clearsIn({ waiting, queue, forecast: { load } }, { arriving, served }) {
  if (waiting === 0) return "";
  if (served <= 0) return "does not move";
  if (load !== null && load > GROWING && arriving > served) {
    return waiting >= queue ? "stays full" : `grows by ${rate(arriving - served)}/s`;
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
