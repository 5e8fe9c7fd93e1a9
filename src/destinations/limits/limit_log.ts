import type { Logger } from "@logtape/logtape";
import type { Clock } from "../../base/clock.ts";
import type { Destination } from "../destination.ts";

/** What is told apart: a limit that is so many times the one told before, or as many times less. */
const TOLD_FACTOR = 1.4;
/** Shortest time between two lines about one destination, in milliseconds. */
const TOLD_MS = 10_000;

/** Tells in the log when destinations with `workers=auto` have found quite another limit. */
export class LimitLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  /** What was told of each, and when. */
  readonly #told = new WeakMap<Destination, { limit: number; at: number }>();

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** The limit of a destination may have changed. */
  note(destination: Destination): void {
    const { auto, name } = destination;
    if (!auto) return;
    const { found, reason } = auto;
    const before = this.#told.get(destination);
    const now = this.#clock();
    if (!before) {
      this.#told.set(destination, { limit: found, at: now });
      return;
    }
    const factor = found / before.limit;
    if (now - before.at < TOLD_MS || (factor < TOLD_FACTOR && factor > 1 / TOLD_FACTOR)) return;
    this.#told.set(destination, { limit: found, at: now });
    this.#log.info("{name} has {found} workers, {before} before: {reason}", {
      name,
      found,
      before: before.limit,
      reason,
    });
  }
}
