import type { SharedCounts } from "../async/shared_counts.ts";

/** Descriptors of one session: its client's and its destination's. */
export const PER_SESSION = 2;

/** How many descriptors are tried first, and the most that are tried at once while it grows. */
const FIRST_STEP = 64;
const LAST_STEP = 1024;

/** The most that are tried at the start because they were asked for. */
const MOST_AT_START = 32_768;

/** Between two attempts to find more than there were, in milliseconds. */
const RETRY_MS = 1000;

/** Between two looks that a failure causes, in milliseconds. */
const SHORTAGE_LOOK_MS = 100;

/** What a listener tells of descriptors that its sessions have taken and not opened yet. */
export interface Unopened {
  /** How many there are. */
  count(): number;
  /** The same, at no cost and not quite. */
  estimate(): number;
}

/** Options of {@linkcode DescriptorCapacity}. */
export interface CapacityOptions {
  /** How many of so many descriptors can be opened now. */
  countFree(wanted: number): number;
  /** Milliseconds since any moment. */
  now(): number;
}

/**
 * How many descriptors there are for this process.
 *
 * That is tried: before more is taken than ever before, that many are opened and closed again. What
 * turned out to be too few is tried again each second while somebody wants more, so a moment's
 * shortage lasts no longer.
 */
export class DescriptorCapacity {
  /** What tells of descriptors that are taken and not opened. */
  readonly listeners = new Set<Unopened>();
  readonly #counts: SharedCounts;
  readonly #options: CapacityOptions;

  constructor(counts: SharedCounts, options: CapacityOptions) {
    this.#counts = counts;
    this.#options = options;
  }

  /** Whether the limit has been met: there is no room for more than {@linkcode sessions}. */
  get limited(): boolean {
    return this.#counts.get("limited") === 1;
  }

  /** How many sessions fit at a time, as far as is known. */
  get sessions(): number {
    const room = this.#counts.get("capacity") - this.#counts.sum("reserved");
    return Math.max(1, Math.floor(room / PER_SESSION));
  }

  /** Something failed for want of descriptors: there may be fewer than was thought. */
  noteShortage(): void {
    const counts = this.#counts;
    if (this.#sinceLook < SHORTAGE_LOOK_MS) return;
    const before = counts.get("capacity");
    this.#look(Math.min(before, this.#opened + LAST_STEP));
    // That many are there: it was a moment's shortage.
    if (counts.get("limited") === 0) counts.set("capacity", before);
  }

  /**
   * How many of so many sessions fit, those of today included. It is tried for as long as a start may
   * take, and not that long while sessions wait for it; what is beyond that counts as fitting until
   * it is needed.
   */
  fit(sessions: number): number {
    const counts = this.#counts;
    const all = sessions * PER_SESSION + counts.sum("reserved");
    const most = counts.sum("taken") > 0 ? this.#opened + LAST_STEP : MOST_AT_START;
    if (counts.get("capacity") < Math.min(all, most)) this.#look(Math.min(all, most));
    return this.limited && counts.get("capacity") < all
      ? Math.min(this.sessions, sessions)
      : sessions;
  }

  /**
   * Finds out once for so many sessions, and believes it from then on: whoever tries in one thread
   * how many there are takes them from all others for some milliseconds.
   */
  settle(sessions: number): void {
    const counts = this.#counts;
    this.fit(sessions);
    if (counts.get("limited") === 1) counts.set("firm", counts.get("capacity"));
  }

  /** Whether so many more can be taken, after a look for more than is known if need be. */
  fits(number: number): boolean {
    const counts = this.#counts;
    const room = () =>
      counts.sum("taken") + counts.sum("reserved") + number <= counts.get("capacity");
    if (room()) return true;
    const step = Math.min(Math.max(counts.get("capacity"), FIRST_STEP), LAST_STEP);
    const firm = counts.get("firm") || Infinity;
    if (counts.get("limited") === 1) {
      if (counts.get("capacity") >= firm || this.#sinceLook < RETRY_MS) return false;
      // What sessions have taken and not opened has to be tried as well: not while that is much.
      this.publish("count");
      if (counts.sum("unopened") > LAST_STEP) return false;
    }
    const known = Math.max(counts.get("capacity"), counts.sum("taken") + counts.sum("reserved"));
    this.#look(Math.min(known + step, firm));
    return room();
  }

  /** Tells the other threads how many descriptors this one has not opened yet. */
  publish(how: keyof Unopened): void {
    let unopened = 0;
    for (const listener of this.listeners) unopened += listener[how]();
    this.#counts.add("unopened", unopened - this.#counts.own("unopened"));
  }

  /** Finds out whether there are so many, those in use included. */
  #look(wanted: number): void {
    const counts = this.#counts;
    // Two threads that look at once would each take the other's for used.
    counts.alone(() => {
      const opened = this.#opened;
      const needed = Math.max(wanted - opened, 0);
      const free = this.#options.countFree(needed);
      counts.set("capacity", opened + free);
      counts.set("limited", free < needed ? 1 : 0);
      counts.set("lookedAt", this.#options.now() % 2 ** 31);
    });
  }

  /** Descriptors that are open and counted. */
  get #opened(): number {
    const counts = this.#counts;
    this.publish("count");
    return counts.sum("taken") - counts.sum("unopened") + counts.sum("used");
  }

  /** Milliseconds since somebody looked; very long if nobody has, or the clock was set. */
  get #sinceLook(): number {
    const since = this.#options.now() % 2 ** 31 - this.#counts.get("lookedAt");
    return since < 0 ? Infinity : since;
  }
}
