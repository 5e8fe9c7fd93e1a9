import { type BudgetShare, SharedCounts } from "../async/shared_counts.ts";
import { countFree } from "./free_descriptors.ts";

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
  /** The part in the budget of another thread; a budget of its own if absent. */
  share?: BudgetShare | undefined;
  /** For tests. */
  countFree?: (wanted: number) => number;
  now?: () => number;
}

/**
 * How many descriptors there are for this process, in use or not, as far as is known.
 *
 * That is tried: before more is taken than ever before, that many are opened and closed again. What
 * turned out to be too few is tried again each second while somebody wants more, so a moment's
 * shortage lasts no longer.
 */
export class DescriptorCapacity {
  /** What all threads have taken, opened and reserved, and what is known of the limit. */
  readonly counts: SharedCounts;
  /** The listeners of this thread. */
  readonly listeners = new Set<Unopened>();
  /** How many of so many descriptors can be opened now. */
  readonly countFree: (wanted: number) => number;
  readonly #now: () => number;

  constructor(options: CapacityOptions) {
    this.counts = new SharedCounts(options.share);
    this.countFree = options.countFree ?? countFree;
    this.#now = options.now ?? Date.now;
  }

  /** Whether the limit has been met: there are no more than are known. */
  get limited(): boolean {
    return this.counts.get("limited") === 1;
  }

  /** Whether so many more can be taken, after a look for more than is known if need be. */
  fits(number: number): boolean {
    const counts = this.counts;
    const room = () =>
      counts.sum("taken") + counts.sum("reserved") + number <= counts.get("capacity");
    if (room()) return true;
    const step = Math.min(Math.max(counts.get("capacity"), FIRST_STEP), LAST_STEP);
    const firm = counts.get("firm") || Infinity;
    if (counts.get("limited") === 1) {
      if (counts.get("capacity") >= firm || this.#sinceLook < RETRY_MS) return false;
      // What sessions have taken and not opened has to be tried as well: not while that is much.
      this.publish("count");
      if (counts.sum("unopened") > LAST_STEP) {
        // Counting looks at every session: that is done no more often than trying.
        this.#noteLook();
        return false;
      }
    }
    const known = Math.max(counts.get("capacity"), counts.sum("taken") + counts.sum("reserved"));
    this.#look(Math.min(known + step, firm));
    return room();
  }

  /** Something failed for want of descriptors: there may be fewer than was thought. */
  noteShortage(): void {
    const counts = this.counts;
    if (this.#sinceLook < SHORTAGE_LOOK_MS) return;
    const before = counts.get("capacity");
    this.#look(Math.min(before, this.#opened + LAST_STEP));
    // That many are there: it was a moment's shortage.
    if (counts.get("limited") === 0) counts.set("capacity", before);
  }

  /**
   * Makes sure to know whether so many fit, those in use included. It is tried for as long as a start
   * may take, and not that long while sessions wait for it; what is beyond that counts as fitting
   * until it is needed.
   *
   * @returns Whether they fit, as far as is known.
   */
  find(all: number): boolean {
    const counts = this.counts;
    const most = counts.sum("taken") > 0 ? this.#opened + LAST_STEP : MOST_AT_START;
    if (counts.get("capacity") < Math.min(all, most)) this.#look(Math.min(all, most));
    return !this.limited || counts.get("capacity") >= all;
  }

  /**
   * Believes from now on what is known, if the limit has been met: whoever tries in one thread how many
   * there are takes them from all others for some milliseconds.
   */
  fix(): void {
    const counts = this.counts;
    if (this.limited) counts.set("firm", counts.get("capacity"));
  }

  /** Finds out whether there are so many, those in use included. */
  #look(wanted: number): void {
    const counts = this.counts;
    // Two threads that look at once would each take the other's for used.
    counts.alone(() => {
      const opened = this.#opened;
      const needed = Math.max(wanted - opened, 0);
      const free = this.countFree(needed);
      counts.set("capacity", opened + free);
      counts.set("limited", free < needed ? 1 : 0);
      this.#noteLook();
    });
  }

  #noteLook(): void {
    this.counts.set("lookedAt", this.#now() % 2 ** 31);
  }

  /** Descriptors that are open and counted. */
  get #opened(): number {
    const counts = this.counts;
    this.publish("count");
    return counts.sum("taken") - counts.sum("unopened") + counts.sum("used");
  }

  /** Milliseconds since somebody looked; very long if nobody has, or the clock was set. */
  get #sinceLook(): number {
    const since = this.#now() % 2 ** 31 - this.counts.get("lookedAt");
    return since < 0 ? Infinity : since;
  }

  /** Tells the other threads how many descriptors this one has not opened yet. */
  publish(how: keyof Unopened): void {
    let unopened = 0;
    for (const listener of this.listeners) unopened += listener[how]();
    this.counts.add("unopened", unopened - this.counts.own("unopened"));
  }
}
