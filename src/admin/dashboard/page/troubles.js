// @ts-check
import { stateAge } from "./destination_facts.js";
import { failedLately } from "./failed_lately.js";
import { brief, count, plural, rate, span, trimmed } from "./format.js";
import { errorOf } from "./last_error.js";
import { tlsOf } from "./listener_facts.js";
import { ageTone, isNearlyFull } from "./queue_facts.js";
import { slotsOf, takes } from "./slots.js";

/** @typedef {import("../../../operations/destination_status.ts").DestinationStatus} DestinationStatus */
/** @typedef {import("../../../operations/listener_status.ts").ListenerStatus} ListenerStatus */
/** @typedef {import("./queue_facts.js").Tone} Tone */
/**
 * Something that somebody should know.
 *
 * @typedef {object} Trouble
 * @property {Tone} tone
 * @property {string} title
 * @property {string} detail
 * @property {string} said The same without what changes each second.
 * @property {number} rank Which of those with the same tone is worse: 0, 1, and 2 for most.
 * @property {string} [way] Where it is seen: the ID of the element of a listener or a destination.
 */

/** Nobody was served and not a byte moved for so long: nothing moves. */
const STILL_MS = 5000;
/** So many destinations are named at once. */
const NAMED = 3;

/**
 * What is the matter, the worst first.
 *
 * @param {readonly ListenerStatus[]} listeners
 * @param {{ draining?: boolean, still?: (id: number) => number }} more
 * @returns {Trouble[]}
 */
export function troublesOf(listeners, { draining = false, still = () => 0 }) {
  const several = listeners.length > 1;
  const all = listeners.flatMap((listener) =>
    troublesAt(listener, {
      still: still(listener.id),
      where: several ? ` at ${listener.name}` : "",
      alone: !draining,
    })
  );
  const order = ["bad", "wait", "plain", "good"];
  all.sort((one, other) =>
    order.indexOf(one.tone) - order.indexOf(other.tone) || one.rank - other.rank
  );
  return draining ? [drainOf(listeners), ...all] : all;
}

/** @param {readonly ListenerStatus[]} listeners */
function drainOf(listeners) {
  const left = listeners.reduce((total, one) => total + leftAt(one), 0);
  return trouble("wait", `Draining: ${plural(left, "session")} to finish`, {
    detail: "It takes no new sessions and ends with the last one.",
    said: "Draining",
  });
}

/**
 * @param {ListenerStatus} listener
 * @param {{ still: number, where: string, alone: boolean }} more
 * @returns {Trouble[]}
 */
function troublesAt(listener, { still, where, alone }) {
  const { waiting, oldest_waiting_ms: oldest, destinations, forecast, names } = listener;
  const way = `l${listener.id}`;
  const serving = destinations.some(takes);
  /** @type {Trouble[]} */
  const found = [];
  if (alone && listener.state === "draining") {
    found.push(
      trouble("wait", `Draining${where}: ${plural(leftAt(listener), "session")} to finish`, {
        detail: "It takes no new sessions.",
        said: `Draining${where}`,
        way,
      }),
    );
  }
  if (!serving) found.push(nobodyServes(listener, { where, way }));
  const old = ageTone(listener);
  const stuck = still >= STILL_MS;
  const full = serving && isNearlyFull(listener);
  const turned = forecast.turned_away_per_s > 0
    ? `${rate(forecast.turned_away_per_s)}/s are turned away`
    : "";
  if (full) {
    const how = waiting < listener.queue ? "nearly full" : "full";
    found.push(trouble("bad", `The queue${where} is ${how}: ${causeOf(listener)}`, {
      detail: turned === "" ? "Whoever comes now waits at the door." : `${turned}.`,
      said: `The queue${where} is full`,
      rank: 1,
      way,
    }));
  } else if (serving && old !== "good") {
    const cause = causeOf(listener);
    found.push(
      trouble(old, `${count(waiting)} waiting${where} for up to ${span(oldest)}: ${cause}`, {
        detail: (stuck ? "None has ended for a while, and not a byte moves. " : "") +
          limitOf(listener),
        said: `The queue${where} is old: ${cause}`,
        rank: 1,
        way,
      }),
    );
  } else if (serving && stuck) {
    found.push(trouble("wait", `Nothing moves${where}: ${causeOf(listener)}`, {
      detail: "Somebody waits, none ends, and not a byte moves.",
      rank: 1,
      way,
    }));
  }
  if (turned !== "" && !full) {
    found.push(trouble("wait", `${turned}${where}`, {
      detail: "More comes than can be served in time.",
      said: `Sessions are turned away${where}`,
      way,
    }));
  }
  found.push(...byState(listener, { where, serving }));
  for (const { name, last_error } of names) {
    if (last_error === "") continue;
    found.push(
      trouble("wait", `${brief(name)} cannot be looked up`, { detail: `${last_error}.`, way }),
    );
  }
  const { tone, text } = tlsOf(listener);
  if (tone !== "plain") {
    found.push(
      trouble(tone, `A certificate${where} ${tone === "bad" ? "has ended" : "ends soon"}`, {
        detail: text,
        way,
      }),
    );
  }
  const failed = failedLately(listener);
  if (failed) {
    const title = `${failed.share} % of the sessions${where} failed lately`;
    found.push(trouble("wait", title, {
      detail: failed.detail,
      said: `Sessions fail${where}`,
      way,
    }));
  }
  return found;
}

