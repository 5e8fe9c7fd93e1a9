/**
 * Whose turn it is of some classes with different shares: stride scheduling (Waldspurger and Weihl,
 * 1995) with the clock of self-clocked fair queueing (Golestani, 1994). Each class has a tag, which
 * grows by its stride, the inverse of its share, when it is served. The least tag is next; between equals
 * the first class is. The clock shows the tag that was served last.
 *
 * Nothing is saved up: a class of which something waits again, or could not be served for a while,
 * goes on from the clock. So what one does not use goes to the others by their shares.
 */
export class Stride {
  readonly #strides: readonly number[];
  /** The tag of each class, for as long as something of it waits. */
  readonly #tags: number[];
  /** How much of each class waits. */
  readonly #waiting: number[];
  /** The tag that was served last. */
  #clock = 0;

  /** @param shares Of each class, greater than 0; they divide each other, so that nothing is rounded. */
  constructor(shares: readonly number[]) {
    const most = Math.max(...shares);
    this.#strides = shares.map((share) => most / share);
    this.#tags = shares.map(() => 0);
    this.#waiting = shares.map(() => 0);
  }

  /** One more of a class waits. */
  enter(index: number): void {
    if (this.#waiting[index]!++ > 0) return;
    this.#tags[index] = Math.max(this.#tags[index]!, this.#clock + this.#strides[index]!);
  }

  /** One of a class waits no more, be it served or not. */
  leave(index: number): void {
    this.#waiting[index]!--;
  }

  /** A class is served. */
  serve(index: number): void {
    this.#clock = this.#tagOf(index);
    this.#tags[index] = this.#clock + this.#strides[index]!;
  }

  /** The class that is next of those that may be; `undefined` if none may. */
  next(may: (index: number) => boolean): number | undefined {
    let next: number | undefined;
    for (let index = 0; index < this.#tags.length; index++) {
      if (!may(index)) continue;
      if (next === undefined || this.#tagOf(index) < this.#tagOf(next)) next = index;
    }
    return next;
  }

  #tagOf(index: number): number {
    return Math.max(this.#tags[index]!, this.#clock);
  }
}
