import { delay } from "@std/async/delay";
import type { Logger } from "@logtape/logtape";
import type { Clock } from "./clock.ts";
import type { Crew } from "./crew.ts";
import type { Destination } from "./destination.ts";
import { messageOf } from "./errors.ts";

/** Shortest and longest time between two probes, in milliseconds. */
const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 5000;

/** Time for one probe where connects themselves are unlimited, in milliseconds. */
const DEFAULT_PROBE_TIMEOUT_MS = 5000;

/** How long nobody connects when this machine has no descriptors or memory for it. */
const SHORTAGE_PAUSE_MS = 100;

/** Shortages that follow each other this closely are one episode, with one line in the log. */
const SHORTAGE_EPISODE_MS = 10_000;

/** Options of {@linkcode Health}. */
export interface HealthOptions {
  crew: Crew;
  /** Milliseconds for one probe; 0 = 5 s. */
  connectTimeout: number;
  /** Ends all probing. */
  signal: AbortSignal;
  clock: Clock;
  log: Logger;
}

/**
 * What is made of connects that fail: a destination whose connect failed is down, its workers leave
 * the line, and it is probed, one connect at a time, until one succeeds.
 */
export class Health {
  readonly #options: HealthOptions;
  readonly #log: Logger;
  /** When this machine was last short of descriptors or memory for a connect. */
  #shortAt = -Infinity;

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#log = options.log;
  }

  /** A connect failed because this machine is short of something: nobody connects for a while. */
  shortage(error: Error): void {
    const now = this.#options.clock();
    if (now - this.#shortAt > SHORTAGE_EPISODE_MS) {
      const reason = messageOf(error);
      this.#log.warning("connecting pauses until it works again: {reason}", { reason });
    }
    this.#shortAt = now;
    this.#options.crew.rest(SHORTAGE_PAUSE_MS);
  }

  /**
   * A connect to a destination failed.
   *
   * @returns The probing that brings it back, or nothing if it was down already.
   */
  failed(destination: Destination, error: Error): Promise<void> | undefined {
    const { name } = destination;
    const reason = messageOf(error);
    if (!destination.fail()) {
      this.#log.debug("connect to {name} failed: {reason}", { name, reason });
      return undefined;
    }
    this.#log.warning("destination {name} is down: {reason}", { name, reason });
    this.#options.crew.arrange();
    return this.#bringBack(destination);
  }

  async #bringBack(destination: Destination): Promise<void> {
    const { crew, clock, signal } = this.#options;
    const since = clock();
    for (let attempt = 0; !await this.#probe(destination, backoff(attempt)); attempt++) {
      if (signal.aborted) return;
    }
    destination.recover();
    const { name } = destination;
    const seconds = Math.round((clock() - since) / 100) / 10;
    this.#log.info("destination {name} is up again after {seconds} s", { name, seconds });
    crew.arrange();
  }

  /** One connect after a pause; whether it succeeded. */
  async #probe(destination: Destination, pause: number): Promise<boolean> {
    const { signal } = this.#options;
    const timeout = this.#options.connectTimeout || DEFAULT_PROBE_TIMEOUT_MS;
    try {
      await delay(pause, { signal });
      const limit = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
      const conn = await destination.dialer.dial({ signal: limit, timeout });
      conn.close();
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      destination.failures++;
      const { name } = destination;
      this.#log.debug("probe of {name} failed: {reason}", { name, reason: messageOf(error) });
      return false;
    }
  }
}

/**
 * How long to wait before the given probe (0 is the first): doubling from 100 ms to 5 s, of which a
 * random half is taken off so that several balancers do not probe in step.
 */
export function backoff(attempt: number, random: () => number = Math.random): number {
  const full = Math.min(FIRST_BACKOFF_MS * 2 ** attempt, LAST_BACKOFF_MS);
  return full / 2 + (full / 2) * random();
}
