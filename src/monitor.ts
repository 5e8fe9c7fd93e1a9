import type { Logger } from "@logtape/logtape";
import { type Check, CheckError, runCheck } from "./check.ts";
import type { Clock } from "./clock.ts";
import type { Release } from "./descriptors.ts";
import type { Destination } from "./destination.ts";
import { DialError } from "./dial.ts";
import { messageOf } from "./errors.ts";
import { after, type Timer } from "./timer.ts";

/** Shortest and longest pause before a probe, in milliseconds. */
const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 5000;

/** The longest pause while no other destination is up either, in milliseconds. */
const LAST_BACKOFF_ALONE_MS = 1000;

/** Time for one probe where connects themselves are unlimited, in milliseconds. */
const DEFAULT_PROBE_TIMEOUT_MS = 5000;

/** How a destination is watched over. */
export interface Policy {
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
  policy(): Policy;
  /** Ends all monitoring. */
  signal: AbortSignal;
  clock: Clock;
  log: Logger;
  /** Whether no destination is up. */
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
 * While it is up, it is checked at intervals, if there is a check. A connect that failed for a
 * session makes it `suspect`, or `down` at the `fall`-th failure in a row; it takes no sessions then
 * and is probed, with pauses that double from 100 ms to 5 s, or to the check interval. A destination
 * that comes back and fails again before it has served anybody is probed more slowly each time.
 */
export class Monitor {
  readonly #destination: Destination;
  readonly #options: MonitorOptions;
  #policy: Policy;
  #failuresInRow = 0;
  #successesInRow = 0;
  /** Probes since it was up and served somebody: the exponent of the back-off. */
  #attempt = 0;
  #downSince = 0;
  /** Ends the pause before the next probe. */
  #wake: (() => void) | undefined;
  /** Ends the probe under way. */
  #limit: AbortController | undefined;
  #stopped = false;
  /** Whether the pause is to be reckoned anew. */
  #reviewed = false;

  constructor(destination: Destination, options: MonitorOptions) {
    this.#destination = destination;
    this.#options = options;
    this.#policy = options.policy();
  }

  /** Watches until the signal is aborted or it is stopped. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    const onAbort = () => this.stop();
    signal.addEventListener("abort", onAbort, { once: true });
    // Starts are staggered, so that the checks of many destinations do not come in one burst.
    if (this.#destination.state === "up") {
      await this.#pause(this.#policy.checkInterval * Math.random());
    }
    while (!this.#stopped && !signal.aborted) {
      const up = this.#destination.state === "up";
      if (this.#reviewed && up) await this.#pause(this.#policy.checkInterval * Math.random());
      this.#reviewed = false;
      const asked = this.#policy.check || !up;
      if (asked && this.#destination.admin !== "maint") await this.#probe();
      if (!this.#reviewed) await this.#pause(this.#interval());
    }
    signal.removeEventListener("abort", onAbort);
  }

  /** Ends the watch: the destination was removed, or everything ends. */
  stop(): void {
    this.#stopped = true;
    this.#wake?.();
    this.#limit?.abort(this.#options.signal.reason ?? new Error("no more of interest"));
  }

  /**
   * Looks again soon: the policy or what the operator wants has changed. A probe under way does not
   * count any more.
   */
  review(): void {
    this.#reviewed = true;
    this.#wake?.();
    this.#limit?.abort(new Error("no more of interest"));
  }

