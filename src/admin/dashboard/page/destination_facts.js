// @ts-check
import { errorOf } from "./last_error.js";
import { brief, count, duration, plural } from "./format.js";
import { takes } from "./slots.js";

/** @typedef {import("../../../operations/destination_status.ts").DestinationStatus} DestinationStatus */
/** @typedef {import("../../../operations/states.ts").AdminState} AdminState */
/** @typedef {"" | "name" | "state" | "slots" | "sessions" | "time" | "failures" | "bytes"} SortKey */

/** What an operator can want of a destination: what that is called, and what it does. */
export const SERVICE = {
  ready: { label: "In service", done: "takes sessions while it is healthy" },
  drain: { label: "Drain", done: "finishes its sessions and takes no new ones" },
  maint: {
    label: "Maintenance",
    done: "finishes its sessions, takes no new ones and is not checked",
  },
};

/** The states, those first that somebody should look into. */
const WORST_FIRST = ["down", "suspect", "untried", "drain", "maint", "up"];
/** A check is worth telling its age only from so many milliseconds on: until then it is the latest. */
const FRESH_MS = 60_000;
/** A name is cut only if it is that long. */
const LONG_NAME = 24;
/** Most characters of a name; all of it is told where somebody points at it. */
const LONGEST_SHOWN = 120;

/**
 * How long something has been so, in words that change as seldom as they can.
 *
 * @param {number} ms
 */
export function agedFor(ms) {
  if (ms < 60_000) return `${Math.floor(ms / 1000)} s`;
  return ms < 3_600_000 ? `${Math.floor(ms / 60_000)} min` : duration(ms);
}

/**
 * For how long it has been in its state: to the second where somebody waits for the end of that.
 *
 * @param {DestinationStatus} destination
 */
export function stateAge({ state, state_age_ms: ms }) {
  const exact = state === "down" || state === "suspect";
  return exact && ms >= 60_000 && ms < 600_000 ? duration(ms) : agedFor(ms);
}

/**
 * What is wanted of it, in a word.
 *
 * @param {DestinationStatus} destination
 */
export function serviceWord({ admin, leaving }) {
  return leaving ? "Leaving" : SERVICE[admin].label;
}

/**
 * What each choice does; of the one that is made also why it does not show.
 *
 * @param {DestinationStatus} destination
 * @param {AdminState} to
 */
export function serviceDetail({ admin, state }, to) {
  const ill = to === admin && to === "ready" && (state === "down" || state === "suspect");
  return ill ? `${SERVICE[to].done}; it is ${state} now` : SERVICE[to].done;
}

/**
 * What was found out about it: the latest error, the latest check and how long that took.
 *
 * @param {DestinationStatus} destination
 */
export function notesOf(destination) {
  const { state, leaving, active, last_check: check, last_error: error } = destination;
  const notes = [];
  if (leaving || state === "drain" || state === "maint") {
    notes.push(active > 0 ? `${plural(active, "session")} to finish` : "no session left");
  }
  const ill = state === "down" || state === "suspect";
  if (error && ill) notes.push(errorOf(destination));
  if (check) {
    const when = check.age_ms < FRESH_MS ? "" : ` ${agedFor(check.age_ms)} ago`;
    const what = ill ? "probe" : "check";
    notes.push(`${what} ${check.ok ? "passed" : "failed"}${when} in ${duration(check.took_ms)}`);
  }
  if (error && !ill) notes.push(`last error ${agedFor(error.age_ms)} ago: ${errorOf(destination)}`);
  return notes.join(" · ");
}

/**
 * What is special about it, in words.
 *
 * @param {DestinationStatus} destination
 */
export function tagsOf({ backup, tier, weight, limit_reason, sni, alpn, send_proxy, tls, agent }) {
  const tls_ = tls === "insecure" ? "TLS NOT VERIFIED" : "TLS";
  return [
    backup && `backup${tier > 1 ? ` ${tier}` : ""}`,
    weight !== 1 && `weight ${weight}`,
    limit_reason !== "configured" && `slots auto: ${limit_reason.replaceAll("-", " ")}`,
    sni !== "" && `for ${brief(sni)}`,
    alpn !== "" && alpn,
    send_proxy !== "off" && `PROXY ${send_proxy}`,
    tls !== "off" && tls_,
    agent !== "" && `says ${agent}`,
  ].filter(Boolean).join(" · ");
}

