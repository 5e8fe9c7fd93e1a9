/** Lets only so many do something at a time; the others wait in the order in which they came. */
export class Turns {
  readonly #most: () => number;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  /** @param most How many; asked whenever one comes or has ended. */
  constructor(most: number | (() => number)) {
    this.#most = typeof most === "number" ? () => most : most;
  }

  /**
   * Does it as soon as there is room.
   *
   * @param options.signal Ends waiting; its reason is thrown then.
   */
  async take<T>(action: () => Promise<T>, options: { signal?: AbortSignal } = {}): Promise<T> {
    if (this.#running < this.#most()) this.#running++;
    else await this.#wait(options.signal);
    try {
      return await action();
    } finally {
      this.#running--;
      const most = this.#most();
      for (const begin of this.#waiting) {
        if (this.#running >= most) break;
        this.#running++;
        begin();
      }
    }
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(begin);
        signal?.removeEventListener("abort", giveUp);
      };
      const begin = () => {
        leave();
        resolve();
      };
      const giveUp = () => {
        leave();
        reject(signal!.reason);
      };
      if (signal?.aborted) return reject(signal.reason);
      this.#waiting.add(begin);
      signal?.addEventListener("abort", giveUp, { once: true });
    });
  }
}
