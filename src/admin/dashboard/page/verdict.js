// @ts-check
import { count, duration, plural, rate } from "./format.js";

/** @typedef {import("../../../operations/destination_status.ts").DestinationStatus} DestinationStatus */
/** @typedef {import("../../../operations/listener_status.ts").ListenerStatus} ListenerStatus */
/** @typedef {import("../../../operations/states.ts").ShownState} ShownState */
/** @typedef {"good" | "wait" | "bad"} Tone */
/** @typedef {{ tone: Tone, title: string, detail: string }} Verdict */

/** From this share on, a queue is as good as full. */
const NEARLY_FULL = 0.9;

/** More room than this is no limit: a program that drains takes whoever is still at the door. */
const ENDLESS = 1e9;

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
 * Whether anything is wrong, in words.
 *
 * @param {readonly ListenerStatus[]} listeners
 * @returns {Verdict}
 */
export function healthOf(listeners) {
  const all = listeners.flatMap(({ destinations }) => destinations).filter(({ leaving }) =>
    !leaving
  );
  const detail = `${count(inState(all, "up"))} of ${plural(all.length, "destination")} up` +
    ["untried", "drain", "maint"].map((state) => {
      const number = inState(all, /** @type {ShownState} */ (state));
      if (number === 0) return "";
      return `, ${count(number)} ${state === "untried" ? state : `in ${state}`}`;
    }).join("") + weightless(all);
  const dead = listeners.filter(({ destinations }) => !destinations.some(takes));
  if (dead.length > 0) {
    const where = listeners.length > 1 ? ` at ${dead.map(({ name }) => name).join(", ")}` : "";
    return { tone: "bad", title: `No destination up${where}`, detail };
  }
  const down = inState(all, "down");
  if (down > 0) {
    return { tone: "bad", title: `${plural(down, "destination")} down`, detail };
  }
  const suspect = inState(all, "suspect");
  if (suspect > 0) {
    return { tone: "wait", title: `${plural(suspect, "destination")} suspect`, detail };
  }
  const untried = inState(all, "untried");
  if (untried > 0) {
    return { tone: "wait", title: `${plural(untried, "destination")} untried`, detail };
  }
  return { tone: "good", title: "Healthy", detail };
}

/**
 * How many would take sessions if they had a weight, in words.
 *
 * @param {readonly DestinationStatus[]} all
 */
function weightless(all) {
  const number = all.filter((one) => one.weight === 0 && takes({ ...one, weight: 1 })).length;
  return number > 0 ? `, ${count(number)} with weight 0` : "";
}

/**
 * Whether anybody waits, in words.
 *
 * @param {readonly ListenerStatus[]} listeners
 * @returns {Verdict}
 */
export function queueOf(listeners) {
  const waiting = sum(listeners, ({ waiting }) => waiting);
  const rooms = listeners.map(roomOf).filter((room) => room !== undefined);
  const room = rooms.length < listeners.length ? "" : `room for ${count(sum(rooms, Number))}`;
  if (waiting === 0) return { tone: "good", title: "Nobody waits", detail: room };
  const oldest = Math.max(...listeners.map(({ oldest_waiting_ms }) => oldest_waiting_ms));
  const full = listeners.some(({ waiting, queue }) => waiting >= queue * NEARLY_FULL);
  return {
    tone: full ? "bad" : "wait",
    title: `${count(waiting)} waiting`,
    detail: [`oldest ${duration(oldest)}`, room].filter(Boolean).join(", "),
  };
}

/**
 * What is foreseen of a listener, in words; nothing of one that is idle.
 *
 * @param {ListenerStatus} listener
 */
