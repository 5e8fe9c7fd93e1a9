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
}

/** Counts durations in buckets: constant memory, whatever is counted. */
export class Histogram {
  readonly #counts = new Float64Array(BUCKETS_S.length + 1);
  #sum = 0;

  /** Counts one duration, in milliseconds. */
  observe(ms: number): void {
    const seconds = ms / 1000;
    let bucket = 0;
    while (bucket < BUCKETS_S.length && seconds > BUCKETS_S[bucket]!) bucket++;
    this.#counts[bucket]!++;
    this.#sum += seconds;
  }

  get data(): HistogramData {
    const counts = [...this.#counts];
    return { counts, count: counts.reduce((sum, n) => sum + n, 0), sum: this.#sum };
  }
}

/** The histogram of all the values of several. */
export function addHistograms(all: readonly HistogramData[]): HistogramData {
  const counts = Array.from(
    { length: BUCKETS_S.length + 1 },
    (_, i) => all.reduce((sum, one) => sum + one.counts[i]!, 0),
  );
  return {
    counts,
    count: all.reduce((sum, { count }) => sum + count, 0),
    sum: all.reduce((sum, one) => sum + one.sum, 0),
  };
}

/**
 * A quantile of a histogram in milliseconds, interpolated within its bucket; `undefined` if nothing
 * was counted. What lies beyond the last bound counts as that.
 *
 * @param q From 0 to 1; 0.5 is the median.
 */
export function quantile({ counts, count }: HistogramData, q: number): number | undefined {
  if (count === 0) return undefined;
  let rank = q * count;
  for (const [i, upper] of BUCKETS_S.entries()) {
    const number = counts[i]!;
    if (number > 0 && rank <= number) {
      const lower = BUCKETS_S[i - 1] ?? 0;
      return (lower + (upper - lower) * (rank / number)) * 1000;
    }
    rank -= number;
  }
  return BUCKETS_S.at(-1)! * 1000;
}
