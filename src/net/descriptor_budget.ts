import type { BudgetShare, SharedCounts } from "../async/shared_counts.ts";
import { type CapacityOptions, DescriptorCapacity, type Unopened } from "./descriptor_capacity.ts";
import { every, type Timer } from "../base/timer.ts";
import { WaitList } from "../async/wait_list.ts";

/** Descriptors of one session: its client's and its destination's. */
export const PER_SESSION = 2;

/** Those of a process of this program's own: two pipes, and the process itself. */
export const PER_PROCESS = 3;

/** Those of a program behind the queue: three pipes, and the process itself. */
export const PER_PROGRAM = 4;

/** Clients of UDP have none of their own. */
export const PER_UDP_SESSION = 1;

/** Both ends of the connection inside this program over which TLS of a client goes. */
export const PER_TLS = 2;

/** Kept free for all that is not counted: look-ups, log files, modules, the runtime's own. */
const UNCOUNTED = 12;

/** Kept free for each listener at the least: it may always have one session, whatever the others have. */
const PER_LISTENER = PER_SESSION;

/** Kept free for probes and checks of destinations, for their agents, and for the admin API. */
const FOR_PROBES = 3;
const FOR_AGENTS = 1;
const FOR_ADMIN = 4;

/** What the runtime opens for a thread, and while that loads; without them it ends the program. */
const FOR_THREAD = 12;

/** How often those who wait look again: what is free elsewhere tells nobody. In milliseconds. */
const LOOK_AGAIN_MS = 100;

/** Gives back what was claimed; a second call does nothing. */
export type Release = () => void;

/**
 * So many times as much as probes or agents have is left to the others: a thousand of them that are
 * silent must not have what sessions need.
 */
const LEFT_TO_OTHERS = 3;

/** More than that need not be free: it would have to be tried. */
const MOST_LEFT = 1000;

/** Who may have so many descriptors even if sessions have all others, and some of these. */
export interface Allowance {
  readonly size: number;
  /** For each one in use that all could have had, in each thread, so many more have to be free. */
  readonly leaves: number;
  /** How many of the allowance are in use. */
  used: number;
  /** How many others are in use. */
  shared: number;
}

/**
 * The descriptors of this process, for all that want some: sessions of all listeners and threads,
 * connections of the admin API, probes.
 *
 * Accepting a client for whom no descriptor is left to connect with would be a promise that cannot
 * be kept, and enough of them would hold each other up for ever. So a session takes both of its
 * descriptors when it is accepted.
 */
export class DescriptorBudget {
  readonly probes: Allowance = { size: FOR_PROBES, leaves: LEFT_TO_OTHERS, used: 0, shared: 0 };
  /** Apart from probes, so that slow agents hold up none. */
  readonly agents: Allowance = { size: FOR_AGENTS, leaves: LEFT_TO_OTHERS, used: 0, shared: 0 };
  /** Clients that are turned away have none of their own: where there are none, they are just closed. */
  readonly farewells: Allowance = { size: 0, leaves: 0, used: 0, shared: 0 };
  readonly admin: Allowance = { size: FOR_ADMIN, leaves: 0, used: 0, shared: 0 };
  /** How many there are. */
  readonly #capacity: DescriptorCapacity;
  /** How many of these are taken, of all threads. */
  readonly #counts: SharedCounts;
  /** Who waits for a descriptor. */
  readonly #waiters = new WaitList<void>();
  /** Makes them look again. */
  #timer: Timer | undefined;

  constructor(options: CapacityOptions = {}) {
    this.#capacity = new DescriptorCapacity(options);
    this.#counts = this.#capacity.counts;
    this.#counts.add("reserved", FOR_PROBES + FOR_AGENTS + (options.share ? 0 : UNCOUNTED));
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

  /** Keeps some free for connections that nobody has accepted yet, as long as sessions have as many. */
  reserveAhead(number: number): Release {
    return this.#reserve(number > 0 ? Math.min(number, this.fit(number) - 1) : 0);
  }

  /** A listener begins whose sessions take so many each. */
  join(unopened: Unopened, perSession = PER_LISTENER): Release {
    const release = this.#reserve(perSession);
    this.#capacity.listeners.add(unopened);
    return () => {
      this.#capacity.listeners.delete(unopened);
      release();
    };
  }

  /** Whether there is room for one more session. */
  get open(): boolean {
    return this.hasRoom(PER_SESSION);
  }

  /** Whether there is room for a session that takes so many. */
  hasRoom(number: number): boolean {
    return this.#capacity.fits(number);
  }

  /** Whether the limit has been met: there is no room for more than {@linkcode sessions}. */
  get limited(): boolean {
    return this.#capacity.limited;
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
  enter(number = PER_SESSION): void {
    this.#counts.add("taken", number);
    if (this.#counts.threads > 0) this.#capacity.publish("estimate");
  }

  /** A session has ended, and its descriptors are closed. */
  leave(number = PER_SESSION): void {
    this.#counts.add("taken", -number);
    if (this.#counts.threads > 0) this.#capacity.publish("estimate");
    if (this.#waiters.size > 0) this.#waiters.serve();
  }

  /**
   * Takes the descriptors of a process that waits for a session; `undefined` if sessions need what is
   * left: there has to be room for one more of them beside it.
   */
  claimProcess(): Release | undefined {
    if (!this.#capacity.fits(PER_PROCESS + 1 + PER_PROCESS)) return undefined;
    this.#counts.add("taken", PER_PROCESS);
    return once(() => {
      this.#counts.add("taken", -PER_PROCESS);
      this.#wake();
    });
  }

  /** Takes one descriptor, from an allowance if the others need what is left; `undefined` if there is none. */
  claim(allowance: Allowance): Release | undefined {
    const threads = Math.max(1, this.#counts.threads);
    const left = Math.min(MOST_LEFT, allowance.leaves * (allowance.shared + 1) * threads);
    if (this.#capacity.fits(1 + left)) {
      allowance.shared++;
      this.#counts.add("taken", 1);
      return once(() => {
        allowance.shared--;
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
    this.#capacity.noteShortage();
  }

  /** How many of so many sessions fit, those of today included, as far as can be tried now. */
  fit(sessions: number): number {
    const all = sessions * PER_SESSION + this.#counts.sum("reserved");
    return this.#capacity.find(all) ? sessions : Math.min(this.sessions, sessions);
  }

  /** Finds out once for so many sessions, and believes it from then on. */
  fixFor(sessions: number): void {
    this.fit(sessions);
    this.#capacity.fix();
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
    return needed - this.#capacity.countFree(needed);
  }

  /** How many descriptors are missing to start so many threads that serve. */
  missingForThreads(threads: number): number {
    const needed = threads * this.#perThread;
    return needed - this.#capacity.countFree(needed);
  }

  /** Whether a thread can be started at all, whatever it has to share with the others then. */
  get threadFits(): boolean {
    return this.#capacity.countFree(FOR_THREAD) === FOR_THREAD;
  }

  get #perThread(): number {
    return FOR_THREAD + FOR_PROBES + FOR_AGENTS + PER_LISTENER + 1;
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
