import type { Logger } from "@logtape/logtape";
import type { Refusal } from "./admission.ts";
import type { Clock } from "../base/clock.ts";
import { after, type Timer } from "../base/timer.ts";

/** Shortest time between two lines about refusals, in milliseconds. */
const PERIOD_MS = 1000;

/**
 * Tells the log about connections that were refused: the first at once, those that follow within a
 * second in one line, so that a flood of them does not become a flood of lines.
 */
export class RefusalLog {
  /** Tells when a line is due. */
  readonly #clock: Clock;
  /** Gets the lines. */
  readonly #log: Logger;
  /** Refusals since the latest line, by reason. */
  readonly #counts = new Map<Refusal, number>();
  /** The address of the latest of these. */
  #latest = "";
  /** When the latest line was written. */
  #toldAt = -Infinity;
  /** Writes the next line when it is time. */
  #timer: Timer | undefined;

  constructor(options: { clock: Clock; log: Logger }) {
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** A connection was refused. */
  note(refusal: Refusal, client: string): void {
    this.#counts.set(refusal, (this.#counts.get(refusal) ?? 0) + 1);
    this.#latest = client;
    const wait = this.#toldAt + PERIOD_MS - this.#clock();
    if (wait <= 0) this.flush();
    else this.#timer ??= after(wait, () => this.flush());
  }

  /** Writes the line that is due, if there is one. */
  flush(): void {
    this.#timer?.stop();
    this.#timer = undefined;
    if (this.#counts.size === 0) return;
    const reasons = [...this.#counts].map(([refusal, number]) => `${number} ${refusal}`).join(", ");
    this.#log.warning("refused: {reasons}, the latest from {client}", {
      reasons,
      client: this.#latest,
    });
    this.#counts.clear();
    this.#toldAt = this.#clock();
  }
}
