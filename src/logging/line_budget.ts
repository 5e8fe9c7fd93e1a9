/** How many lines may be written at once, and how many milliseconds make room for one more. */
const MOST_LINES = 10;
const LINE_MS = 6000;

/** Keeps what others cause from filling the log: a few lines at once, then one now and then. */
export class LineBudget {
  /** How many lines may be written now. */
  #lines = MOST_LINES;
  /** When it was looked last. */
  #at = 0;
  /** How many were not written since the last one that was. */
  #untold = 0;

  /** Whether there is room for a line: how many were not written before it, or `undefined`. */
  take(): number | undefined {
    const now = performance.now();
    this.#lines = Math.min(MOST_LINES, this.#lines + (now - this.#at) / LINE_MS);
    this.#at = now;
    if (this.#lines < 1) {
      this.#untold++;
      return undefined;
    }
    this.#lines--;
    const untold = this.#untold;
    this.#untold = 0;
    return untold;
  }
}
