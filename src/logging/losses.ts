import { monotonic } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { after, type Timer } from "../base/timer.ts";

/** How often it is said at most that something has changed, and that it has not, in milliseconds. */
const AGAIN_MS = { changed: 1000, unchanged: 60_000 };

/** What is known of the lines that a log has lost. */
export interface Loss {
  /** Whether lines are being lost. */
  readonly losing: boolean;
  /** Lines that are lost since it began. */
  readonly lines: number;
  /** Why, in words. */
  readonly problem: string;
}

/**
 * Counts the lines that a log has lost, and says so while it happens: at once when it begins, each
 * minute while it goes on, and once when it is over, but not more often than each second.
 */
export class Losses {
  /** Lines lost since the start. */
  total = 0;
  /** Says what is known. */
  readonly #tell: (loss: Loss) => void;
  /** Whether lines are being lost. */
  #losing = false;
  /** Why the latest were lost. */
  #problem = "";
  /** The lines that were lost before it began. */
  #before = 0;
  /** What was said last, and when. */
  #told = { at: -Infinity, losing: false, total: 0 };
  /** Runs until something may be said again. */
  #timer: Timer | undefined;
  /** Whether only the end is said. */
  #held = false;

  /** @param tell Says it; may lose a line by that. */
  constructor(tell: (loss: Loss) => void) {
    this.#tell = tell;
  }

  /** Lines were lost. */
  note(lines: number, error: unknown): void {
    this.total += lines;
    this.#problem = messageOf(error);
    this.#losing = true;
    this.#schedule();
  }

  /** Lines were lost, which somebody else tells. */
  count(lines: number): void {
    this.total += lines;
    this.#before += lines;
    this.#told.total += lines;
  }

  /** Lines were written. */
  written(): void {
    if (!this.#losing) return;
    this.#losing = false;
    this.#schedule();
  }

  /** From now on only {@linkcode close} says anything. */
  hold(): void {
    this.#held = true;
    this.#timer?.stop();
  }

  /** Says what was not said yet; nothing is written any more. */
  close(): void {
    this.#timer?.stop();
    if (this.total > this.#told.total) this.#say();
    this.#timer?.stop();
  }

  #schedule(): void {
    if (this.#held) return;
    this.#timer?.stop();
    const news = !this.#losing && this.total > this.#told.total;
    const changed = news || this.#losing !== this.#told.losing;
    if (!changed && !this.#losing) return;
    const due = this.#told.at + (changed ? AGAIN_MS.changed : AGAIN_MS.unchanged);
    const wait = due - monotonic();
    if (wait <= 0) this.#say();
    else this.#timer = after(wait, () => this.#say());
  }

  #say(): void {
    const lines = this.total - this.#before;
    this.#told = { at: monotonic(), losing: this.#losing, total: this.total };
    if (!this.#losing) this.#before = this.total;
    this.#tell({ losing: this.#losing, lines, problem: this.#problem });
  }
}
