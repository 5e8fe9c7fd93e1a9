import type { DestinationStatus } from "../../src/operations/destination_status.ts";
import type { ListenerStatus } from "../../src/operations/listener_status.ts";
import type { Second } from "./page_listener.ts";

/** How far back the rate of a destination looks, in seconds. */
const RATE_S = 10;

/**
 * Tells what a listener and its destinations did lately, as the program does.
 *
 * @param seconds What happened, the latest last.
 * @param took How long a session takes at each destination, in milliseconds.
 */
export function tellLately(
  status: ListenerStatus,
  seconds: readonly Second[],
  took: readonly (number | undefined)[],
): void {
  const sum = (last: number, number: (second: Second) => number) =>
    seconds.slice(-last).reduce((total, second) => total + number(second), 0);
  status.destinations.forEach((one, i) => {
    const ms = took[i];
    const served = sum(300, ({ destinations }) => destinations[i]?.sessions ?? 0);
    one.recent = {
      sessions_per_s: sum(RATE_S, ({ destinations }) => destinations[i]?.sessions ?? 0) /
        Math.min(RATE_S, seconds.length),
      failures: sum(300, ({ destinations }) => destinations[i]?.failures ?? 0),
      session_p50_ms: ms === undefined || served === 0 ? null : ms * 0.97,
      session_p99_ms: ms === undefined || served === 0 ? null : ms * 2.3,
    };
    tellChecks(one);
  });
  const failed = sum(300, (second) => second.failed);
  const ended = sum(300, (second) => second.ended);
  const gone = Math.floor(ended / 80);
  status.recent = {
    ended: ended === 0 ? {} : {
      done: ended - gone - failed,
      "client-gone": gone,
      ...(failed > 0 && { "connect-failed": failed }),
    },
  };
}

/** A second later: how long it has been so, and what its checks found. */
function tellChecks(one: DestinationStatus): void {
  const ill = one.state === "down" || one.state === "suspect";
  one.state_age_ms += 1000;
  if (one.last_error) one.last_error = { ...one.last_error, age_ms: one.last_error.age_ms + 1000 };
  if (ill) one.last_error = { text: "connection refused (os error 111)", age_ms: 400 };
  if (one.state === "untried" || one.state === "maint") one.last_check = null;
  else one.last_check = { ok: !ill, age_ms: 900, took_ms: ill ? 0.4 : 1.3 };
}
