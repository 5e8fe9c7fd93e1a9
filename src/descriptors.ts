import { countFree } from "./free_descriptors.ts";
import { every, type Timer } from "./timer.ts";
import { Waiters } from "./waiters.ts";

/** Descriptors of one session: its client's and its destination's. */
export const PER_SESSION = 2;

/** Kept free for all that is not counted: look-ups, log files, modules, the runtime's own. */
const UNCOUNTED = 12;

/** Kept free for each listener: it may always have one session, whatever the others have. */
const PER_LISTENER = PER_SESSION;

/** Kept free for probes and checks of destinations, and for the admin API. */
const FOR_PROBES = 4;
const FOR_ADMIN = 4;

/** What the runtime opens for a thread, and while that loads; without them it ends the program. */
const FOR_THREAD = 12;

/** How many descriptors are tried first, and the most that are tried at once while it grows. */
const FIRST_STEP = 64;
const LAST_STEP = 1024;

/** The most that are tried at the start because they were asked for. */
const MOST_AT_START = 32_768;

/** Between two attempts to find more than there were, in milliseconds. */
const RETRY_MS = 1000;

/** How often those who wait look again: what is free elsewhere tells nobody. In milliseconds. */
const LOOK_AGAIN_MS = 100;

/** Between two looks that a failure causes, in milliseconds. */
const SHORTAGE_LOOK_MS = 100;

/** Threads that may share a budget. */
const SLOTS = 1024;

/** Where a thread's numbers stand in its slot; slot 0 holds the sums of all. */
const TAKEN = 0;
const UNOPENED = 1;
const RESERVED = 2;
const USED = 3;
const SLOT_SIZE = 4;

/** What else the threads share, behind the slots. */
const CAPACITY = SLOT_SIZE * (SLOTS + 1);
const LIMITED = CAPACITY + 1;
const LOOKED_AT = CAPACITY + 2;
const LOOKING = CAPACITY + 3;
const TOLD = CAPACITY + 4;
const THREADS = CAPACITY + 5;
const FIRM = CAPACITY + 6;
const CELLS = CAPACITY + 7;

/** What a thread needs to share the budget of its process. */
export interface BudgetShare {
  readonly buffer: SharedArrayBuffer;
  readonly slot: number;
}

/** Gives back what was claimed; a second call does nothing. */
export type Release = () => void;

/** Who may have so many descriptors even if sessions have all others. */
export interface Allowance {
  readonly size: number;
  /** How many of these are in use. */
  used: number;
}

/** What a listener tells of descriptors that its sessions have taken and not opened yet. */
export interface Unopened {
  /** How many there are. */
  count(): number;
  /** The same, at no cost and not quite. */
  estimate(): number;
}

/** Options of {@linkcode DescriptorBudget}. */
export interface BudgetOptions {
  /** The part in the budget of another thread; a budget of its own if absent. */
  share?: BudgetShare | undefined;
  /** For tests. */
  countFree?: (wanted: number) => number;
  now?: () => number;
}

/**
 * The descriptors of this process, for all that want some: sessions of all listeners and threads,
 * connections of the admin API, probes.
 *
 * Accepting a client for whom no descriptor is left to connect with would be a promise that cannot
 * be kept, and enough of them would hold each other up for ever. So a session takes both of its
 * descriptors when it is accepted. How many there are is tried: before more is taken than ever
 * before, that many are opened and closed again. What turned out to be too few is tried again
 * each second while somebody wants more, so a moment's shortage lasts no longer.
 */
export class DescriptorBudget {
  readonly probes: Allowance = { size: FOR_PROBES, used: 0 };
  readonly admin: Allowance = { size: FOR_ADMIN, used: 0 };
  readonly #cells: Int32Array<SharedArrayBuffer>;
  /** Where the numbers of this thread stand. */
  readonly #slot: number;
  readonly #countFree: (wanted: number) => number;
  readonly #now: () => number;
  readonly #listeners = new Set<Unopened>();
  readonly #waiters = new Waiters<void>();
  #timer: Timer | undefined;

  constructor(options: BudgetOptions = {}) {
    const buffer = options.share?.buffer ??
      new SharedArrayBuffer(CELLS * Int32Array.BYTES_PER_ELEMENT);
    this.#cells = new Int32Array(buffer);
    this.#slot = (options.share?.slot ?? 1) * SLOT_SIZE;
    this.#countFree = options.countFree ?? countFree;
    this.#now = options.now ?? Date.now;
    this.#add(RESERVED, this.probes.size + (options.share ? 0 : UNCOUNTED));
  }

