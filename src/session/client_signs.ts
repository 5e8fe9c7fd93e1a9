import type { Clock } from "../base/clock.ts";

/**
 * A client that finishes sending after a silence of this part of its time has given up; one that does so
 * together with its request waits for the answer. A silence that is shorter than this, in milliseconds,
 * may be the network's.
 */
const SILENT_SHARE = 0.5;
const LEAST_SILENCE_MS = 20;

/** What a client has done while it waits for an answer, by which it can be seen leaving. */
export class ClientSigns {
  /** When its latest byte was read ahead. */
  heardAt: number | undefined;
  /** When it finished sending. */
  finishedAt: number | undefined;
  /** Whether it was seen giving up, though it may still read. */
  gaveUp = false;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  heard(): void {
    this.heardAt = this.#clock();
  }

  finished(): void {
    this.finishedAt = this.#clock();
  }

  /** Whether it has finished sending so late after its last byte that it has given up. */
  isSilent(acceptedAt: number): boolean {
    if (this.finishedAt === undefined) return false;
    const silence = this.finishedAt - (this.heardAt ?? acceptedAt);
    return silence >= LEAST_SILENCE_MS &&
      silence >= (this.finishedAt - acceptedAt) * SILENT_SHARE;
  }
}
