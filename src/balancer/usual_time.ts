/** Of how many sessions the mean is, the latest ones. */
const AVERAGED = 32;

/** Of how many of them the median says what is usual: it changes once more than half are different. */
const USUAL = 9;

/** How many times as long, or as short, as is usual one session counts at most. */
const BOUND = 8;

/**
 * How long a session has its slot as a rule, by the latest ones: their mean, in which none counts as
 * more than eight times their median, nor as less than an eighth. So a few that take minutes among
 * others of milliseconds change little, and five in a row are the new rule.
 */
export class UsualTime {
  /** The latest times, in milliseconds; the next one takes the place of the oldest. */
  readonly #times: number[] = [];
  #added = 0;

  /** @param ms How long the latest session had its slot. */
  add(ms: number): void {
    this.#times[this.#added++ % AVERAGED] = ms;
  }

  /** In milliseconds; `undefined` until there is one. */
  get value(): number | undefined {
    const number = this.#times.length;
    if (number === 0) return undefined;
    const latest = Array.from({ length: Math.min(USUAL, number) }, (_, i) => {
      return this.#times[(this.#added - 1 - i) % AVERAGED]!;
    }).toSorted((a, b) => a - b);
    const usual = latest[latest.length >> 1]!;
    return this.#times.reduce((sum, ms) => sum + bounded(ms, usual), 0) / number;
  }
}

function bounded(ms: number, usual: number): number {
  return Math.min(Math.max(ms, usual / BOUND), usual * BOUND);
}
