import { isFull, rate, type Sample } from "./sample.ts";

/** A rate that differs by so much is another server's after some time (a natural logarithm). */
const DIFFERENT = 0.3;
/** How many standard errors it has to be, too. */
const CERTAIN = 3;
/** Measurements in a row that have to be so different. */
const ENOUGH = 4;
/** One that differs by so much, more than three times, is another server's soon. */
const FAR = 1.2;
const FAR_CERTAIN = 4;
/** Fewest of these in a row, and their milliseconds: what happens once, or for a moment, is chance. */
const FAR_ENOUGH = 2;
const FAR_MS = 500;
/** How many times as far as usual it has to be: a server that varies is the same one. */
const FAR_SPREAD = 5;
/** Share of the latest measurement in what is usual, and in how much measurements differ from that. */
const NEWEST = 0.1;
const NEWEST_SPREAD = 0.05;

/** What a server finishes with the slots that it has, and whether it has become another server. */
export class Usual {
  /** Sessions per millisecond in the long run. */
  #rate: number | undefined;
  /** Measurements in a row that are different. */
  #different = 0;
  /** Those in a row that are far from it, and how long they took in milliseconds. */
  #far = 0;
  #farMs = 0;
  /** Mean square of the differences from it. */
  #square = 0.04;

  /** Begins anew, with other slots. */
  reset(sample: Sample): void {
    this.#begin(isFull(sample) ? rate(sample) : undefined);
  }

  /** Whether the latest measurement was so far from it that the next one has to say what that was. */
  get isDoubtful(): boolean {
    return this.#far > 0;
  }

  /** Whether what was measured so far is that of a far slower server. */
  isFarLess(sample: Sample, error: number): boolean {
    if (this.#rate === undefined || !isFull(sample)) return false;
    return Math.log(this.#rate / rate(sample)) > this.#farFrom(error);
  }

  /**
   * A further measurement.
   *
   * @param error The standard error of the logarithm of its rate.
   * @returns What the server has become, if it is another one.
   */
  note(sample: Sample, error: number): "slower" | "faster" | undefined {
    // What comes has changed then, maybe, and not the server.
    if (!isFull(sample)) return undefined;
    const present = rate(sample);
    const usual = this.#rate ??= present;
    const difference = Math.abs(Math.log(present / usual));
    const isFar = difference > this.#farFrom(error);
    if (isFar) {
      this.#far++;
      this.#farMs += sample.wall;
    } else {
      this.#far = this.#farMs = 0;
      this.#square += (difference ** 2 - this.#square) * NEWEST_SPREAD;
    }
    if (difference > Math.max(DIFFERENT, CERTAIN * error)) this.#different++;
    else {
      this.#different = 0;
      this.#rate = usual + (present - usual) * NEWEST;
    }
    const soon = this.#far >= FAR_ENOUGH && this.#farMs >= FAR_MS;
    if (this.#different < ENOUGH && !soon) return undefined;
    this.#begin(present);
    return present < usual ? "slower" : "faster";
  }

  /** The difference from which on it is far. */
  #farFrom(error: number): number {
    return Math.max(FAR, FAR_CERTAIN * error, FAR_SPREAD * Math.sqrt(this.#square));
  }

  #begin(rate: number | undefined): void {
    this.#rate = rate;
    this.#different = this.#far = this.#farMs = 0;
  }
}
