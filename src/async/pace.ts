import { after, type Timer } from "../base/timer.ts";

/**
 * How long work for operators may go on before sessions have their turn, in milliseconds. A round trip
 * may meet it several times: at every read and write.
 */
const SLICE_MS = 1;

/**
 * Deals out the time of the event loop among long pieces of work that sessions must not notice: one
 * slice in a turn, whoever's it is, and between two slices everybody else has a turn.
 *
 * A turn is over when the runtime has looked at the sockets again, for which it has to have nothing
 * else to do: between immediates it does that only every 61 times (tokio's `event_interval`, Deno 2.6
 * to 2.9), and sessions would wait for as many slices. So the next slice waits for a timer, which
 * fires after a look at the sockets and costs a millisecond.
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
  #waiting: (() => void)[] = [];
  #timer: Timer | undefined;
  #closed = false;
  readonly #onTurn = () => this.#next();

  /** @param options.begun Whether the first slice begins now, without {@linkcode turn}. */
  constructor(options: { begun?: boolean } = {}) {
    this.#begun = options.begun ? performance.now() : 0;
  }

  /** One that holds nobody up, for work that is what sessions are there for. */
  static none(): Pace {
    const pace = new Pace();
    pace.close();
    return pace;
  }

  /** Whether the slice is used up: {@linkcode turn} has to be awaited. */
  get due(): boolean {
    return !this.#closed && performance.now() - this.#begun >= SLICE_MS;
  }

  /** Resolves when the caller may work for a slice. */
  turn(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    if (this.#waiting.length === 0) this.#timer = after(0, this.#onTurn);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Nobody waits any more: there are no sessions left that could notice. */
  close(): void {
    this.#closed = true;
    this.#timer?.stop();
    for (const begin of this.#waiting) begin();
    this.#waiting = [];
  }

  #next(): void {
    const begin = this.#waiting.shift();
    if (this.#waiting.length > 0) this.#timer = after(0, this.#onTurn);
    this.#begun = performance.now();
    begin?.();
  }
}
