/** How much the latest answer counts in the averages. */
const LATEST_SHARE = 1 / 16;

/** Most answers take no longer than the average and so many times the average difference from it. */
const DIFFERENCES = 1;

/** What is added for the way of the answer to the client, as a part of the average. */
const MARGIN = 1 / 10;

/** How long an answer takes from when a session has its slot, in milliseconds. */
export class AnswerTime {
  #average = 0;
  #difference = 0;

  /** The average; 0 if there was no answer. */
  get average(): number {
    return this.#average;
  }

  /** What most take at most. */
  get most(): number {
    return this.#average * (1 + MARGIN) + this.#difference * DIFFERENCES;
  }

  /** An answer has taken so many milliseconds. */
  note(time: number): void {
    if (this.#average === 0) this.#average = time;
    const difference = time - this.#average;
    this.#average += difference * LATEST_SHARE;
    this.#difference += (Math.abs(difference) - this.#difference) * LATEST_SHARE;
  }
}
