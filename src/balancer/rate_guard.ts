import type { Logger } from "@logtape/logtape";
import type { Clock } from "../base/clock.ts";
import { formatDuration } from "../base/duration.ts";
import type { RateGuard as Terms } from "../config/values/rate_guard.ts";

/**
 * Lets so many sessions in within a time, and nobody for a while after one more has come: what a
 * service is worth that is started again and again.
 *
 * The time begins with a session, as inetd has it: only when so many have come is it looked whether it
 * is over.
 */
export class RateGuard {
  readonly #terms: Terms;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** Sessions since the time began. */
  #count = 0;
  /** When it began. */
  #since = 0;
  /** Until when nobody is let in; absent while everybody is. */
  #until: number | undefined;
  /** How many have not been let in. */
  #refused = 0;

  constructor(terms: Terms, { clock, log }: { clock: Clock; log: Logger }) {
    this.#terms = terms;
    this.#clock = clock;
    this.#log = log;
  }

  /** Whether one more is let in, which counts. */
  take(): boolean {
    const { most, window, pause } = this.#terms;
    const now = this.#clock();
    if (this.#until !== undefined) {
      if (now < this.#until) {
        this.#refused++;
        return false;
      }
      this.#end(now);
    }
    if (this.#count >= most && now - this.#since < window) {
      this.#until = now + pause;
      this.#refused = 1;
      this.#log.error(
        "more than {most} new sessions within {window}: nobody is let in for {pause}, see --rate-guard",
        { most, window: formatDuration(window), pause: formatDuration(pause) },
      );
      return false;
    }
    if (this.#count === 0 || this.#count >= most) {
      this.#since = now;
      this.#count = 0;
    }
    this.#count++;
    return true;
  }

  #end(now: number): void {
    this.#until = undefined;
    this.#count = 0;
    this.#since = now;
    this.#log.info("clients are let in again by --rate-guard; not let in: {refused}", {
      refused: this.#refused,
    });
  }
}
