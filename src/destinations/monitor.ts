import type { Logger } from "@logtape/logtape";
import type { Check } from "../config/values/check.ts";
import { CheckError } from "./conversation.ts";
import { runCheck } from "./probe.ts";
import type { Clock } from "../base/clock.ts";
import type { Release } from "../net/descriptor_budget.ts";
import type { Destination } from "./destination.ts";
import { DialError } from "../net/dial.ts";
import { messageOf } from "../base/errors.ts";
import { after, type Timer } from "../base/timer.ts";
import type { Candidate, Tries } from "./tries.ts";

/** Shortest and longest pause before a probe, in milliseconds. */
const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 5000;

/** The longest pause while no other destination is up either, in milliseconds. */
const LAST_BACKOFF_ALONE_MS = 1000;

/** Time for one probe where connects themselves are unlimited, in milliseconds. */
const DEFAULT_PROBE_TIMEOUT_MS = 5000;

/** Least time between two probes that somebody asked for who doubts a destination, in milliseconds. */
const DOUBT_PAUSE_MS = 1000;

/** Longest pause after a probe that told nothing, in milliseconds. */
const UNKNOWN_PAUSE_MS = 1000;

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

/** Options of {@linkcode Monitor}. */
export interface MonitorOptions {
  /** How this destination is watched over, see {@linkcode Monitor.reconsider}. */
  policy(): HealthPolicy;
  /** Who decides when one that is new is tried. */
  tries: Tries;
  /** Ends all monitoring. */
  signal: AbortSignal;
  clock: Clock;
  log: Logger;
  /** Whether no destination takes sessions. */
  allDown(): boolean;
  /** Gets a descriptor to probe with, as soon as there is one; without it there always is. */
  claim?: ((signal: AbortSignal) => Promise<Release>) | undefined;
  /** Called when a destination has changed between taking sessions and not. */
  onChange(destination: Destination): void;
}

/**
 * Watches over one destination and decides on its state: one loop, so that there is never more than
 * one probe at a time, whatever the load.
 *
 * While it is new it is tried once: with its check, if it has one, or a connect. While it is up, it
 * is checked at intervals, if there is a check. A connect that failed for a session makes it
 * `suspect`, or `down` at the `fall`-th failure in a row; it takes no sessions then and is probed,
 * with pauses that double from 100 ms to 5 s, or to the check interval. A destination that comes
 * back and fails again sooner than it was waited for is probed more slowly each time.
 *
 * Only what clients cannot cause counts: connects, probes and checks. What happens on a connection
 * once there is one, an answer or a reset, is between client and server. A reset is but a reason to
 * look soon.
 */
export class Monitor implements Candidate {
  readonly #destination: Destination;
  readonly #options: MonitorOptions;
  #policy: HealthPolicy;
  #failuresInRow = 0;
  #successesInRow = 0;
  /** Probes since it was up for a while: the exponent of the back-off. */
  #attempt = 0;
  #upSince = -Infinity;
  #downSince = 0;
  /** When the next probe begins, by the clock. */
  #due = Infinity;
  /** When the latest one began. */
  #probedAt = -Infinity;
  /** Ends the pause before the next probe. */
  #wake: (() => void) | undefined;
  /** Ends the probe under way. */
  #limit: AbortController | undefined;
  /** Whether the probe that is due, or under way, is a first try. */
  #trying = false;
  #stopped = false;
  /** Whether the probe under way is of no interest any more. */
  #reviewed = false;

  constructor(destination: Destination, options: MonitorOptions) {
    this.#destination = destination;
    this.#options = options;
    this.#policy = options.policy();
  }

  /** Watches until the signal is aborted or it is stopped. */
  async run(): Promise<void> {
    const { clock, signal } = this.#options;
    if (signal.aborted) return;
    const onAbort = () => this.stop();
    signal.addEventListener("abort", onAbort, { once: true });
    this.#startAnew();
    while (!this.#stopped) {
      const pause = this.#due - clock();
      if (pause > 0) await this.#sleep(pause);
      else await this.#probe();
    }
    signal.removeEventListener("abort", onAbort);
  }

  /** Ends the watch: the destination was removed, or everything ends. */
  stop(): void {
    this.#stopped = true;
    this.#options.tries.remove(this);
    this.#wake?.();
    this.#limit?.abort(this.#options.signal.reason ?? new Error("no more of interest"));
  }