  /** A part for a further thread, which {@linkcode reclaim} ends; `undefined` if there are too many. */
  lend(): BudgetShare | undefined {
    const cells = this.#cells;
    for (let slot = 2; slot <= SLOTS; slot++) {
      if (cells[slot * SLOT_SIZE + RESERVED] !== 0) continue;
      // Not the first thing that the thread does: until then nobody else may get it.
      cells[slot * SLOT_SIZE + RESERVED] = 1;
      Atomics.add(cells, RESERVED, 1);
      Atomics.add(cells, THREADS, 1);
      return { buffer: cells.buffer, slot };
    }
    return undefined;
  }

  /** A thread is gone, and with it all that it had. */
  reclaim({ slot }: BudgetShare): void {
    const cells = this.#cells;
    for (let field = 0; field < SLOT_SIZE; field++) {
      Atomics.sub(cells, field, cells[slot * SLOT_SIZE + field]!);
      cells[slot * SLOT_SIZE + field] = 0;
    }
    Atomics.sub(cells, THREADS, 1);
    this.#wake();
  }

  /** Keeps the admin API's descriptors free from now on. */
  reserveForAdmin(): Release {
    return this.#reserve(this.admin.size);
  }

  /** A listener begins. */
  join(unopened: Unopened): Release {
    const release = this.#reserve(PER_LISTENER);
    this.#listeners.add(unopened);
    return () => {
      this.#listeners.delete(unopened);
      release();
    };
  }

  /** Whether there is room for one more session. */
  get open(): boolean {
    return this.#fits(PER_SESSION);
  }

  /** Whether the limit has been met: there is no room for more than {@linkcode sessions}. */
  get limited(): boolean {
    return this.#cells[LIMITED] === 1;
  }

  /** How many sessions fit at a time, as far as is known. */
  get sessions(): number {
    const room = this.#cells[CAPACITY]! - this.#cells[RESERVED]!;
    return Math.max(1, Math.floor(room / PER_SESSION));
  }

