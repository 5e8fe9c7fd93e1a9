import type { Logger } from "@logtape/logtape";
import type { Clock } from "../../base/clock.ts";
import type { WhenOverloaded } from "./relief.ts";

/** An overload is over once nothing was done about it for so long, in milliseconds: shorter breaks are part of it. */
const QUIET_MS = 5000;

/** Options of {@linkcode Episode}. */
export interface EpisodeOptions {
  clock: Clock;
  log: Logger;
  /** What is done at the moment. */
  mode: () => WhenOverloaded;
}

/**
 * Tells the log when an overload has begun, and when it is over: once each, and no more than one pair
 * in five seconds.
 */
export class Episode {
  readonly #options: EpisodeOptions;
  /** When it began; absent while there is none. */
  #since: number | undefined;
  /** When something was done about it the last time. */
  #actedAt = 0;
  /** Sessions shed since it began. */
  #shed = 0;

  constructor(options: EpisodeOptions) {
    this.#options = options;
  }

  /** A session is shed. */
  noteShed(): void {
    this.#note();
    this.#shed++;
  }

  /** Looks whether something is done; to be called a few times a second. */
  look(acts: boolean): void {
    if (acts) this.#note();
    else if (this.#options.clock() - this.#actedAt >= QUIET_MS) this.end();
  }

  /** It is over, also if that is not certain yet. */
  end(): void {
    if (this.#since === undefined) return;
    this.#options.log.info("an overload is over after {seconds} s: {shed} shed", {
      seconds: Math.round((this.#actedAt - this.#since) / 100) / 10,
      shed: this.#shed,
    });
    this.#since = undefined;
  }

  #note(): void {
    const { clock, log, mode } = this.#options;
    this.#actedAt = clock();
    if (this.#since !== undefined) return;
    this.#since = this.#actedAt;
    this.#shed = 0;
    log.warning(
      "an overload has begun, more comes than is served: {what} (--when-overloaded {mode})",
      {
        what: mode() === "newest" ? "the newest are served first" : "who waits in vain is shed",
        mode: mode(),
      },
    );
  }
}