/**
 * @param {ListenerStatus} listener
 * @param {{ where: string, way: string }} more
 */
function nobodyServes(listener, { where, way }) {
  const all = listener.destinations.filter(({ leaving }) => !leaving);
  const off = all.filter(({ state }) => state === "drain" || state === "maint").length;
  const cause = all.length === 0
    ? "There is none."
    : off === all.length
    ? "Each of them is in drain or maintenance."
    : namedCauses(all.filter(({ state }) => state === "down" || state === "suspect"));
  const waiting = listener.waiting === 0
    ? ""
    : ` ${count(listener.waiting)} waiting for up to ${span(listener.oldest_waiting_ms)}.`;
  return trouble("bad", `No destination${where} is up`, { detail: cause + waiting, rank: 0, way });
}

/**
 * Destinations that are down, suspect or untried.
 *
 * @param {ListenerStatus} listener
 * @param {{ where: string, serving: boolean }} more
 */
function byState({ destinations }, { where, serving }) {
  const here = destinations.filter(({ leaving }) => !leaving);
  /** @type {Trouble[]} */
  const found = [];
  for (const [state, tone] of /** @type {const} */ ([["down", "bad"], ["suspect", "wait"]])) {
    const all = here.filter((one) => one.state === state);
    const [one] = all;
    // That nobody is up has said it already.
    if (!one || !serving) continue;
    const many = all.length > 1;
    const since = ageOf(one);
    const error = errorOf(one);
    found.push(trouble(
      tone,
      many
        ? `${count(all.length)} of ${count(here.length)} destinations${where} are ${state}`
        : `${brief(one.name)} is ${state}${since}${error === "" ? "" : `: ${brief(error, 160)}`}`,
      {
        detail: many ? namedCauses(all) : restOf(here),
        said: many
          ? `${count(all.length)} destinations are ${state}`
          : `${brief(one.name)} is ${state}`,
        way: `d${one.id}`,
      },
    ));
  }
  const untried = here.filter(({ state }) => state === "untried").length;
  if (untried > 0 && serving) {
    found.push(
      trouble("plain", untried === here.length ? `Ready${where}` : `Ready in part${where}`, {
        detail: `${plural(untried, "destination")} not reached yet: the first session will tell.`,
      }),
    );
  }
  return found;
}

/** @param {ListenerStatus} listener */
function causeOf(listener) {
  const { usable, busy } = slotsOf([listener]);
  if (busy >= usable) return "every slot is busy";
  // Each of several threads has its own queue, and its share of the slots.
  return listener.children.length > 1
    ? "no free slot in their thread"
    : "their destinations have no free slot";
}

/** @param {ListenerStatus} listener */
function limitOf({ waits_at_most_ms: most }) {
  return most === 0
    ? "Nobody is sent away, however long it takes."
    : `Whoever has waited for ${trimmed(span(most))} is sent away.`;
}

/**
 * The causes of some destinations, in one sentence.
 *
 * @param {readonly DestinationStatus[]} all
 */
function namedCauses(all) {
  const named = all.slice(0, NAMED).map((one) => {
    const error = errorOf(one);
    return `${brief(one.name)}${ageOf(one)}${error === "" ? "" : `: ${brief(error, 160)}`}`;
  });
  const more = all.length - named.length;
  return `${named.join("; ")}${more > 0 ? `; and ${count(more)} more` : ""}.`;
}

/** @param {DestinationStatus} destination As its row has it. */
function ageOf(destination) {
  return ` for ${stateAge(destination)}`;
}

/**
 * What the others do while one is out.
 *
 * @param {readonly DestinationStatus[]} here
 */
function restOf(here) {
  const others = here.length - 1;
  const up = here.filter(takes).length;
  if (others === 1) return "The other one serves.";
  if (up === others) return `The other ${count(up)} serve.`;
  return `${count(up)} of the other ${count(others)} ${up === 1 ? "serves" : "serve"}.`;
}

/** @param {ListenerStatus} listener */
function leftAt({ greeting, waiting, active }) {
  return greeting + waiting + active;
}

/**
 * @param {Tone} tone
 * @param {string} title
 * @param {{ detail: string, said?: string, rank?: number, way?: string }} more
 * @returns {Trouble}
 */
function trouble(tone, title, { detail, said = title, rank = 2, way }) {
  return { tone, title, detail, said, rank, ...(way !== undefined && { way }) };
}
