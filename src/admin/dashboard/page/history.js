// @ts-check

/** @typedef {import("../../../operations/listener_status.ts").ListenerStatus} ListenerStatus */
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
 * @property {number} active
 * @property {number} failed
 * @property {(number | undefined)[]} wait Median and 99th percentile.
 * @property {Record<"queue" | "connect" | "session", [number | undefined, number | undefined]>} latencies
 */
/** @typedef {{ uptime_ms: number, kind: string, text: string }} Mark */
/** @typedef {{ t: number, accepted: number, ended: number, up: number, down: number, latencies: Record<"queue" | "connect" | "session", number[]> }} Totals */

/** @typedef {{ perDoubling: number, lowest: number }} Fineness What the buckets of latencies are like. */

/** How much is kept for the charts. */
export const HISTORY_MS = 300_000;
/** How far back latencies look. */
const WINDOW_MS = 10_000;
/** Two looks nearer than this make no rate: one more session would seem to be a burst. */
const NEAREST_MS = 400;

/** What a listener did in the last minutes, from the differences of its counters. */
export class History {
  /** @type {Point[]} */
  points = [];
  /** @type {Totals[]} */
  #totals = [];
  /** @type {Fineness} */
  #fineness;

  /** @param {Fineness} fineness */
  constructor(fineness) {
    this.#fineness = fineness;
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
      active: listener.active,
      failed: 0,
      wait: this.#quantiles(first.latencies.queue, totals.latencies.queue),
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
    const between = difference(before, after);
    return [quantile(between, this.#fineness, 0.5), quantile(between, this.#fineness, 0.99)];
  }
}

/**
 * Counts by bucket of what was counted between two looks.
 *
 * @param {readonly number[]} before
 * @param {readonly number[]} after
 */
function difference(before, after) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (let i = 0; i < after.length; i += 2) counts.set(after[i] ?? 0, after[i + 1] ?? 0);
  for (let i = 0; i < before.length; i += 2) {
    const bucket = before[i] ?? 0;
    counts.set(bucket, (counts.get(bucket) ?? 0) - (before[i + 1] ?? 0));
  }
  return [...counts].filter(([, n]) => n > 0).sort(([a], [b]) => a - b).flat();
}

/**
 * A quantile in milliseconds, as `fineQuantile` in src/fine_counts.ts.
 *
 * @param {readonly number[]} fine
 * @param {Fineness} fineness
 * @param {number} q
 */
export function quantile(fine, { perDoubling, lowest }, q) {
  let total = 0;
  for (let i = 1; i < fine.length; i += 2) total += fine[i] ?? 0;
  let rank = Math.max(1, Math.ceil(q * total - 1e-9));
  for (let i = 0; i < fine.length; i += 2) {
    rank -= fine[i + 1] ?? 0;
    const bucket = fine[i] ?? 0;
    if (rank <= 0) return bucket <= lowest ? 0 : 2 ** ((bucket + 0.5) / perDoubling);
  }
  return undefined;
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
      queue: latencies.queue.fine,
      connect: latencies.connect.fine,
      session: latencies.session.fine,
    },
  };
}