  /** Whether nobody in this process has told of the limit; from now on somebody has. */
  tellOnce(): boolean {
    return Atomics.exchange(this.#cells, TOLD, 1) === 0;
  }

  /** A session begins, whether there is room or not. */
  enter(): void {
    this.#add(TAKEN, PER_SESSION);
    if (this.#cells[THREADS]! > 0) this.#publish("estimate");
  }

  /** A session has ended, and its descriptors are closed. */
  leave(): void {
    this.#add(TAKEN, -PER_SESSION);
    if (this.#cells[THREADS]! > 0) this.#publish("estimate");
    if (this.#waiters.size > 0) this.#waiters.serve();
  }

  /** Takes one descriptor, from an allowance if there is no other; `undefined` if there is none. */
  claim(allowance: Allowance): Release | undefined {
    if (this.#fits(1)) {
      this.#add(TAKEN, 1);
      return once(() => {
        this.#add(TAKEN, -1);
        this.#wake();
      });
    }
    if (allowance.used >= allowance.size) return undefined;
    allowance.used++;
    this.#add(USED, 1);
    return once(() => {
      allowance.used--;
      this.#add(USED, -1);
      this.#wake();
    });
  }

  /**
   * Takes one descriptor as soon as there is one.
   *
   * @throws The signal's reason, if it is aborted first.
   */
  async claimInTurn(allowance: Allowance, signal: AbortSignal): Promise<Release> {
    for (;;) {
      const release = this.claim(allowance);
      if (release) return release;
      await this.room(signal);
    }
  }

  /**
   * Resolves when there may be room again, which has to be looked for.
   *
   * @throws The signal's reason, if it is aborted first.
   */
  async room(signal: AbortSignal): Promise<void> {
    const turn = this.#waiters.wait(signal);
    this.#timer ??= every(LOOK_AGAIN_MS, () => this.#wake());
    try {
      await turn;
    } finally {
      if (this.#waiters.size === 0) {
        this.#timer?.stop();
        this.#timer = undefined;
      }
    }
  }

  /** Something failed for want of descriptors: there may be fewer than was thought. */
  noteShortage(): void {
    const cells = this.#cells;
    if (this.#sinceLook < SHORTAGE_LOOK_MS) return;
    const before = cells[CAPACITY]!;
    this.#look(Math.min(before, this.#opened + LAST_STEP));
    // That many are there: it was a moment's shortage.
    if (cells[LIMITED] === 0) Atomics.store(cells, CAPACITY, before);
  }

  /**
   * How many of so many sessions fit, those of today included: tried for as long as a start may
   * take. What is beyond that counts as fitting until it is needed.
   */
  fit(sessions: number): number {
    const cells = this.#cells;
    const wanted = Math.min(sessions * PER_SESSION + cells[RESERVED]!, MOST_AT_START);
    if (cells[CAPACITY]! < wanted) this.#look(wanted);
    return cells[CAPACITY]! < wanted ? Math.min(this.sessions, sessions) : sessions;
  }

  /**
   * Finds out once for so many sessions, and believes it from then on: whoever tries in one thread
   * how many there are takes them from all others for some milliseconds.
   */
  settle(sessions: number): void {
    const cells = this.#cells;
    this.fit(sessions);
    if (cells[LIMITED] === 1) Atomics.store(cells, FIRM, cells[CAPACITY]!);
  }

  /**
   * How many descriptors are missing for what has to be there at the least.
   *
   * @param options.threads How many threads there are to be beside the first.
   */
  missing(options: { listeners: number; threads?: number; admin?: boolean }): number {
    const { listeners, threads = 0, admin = false } = options;
    const needed = this.#cells[RESERVED]! + (listeners + threads) * (PER_LISTENER + 1) +
      threads * (FOR_THREAD + this.probes.size) + (admin ? this.admin.size + 1 : 0);
    return needed - this.#countFree(needed);
  }

  /** Whether so many more can be taken, after a look for more than is known if need be. */
  #fits(number: number): boolean {
    const cells = this.#cells;
    const room = () => cells[TAKEN]! + cells[RESERVED]! + number <= cells[CAPACITY]!;
    if (room()) return true;
    const step = Math.min(Math.max(cells[CAPACITY]!, FIRST_STEP), LAST_STEP);
    const firm = cells[FIRM]! || Infinity;
    if (cells[LIMITED] === 1) {
      if (cells[CAPACITY]! >= firm || this.#sinceLook < RETRY_MS) return false;
      // What sessions have taken and not opened has to be tried as well: not while that is much.
      this.#publish("count");
      if (cells[UNOPENED]! > LAST_STEP) return false;
    }
    const known = Math.max(cells[CAPACITY]!, cells[TAKEN]! + cells[RESERVED]!);
    this.#look(Math.min(known + step, firm));
    return room();
  }

  /** Finds out whether there are so many, those in use included. */
  #look(wanted: number): void {
    const cells = this.#cells;
    // Two threads that look at once would each take the other's for used.
    if (Atomics.compareExchange(cells, LOOKING, 0, 1) !== 0) return;
    const opened = this.#opened;
    const needed = Math.max(wanted - opened, 0);
    const free = this.#countFree(needed);
    Atomics.store(cells, CAPACITY, opened + free);
    Atomics.store(cells, LIMITED, free < needed ? 1 : 0);
    Atomics.store(cells, LOOKED_AT, this.#now() % 2 ** 31);
    Atomics.store(cells, LOOKING, 0);
  }

  /** Descriptors that are open and counted. */
  get #opened(): number {
    const cells = this.#cells;
    this.#publish("count");
    return cells[TAKEN]! - cells[UNOPENED]! + cells[USED]!;
  }

  /** Milliseconds since somebody looked; very long if nobody has, or the clock was set. */
  get #sinceLook(): number {
    const since = this.#now() % 2 ** 31 - this.#cells[LOOKED_AT]!;
    return since < 0 ? Infinity : since;
  }

  /** Tells the other threads how many descriptors this one has not opened yet. */
  #publish(how: keyof Unopened): void {
    let unopened = 0;
    for (const listener of this.#listeners) unopened += listener[how]();
    this.#add(UNOPENED, unopened - this.#cells[this.#slot + UNOPENED]!);
  }

  #reserve(number: number): Release {
    this.#add(RESERVED, number);
    return once(() => this.#add(RESERVED, -number));
  }

  #add(field: number, number: number): void {
    this.#cells[this.#slot + field]! += number;
    Atomics.add(this.#cells, field, number);
  }

  #wake(): void {
    for (let number = this.#waiters.size; number > 0; number--) this.#waiters.serve();
  }
}

function once(release: () => void): Release {
  let released = false;
  return () => {
    if (released) return;
    released = true;
    release();
  };
}
