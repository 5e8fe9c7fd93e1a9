/**
 * Numbers of durations in buckets of equal ratio, for quantiles: pairs of a bucket and the number of
 * values in it, one behind the other, in the order of the buckets, without those that are empty.
 *
 * Bucket `i` has the durations from `2 ** (i / 12)` up to `2 ** ((i + 1) / 12)` milliseconds, so that
 * its middle is within 3 % of each of them. The lowest one has all that is shorter.
 */
export type FineData = number[];

/** Buckets in each doubling of the duration. */
export const PER_DOUBLING = 12;

/** What is below `2 ** -14` ms, which is 61 ns, counts as nothing. */
export const LOWEST_BUCKET = -14 * PER_DOUBLING;
const LOWEST_MS = 2 ** -14;

/** What is beyond `2 ** 36` ms, which is two years, counts as that. */
const HIGHEST_BUCKET = 36 * PER_DOUBLING;

/** The counts grow by so many buckets at a time: two doublings. */
const STEP = 2 * PER_DOUBLING;

/** A duration in the middle of a bucket, in milliseconds. */
function middleOf(bucket: number): number {
  return bucket <= LOWEST_BUCKET ? 0 : 2 ** ((bucket + 0.5) / PER_DOUBLING);
}

/** What {@linkcode FineCounts} had counted at a look, for {@linkcode FineCounts.takeSince}. */
export interface FineMark {
  first: number;
  counts: Float64Array;
}

/**
 * Counts durations in buckets of equal ratio. There is memory for those only that lie between the
 * shortest and the longest duration so far: 8 bytes each, 4.8 KB at most, 1 KB for three decades.
 */
export class FineCounts {
  #first = 0;
  #counts = new Float64Array(0);

  /** Counts one duration, in milliseconds. */
  observe(ms: number): void {
    const bucket = ms >= LOWEST_MS
      ? Math.min(Math.floor(Math.log2(ms) * PER_DOUBLING), HIGHEST_BUCKET)
      : LOWEST_BUCKET;
    const at = bucket - this.#first;
    if (at >= 0 && at < this.#counts.length) this.#counts[at]!++;
    else this.#countBeyond(bucket);
  }

  get data(): FineData {
    const data: FineData = [];
    for (let i = 0; i < this.#counts.length; i++) {
      const number = this.#counts[i]!;
      if (number > 0) data.push(this.#first + i, number);
    }
    return data;
  }

  /** Adds what others have counted; with `sign` -1 takes it away, which was added before. */
  add(data: ArrayLike<number>, sign: 1 | -1 = 1): void {
    for (let i = 0; i < data.length; i += 2) {
      const bucket = data[i]!;
      const at = bucket - this.#first;
      const number = sign * data[i + 1]!;
      if (at >= 0 && at < this.#counts.length) this.#counts[at]! += number;
      else this.#countBeyond(bucket, number);
    }
  }

  /** Begins anew; the memory stays. */
  clear(): void {
    this.#counts.fill(0);
  }

  /** What was counted since a look, which becomes this one. */
  takeSince(mark: FineMark): FineData {
    const counts = this.#counts;
    if (mark.counts.length !== counts.length) {
      const grown = new Float64Array(counts.length);
      if (mark.counts.length > 0) grown.set(mark.counts, mark.first - this.#first);
      mark.counts = grown;
      mark.first = this.#first;
    }
    const before = mark.counts;
    const data: FineData = [];
    for (let i = 0; i < counts.length; i++) {
      const number = counts[i]! - before[i]!;
      if (number > 0) data.push(this.#first + i, number);
    }
    before.set(counts);
    return data;
  }

  #countBeyond(bucket: number, number = 1): void {
    const counts = this.#counts;
    const step = Math.floor(bucket / STEP) * STEP;
    const first = counts.length === 0 ? step : Math.min(this.#first, step);
    const end = Math.max(counts.length === 0 ? step : this.#first + counts.length, step + STEP);
    this.#counts = new Float64Array(end - first);
    this.#counts.set(counts, counts.length === 0 ? 0 : this.#first - first);
    this.#first = first;
    this.#counts[bucket - first]! += number;
  }
}

/** The counts of both; with `sign` -1 those of the first without those of the second. */
export function addFine(a: FineData, b: FineData, sign: 1 | -1 = 1): FineData {
  const sum: FineData = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const bucket = Math.min(a[i] ?? Infinity, b[j] ?? Infinity);
    let number = 0;
    if (a[i] === bucket) number += a[(i += 2) - 1]!;
    if (b[j] === bucket) number += sign * b[(j += 2) - 1]!;
    // What has been counted anew since has nothing to be taken from.
    if (number > 0) sum.push(bucket, number);
  }
  return sum;
}

/**
 * A quantile in milliseconds, within 3 % of the value that it stands for: the least one that the
 * wanted share of all does not exceed. `undefined` if nothing was counted.
 *
 * @param q From 0 to 1; 0.5 is the median.
 */
export function fineQuantile(data: FineData, q: number): number | undefined {
  let total = 0;
  for (let i = 1; i < data.length; i += 2) total += data[i]!;
  // 0.07 * 100 is a little more than 7.
  let rank = Math.max(1, Math.ceil(q * total - 1e-9));
  for (let i = 0; i < data.length; i += 2) {
    rank -= data[i + 1]!;
    if (rank <= 0) return middleOf(data[i]!);
  }
  return undefined;
}
