import { addEnded, type Ended } from "../../operations/end_reasons.ts";
import { addFine, FineCounts, type FineData, fineQuantile } from "../../operations/fine_counts.ts";
import { RECENT_MS } from "../../operations/recent.ts";

/** What happens is kept by slots of so many seconds, so that what is old can be forgotten. */
const SLOT = 30;

/** The number of full slots. */
const SLOTS = RECENT_MS / 1000 / SLOT - 1;

/** How many slots end in the time from one second to another. */
export function slotsBetween(before: number, now: number): number {
  return Math.floor(now / SLOT) - Math.floor(before / SLOT);
}

/** Durations of the last five minutes, the oldest of them forgotten half a minute at a time. */
export class RecentDurations {
  /** All of them. */
  readonly #all = new FineCounts();
  /** Those of each full slot, oldest first. */
  readonly #slots: Int32Array[] = [];
  /** Those since the end of the latest slot, and since that of the latest minute. */
  #slot: FineData = [];
  #minute: FineData = [];
  /** Quantiles of {@linkcode all}, until there are others. */
  #quantiles: readonly [number | null, number | null] | undefined;

  add(data: FineData): void {
    if (data.length === 0) return;
    this.#all.add(data);
    this.#slot = addFine(this.#slot, data);
    this.#minute = addFine(this.#minute, data);
    this.#quantiles = undefined;
  }

  /** So many slots are over. */
  turn(slots: number): void {
    for (let i = 0; i < Math.min(slots, SLOTS + 1); i++) {
      this.#slots.push(Int32Array.from(this.#slot));
      this.#slot = [];
      const old = this.#slots.length > SLOTS ? this.#slots.shift()! : undefined;
      if (!old || old.length === 0) continue;
      this.#all.add(old, -1);
      this.#quantiles = undefined;
    }
  }

  /** Median and 99th percentile of the minute that is over; `NaN` if it had nothing. */
  takeMinute(): [number, number] {
    const minute = this.#minute;
    this.#minute = [];
    return quantilesOf(minute);
  }

  /** Median and 99th percentile of all; `null` if there is nothing. */
  get quantiles(): readonly [number | null, number | null] {
    if (this.#quantiles) return this.#quantiles;
    const { data } = this.#all;
    return this.#quantiles = [fineQuantile(data, 0.5) ?? null, fineQuantile(data, 0.99) ?? null];
  }
}

/** Median and 99th percentile in milliseconds; `NaN` if there is nothing. */
export function quantilesOf(data: FineData): [number, number] {
  return [fineQuantile(data, 0.5) ?? NaN, fineQuantile(data, 0.99) ?? NaN];
}

/** Sessions that ended in the last five minutes, the oldest forgotten half a minute at a time. */
export class RecentlyEnded {
  /** Those of each full slot and of the present one, oldest first. */
  readonly #slots: Ended[] = [{}];

  add(ended: Ended): void {
    this.#slots.push(addEnded([this.#slots.pop()!, ended]));
  }

  /** So many slots are over. */
  turn(slots: number): void {
    for (let i = 0; i < Math.min(slots, SLOTS + 1); i++) {
      this.#slots.push({});
      if (this.#slots.length > SLOTS + 1) this.#slots.shift();
    }
  }

  get all(): Ended {
    return addEnded(this.#slots);
  }
}
