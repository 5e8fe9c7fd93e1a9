// @ts-check

/** @typedef {import("../../../operations/history.ts").ListenerHistory} ListenerHistory */
/** @typedef {import("../../../operations/listener_status.ts").ListenerStatus} ListenerStatus */
/**
 * What the charts show of one moment, which is the end of a step; the time is the program's uptime in
 * milliseconds. What was not measured is missing.
 *
 * @typedef {object} Point
 * @property {number} t
 * @property {number | null} waiting
 * @property {number | null} active
 * @property {number | null} accepted A second, as the next ones.
 * @property {number | null} ended
 * @property {number | null} failed
 * @property {number} [served] Sessions that left their slot; not known of what the program has told.
 * @property {number | null} up
 * @property {number | null} down
 * @property {(number | null | undefined)[]} wait Median and 99th percentile.
 */
/** @typedef {{ t: number, accepted: number, ended: number, failed: number, served: number, up: number, down: number, queue: readonly number[] }} Totals */
/**
 * @typedef {object} Constants What the program knows of its numbers.
 * @property {{ perDoubling: number, lowest: number }} fineness What the buckets of durations are like.
 * @property {Record<string, import("./ended_facts.js").Meaning>} reasons What end reasons mean.
 */

/** How much is kept for the charts. */
const HISTORY_MS = 300_000;
/** Two looks nearer than this make no rate: one more session would seem to be a burst. */
const NEAREST_MS = 400;

/** What a listener did: as the program has told, and from then on from the differences of its counters. */
export class History {
  /** The last five minutes, oldest first. @type {Point[]} */
  points = [];
  /** A day by the minute, as far as somebody has asked for it. @type {Point[]} */
  day = [];
  /** @type {Totals | undefined} */
  #last;
  #constants;

  /** @param {Constants} constants */
  constructor(constants) {
    this.#constants = constants;
  }

  /**
   * Takes what the program has kept.
   *
   * @param {ListenerHistory} told
   * @param {{ step_ms: number, uptime_ms: number }} time Its steps, and when the last one ends.
   */
  take({ series }, { step_ms, uptime_ms }) {
    const points = series.waiting.map((waiting, i) => {
      /** @param {(number | null)[]} column */
      const at = (column) => column[i] ?? null;
      return {
        t: uptime_ms - (series.waiting.length - 1 - i) * step_ms,
        waiting,
        active: at(series.active),
        accepted: at(series.accepted_per_s),
        ended: at(series.ended_per_s),
        failed: at(series.failed_per_s),
        up: at(series.bytes_up_per_s),
        down: at(series.bytes_down_per_s),
        wait: [at(series.wait_p50_ms), at(series.wait_p99_ms)],
      };
    });
    if (step_ms > 1000) {
      this.day = points;
      return;
    }
    this.points = points;
    this.#last = undefined;
  }

  /**
   * @param {ListenerStatus} listener
   * @param {number} t
   */
  add(listener, t) {
    const totals = this.#totalsOf(listener, t);
    const last = this.#last;
    if (last && (t < last.t || totals.accepted < last.accepted)) {
      // The program was started again: its counters have nothing to do with those before.
      this.points = [];
      this.day = [];
      this.#last = totals;
      return;
    }
    if (last && t - last.t < NEAREST_MS) return;
    this.#last = totals;
    if (!last) return;
    const seconds = (t - last.t) / 1000;
    const queue = difference(last.queue, totals.queue);
    const { fineness } = this.#constants;
    this.points.push({
      t,
      waiting: listener.waiting,
      active: listener.active,
      accepted: (totals.accepted - last.accepted) / seconds,
      ended: (totals.ended - last.ended) / seconds,
      failed: (totals.failed - last.failed) / seconds,
      // Those of a destination that was removed are not there any more.
      served: Math.max(0, totals.served - last.served) / seconds,
      up: (totals.up - last.up) / seconds,
      down: (totals.down - last.down) / seconds,
      wait: [quantile(queue, fineness, 0.5), quantile(queue, fineness, 0.99)],
    });
    while ((this.points[0]?.t ?? t) < t - HISTORY_MS) this.points.shift();
  }

  /**
   * @param {ListenerStatus} listener
   * @param {number} t
   * @returns {Totals}
   */
  #totalsOf({ accepted, ended, bytes_up, bytes_down, latencies, destinations }, t) {
    const all = Object.entries(ended);
    const { reasons } = this.#constants;
    const failed = all.filter(([reason]) => reasons[reason]?.outcome === "failed");
    return {
      t,
      accepted,
      ended: all.reduce((sum, [, n]) => sum + n, 0),
      failed: failed.reduce((sum, [, n]) => sum + n, 0),
      served: destinations.reduce((sum, one) => sum + one.sessions - one.active, 0),
      up: bytes_up,
      down: bytes_down,
      queue: latencies.queue.fine,
    };
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
 * A quantile in milliseconds, as `fineQuantile` in src/operations/fine_counts.ts.
 *
 * @param {readonly number[]} fine
 * @param {Constants["fineness"]} fineness
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
