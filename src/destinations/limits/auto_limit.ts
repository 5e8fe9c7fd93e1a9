import type { Clock } from "../../base/clock.ts";
import type { LimitReason } from "../../operations/limit_reasons.ts";
import type { Session, Watcher } from "../../session/session.ts";
import { LimitSearch } from "./search.ts";

/** Shortest time between two reductions because connects fail, in milliseconds. */
const FAILURES_MS = 1000;
/** After so many milliseconds fewer ends are waited for before a measurement begins. */
const LONG_SETTLING_MS = 500;
/** A session that was answered and is there for so many milliseconds is a guest that stays. */
const STAYS_MS = 1000;
/** How many times as long as the others such a session is there. */
const STAYS_FACTOR = 5;
/** Guests that stay, in a row, after which sessions say nothing about the server. */
const STAYING = 4;
/** Sessions that end, more than guests that stay by so many, after which they say something again. */
const ENDING = 32;

/** What is looked at of a session. */
export type Served = Pick<
  Session,
  "connectedAt" | "reason" | "up" | "down" | "moved" | "watcher"
>;

/**
 * The number of slots of a destination that finds it by itself.
 *
 * It is told when a session begins and ends there, and measures how many end per second while exactly
 * as many are there as may be: the rest of the time says nothing. Ends that a client causes do not
 * count. Per session it adds up a few numbers; it has no timer, and allocates nothing but once in a measurement.
 *
 * A session that stays though it was answered, or whose client says nothing, needs no slot of those
 * that are counted: one more takes its place.
 */
export class AutoLimit implements Watcher {
  /** Tells when sessions begin and end. */
  readonly #clock: Clock;
  /** Decides. */
  readonly #search: LimitSearch;
  /** Most sessions, guests that stay included. */
  #max: number;
  /** Called when the number of slots has changed. */
  onChange: (() => void) | undefined;
  /** Sessions that are there. */
  #active = 0;
  /** Those of them that stay. */
  readonly #staying = new Set<Served>();
  /** Since when exactly as many sessions are there as may be; `undefined` if they are not. */
  #fullSince: number | undefined;
  /** Milliseconds of this measurement in which they were. */
  #time = 0;
  /** Sessions that ended in these. */
  #finished = 0;
  /** Ends in this measurement after which somebody was waiting. */
  #waited = 0;
  /** Ends that are still to come before it begins: of sessions under another limit. */
  #settling = 1;
  /** How long a session takes on average, as far as is known; milliseconds. */
  #usual = 0;
  /** When failed connects have reduced it. */
  #failedAt = -Infinity;
  /** Guests that stay, above what ends; from {@linkcode STAYING} on sessions say nothing. */
  #stays = 0;
  /** Whether sessions say nothing about the server. */
  #open = false;
  /** Times that another limit was found. */
  changes = 0;

  constructor(options: { max: number; clock: Clock; threads?: number }) {
    this.#clock = options.clock;
    this.#max = options.max;
    this.#search = new LimitSearch(options);
  }

  /** Most sessions at the moment. */
  get limit(): number {
    if (this.#open) return this.#max;
    return Math.min(this.#search.limit + this.#staying.size, this.#max);
  }

  /** The number found so far: the limit without what is only tried for a moment. */
  get found(): number {
    return this.#open ? this.#max : this.#search.base;
  }

  /** Why it is what it is. */
  get reason(): LimitReason {
    return this.#open ? "sessions-stay" : this.#search.reason;
  }

  /** Most sessions that may ever be there. */
  set max(max: number) {
    this.#max = max;
    this.#change(() => this.#search.max = max);
  }

  /** A session is there. */
  begun(session: Served): void {
    this.#active++;
    session.watcher = this;
    this.#note();
  }

  /**
   * A session has left.
   *
   * @param waiting Whether somebody waits.
   */
  ended(session: Served, waiting: boolean): void {
    session.watcher = undefined;
    this.#active--;
    // One that stays was counted when it was seen to.
    if (this.#staying.delete(session)) return;
    const counts = isAnEnd(session);
    this.#left(counts, waiting);
    if (!this.#open) this.#stays = 0;
    else if (counts && --this.#stays <= -ENDING) {
      this.#change(() => this.#open = false);
      this.#stays = 0;
    }
  }

  /** A sweep looks at a session that is connected, or about to be. */
  look(session: Served): void {
    const { connectedAt, up, down } = session;
    if (connectedAt === undefined || this.#staying.has(session)) return;
    // Whoever has asked and has no answer keeps the server busy.
    if (down.bytes === 0 && up.bytes > 0) return;
    if (this.#clock() - connectedAt < Math.max(STAYS_MS, STAYS_FACTOR * this.#usual)) return;
    this.#staying.add(session);
    this.#stays = Math.max(this.#stays, 0) + 1;
    this.#left(true, true);
    if (!this.#open && this.#stays >= STAYING) this.#change(() => this.#open = true);
    else this.onChange?.();
  }

  /** A connect has failed, or was not accepted. */
  failed(): void {
    const now = this.#clock();
    if (now - this.#failedAt < FAILURES_MS) return;
    this.#failedAt = now;
    this.#change(() => this.#search.failed(now));
  }

  /** One that is counted is there no more. */
  #left(counts: boolean, waiting: boolean): void {
    if (this.#fullSince === undefined) return this.#note();
    const now = this.#clock();
    this.#time += now - this.#fullSince;
    this.#fullSince = undefined;
    if (this.#settling > 0) {
      this.#settling -= this.#time > LONG_SETTLING_MS ? 3 : 1;
      if (this.#settling <= 0) this.#time = 0;
      return;
    }
    if (counts) this.#finished++;
    if (waiting) this.#waited++;
    this.#look(now);
  }

  /** Notes whether as many are there as may be. */
  #note(): void {
    const full = this.#active - this.#staying.size === this.#search.limit;
    if (full) this.#fullSince ??= this.#clock();
    else if (this.#fullSince !== undefined) {
      this.#time += this.#clock() - this.#fullSince;
      this.#fullSince = undefined;
    }
  }

  #look(now: number): void {
    if (!this.#search.enough(this.#finished, this.#time)) return;
    const sample = { finished: this.#finished, time: this.#time };
    const wanted = this.#waited * 2 >= this.#finished;
    this.#usual = this.#search.limit * this.#time / Math.max(1, this.#finished);
    this.#change(() => this.#search.measured(sample, { now, wanted }));
    this.#begin();
  }

  #change(change: () => void): void {
    const { limit, found } = this;
    change();
    if (this.found !== found) this.changes++;
    if (this.limit === limit) return;
    this.#settling = 3 * this.#search.limit;
    this.#begin();
    this.onChange?.();
  }

  #begin(): void {
    this.#finished = this.#waited = this.#time = 0;
    this.#fullSince = undefined;
    this.#note();
  }
}

/** Whether the server has served a session: no end that its client alone could have caused. */
function isAnEnd({ reason, up, down, moved }: Served): boolean {
  return reason === "done" && !moved && up.bytes + down.bytes > 0;
}
