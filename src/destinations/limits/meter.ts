import type { Sample } from "./sample.ts";

/** Counters of a thread: times in tenths of a millisecond, all of them modulo 2³². */
const FULL_TIME = 0;
const FULL_ENDS = 1;
const ENDS = 2;
const WAITED = 3;
/** Cells that the counters of a thread take. */
export const METER_CELLS = 4;
const PER_MS = 10;

/** What all threads have counted, at a time. */
export interface Reading {
  /** Milliseconds on the clock. */
  readonly at: number;
  readonly cells: Int32Array;
}

/**
 * Counts what a thread sees of a destination: only it writes its counters, and all read them. The
 * reading of the moment less an earlier one is what was in between.
 */
export class Meter {
  /** The counters of all threads. */
  readonly #cells: Int32Array;
  readonly #own: number;
  /** Milliseconds in which every slot was taken. */
  #fullTime = 0;
  /** Since when every slot is taken; `undefined` if one is free. */
  #fullSince: number | undefined;

  constructor(cells: Int32Array, index: number) {
    this.#cells = cells;
    this.#own = index * METER_CELLS;
    this.#fullTime = cells[this.#own + FULL_TIME]! / PER_MS;
  }

  /** Notes whether every slot is taken from now on. */
  note(full: boolean, now: number): void {
    if (this.#fullSince !== undefined) {
      this.#fullTime += now - this.#fullSince;
      this.#cells[this.#own + FULL_TIME] = Math.round(this.#fullTime * PER_MS) | 0;
    }
    this.#fullSince = full ? now : undefined;
  }

  /**
   * A session that counts has ended.
   *
   * @param waiting Whether somebody waits for its slot.
   */
  ended(waiting: boolean): void {
    this.#cells[this.#own + ENDS]!++;
    if (waiting) this.#cells[this.#own + WAITED]!++;
    if (this.#fullSince !== undefined) this.#cells[this.#own + FULL_ENDS]!++;
  }

  read(now: number): Reading {
    return { at: now, cells: this.#cells.slice() };
  }

  /** Sessions that have ended since. */
  endsSince({ cells }: Reading): number {
    let sum = 0;
    for (let i = ENDS; i < cells.length; i += METER_CELLS) sum += (this.#cells[i]! - cells[i]!) | 0;
    return sum;
  }

  /** What was counted since. */
  since({ at, cells }: Reading, now: number): Sample & { waited: number } {
    const wall = now - at;
    let [finished, ends, waited, time, rate] = [0, 0, 0, 0, 0];
    for (let i = 0; i < cells.length; i += METER_CELLS) {
      const since = (one: number) => (this.#cells[i + one]! - cells[i + one]!) | 0;
      const full = Math.min(since(FULL_TIME) / PER_MS, wall);
      finished += since(FULL_ENDS);
      ends += since(ENDS);
      waited += since(WAITED);
      time += full;
      if (full > 0) rate += since(FULL_ENDS) / full;
    }
    // The time in which that many end at the rates of all threads together.
    const mean = time * METER_CELLS / cells.length;
    return {
      finished,
      time: rate > 0 ? Math.min(finished / rate, wall) : mean,
      ends,
      wall,
      waited,
    };
  }
}
