import type { Check } from "../config/values/check.ts";
import { runCheck } from "./probe.ts";
import type { Release } from "../net/descriptor_budget.ts";
import type { Destination } from "./destination.ts";
import { DialError } from "../net/dial.ts";
import { Pause } from "../base/pause.ts";
import { after, type Timer } from "../base/timer.ts";
import { type HealthPolicy, HealthState, type HealthStateOptions } from "./health_state.ts";
import type { Candidate, Tries } from "./tries.ts";

/** Time for one probe where connects themselves are unlimited, in milliseconds. */
const DEFAULT_PROBE_TIMEOUT_MS = 5000;

/** Least time between two probes that somebody asked for who doubts a destination, in milliseconds. */
const DOUBT_PAUSE_MS = 1000;

/** Longest pause after a probe that told nothing, in milliseconds. */
const UNKNOWN_PAUSE_MS = 1000;

/** Options of {@linkcode Monitor}. */
export interface MonitorOptions extends HealthStateOptions {
  /** How this destination is watched over, see {@linkcode Monitor.reconsider}. */
  policy(): HealthPolicy;
  /** Who decides when one that is new is tried. */
  tries: Tries;
  /** Ends all monitoring. */
  signal: AbortSignal;
  /** Gets a descriptor to probe with, as soon as there is one; without it there always is. */
  claim?: ((signal: AbortSignal) => Promise<Release>) | undefined;
}

/**
 * Watches over one destination: one loop, so that there is never more than one probe at a time,
 * whatever the load. What comes of it is decided by {@linkcode HealthState}.
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
  /** What is watched. */
  readonly #destination: Destination;
  /** How, and who wants to know. */
  readonly #options: MonitorOptions;
  /** What its connects and probes have shown. */
  readonly #health: HealthState;
  /** When the next probe begins, by the clock. */
  #due = Infinity;
  /** When the latest one began. */
  #probedAt = -Infinity;
  /** The pause before the next probe. */
  readonly #pausing = new Pause();
  /** Ends the probe under way. */
  #limit: AbortController | undefined;
  /** Whether the probe that is due, or under way, is a first try. */
  #trying = false;
  /** Whether the watch has ended. */
  #stopped = false;
  /** Whether the probe under way is of no interest any more. */
  #reviewed = false;

  constructor(destination: Destination, options: MonitorOptions) {
    this.#destination = destination;
    this.#options = options;
    this.#health = new HealthState(destination, options.policy(), options);
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
      if (pause > 0) await this.#pausing.take(pause);
      else await this.#probe();
    }
    signal.removeEventListener("abort", onAbort);
  }

  /** Ends the watch: the destination was removed, or everything ends. */
  stop(): void {
    this.#stopped = true;
    this.#options.tries.remove(this);
    this.#pausing.end();
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
    if (JSON.stringify(policy) === JSON.stringify(this.#health.policy)) return;
    this.#health.policy = policy;
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
    this.#health.reached();
    if (!this.#limit && !this.#trying) this.#startAnew();
  }

  /** A session could not be connected. */
  failed(error: Error): void {
    const { usable } = this.#destination;
    this.#health.failed(error, { ofSession: true });
    if (!usable || this.#destination.usable || this.#limit || this.#trying) return;
    this.#options.tries.remove(this);
    this.#schedule(this.#health.pause());
  }

  /** Something that a client may have caused makes a look worth while: soon, but not often. */
  doubt(): void {
    if (this.#destination.state !== "up" || this.#destination.inMaintenance) return;
    if (this.#limit) return;
    const now = this.#options.clock();
    const due = Math.max(now, this.#probedAt + DOUBT_PAUSE_MS);
    if (due < this.#due) this.#schedule(due - now);
  }

  /** Begins as if it had just been taken in, in the state that it is in. */
  #startAnew(): void {
    const { tries } = this.#options;
    const { state, inMaintenance } = this.#destination;
    this.#reviewed = false;
    if (this.#trying) {
      this.#trying = false;
      tries.ended();
    }
    tries.remove(this);
    this.#schedule(Infinity);
    if (inMaintenance || this.#stopped) return;
    if (state === "untried") {
      this.#health.reset();
      tries.add(this);
    } else if (state !== "up") {
      this.#schedule(0);
    } else if (this.#health.policy.check) {
      // Staggered, so that the checks of many destinations do not come in one burst.
      this.#schedule(this.#health.policy.checkInterval * Math.random());
    }
  }

  /** The next probe begins after so many milliseconds, and not when it would have. */
  #schedule(ms: number): void {
    this.#due = this.#options.clock() + ms;
    this.#pausing.end();
  }

  async #probe(): Promise<void> {
    const { check, checkTimeout } = this.#health.policy;
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
    } else this.#note(failure);
    this.#schedule(
      unknown ? Math.min(UNKNOWN_PAUSE_MS, this.#health.pause()) : this.#health.pause(),
    );
  }

  /** A probe has ended, and something is known. */
  #note(failure: Error | undefined): void {
    this.#destination.standing.noteCheck({ ok: !failure, began: this.#probedAt });
    if (failure) this.#health.failed(failure, { ofSession: false });
    else this.#health.succeeded();
  }

  #endTry(): void {
    if (!this.#trying) return;
    this.#trying = false;
    this.#options.tries.ended();
  }
}

class CheckTimeout extends Error {
  constructor(check: Check | null, ms: number) {
    super(`no ${check ? "answer" : "connection"} within ${ms} ms`);
  }
}
