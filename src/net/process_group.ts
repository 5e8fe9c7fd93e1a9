import { waitAtMost } from "../async/wait_at_most.ts";
import { every, type Timer } from "../base/timer.ts";

/** How often it is looked whether the rest of a group that is to end is gone, in milliseconds. */
const LOOK_MS = 20;

/**
 * How often it is looked whether the rest of a group is there whose first process has ended, in
 * milliseconds: its number may be somebody else's as soon as it is not.
 */
const WATCH_MS = 1000;

/** How long it is waited for a process that was killed: one in the kernel's hands may not end. */
const KILLED_MS = 1000;

/** The first process of a group, which has the group's number. */
export type GroupLeader = Pick<Deno.ChildProcess, "pid" | "status">;

/** Times that a group has to come to its end, in milliseconds. */
export interface EndingTimes {
  /** To end by itself, before it is told to. */
  readonly patience: number;
  /** To end after SIGTERM, before SIGKILL. */
  readonly grace: number;
}

/**
 * A process that was started in a session of the system's of its own, with all that it has started and
 * that has not left its group.
 */
export class ProcessGroup {
  readonly #pid: number;
  /** Resolves when the first process has ended. */
  readonly #ended: Promise<void>;
  /** Whether nothing is left of it: its number may be somebody else's from now on. */
  #gone = false;
  /** Whether the first process has ended. */
  #orphaned = false;
  /** Notices when the rest of it is gone. */
  #watch: Timer | undefined;
  /** Resolves when it is to be killed at once. */
  readonly #hurry = Promise.withResolvers<void>();
  #hurried = false;

  constructor({ pid, status }: GroupLeader) {
    this.#pid = pid;
    this.#ended = status.then(() => {
      this.#orphaned = true;
      if (this.#lives()) this.#watch = every(WATCH_MS, () => void this.#lives());
    });
  }

  /**
   * Resolves when nothing is left of it: by itself, after SIGTERM, or after SIGKILL.
   *
   * @returns Whether the first process has ended: a signal does not reach one that runs as somebody
   * else, and the kernel may hold one.
   */
  async end({ patience, grace }: EndingTimes): Promise<boolean> {
    if (!await this.#isGoneWithin(patience)) {
      if (!this.#hurried) this.#signal("SIGTERM");
      if (!await this.#isGoneWithin(grace)) {
        this.#signal("SIGKILL");
        await waitAtMost(KILLED_MS, this.#ended);
      }
    }
    this.#watch?.stop();
    return this.#orphaned;
  }

  /** Has {@linkcode end} kill it without further ado. */
  hurry(): void {
    this.#hurried = true;
    this.#hurry.resolve();
  }

  /** Kills it, and waits for nothing: for the end of the program. */
  kill(): void {
    this.#signal("SIGKILL");
  }

  /** Whether nothing is left of it after so many milliseconds, or when it has to hurry. */
  async #isGoneWithin(ms: number): Promise<boolean> {
    const until = performance.now() + ms;
    const early = this.#hurry.promise;
    await waitAtMost(ms, Promise.race([this.#ended, early]));
    while (this.#orphaned && this.#lives() && !this.#hurried && performance.now() < until) {
      await waitAtMost(LOOK_MS, early);
    }
    return this.#gone;
  }

  /** Whether something is left of it. */
  #lives(): boolean {
    return this.#signal(NO_SIGNAL);
  }

  /** Sends a signal to all that is left; returns whether something is. */
  #signal(signal: Deno.Signal): boolean {
    if (this.#gone) return false;
    // A process of this number after the first has ended: nothing was left, and it was used again.
    const isForeign = this.#orphaned && reaches(this.#pid, NO_SIGNAL);
    if (!isForeign && reaches(-this.#pid, signal)) return true;
    this.#gone = true;
    this.#watch?.stop();
    return false;
  }
}

/** It is none, but says whether one could be sent; the types do not know it. */
const NO_SIGNAL = 0 as unknown as Deno.Signal;

/** Sends a signal to a process or group; returns whether it is there. */
function reaches(pid: number, signal: Deno.Signal): boolean {
  try {
    Deno.kill(pid, signal);
    return true;
  } catch (error) {
    // Those that run as somebody else are there.
    return error instanceof Deno.errors.PermissionDenied;
  }
}
