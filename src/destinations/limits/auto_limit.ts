import type { Clock } from "../../base/clock.ts";
import { LIMIT_REASONS, type LimitReason } from "../../operations/limit_reasons.ts";
import type { Session, SweepListener } from "../../session/session.ts";
import { Durations } from "./durations.ts";
import { LimitBoard } from "./limit_boards.ts";
import { Meter, type Reading } from "./meter.ts";
import { LimitSearch } from "./search.ts";

/** Shortest time between two reductions because connects fail, in milliseconds. */
const FAILURES_MS = 1000;
/**
 * After a change so many times as many sessions have to end as there are slots, or what the dispersion
 * of their durations is: with long ones among short ones the short ones come first.
 */
const SETTLING = 3;
const MOST_SETTLING = 10;
/** After so many milliseconds fewer ends are waited for before a measurement begins. */
const LONG_SETTLING_MS = 500;
/** So many times fewer. */
const LONG_SETTLING = 3;
/** After so many of all ends somebody has to be waiting, or nobody needs more slots. */
const WANTED = 0.2;
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
  "connectedAt" | "reason" | "up" | "down" | "moved" | "sweepListener"
>;

/**
 * The number of slots of a destination that finds it by itself.
 *
 * It is told when a session begins and ends there, and measures how many end per second. Ends that a
 * client causes do not count. Per session it adds up a few numbers; it has no timer, and allocates
 * nothing but a few times in a measurement.
 *
 * Of several threads that have the destination the first one searches, with what all of them count;
 * each has its part of what is found.
 *
 * A session that stays though it was answered, or whose client says nothing, needs no slot of those
 * that are counted: one more takes its place.
 */
export class AutoLimit implements SweepListener {
  /** Tells when sessions begin and end. */
  readonly #clock: Clock;
  /** What the threads share; its own if there are no others. */
  #board: LimitBoard;
  #meter: Meter;
  /** Decides; `undefined` where another thread does. */
  #search: LimitSearch | undefined;
  /** Most sessions, guests that stay included. */
  #max: number;
  /** Most sessions that are counted, as far as this thread has learnt. */
  #slots: number;
  /** Called when the number of slots has changed. */
  onChange: (() => void) | undefined;
  /** Sessions that are there. */
  #active = 0;
  /** Those of them that stay. */
  readonly #staying = new Set<Served>();
  /** When the limit of the moment came into force, and what was counted then. */
  #since: Reading;
  /** Ends that are still to come before it is measured: of sessions under another limit. */
  #settling = 1;
  readonly #durations = new Durations();
  /** How long a session takes on average, as far as is known; milliseconds. */
  #usual = 0;
  /** When failed connects have reduced it, and how many were known then. */
  #failedAt = -Infinity;
  #failures: number;
  /** Guests that stay, above what ends; from {@linkcode STAYING} on sessions say nothing. */
  #stays = 0;
  /** Whether sessions say nothing about the server. */
  #open = false;
  /** Times that another limit was found. */
  changes = 0;

  /** @param options.board What threads share; none do unless given. */
  constructor({ max, clock, board = LimitBoard.alone() }: {
    max: number;
    clock: Clock;
    board?: LimitBoard;
  }) {
    this.#clock = clock;
    this.#max = max;
    this.#board = board;
    const { index, number } = board.position;
    this.#failures = board.failures;
    this.#meter = new Meter(board.counters, index);
    this.#since = this.#meter.read(clock());
    const first = new LimitSearch({ min: number, max: max * number });
    if (index === 0) {
      this.#search = first;
      this.#publish();
    }
    this.#slots = board.share(board.limit || first.limit);
  }

