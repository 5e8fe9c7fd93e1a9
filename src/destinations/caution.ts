/**
 * How carefully a destination is connected after it was full: only one connect at first, and twice as
 * many at a time after each that succeeds.
 */
export class Caution {
  /** Whether nobody connects to it for a moment, since it was full. */
  resting = false;
  /** How often in a row it was full. */
  #timesFull = 0;
  /** Most connects at a time. */
  #connects = Infinity;

  /** How often in a row it was full. */
  get timesFull(): number {
    return this.#timesFull;
  }

  /** Whether it was full a short while ago. */
  get wary(): boolean {
    return this.#connects !== Infinity;
  }

  /** Most workers that it may have of so many, if so many sessions are connected to it. */
  limit(workers: number, established: number): number {
    return this.wary ? Math.min(workers, established + this.#connects) : workers;
  }

  /** It could not take one more connection. */
  narrow(): void {
    this.#connects = 1;
    this.#timesFull++;
  }

  /** It could; nobody is wary any more once it may have as many connects as workers. */
  widen(workers: number): void {
    this.#timesFull = 0;
    this.#connects *= 2;
    if (this.#connects >= workers) this.#connects = Infinity;
  }
}
