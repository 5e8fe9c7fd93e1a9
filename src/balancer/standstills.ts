/** Who is heard of no sooner after the time before has stood still, in milliseconds. */
const LEAST_MS = 1000;

/** How many are remembered: sessions that were under way in an earlier one are long in any case. */
const MOST = 8;

/**
 * Times in which the whole program stood still: it was stopped, or its machine was, or had no time
 * for it. Nothing that took place then says anything of how fast destinations serve.
 */
export class Standstills {
  /** The latest ones, the oldest first. */
  readonly #known: { readonly from: number; readonly to: number }[] = [];
  #seenAt: number;

  /** @param now In milliseconds, as all times here. */
  constructor(now: number) {
    this.#seenAt = now;
  }

  /**
   * The program runs, which has to be said at least four times a second.
   *
   * @returns How long it stood still before, in milliseconds: mostly 0.
   */
  seen(now: number): number {
    const from = this.#seenAt;
    // What has been noted in between may be a little older.
    if (now <= from) return 0;
    this.#seenAt = now;
    if (now - from < LEAST_MS) return 0;
    this.#known.push({ from, to: now });
    if (this.#known.length > MOST) this.#known.shift();
    return now - from;
  }

  /** How much of a time the program stood still, in milliseconds. */
  within(from: number, to: number): number {
    let sum = 0;
    for (const one of this.#known) {
      sum += Math.max(Math.min(one.to, to) - Math.max(one.from, from), 0);
    }
    return sum;
  }
}