  /** Takes over a policy that may have changed. */
  reconsider(): void {
    const policy = this.#options.policy();
    if (JSON.stringify(policy) === JSON.stringify(this.#policy)) return;
    this.#policy = policy;
    this.review();
  }

  /** A session has got an answer. */
  served(): void {
    this.#attempt = 0;
    if (this.#destination.state === "up") this.#failuresInRow = 0;
  }

  /** A session could not be connected, or was reset before an answer. */
  failed(error: Error): void {
    const { state } = this.#destination;
    this.#enterFailure(error, true);
    if (state !== "up" || this.#destination.state === "up") return;
    this.#wake?.();
  }

  /** Milliseconds until the next probe; without a check there is none while it is up. */
  #interval(): number {
    const { check, checkInterval } = this.#policy;
    const { allDown } = this.#options;
    if (this.#destination.admin === "maint") return Infinity;
    if (this.#destination.state === "up") return check ? checkInterval : Infinity;
    if (this.#successesInRow > 0) return check ? checkInterval : FIRST_BACKOFF_MS;
    const longest = allDown() ? LAST_BACKOFF_ALONE_MS : LAST_BACKOFF_MS;
    return backoff(this.#attempt, check ? Math.min(checkInterval, longest) : longest);
  }

  async #pause(ms: number): Promise<void> {
    const { state } = this.#destination;
    await this.#sleep(ms);
    // Whoever ended the pause did so because of a failure: that has a pause of its own.
    if (state === "up" && this.#destination.state !== "up") await this.#sleep(this.#interval());
  }

  /** Waits so long, or until `#wake` is called, which the end of all monitoring does, too. */
  async #sleep(ms: number): Promise<void> {
    if (this.#stopped || this.#options.signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = after(ms, resolve);
    this.#wake = resolve;
    await promise;
    timer.stop();
  }

  /** Whether the result of a probe is of interest. */
  get #counts(): boolean {
    return !this.#stopped && !this.#reviewed && !this.#options.signal.aborted;
  }

  async #probe(): Promise<void> {
    const { check, checkTimeout } = this.#policy;
    const timeout = checkTimeout || DEFAULT_PROBE_TIMEOUT_MS;
    const { dialer, name } = this.#destination;
    const limit = this.#limit = new AbortController();
    let release: Release | undefined;
    let timer: Timer | undefined;
    try {
      release = await this.#options.claim?.(limit.signal);
      timer = after(timeout, () => limit.abort(new CheckTimeout(timeout)));
      const how = { dialer, host: name, signal: limit.signal, timeout };
      await runCheck(check ?? { kind: "tcp" }, how);
      if (this.#counts) this.#enterSuccess();
    } catch (error) {
      // Of a destination that is full, or that this machine could not try, nothing is known.
      const known = !(error instanceof DialError) || error.fault === "gone";
      if (this.#counts && known) this.#enterFailure(error as Error, false);
    } finally {
      timer?.stop();
      release?.();
      this.#limit = undefined;
    }
  }

  #enterFailure(error: Error, ofSession: boolean): void {
    const destination = this.#destination;
    const { name } = destination;
    const { clock, log } = this.#options;
    const { state } = destination;
    const reason = messageOf(error);
    destination.failures++;
    this.#successesInRow = 0;
    this.#failuresInRow++;
    if (!ofSession && state !== "up") this.#attempt++;
    const onlyCheckFails = !ofSession && error instanceof CheckError;
    const changed = destination.onlyCheckFails !== onlyCheckFails && state !== "up";
    destination.onlyCheckFails = onlyCheckFails;
    log.debug("{name} failed: {reason}", { name, reason });
    if (state !== "down" && this.#failuresInRow >= this.#policy.fall) {
      destination.state = "down";
      this.#downSince = clock();
      log.warning("destination {name} is down: {reason}", { name, reason });
    } else if (state === "up" && !onlyCheckFails) {
      destination.state = "suspect";
    }
    if (state === "up" ? destination.state !== "up" : changed) this.#options.onChange(destination);
  }

  #enterSuccess(): void {
    const destination = this.#destination;
    const { name } = destination;
    const { clock, log, onChange } = this.#options;
    const { state } = destination;
    this.#failuresInRow = 0;
    this.#successesInRow++;
    if (state === "up" || (state === "down" && this.#successesInRow < this.#policy.rise)) return;
    destination.state = "up";
    destination.onlyCheckFails = false;
    this.#successesInRow = 0;
    // Not quite a new start: it has to serve somebody before the back-off begins anew.
    this.#attempt++;
    if (state === "down") {
      const seconds = Math.round((clock() - this.#downSince) / 100) / 10;
      log.info("destination {name} is up again after {seconds} s", { name, seconds });
    }
    onChange(destination);
  }
}

class CheckTimeout extends Error {
  constructor(ms: number) {
    super(`no answer within ${ms} ms`);
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
