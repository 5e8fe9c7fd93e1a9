import { countFree } from "./free_descriptors.ts";
import { type BudgetShare, SharedCounts } from "../async/shared_counts.ts";
import { every, type Timer } from "../base/timer.ts";
import { WaitList } from "../async/wait_list.ts";

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
  readonly #counts: SharedCounts;
  readonly #countFree: (wanted: number) => number;
  readonly #now: () => number;
  readonly #listeners = new Set<Unopened>();
  readonly #waiters = new WaitList<void>();
  #timer: Timer | undefined;

  constructor(options: BudgetOptions = {}) {
    this.#counts = new SharedCounts(options.share);
    this.#countFree = options.countFree ?? countFree;
    this.#now = options.now ?? Date.now;
    this.#counts.add("reserved", this.probes.size + (options.share ? 0 : UNCOUNTED));
  }

  /** A part for a further thread, which {@linkcode reclaim} ends; `undefined` if there are too many. */
  lend(): BudgetShare | undefined {
    return this.#counts.lend();
  }

  /** A thread is gone, and with it all that it had. */
  reclaim(share: BudgetShare): void {
    this.#counts.reclaim(share);
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
    return this.#counts.get("limited") === 1;
  }

  /** How many sessions fit at a time, as far as is known. */
  get sessions(): number {
    const room = this.#counts.get("capacity") - this.#counts.sum("reserved");
    return Math.max(1, Math.floor(room / PER_SESSION));
  }

  /** Whether nobody in this process has told of the limit; from now on somebody has. */
  tellOnce(): boolean {
    return this.#counts.tellOnce();
  }

  /** A session begins, whether there is room or not. */
  enter(): void {
    this.#counts.add("taken", PER_SESSION);
    if (this.#counts.threads > 0) this.#publish("estimate");
  }

  /** A session has ended, and its descriptors are closed. */
  leave(): void {
    this.#counts.add("taken", -PER_SESSION);
    if (this.#counts.threads > 0) this.#publish("estimate");
    if (this.#waiters.size > 0) this.#waiters.serve();
  }

  /** Takes one descriptor, from an allowance if there is no other; `undefined` if there is none. */
  claim(allowance: Allowance): Release | undefined {
    if (this.#fits(1)) {
      this.#counts.add("taken", 1);
      return once(() => {
        this.#counts.add("taken", -1);
        this.#wake();
      });
    }
    if (allowance.used >= allowance.size) return undefined;
    allowance.used++;
    this.#counts.add("used", 1);
    return once(() => {
      allowance.used--;
      this.#counts.add("used", -1);
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

  /**
   * How many descriptors are missing for what has to be there at the least.
   *
   * @param options.threads How many threads there are to be beside the first.
   */
  missing(options: { listeners: number; threads: number; admin: boolean }): number {
    const { listeners, threads, admin } = options;
    const needed = this.#counts.sum("reserved") + listeners * (PER_LISTENER + 1) +
      threads * this.#perThread + (admin ? this.admin.size + 1 : 0);
    return needed - this.#countFree(needed);
  }

  /** How many descriptors are missing to start so many threads that serve. */
  missingForThreads(threads: number): number {
    const needed = threads * this.#perThread;
    return needed - this.#countFree(needed);
  }

  /** Whether a thread can be started at all, whatever it has to share with the others then. */
  get threadFits(): boolean {
    return this.#countFree(FOR_THREAD) === FOR_THREAD;
  }

  get #perThread(): number {
    return FOR_THREAD + this.probes.size + PER_LISTENER + 1;
  }

  /** Whether so many more can be taken, after a look for more than is known if need be. */
  #fits(number: number): boolean {
    const counts = this.#counts;
    const room = () =>
      counts.sum("taken") + counts.sum("reserved") + number <= counts.get("capacity");
    if (room()) return true;
    const step = Math.min(Math.max(counts.get("capacity"), FIRST_STEP), LAST_STEP);
    const firm = counts.get("firm") || Infinity;
    if (counts.get("limited") === 1) {
      if (counts.get("capacity") >= firm || this.#sinceLook < RETRY_MS) return false;
      // What sessions have taken and not opened has to be tried as well: not while that is much.
      this.#publish("count");
      if (counts.sum("unopened") > LAST_STEP) return false;
    }
    const known = Math.max(counts.get("capacity"), counts.sum("taken") + counts.sum("reserved"));
    this.#look(Math.min(known + step, firm));
    return room();
  }

  /** Finds out whether there are so many, those in use included. */
  #look(wanted: number): void {
    const counts = this.#counts;
    // Two threads that look at once would each take the other's for used.
    counts.alone(() => {
      const opened = this.#opened;
      const needed = Math.max(wanted - opened, 0);
      const free = this.#countFree(needed);
      counts.set("capacity", opened + free);
      counts.set("limited", free < needed ? 1 : 0);
      counts.set("lookedAt", this.#now() % 2 ** 31);
    });
  }

  /** Descriptors that are open and counted. */
  get #opened(): number {
    const counts = this.#counts;
    this.#publish("count");
    return counts.sum("taken") - counts.sum("unopened") + counts.sum("used");
  }

  /** Milliseconds since somebody looked; very long if nobody has, or the clock was set. */
  get #sinceLook(): number {
    const since = this.#now() % 2 ** 31 - this.#counts.get("lookedAt");
    return since < 0 ? Infinity : since;
  }

  /** Tells the other threads how many descriptors this one has not opened yet. */
  #publish(how: keyof Unopened): void {
    let unopened = 0;
    for (const listener of this.#listeners) unopened += listener[how]();
    this.#counts.add("unopened", unopened - this.#counts.own("unopened"));
  }

  #reserve(number: number): Release {
    this.#counts.add("reserved", number);
    return once(() => this.#counts.add("reserved", -number));
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