/**
 * How much of the names at their beginning and end is the same for all: what tells them apart is
 * between. Nothing of short ones.
 *
 * @param {readonly string[]} names
 * @returns {{ head: number, tail: number }}
 */
export function sharedOf(names) {
  const [first = "", ...others] = names;
  const shortest = Math.min(...names.map(({ length }) => length));
  if (others.length === 0 || shortest < LONG_NAME) return { head: 0, tail: 0 };
  let head = shortest;
  let tail = shortest;
  for (const name of others) {
    let same = 0;
    while (same < head && name[same] === first[same]) same++;
    head = same;
    same = 0;
    while (same < tail && name.at(-1 - same) === first.at(-1 - same)) same++;
    tail = same;
  }
  // A number is not cut in two: db-10 and db-12 differ by more than a digit to whoever reads them.
  while (head > 0 && /[a-z0-9]/i.test(first[head - 1] ?? "")) head--;
  while (tail > 0 && /[a-z0-9]/i.test(first.at(-tail) ?? "")) tail--;
  return head + tail >= shortest ? { head: 0, tail: 0 } : { head, tail };
}

/**
 * A name in what it shares with all others and what is its own. One that is very long has lost its
 * middle, and shares nothing.
 *
 * @param {string} name
 * @param {{ head: number, tail: number }} shared
 */
export function piecesOf(name, { head, tail }) {
  if (name.length > LONGEST_SHOWN) return { head: "", own: brief(name, LONGEST_SHOWN), tail: "" };
  const end = name.length - tail;
  return { head: name.slice(0, head), own: name.slice(head, end), tail: name.slice(end) };
}

/**
 * Those that are looked for: by parts of the name, the address, the tags, or the error of one that is
 * down.
 *
 * @param {readonly DestinationStatus[]} all
 * @param {{ text: string, state: string }} wanted An empty state is every one.
 */
export function found(all, { text, state }) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return all.filter((one) => {
    if (state !== "" && stateOf(one) !== state) return false;
    if (words.length === 0) return true;
    const error = one.state === "down" || one.state === "suspect" ? errorOf(one) : "";
    const told = `${one.name} ${one.address} ${stateOf(one)} ${tagsOf(one)} ${one.sni} ${error}`;
    return words.every((word) => told.toLowerCase().includes(word));
  });
}

/**
 * What it shows: one that leaves drains.
 *
 * @param {DestinationStatus} destination
 */
export function stateOf({ state, leaving }) {
  return leaving ? "drain" : state;
}

/**
 * Destinations in another order; those that are equal stay as they were.
 *
 * @param {readonly DestinationStatus[]} all
 * @param {SortKey} key
 * @param {(one: DestinationStatus) => number} bytesOf Bytes a second.
 */
export function sorted(all, key, bytesOf) {
  /** @type {Record<SortKey, (one: DestinationStatus) => number | string>} */
  const values = {
    "": () => 0,
    name: ({ name }) => name,
    state: (one) => WORST_FIRST.indexOf(stateOf(one)),
    slots: ({ active, limit }) => -active / Math.max(1, limit),
    sessions: ({ recent }) => -(recent?.sessions_per_s ?? 0),
    time: ({ recent }) => -(recent?.session_p99_ms ?? 0),
    failures: ({ recent, failures }) => -(recent?.failures ?? failures),
    bytes: (one) => -bytesOf(one),
  };
  const value = values[key];
  return all.toSorted((one, other) => {
    const [a, b] = [value(one), value(other)];
    if (typeof a === "string") return a.localeCompare(String(b), "en", { numeric: true });
    return a - Number(b);
  });
}

/**
 * What a change of several destinations would do, for the question before it.
 *
 * @param {readonly DestinationStatus[]} chosen
 * @param {readonly DestinationStatus[]} all
 * @param {AdminState} to
 */
export function consequenceOf(chosen, all, to) {
  if (to === "ready") return "They take sessions as soon as they are healthy.";
  const active = chosen.reduce((total, one) => total + one.active, 0);
  const left = all.filter((one) => !chosen.includes(one) && takes(one)).length;
  const finish = active > 0
    ? `They finish the ${plural(active, "session")} they serve`
    : "They serve nobody now";
  const unchecked = to === "maint" ? ", are not checked" : "";
  return `${finish}${unchecked} and take no new ones. ` +
    (left > 0
      ? `${count(left)} of ${count(all.length)} ${left === 1 ? "stays" : "stay"} in service.`
      : "None stays in service: whoever comes has to wait.");
}
