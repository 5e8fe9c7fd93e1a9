/** What was too short grows by this factor. */
const GROWTH = 2;

/** It is cut after so many intervals, so that the time between two bursts is among them. */
const CUT_INTERVALS = 4;

/** This part of what all have waited, and nobody less, is taken off. */
const CUT = 1 / 2;

/**
 * How long sessions may wait in a standing queue: as short as the servers can be kept busy with.
 *
 * What nobody has waited less than, for an interval, all wait for nothing: the target is cut by a part
 * of that. If a worker finds nobody, and one that was shed would still be there and could be answered,
 * the target was too short, and grows. So it is short where sessions come one by one, and long where
 * they come in bursts between which servers would have nothing to do.
 */
export class Target {
  /** The target in milliseconds; absent until there was a standing queue. */
  #now: number | undefined;
  /** Since when the least wait is looked for, and what it is. */
  #since = 0;
  #least = Infinity;
  /** When the newest of those that were shed was accepted, unless that was regretted. */
  #newestShed: number | undefined;
  /** When one was shed. */
  #shedAt = -Infinity;

  get now(): number | undefined {
    return this.#now;
  }

  forget(): void {
    this.#now = undefined;
  }

  /** There is a standing queue from now on. */
  begin(at: number, initial: number): void {
    this.#now ??= initial;
    this.#newestShed = undefined;
    this.#begin(at);
  }

  /** A worker takes a session that has waited for so long. */
  taken(age: number): void {
    this.#least = Math.min(this.#least, age);
  }

  /** A session that was accepted then is shed. */
  shed(acceptedAt: number, at: number): void {
    this.#shedAt = at;
    this.#newestShed = Math.max(this.#newestShed ?? 0, acceptedAt);
  }

  /** A worker finds nobody; whether one that was shed could have been answered now. */
  regret(at: number, longest: number): boolean {
    const age = at - (this.#newestShed ?? -Infinity);
    const longer = Math.min(this.#now! * GROWTH, longest);
    if (age > longer) return false;
    this.#now = longer;
    this.#newestShed = undefined;
    this.#begin(at);
    return true;
  }

  /** Cuts it if it is time; whether anybody was shed lately. */
  review(at: number, { interval, least }: { interval: number; least: number }): boolean {
    const time = at - this.#since;
    if (time >= interval && at - this.#shedAt >= interval) return false;
    if (time < interval * CUT_INTERVALS) return true;
    this.#now = Math.max(this.#now! - this.#least * CUT, Math.min(least, this.#now!));
    this.#begin(at);
    return true;
  }

  #begin(at: number): void {
    this.#since = at;
    this.#least = Infinity;
  }
}
