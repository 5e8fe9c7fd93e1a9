// @ts-check
import { count, duration, plural, rate } from "./format.js";

/** @typedef {import("../../../operations/listener_status.ts").ListenerStatus} ListenerStatus */
/** @typedef {import("./queue_facts.js").Tone} Tone */

/** The loads that are worth a word: below all can be served, above next to nothing is. */
const TOO_MUCH = { from: 1.05, to: 20 };

/**
 * What is foreseen of a listener, in words; nothing of one at which nobody waits or gives up.
 *
 * @param {ListenerStatus} listener
 */
export function forecastOf({ waiting, forecast, overloaded, patience_ms }) {
  const { load, gave_up_per_s } = forecast;
  const pieces = [];
  if (load && load > TOO_MUCH.from && load < TOO_MUCH.to && waiting > 0) {
    pieces.push(`${load.toFixed(1)} times what can be served arrives`);
  }
  if (gave_up_per_s > 0) pieces.push(`${rate(gave_up_per_s)} clients/s give up`);
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