  /** Most sessions at the moment. */
  get limit(): number {
    if (this.#open) return this.#max;
    return Math.min(this.#slots + this.#staying.size, this.#max);
  }

  /** The number found so far: the limit without what is only tried for a moment. */
  get found(): number {
    if (this.#open) return this.#max;
    return Math.min(this.#search ? this.#board.share(this.#search.base) : this.#slots, this.#max);
  }

  /** Why it is what it is. */
  get reason(): LimitReason {
    return this.#open ? "sessions-stay" : LIMIT_REASONS[this.#board.reason] ?? "start";
  }

  /** Most sessions that may ever be there. */
  set max(max: number) {
    if (max === this.#max) return;
    const { limit } = this;
    this.#max = max;
    const whole = max * this.#board.position.number;
    this.#change((search) => search.max = whole);
    if (this.limit !== limit) this.onChange?.();
  }

  /** A session is there. */
  begun(session: Served): void {
    this.#active++;
    session.sweepListener = this;
    this.#note(this.#clock());
  }

  /**
   * A session has left.
   *
   * @param waiting Whether somebody waits.
   */
  ended(session: Served, waiting: boolean): void {
    session.sweepListener = undefined;
    const counts = isAnEnd(session);
    // One that stays was counted when it was seen to.
    if (this.#staying.delete(session)) this.#active--;
    else this.#left(counts, waiting, session.connectedAt);
    if (!this.#open) this.#stays = 0;
    else if (counts && --this.#stays <= -ENDING) {
      this.#stays = 0;
      this.#open = false;
      this.changes++;
      this.#begin();
      this.onChange?.();
    }
  }

  /** A sweep looks at a session that is connected, or about to be. */
  onSweep(session: Served): void {
    this.#follow();
    const { connectedAt, up, down } = session;
    if (connectedAt === undefined || this.#staying.has(session)) return;
    // Whoever has asked and has no answer keeps the server busy.
    if (down.bytes === 0 && up.bytes > 0) return;
    if (this.#clock() - connectedAt < Math.max(STAYS_MS, STAYS_FACTOR * this.#usual)) return;
    this.#stays = Math.max(this.#stays, 0) + 1;
    this.#left(true, true);
    this.#active++;
    this.#staying.add(session);
    if (!this.#open && this.#stays >= STAYING) {
      this.#open = true;
      this.changes++;
    }
    this.#note(this.#clock());
    this.onChange?.();
  }

  /** A connect has failed, or was not accepted. */
  failed(): void {
    if (this.#board.lost) this.#goAlone();
    this.#board.failed();
    this.#follow();
  }

  /** One that was counted is there no more. */
  #left(counts: boolean, waiting: boolean, since = this.#clock()): void {
    const now = this.#clock();
    if (counts) {
      this.#meter.ended(waiting);
      this.#durations.note(now - since);
    }
    this.#active--;
    this.#note(now);
    this.#follow();
    if (counts && this.#search) this.#judge(this.#search, now);
  }

  /** Notes whether as many are there as may be. */
  #note(now: number): void {
    this.#meter.note(this.#active - this.#staying.size >= this.#slots, now);
  }

  #judge(search: LimitSearch, now: number): void {
    const ends = this.#meter.endsSince(this.#since);
    if (this.#settling > 0) {
      const long = now - this.#since.at > LONG_SETTLING_MS;
      if (ends * (long ? LONG_SETTLING : 1) < this.#settling) return;
      this.#settling = 0;
      this.#since = this.#meter.read(now);
      return;
    }
    const sample = this.#meter.since(this.#since, now);
    if (search.isStale(sample)) {
      this.#since = this.#meter.read(now);
      this.#change(() => search.stop());
      return;
    }
    if (!search.enough(sample)) return;
    const { waited, ...seen } = sample;
    this.#usual = search.limit * seen.wall / Math.max(1, seen.ends);
    if (!this.#change(() => search.measured(seen, { now, wanted: waited >= WANTED * seen.ends }))) {
      this.#since = this.#meter.read(now);
    }
  }

  /** Does what another thread has found, or what other threads' failures ask for. */
  #follow(): void {
    if (this.#board.lost) this.#goAlone();
    const { failures, limit } = this.#board;
    if (this.#search && failures !== this.#failures) {
      const now = this.#clock();
      if (now - this.#failedAt >= FAILURES_MS) {
        this.#failedAt = now;
        this.#change((search) => search.failed(now));
      }
      this.#failures = failures;
    }
    if (!this.#search && limit > 0) this.#adopt(limit);
  }

  /** Whether it has made another limit. */
  #change(change: (search: LimitSearch) => void): boolean {
    const search = this.#search;
    if (!search) return false;
    const { limit, base } = search;
    change(search);
    if (search.base !== base) this.changes++;
    this.#publish();
    if (search.limit === limit) return false;
    this.#begin();
    this.#adopt(search.limit);
    return true;
  }

  #publish(): void {
    const search = this.#search!;
    this.#board.limit = search.limit;
    this.#board.reason = LIMIT_REASONS.indexOf(search.reason);
  }

  #adopt(limit: number): void {
    const slots = this.#board.share(limit);
    if (slots === this.#slots) return;
    this.#slots = slots;
    this.#note(this.#clock());
    this.onChange?.();
  }

  /** What ends from now on is of another limit. */
  #begin(): void {
    if (!this.#search) return;
    const rounds = Math.min(Math.max(SETTLING, this.#durations.dispersion), MOST_SETTLING);
    this.#settling = rounds * this.#search.limit;
    this.#since = this.#meter.read(this.#clock());
  }

  /** Another destination has the board: this thread searches for itself. */
  #goAlone(): void {
    this.#board = LimitBoard.alone();
    this.#meter = new Meter(this.#board.counters, 0);
    this.#search = new LimitSearch({ max: this.#max });
    this.#failures = 0;
    this.#publish();
    this.#begin();
    this.#adopt(this.#search.limit);
  }
}

/**
 * Whether the server has served a session: no end that its client alone could have caused. With
 * `--half-close abandon` one that was answered ends as client-gone if it says goodbye, as PostgreSQL's do.
 */
function isAnEnd({ reason, up, down, moved }: Served): boolean {
  if (moved) return false;
  return reason === "done" ? up.bytes + down.bytes > 0 : reason === "client-gone" && down.bytes > 0;
}
