import { setImmediate } from "node:timers";

/**
 * How long work for operators may go on before sessions have their turn, in milliseconds. A round trip
 * may meet it several times: at every read and write.
 */
const SLICE_MS = 1;

/**
 * Deals out the time of the event loop among long pieces of work that sessions must not notice: one
 * slice in a turn, whoever's it is, and between two slices everybody else has a turn.
 *
 * @example
 * ```ts
 * await pace.turn();
 * for (const item of items) {
 *   work(item);
 *   if (pace.due) await pace.turn();
 * }
 * ```
 */
export class Pace {
  #begun: number;
  readonly #waiting: (() => void)[] = [];
  readonly #onTurn = () => this.#next();

  /** @param options.begun Whether the first slice begins now, without {@linkcode turn}. */
  constructor(options: { begun?: boolean } = {}) {
    this.#begun = options.begun ? performance.now() : 0;
  }

  /** Whether the slice is used up: {@linkcode turn} has to be awaited. */
  get due(): boolean {
    return performance.now() - this.#begun >= SLICE_MS;
  }

  /** Resolves when the caller may work for a slice. */
  turn(): Promise<void> {
    if (this.#waiting.length === 0) setImmediate(this.#onTurn);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #next(): void {
    const begin = this.#waiting.shift();
    if (this.#waiting.length > 0) setImmediate(this.#onTurn);
    this.#begun = performance.now();
    begin?.();
  }
}
