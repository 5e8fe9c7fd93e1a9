import type { InspectionWish } from "../operations/inspection.ts";
import { parsePeers } from "../net/networks.ts";
import { invalid } from "./responses.ts";

/** Most sessions that can be named in one request. */
const MOST_SESSIONS = 100;

/** Longest name of a listener or destination. */
const LONGEST = 1000;

const TERMS = ["listener", "destination", "client"] as const;

/**
 * Which sessions a request is about: `session` as often as there are, and `listener`, `destination` and
 * `client`, each once.
 *
 * @throws {HttpError} If it names none, or something that is not allowed.
 */
export function readInspection(query: URLSearchParams): InspectionWish {
  const errors: string[] = [];
  for (const name of new Set(query.keys())) {
    if (name === "session" || (TERMS as readonly string[]).includes(name)) continue;
    errors.push(
      `${JSON.stringify(name)}: no such parameter; there are session, ${TERMS.join(", ")}`,
    );
  }
  const sessions = [...new Set(query.getAll("session"))];
  if (sessions.length > MOST_SESSIONS) errors.push(`session: at most ${MOST_SESSIONS} of them`);
  for (const id of sessions.slice(0, MOST_SESSIONS)) {
    if (/^\d{1,15}\.\d{1,15}$/.test(id)) continue;
    errors.push(`session ${JSON.stringify(id)}: must be two numbers, such as 1.2`);
  }
  const [listener, destination, client] = TERMS.map((name) => {
    const [value, second] = query.getAll(name);
    if (second !== undefined) errors.push(`${name}: given twice`);
    if (value === "" || (value && value.length > LONGEST)) {
      errors.push(`${name}: empty or too long`);
    }
    return value;
  });
  if (client && (!parsePeers(client) || client === "none")) {
    errors.push(
      `client ${
        JSON.stringify(client)
      }: must be an address or a network such as 10.0.0.0/8, or unix`,
    );
  }
  if (sessions.length === 0 && !listener && !destination && !client) {
    errors.push("which sessions is missing: give session, listener, destination or client");
  }
  if (errors.length > 0) throw invalid(errors);
  return { sessions, listener, destination, client };
}

/** What it is about, in words for the log. */
export function wordsOf({ sessions, listener, destination, client }: InspectionWish): string {
  const terms = [
    ...(client === undefined ? [] : [`from ${client}`]),
    ...(listener === undefined ? [] : [`at listener ${listener}`]),
    ...(destination === undefined ? [] : [`to ${destination}`]),
  ];
  const named = sessions.length === 0
    ? []
    : [`${sessions.length === 1 ? "session" : "sessions"} ${sessions.join(", ")}`];
  const all = terms.length === 0 ? [] : [`all sessions ${terms.join(" ")}`];
  return [...named, ...all].join(" and ");
}
