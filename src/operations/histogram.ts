import { addFine, FineCounts, type FineData, type FineMark, fineQuantile } from "./fine_counts.ts";

/**
 * Upper bounds of the buckets, in seconds: each twice to two and a half times the one before, from a
 * quarter of a millisecond, which is a connect in the same rack, to ten minutes.
 */
export const BUCKETS_S: readonly number[] = [
  0.00025,
  0.0005,
  0.001,
  0.0025,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
  30,
  60,
  300,
  600,
];

/** What a histogram has counted. */
export interface HistogramData {
  /** Values per bucket, not cumulative: those up to each bound of {@linkcode BUCKETS_S}, then the rest. */
  counts: number[];
  /** Number of values. */
  count: number;
  /** Their sum, in seconds. */
  sum: number;
  /** The same values in buckets that are fine enough for {@linkcode quantile}. */
  fine: FineData;
}

/** What a {@linkcode Histogram} had counted at a look; new, it is that of one that was empty. */
export class HistogramMark implements FineMark {
  count = 0;
  first = 0;
  counts = new Float64Array(0);
}

/** Counts durations in coarse buckets, which are exported, and in fine ones: bounded memory. */
export class Histogram {
  readonly #counts: number[] = BUCKETS_S.map(() => 0).concat(0);
  readonly #fine = new FineCounts();
  #count = 0;
  #sum = 0;

  /** Counts one duration, in milliseconds. */
  observe(ms: number): void {
    const seconds = ms / 1000;
    let bucket = 0;
    while (bucket < BUCKETS_S.length && seconds > BUCKETS_S[bucket]!) bucket++;
    this.#counts[bucket]!++;
    this.#count++;
    this.#sum += seconds;
    this.#fine.observe(ms);
  }

  /** The durations since a look, which becomes this one. */
  takeSince(mark: HistogramMark): FineData {
    if (mark.count === this.#count) return [];
    mark.count = this.#count;
    return this.#fine.takeSince(mark);
  }

  get data(): HistogramData {
    const counts = this.#counts.slice();
    return { counts, count: this.#count, sum: this.#sum, fine: this.#fine.data };
  }
}

/** The histogram of all the values of several. */
export function addHistograms(all: readonly HistogramData[]): HistogramData {
  return {
    counts: Array.from(
      { length: BUCKETS_S.length + 1 },
      (_, i) => all.reduce((sum, one) => sum + one.counts[i]!, 0),
    ),
    count: all.reduce((sum, { count }) => sum + count, 0),
    sum: all.reduce((sum, one) => sum + one.sum, 0),
    fine: all.reduce<FineData>((sum, { fine }) => addFine(sum, fine), []),
  };
}

/**
 * A quantile of a histogram in milliseconds, within 3 %; `undefined` if nothing was counted.
 *
 * @param q From 0 to 1; 0.5 is the median.
 */
export function quantile({ fine }: Pick<HistogramData, "fine">, q: number): number | undefined {
  return fineQuantile(fine, q);
}
