/**
 * Whose turn it is of some classes with different shares: stride scheduling (Waldspurger and Weihl,
 * 1995). Each class has a pass, which grows by its stride, the inverse of its share, when it is served;
 * the least pass is next. Between equals the first class is.
 *
 * Who has nothing to be served for a while saves up nothing: its pass is at least that of the class
 * that was served last. So what one does not use goes to the others by their shares, and one that has
 * had nothing is served at once.
 */
export class Stride {
  readonly #strides: readonly number[];
  readonly #passes: number[];
  /** The pass of the class that was served last. */
  #now = 0;

  /** @param shares Of each class, greater than 0; they divide each other, so that nothing is rounded. */
  constructor(shares: readonly number[]) {
    const most = Math.max(...shares);
    this.#strides = shares.map((share) => most / share);
    this.#passes = shares.map(() => 0);
  }

  /** The class that is next of those that have something; `undefined` if none has. */
  next(has: (index: number) => boolean): number | undefined {
    let next: number | undefined;
    for (let index = 0; index < this.#passes.length; index++) {
      if (!has(index)) continue;
      if (next === undefined || this.#passOf(index) < this.#passOf(next)) next = index;
    }
    return next;
  }

  /** A class was served. */
  serve(index: number): void {
    this.#now = this.#passOf(index);
    this.#passes[index] = this.#now + this.#strides[index]!;
  }

  #passOf(index: number): number {
    return Math.max(this.#passes[index]!, this.#now);
  }
}
