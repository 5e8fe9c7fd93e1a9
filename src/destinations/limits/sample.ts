/** What ended while a number of slots was in force. */
export interface Sample {
  /** Sessions that ended while every slot was taken. */
  readonly finished: number;
  /** Milliseconds in which every slot was. */
  readonly time: number;
  /** All that ended. */
  readonly ends: number;
  /** Milliseconds in all. */
  readonly wall: number;
}

/** Sessions and the milliseconds that they were counted in. */
interface Count {
  readonly finished: number;
  readonly time: number;
}

/** For so much of the time every slot has to be taken, or the moments in which it is are no sample. */
const FULL = 0.8;

/** For how much of the time every slot was taken. */
export function fullShare({ time, wall }: Sample): number {
  return wall > 0 ? time / wall : 0;
}

/** Whether every slot was taken nearly all the time, so that it shows what the server can do. */
export function isFull(sample: Sample): boolean {
  return fullShare(sample) >= FULL;
}

/** How many sessions stand behind what a sample says. */
export function countedIn(sample: Sample): number {
  return isFull(sample) ? sample.finished : sample.ends;
}

/** Finished sessions per millisecond while every slot was taken; never 0, so that it can be compared. */
export function rate({ finished, time }: Count): number {
  return Math.max(finished, 0.5) / time;
}

/** Several as one. */
export function sum(samples: readonly Sample[]): Sample {
  const total = (field: keyof Sample) => samples.reduce((sum, one) => sum + one[field], 0);
  return {
    finished: total("finished"),
    time: total("time"),
    ends: total("ends"),
    wall: total("wall"),
  };
}

/** The difference of two samples. */
export interface Comparison {
  /** The logarithm of one rate over the other. */
  readonly mean: number;
  /** How many sessions stand behind that: as many as the smaller one has, at most. */
  readonly weight: number;
}

/**
 * Compares two samples. Where slots were free for a part of the time of one, the moments in which none
 * was are those in which the server was slow: all that ended in all the time is compared then.
 */
export function compare(one: Sample, other: Sample): Comparison {
  const full = isFull(one) && isFull(other);
  const [a, b] = [one, other].map((sample) => {
    return full ? sample : { finished: sample.ends, time: sample.wall };
  }) as [Count, Count];
  const weight = 1 / (1 / Math.max(a.finished, 0.5) + 1 / Math.max(b.finished, 0.5));
  return { mean: Math.log(rate(a) / rate(b)), weight };
}

/** Share of a new comparison in what is known of the spread. */
const NEWEST = 0.08;

/** How much measurements of the same thing differ by chance, learnt from those that should not. */
export class Spread {
  /** The variance of the number of finished sessions in a time, relative to that number. */
  #variance = 1;

  /** Two measurements of the same limit, one after the other. */
  note(before: Sample, now: Sample): void {
    const { mean, weight } = compare(now, before);
    const seen = mean ** 2 * weight;
    const variance = this.#variance + (Math.min(seen, 15) - this.#variance) * NEWEST;
    this.#variance = Math.min(Math.max(variance, 0.01), 8);
  }

  /** The standard error of the logarithm of a rate that so many sessions stand behind. */
  error(weight: number): number {
    return Math.sqrt(this.#variance / weight);
  }
}
