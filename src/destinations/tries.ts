import { every, type Timer } from "../base/timer.ts";

/** How many first tries may begin together, and how many milliseconds there are between later ones. */
const BURST = 8;
const PAUSE_MS = 5;

/** Most first tries under way at a time. */
const MOST_UNDER_WAY = 64;

/** Who waits to be tried. */
export interface Candidate {
  /** It is its turn; {@linkcode Tries.ended} has to follow. */
  tryNow(): void;
}

/**
 * Lets destinations that are new be tried one after the other: the first ones at once, a thousand of
 * them within some seconds, so that sessions do not notice.
 */
export class Tries {
  readonly #waiting = new Set<Candidate>();
  #underWay = 0;
  /** How many may begin at once; grows again with the time. */
  #left = BURST;
  #timer: Timer | undefined;
  #closed = false;

  /** Adds one, behind those that wait. */
  add(candidate: Candidate): void {
    if (this.#closed) return;
    this.#waiting.add(candidate);
    this.#begin();
  }

  /** Removes one that need not be tried any more. */
  remove(candidate: Candidate): void {
    this.#waiting.delete(candidate);
  }

  /** A try is over. */
  ended(): void {
    this.#underWay--;
    this.#begin();
  }

  /** Nobody is tried any more. */
  close(): void {
    this.#closed = true;
    this.#waiting.clear();
    this.#timer?.stop();
  }

  #begin(): void {
    for (const candidate of this.#waiting) {
      if (this.#left === 0 || this.#underWay >= MOST_UNDER_WAY) break;
      this.#waiting.delete(candidate);
      this.#left--;
      this.#underWay++;
      this.#timer ??= every(PAUSE_MS, () => this.#refill());
      candidate.tryNow();
    }
  }

  #refill(): void {
    this.#left++;
    this.#begin();
    if (this.#left < BURST) return;
    this.#timer?.stop();
    this.#timer = undefined;
  }
}
