/** So many of those who were served late are looked at, the latest ones. */
const LATEST = 16;

/** So many of these have to have left: if the patience seen is true, about a quarter has. */
const LEAST_VAIN = 3;

/** Who was served late, and when. */
interface Served {
  readonly at: number;
  /** After how many milliseconds its client had left; absent if it was there for the answer. */
  readonly left: number | undefined;
}

/**
 * Whether servers work in vain: whether those that are served late, by the patience that was seen, have
 * left indeed.
 *
 * Anybody can come and leave, as often as he likes, and look like a client that has lost patience. A
 * server works for him only if he stays until it is his turn, and for three of sixteen that are served
 * late he has to have its time while others wait for it.
 */
export class Proof {
  readonly #served: Served[] = [];
  #age = 0;
  #at = -Infinity;

  /** The age at which those had left for whom the servers worked in vain: three quarters left later. */
  get age(): number {
    return this.#age;
  }

  /** Whether it was seen within so many milliseconds. */
  holds(now: number, within: number): boolean {
    return now - this.#at <= within;
  }

  /** One was served late; what is older than so many milliseconds counts no more. */
  note(served: Served, within: number): void {
    const since = served.at - within;
    this.#served.push(served);
    while (this.#served.length > LATEST || this.#served[0]!.at < since) this.#served.shift();
    if (served.left === undefined) return;
    const ages = this.#served.flatMap(({ left }) => left ?? []);
    if (ages.length < LEAST_VAIN) return;
    this.#age = ages.sort((a, b) => a - b)[Math.floor(ages.length / 4)]!;
    this.#at = served.at;
  }

  /** It is the same overload still. */
  renew(now: number): void {
    this.#at = now;
  }
}
