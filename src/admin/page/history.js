// @ts-check

/** @typedef {import("../../operations.ts").ListenerStatus} ListenerStatus */
/**
 * What the charts show of one moment; the time is the program's uptime in milliseconds. A latency is
 * missing when nothing was measured within the window.
 *
 * @typedef {object} Point
 * @property {number} t
 * @property {number} waiting
 * @property {number} accepted
 * @property {number} ended
 * @property {number} up
 * @property {number} down
 * @property {Record<"queue" | "connect" | "session", [number | undefined, number | undefined]>} latencies
 */
/** @typedef {{ t: number, accepted: number, ended: number, up: number, down: number, latencies: Record<"queue" | "connect" | "session", number[]> }} Totals */

/** How much is kept for the charts. */
export const HISTORY_MS = 300_000;
/** How far back latencies look. */
export const WINDOW_MS = 10_000;
/** Two looks nearer than this make no rate: one more session would seem to be a burst. */
const NEAREST_MS = 400;

/** What a listener did in the last minutes, from the differences of its counters. */
export class History {
  /** @type {Point[]} */
  points = [];
  /** @type {Totals[]} */
  #totals = [];
  /** @type {readonly number[]} */
  #bounds;

  /** @param {readonly number[]} bounds Upper bounds of the latency buckets, in seconds. */
  constructor(bounds) {
    this.#bounds = bounds;
  }

  /**
   * @param {ListenerStatus} listener
   * @param {number} t
   */
  add(listener, t) {
    const totals = totalsOf(listener, t);
    const before = this.#totals.at(-1);
    if (before && (t < before.t || totals.accepted < before.accepted)) {
      // The program was started again: its counters have nothing to do with those before.
      this.points = [];
      this.#totals = [];
    }
    const last = this.#totals.at(-1);
    if (last && t - last.t < NEAREST_MS) return;
    this.#totals.push(totals);
    while (this.#totals.length > 2 && (this.#totals[1]?.t ?? t) <= t - WINDOW_MS) {
      this.#totals.shift();
    }
    if (!last) return;
    const seconds = (t - last.t) / 1000;
    const first = this.#totals[0] ?? last;
    this.points.push({
      t,
      waiting: listener.waiting,
      accepted: (totals.accepted - last.accepted) / seconds,
      ended: (totals.ended - last.ended) / seconds,
      up: (totals.up - last.up) / seconds,
      down: (totals.down - last.down) / seconds,
      latencies: {
        queue: this.#quantiles(first.latencies.queue, totals.latencies.queue),
        connect: this.#quantiles(first.latencies.connect, totals.latencies.connect),
        session: this.#quantiles(first.latencies.session, totals.latencies.session),
      },
    });
    while ((this.points[0]?.t ?? t) < t - HISTORY_MS) this.points.shift();
  }

  /**
   * Median and 99th percentile of what was counted between two looks.
   *
   * @param {number[]} before
   * @param {number[]} after
   * @returns {[number | undefined, number | undefined]}
   */
  #quantiles(before, after) {
    const counts = after.map((n, i) => n - (before[i] ?? 0));
    return [quantile(counts, this.#bounds, 0.5), quantile(counts, this.#bounds, 0.99)];
  }
}

/**
 * A quantile in milliseconds, interpolated within its bucket, as `quantile` in src/histogram.ts.
 *
 * @param {readonly number[]} counts
 * @param {readonly number[]} bounds
 * @param {number} q
 */
export function quantile(counts, bounds, q) {
  const total = counts.reduce((sum, n) => sum + n, 0);
  if (total <= 0) return undefined;
  let rank = q * total;
  for (const [i, upper] of bounds.entries()) {
    const number = counts[i] ?? 0;
    if (number > 0 && rank <= number) {
      const lower = bounds[i - 1] ?? 0;
      return (lower + (upper - lower) * (rank / number)) * 1000;
    }
    rank -= number;
  }
  return (bounds.at(-1) ?? 0) * 1000;
}

/**
 * @param {ListenerStatus} listener
 * @param {number} t
 * @returns {Totals}
 */
function totalsOf(listener, t) {
  const { accepted, ended, bytes_up, bytes_down, latencies } = listener;
  return {
    t,
    accepted,
    ended: Object.values(ended).reduce((sum, n) => sum + n, 0),
    up: bytes_up,
    down: bytes_down,
    latencies: {
      queue: latencies.queue.counts,
      connect: latencies.connect.counts,
      session: latencies.session.counts,
    },
  };
}
