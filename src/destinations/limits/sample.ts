/** Sessions that a server has finished in a time in which every slot was taken. */
export interface Sample {
  /** Finished sessions. */
  readonly finished: number;
  /** Milliseconds. */
  readonly time: number;
}

/** Finished sessions per millisecond; never 0, so that it can be compared. */
export function rate({ finished, time }: Sample): number {
  return Math.max(finished, 0.5) / time;
}

/** Several as one. */
export function sum(samples: readonly Sample[]): Sample {
  return {
    finished: samples.reduce((sum, one) => sum + one.finished, 0),
    time: samples.reduce((sum, one) => sum + one.time, 0),
  };
}

/** The logarithm of one rate over another. */
export function logRatio(one: Sample, other: Sample): number {
  return Math.log(rate(one) / rate(other));
}

/** How many sessions stand behind the comparison of two: as many as the smaller one has, at most. */
export function weightOf(one: Sample, other: Sample): number {
  return 1 / (1 / Math.max(one.finished, 0.5) + 1 / Math.max(other.finished, 0.5));
}

/** Share of a new comparison in what is known of the spread. */
const NEWEST = 0.08;

/** How much measurements of the same thing differ by chance, learnt from those that should not. */
export class Spread {
  /** The variance of the number of finished sessions in a time, relative to that number. */
  #variance = 1;

  /** Two measurements of the same limit, one after the other. */
  note(before: Sample, now: Sample): void {
    const seen = logRatio(now, before) ** 2 * weightOf(now, before);
    const variance = this.#variance + (Math.min(seen, 15) - this.#variance) * NEWEST;
    this.#variance = Math.min(Math.max(variance, 0.01), 8);
  }

  /** The standard error of the logarithm of a rate that so many sessions stand behind. */
  error(weight: number): number {
    return Math.sqrt(this.#variance / weight);
  }
}
