// @ts-check
import { count, plural } from "./format.js";

/** @typedef {import("../../../operations/destination_status.ts").DestinationStatus} DestinationStatus */
/** @typedef {import("../../../operations/listener_status.ts").ListenerStatus} ListenerStatus */
/**
 * @typedef {object} Slots
 * @property {number} usable Those that sessions get now.
 * @property {number} busy Of these; never more.
 * @property {number} reserve Those of backups that are up and wait for their turn.
 * @property {number} beside Sessions at destinations that get no new ones, or beyond a limit that sank.
 */

/**
 * Whether a destination takes new sessions.
 *
 * @param {DestinationStatus} destination
 */
export function takes({ state, leaving, weight }) {
  return (state === "up" || state === "untried") && !leaving && weight > 0;
}

/**
 * The slots of listeners. Of several tiers the lowest one that has somebody serves, for each name and
 * protocol that clients may ask for; those above it are the reserve.
 *
 * @param {readonly ListenerStatus[]} listeners
 * @returns {Slots}
 */
export function slotsOf(listeners) {
  const all = { usable: 0, busy: 0, reserve: 0, beside: 0 };
  for (const { destinations } of listeners) {
    /** @type {Map<string, number>} */
    const serving = new Map();
    for (const one of destinations.filter(takes)) {
      serving.set(routeOf(one), Math.min(serving.get(routeOf(one)) ?? Infinity, one.tier));
    }
    for (const one of destinations) {
      const serves = takes(one) && one.tier === serving.get(routeOf(one));
      const busy = serves ? Math.min(one.active, one.limit) : 0;
      all.usable += serves ? one.limit : 0;
      all.reserve += takes(one) && !serves ? one.limit : 0;
      all.busy += busy;
      all.beside += one.active - busy;
    }
  }
  return all;
}

/**
 * How busy the slots are, in words.
 *
 * @param {readonly ListenerStatus[]} listeners
 * @returns {{ title: string, detail: string, share: number }}
 */
export function serviceOf(listeners) {
  const { usable, busy, reserve, beside } = slotsOf(listeners);
  return {
    title: usable === 0 ? "No slot" : `${count(busy)} of ${count(usable)} busy`,
    detail: [
      reserve > 0 && `${count(reserve)} in reserve`,
      beside > 0 && `${plural(beside, "session")} to finish beside them`,
    ].filter(Boolean).join(", "),
    share: usable === 0 ? 0 : busy / usable,
  };
}

/** @param {DestinationStatus} destination */
function routeOf({ sni, alpn }) {
  return `${sni} ${alpn}`;
}