  /**
   * Looks again soon: the policy or what the operator wants has changed. A probe under way does not
   * count any more.
   */
  review(): void {
    this.#reviewed = true;
    this.#limit?.abort(new Error("no more of interest"));
    if (!this.#limit) this.#startAnew();
  }

  /** Takes over a policy that may have changed. */
  reconsider(): void {
    const policy = this.#options.policy();
    if (JSON.stringify(policy) === JSON.stringify(this.#policy)) return;
    this.#policy = policy;
    this.review();
  }

  /** It is its turn to be tried. */
  tryNow(): void {
    this.#trying = true;
    this.#schedule(0);
  }

  /** A session was connected to a destination that nobody had reached before. */
  reached(): void {
    if (this.#destination.state !== "untried") return;
    this.#enterReached();
    if (!this.#limit && !this.#trying) this.#startAnew();
  }

  /** A session could not be connected. */
  failed(error: Error): void {
    const { usable } = this.#destination;
    this.#enterFailure(error, true);
    if (!usable || this.#destination.usable || this.#limit || this.#trying) return;
    this.#options.tries.remove(this);
    this.#schedule(this.#interval());
  }

  /** Something that a client may have caused makes a look worth while: soon, but not often. */
  doubt(): void {
    if (this.#destination.state !== "up" || this.#destination.admin === "maint") return;
    if (this.#limit) return;
    const now = this.#options.clock();
    const due = Math.max(now, this.#probedAt + DOUBT_PAUSE_MS);
    if (due < this.#due) this.#schedule(due - now);
  }

  /** Begins as if it had just been taken in, in the state that it is in. */
  #startAnew(): void {
    const { tries } = this.#options;
    const { state, admin } = this.#destination;
    this.#reviewed = false;
    if (this.#trying) {
      this.#trying = false;
      tries.ended();
    }
    tries.remove(this);
    this.#schedule(Infinity);
    if (admin === "maint" || this.#stopped) return;
    if (state === "untried") {
      this.#failuresInRow = this.#successesInRow = this.#attempt = 0;
      tries.add(this);
    } else if (state !== "up") {
      this.#schedule(0);
    } else if (this.#policy.check) {
      // Staggered, so that the checks of many destinations do not come in one burst.
      this.#schedule(this.#policy.checkInterval * Math.random());
    }
  }

  /** Milliseconds until the next probe; without a check there is none while it takes sessions. */
  #interval(): number {
    const { check, checkInterval } = this.#policy;
    if (this.#destination.admin === "maint") return Infinity;
    if (this.#destination.usable) return check ? checkInterval : Infinity;
    if (this.#successesInRow > 0) return check ? checkInterval : FIRST_BACKOFF_MS;
    return backoff(this.#attempt, this.#longestPause());
  }

  #longestPause(): number {
    const { check, checkInterval } = this.#policy;
    const longest = this.#options.allDown() ? LAST_BACKOFF_ALONE_MS : LAST_BACKOFF_MS;
    return check ? Math.min(checkInterval, longest) : longest;
  }

  /** The next probe begins after so many milliseconds, and not when it would have. */
  #schedule(ms: number): void {
    this.#due = this.#options.clock() + ms;
    this.#wake?.();
  }

  /** Waits so long, or until `#wake` is called, which the end of all monitoring does, too. */
  async #sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = after(ms, resolve);
    this.#wake = resolve;
    await promise;
    this.#wake = undefined;
    timer.stop();
  }

  async #probe(): Promise<void> {
    const { check, checkTimeout } = this.#policy;
    const timeout = checkTimeout || DEFAULT_PROBE_TIMEOUT_MS;
    const { connector } = this.#destination;
    const limit = this.#limit = new AbortController();
    let release: Release | undefined;
    let timer: Timer | undefined;
    let failure: Error | undefined;
    try {
      release = await this.#options.claim?.(limit.signal);
      this.#probedAt = this.#options.clock();
      timer = after(timeout, () => limit.abort(new CheckTimeout(check, timeout)));
      const how = { connector, host: connector.description, signal: limit.signal, timeout };
      await runCheck(check ?? { kind: "tcp" }, how);
    } catch (error) {
      failure = error as Error;
    } finally {
      timer?.stop();
      release?.();
      this.#limit = undefined;
    }
    if (this.#stopped) return this.#endTry();
    if (this.#reviewed) return this.#startAnew();
    this.#endTry();
    // Of a destination that is full, or that this machine could not try, nothing is known.
    const unknown = failure instanceof DialError && failure.fault !== "gone";
    if (unknown) {
      this.#options.log.debug("{name} was not probed: {reason}", {
        name,
        reason: failure!.message,
      });
    } else if (failure) this.#enterFailure(failure, false);
    else this.#enterSuccess();
    this.#schedule(unknown ? Math.min(UNKNOWN_PAUSE_MS, this.#interval()) : this.#interval());
  }

  #endTry(): void {
    if (!this.#trying) return;
    this.#trying = false;
    this.#options.tries.ended();
  }

  #enterFailure(error: Error, ofSession: boolean): void {
    const destination = this.#destination;
    const { name, state, usable } = destination;
    const { clock, log } = this.#options;
    const reason = messageOf(error);
    destination.failures++;
    this.#successesInRow = 0;
    this.#failuresInRow++;
    if (!ofSession && !usable) this.#attempt++;
    const onlyCheckFails = !ofSession && error instanceof CheckError;
    const changed = destination.onlyCheckFails !== onlyCheckFails && !usable;
    destination.onlyCheckFails = onlyCheckFails;
    log.debug("{name} failed: {reason}", { name, reason });
    if (state !== "down" && this.#failuresInRow >= this.#policy.fall) {
      destination.state = "down";
      this.#downSince = clock();
      log.warning("destination {name} is down: {reason}", { name, reason });
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

  #enterSuccess(): void {
    const destination = this.#destination;
    const { name, state } = destination;
    const { clock, log, onChange } = this.#options;
    this.#failuresInRow = 0;
    if (state === "untried") return this.#enterReached();
    this.#successesInRow++;
    if (state === "up" || (state === "down" && this.#successesInRow < this.#policy.rise)) return;
    destination.state = "up";
    destination.onlyCheckFails = false;
    this.#successesInRow = 0;
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
  #enterReached(): void {
    const { name } = this.#destination;
    this.#destination.state = "up";
    this.#upSince = this.#options.clock();
    this.#options.log.debug("{name} was reached", { name });
  }
}

class CheckTimeout extends Error {
  constructor(check: Check | null, ms: number) {
    super(`no ${check ? "answer" : "connection"} within ${ms} ms`);
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
