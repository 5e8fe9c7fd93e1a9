/** Share of the latest one in what is known. */
const NEWEST = 0.005;

/** How long sessions take, and how different that is. */
export class Durations {
  #known = 0;
  #mean = 0;
  #meanSquare = 0;

  note(ms: number): void {
    const share = Math.max(NEWEST, 1 / ++this.#known);
    this.#mean += (ms - this.#mean) * share;
    this.#meanSquare += (ms * ms - this.#meanSquare) * share;
  }

  /**
   * The mean square over the square of the mean: 1 if all are alike, 2 if they are as of a memoryless
   * server, and more if few of them do most of the work.
   */
  get dispersion(): number {
    return this.#mean > 0 ? this.#meanSquare / this.#mean ** 2 : 1;
  }
}
