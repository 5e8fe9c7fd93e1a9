/** A pause is over once sessions end in this part of its time each. */
const OVER = 1 / 8;

/** Busy time in which no session ended, in milliseconds. */
export interface Pause {
  readonly ms: number;
  /** The busy time so far when it ended, and how many sessions had been served in it. */
  readonly busyMs: number;
  readonly served: number;
  /** Sessions that had ended by then, whether or not somebody waited. */
  readonly ends: number;
}

/** How far it has come: busy time, and sessions that were served to their end in it. */
interface Progress {
  readonly busyMs: number;
  readonly served: number;
}

/**
 * The longest pauses in which no session ended although somebody waited: whether they are the rule,
 * or an exception that is over.
 */
export class Pauses {
  /** The longest one since the latest {@linkcode take}. */
  longest: Pause | undefined;
  /** Sessions that have ended. */
  #ends = 0;
  /** The busy time when the latest of them ended, and for how long that one had its slot. */
  #busyMs = 0;
  #heldMs = 0;

  /** A session has ended that had its slot for so long, in milliseconds. */
  noteEnd({ busyMs, served }: Progress, heldMs: number): void {
    const ms = busyMs - this.#busyMs;
    this.#busyMs = busyMs;
    this.#heldMs = heldMs;
    this.#ends++;
    if (ms > (this.longest?.ms ?? 0)) this.longest = { ms, busyMs, served, ends: this.#ends };
  }

  /** The longest one since the latest call. */
  take(): Pause | undefined {
    const { longest } = this;
    this.longest = undefined;
    return longest;
  }

  /**
   * The longest one of some, if it is over and no rule: sessions have ended much faster since then.
   *
   * @param now How far it has come by now.
   */
  exception(pauses: readonly (Pause | undefined)[], now: Progress): Pause | undefined {
    let longest: Pause | undefined;
    for (const pause of pauses) if (pause && pause.ms >= (longest?.ms ?? 0)) longest = pause;
    if (!longest || this.#ends === longest.ends) return undefined;
    const short = longest.ms * OVER;
    const served = now.served - longest.served;
    const quick = served > 0 && (now.busyMs - longest.busyMs) / served <= short;
    return quick || this.#heldMs <= short ? longest : undefined;
  }
}
