import type { Clock } from "../base/clock.ts";

interface Bucket {
  tokens: number;
  /** When `tokens` was true. */
  at: number;
}

/**
 * A token bucket for each key: `rate` tokens a second, of which as many can be saved up.
 *
 * Keys whose bucket is full again are forgotten, so that the memory is bounded by the number of
 * different keys of about the last second.
 */
export class RateLimit {
  readonly #rate: number;
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();
  /** Number of buckets at which the full ones are looked for. */
  #pruneAt = 1024;

  /** @param rate Tokens a second and most tokens at once; at least 1. */
  constructor(rate: number, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Takes a token of the key's; `false` if there is none. */
  take(key: string): boolean {
    const now = this.#clock();
    const bucket = this.#buckets.get(key);
    if (!bucket) {
      this.#buckets.set(key, { tokens: this.#rate - 1, at: now });
      if (this.#buckets.size >= this.#pruneAt) this.#prune(now);
      return true;
    }
    bucket.tokens = this.#tokens(bucket, now);
    bucket.at = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }

  #tokens({ tokens, at }: Bucket, now: number): number {
    return Math.min(tokens + (now - at) / 1000 * this.#rate, this.#rate);
  }

  /** Forgets full buckets; looks again when there are twice as many as were left. */
  #prune(now: number): void {
    for (const [key, bucket] of this.#buckets) {
      if (this.#tokens(bucket, now) >= this.#rate) this.#buckets.delete(key);
    }
    this.#pruneAt = Math.max(1024, this.#buckets.size * 2);
  }
}