export function forecastOf({ waiting, forecast, overloaded, patience_ms }) {
  const { load, expected_wait_ms, clears_in_ms, gave_up_per_s, turned_away_per_s } = forecast;
  const pieces = [];
  if (load) pieces.push(`${Math.round(100 * load)} % of what can be served comes`);
  if (expected_wait_ms) pieces.push(`who comes now waits for about ${duration(expected_wait_ms)}`);
  if (waiting > 0) {
    pieces.push(
      clears_in_ms === null
        ? "the queue does not get shorter"
        : `nobody waits in ${duration(clears_in_ms)}`,
    );
  }
  if (gave_up_per_s > 0) pieces.push(`${rate(gave_up_per_s)} clients/s give up`);
  if (turned_away_per_s > 0) pieces.push(`${rate(turned_away_per_s)}/s are turned away`);
  if (overloaded > 0) {
    const patience = patience_ms > 0 ? `, clients are patient for ${duration(patience_ms)}` : "";
    pieces.push(`it is overloaded${patience}`);
  }
  const text = pieces.join(", ");
  return text === "" ? "" : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/**
 * What became of datagrams, as a sentence; nothing where there were none.
 *
 * @param {ListenerStatus} listener
 */
export function datagramsOf(listener) {
  const { datagrams_up: up, datagrams_down: down } = listener;
  const { datagrams_dropped, datagrams_foreign, datagrams_unsent } = listener;
  const losses = Object.entries({
    dropped: datagrams_dropped,
    foreign: datagrams_foreign,
    unsent: datagrams_unsent,
  }).filter(([, number]) => number > 0).map(([why, number]) => `, ${count(number)} ${why}`);
  if (up + down === 0 && losses.length === 0) return "";
  return `${plural(up, "datagram")} up, ${count(down)} down${losses.join("")}.`;
}

/** From so many days before its end on a certificate is to be replaced. */
const SOON_DAYS = 14;

/**
 * What is known of TLS with clients, in words; nothing where there is none.
 *
 * @param {ListenerStatus} listener
 * @returns {{ text: string, tone: Tone | "plain" }}
 */
export function tlsOf({ certificates, tls_handshakes, tls_pending, ended }) {
  const [first] = certificates.toSorted((one, other) => one.expires_in_s - other.expires_in_s);
  if (first === undefined) return { text: "", tone: "plain" };
  const days = first.expires_in_s / 86_400;
  const span = plural(Math.floor(Math.abs(days)), "day");
  const which = certificates.length === 1
    ? "Its certificate"
    : `Of ${count(certificates.length)} certificates the first to end`;
  const end = days < 0 ? `ended ${span} ago` : `ends in ${span}`;
  return {
    text: `TLS: ${plural(tls_handshakes, "handshake")}, ${count(tls_pending)} under way, ` +
      `${count(ended["tls-failed"] ?? 0)} failed. ${which}, ${
        first.names[0] ?? first.path
      }, ${end}.`,
    tone: days < 0 ? "bad" : days < SOON_DAYS ? "wait" : "plain",
  };
}

/**
 * How many may wait, unless there is no limit.
 *
 * @param {ListenerStatus} listener
 */
export function roomOf({ queue }) {
  return queue > ENDLESS ? undefined : queue;
}

/**
 * Who serves, in words.
 *
 * @param {readonly ListenerStatus[]} listeners
 * @returns {Verdict}
 */
export function serviceOf(listeners) {
  const all = listeners.flatMap(({ destinations }) => destinations);
  const active = sum(all, ({ active }) => active);
  const busy = all.filter(({ active }) => active > 0).length;
  const slots = sum(all.filter(takes), ({ limit }) => limit);
  const share = active > 0 && slots > 0 ? `${Math.round((100 * active) / slots)} % of ` : "";
  return {
    tone: "good",
    title: active === 0 ? "Idle" : `${count(active)} being served`,
    detail: share + plural(slots, "slot") +
      (active === 0 ? "" : `, by ${plural(busy, "destination")}`),
  };
}

/**
 * Whether a destination takes new sessions.
 *
 * @param {DestinationStatus} destination
 */
export function takes({ state, leaving, weight }) {
  return (state === "up" || state === "untried") && !leaving && weight > 0;
}

/**
 * @param {readonly DestinationStatus[]} destinations
 * @param {ShownState} wanted
 */
function inState(destinations, wanted) {
  return destinations.filter(({ state, leaving }) => state === wanted && !leaving).length;
}

/**
 * @template T
 * @param {readonly T[]} all
 * @param {(one: T) => number} number
 */
export function sum(all, number) {
  return all.reduce((total, one) => total + number(one), 0);
}
