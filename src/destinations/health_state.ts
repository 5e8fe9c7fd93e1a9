import type { Logger } from "@logtape/logtape";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Destination } from "./destination.ts";
import { formatPlace } from "../config/service_address.ts";
import type { FirstDowns } from "./first_downs.ts";
import type { Check } from "../config/values/check.ts";
import { CheckError } from "./conversation.ts";

/** Shortest and longest pause before a probe, in milliseconds. */
const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 5000;

/** The longest pause while no other destination is up either, in milliseconds. */
const LAST_BACKOFF_ALONE_MS = 1000;

/** How a destination is watched over. */
export interface HealthPolicy {
  /** What is asked of a destination while it is up, and to come back; without it a connect is. */
  check: Check | null;
  /** Milliseconds between two checks. */
  checkInterval: number;
  /** Milliseconds for one check or probe; 0 = 5 s. */
  checkTimeout: number;
  /** Failures in a row that make a destination `down`. */
  fall: number;
  /** Successes in a row that bring it back from `down`. */
  rise: number;
}

/** Options of {@linkcode HealthState}. */
export interface HealthStateOptions {
  clock: Clock;
  log: Logger;
  /** Tells of it if it is down and was never up; without it that is told at once. */
  firstDowns?: FirstDowns | undefined;
  /** Whether nobody is up for some of the clients that it is for. */
  isMissed(): boolean;
  /** Called when the destination has changed between taking sessions and not. */
  onChange(destination: Destination): void;
}

/**
 * What connects, probes and checks have shown of one destination: decides on its state, and how soon
 * it is probed again.
 */
export class HealthState {
  /** How the destination is watched over. */
  policy: HealthPolicy;
  /** Whose health it is. */
  readonly #destination: Destination;
  /** Who wants to know. */
  readonly #options: HealthStateOptions;
  /** Failures since the last success. */
  #failuresInRow = 0;
  /** Successes since the last failure, while it is not up. */
  #successesInRow = 0;
  /** Probes since it was up for a while: the exponent of the back-off. */
  #attempt = 0;
  /** When it was last found up, by the clock. */
  #upSince = -Infinity;
  /** When it was last found down. */
  #downSince = 0;

  constructor(destination: Destination, policy: HealthPolicy, options: HealthStateOptions) {
    this.#destination = destination;
    this.policy = policy;
    this.#options = options;
  }

  /** Nothing is known of it any more. */
  reset(): void {
    this.#failuresInRow = this.#successesInRow = this.#attempt = 0;
  }

  /** Milliseconds until the next probe; without a check there is none while it takes sessions. */
  pause(): number {
    const { check, checkInterval } = this.policy;
    if (this.#destination.inMaintenance) return Infinity;
    if (this.#destination.usable) return check ? checkInterval : Infinity;
    if (this.#successesInRow > 0) return check ? checkInterval : FIRST_BACKOFF_MS;
    return backoff(this.#attempt, this.#longestPause());
  }

  #longestPause(): number {
    const { check, checkInterval } = this.policy;
    const longest = this.#options.isMissed() ? LAST_BACKOFF_ALONE_MS : LAST_BACKOFF_MS;
    return check ? Math.min(checkInterval, longest) : longest;
  }

  /** A connect of a session has failed, or a probe or check. */
  failed(error: Error, { ofSession }: { ofSession: boolean }): void {
    const destination = this.#destination;
    const { name, state, usable } = destination;
    const { clock, log, firstDowns } = this.#options;
    const reason = messageOf(error);
    destination.failures++;
    destination.standing.noteError(reason, formatPlace(destination.config.address));
    this.#successesInRow = 0;
    this.#failuresInRow++;
    if (!ofSession && !usable) this.#attempt++;
    const onlyCheckFails = !ofSession && error instanceof CheckError;
    const changed = destination.onlyCheckFails !== onlyCheckFails && !usable;
    destination.onlyCheckFails = onlyCheckFails;
    log.debug("{name} failed: {reason}", { name, reason });
    if (state !== "down" && this.#failuresInRow >= this.policy.fall) {
      destination.state = "down";
      this.#downSince = clock();
      if (firstDowns && this.#upSince === -Infinity) firstDowns.note(name, reason);
      else log.warning("destination {name} is down: {reason}", { name, reason });
    } else if (usable && !onlyCheckFails) {
      destination.state = "suspect";
    }
    const left = usable && !destination.usable;
    if (left && clock() - this.#upSince > 2 * this.#lastPause()) this.#attempt = 0;
    if (left || changed) this.#options.onChange(destination);
  }

  /** The longest that the pause before it came back can have been. */
  #lastPause(): number {
    return Math.min(FIRST_BACKOFF_MS * 2 ** this.#attempt, LAST_BACKOFF_MS);
  }

  /** A probe or check has succeeded. */
  succeeded(): void {
    const destination = this.#destination;
    const { name, state } = destination;
    const { clock, log, firstDowns, onChange } = this.#options;
    this.#failuresInRow = 0;
    if (state === "untried") return this.reached();
    this.#successesInRow++;
    if (state === "up" || (state === "down" && this.#successesInRow < this.policy.rise)) return;
    destination.state = "up";
    destination.onlyCheckFails = false;
    this.#successesInRow = 0;
    // That it was down is told before.
    if (this.#upSince === -Infinity) firstDowns?.flush();
    this.#upSince = clock();
    // Not quite a new start: it has to stay up for a while before the back-off begins anew.
    this.#attempt++;
    if (state === "down") {
      const seconds = Math.round((clock() - this.#downSince) / 100) / 10;
      log.info("destination {name} is up again after {seconds} s", { name, seconds });
    }
    onChange(destination);
  }

  /** It was there when it was first connected. */
  reached(): void {
    const { name } = this.#destination;
    this.#destination.state = "up";
    this.#upSince = this.#options.clock();
    this.#options.log.debug("{name} was reached", { name });
  }
}

/**
 * The pause before the given probe (0 is the first): doubling from 100 ms to the longest, of which
 * a random half is taken off so that several balancers do not probe in step.
 */
export function backoff(
  attempt: number,
  longest = LAST_BACKOFF_MS,
  random: () => number = Math.random,
): number {
  const full = Math.min(FIRST_BACKOFF_MS * 2 ** attempt, longest);
  return full / 2 + (full / 2) * random();
}
