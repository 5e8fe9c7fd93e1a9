/**
 * Things with weights, of which one can be drawn in proportion to them: a Fenwick tree, in which a
 * change and a draw take time in the logarithm of the number of things.
 *
 * Weights are multiples of a power of two, so that their sums are exact.
 */
export class WeightTree<T> implements Iterable<readonly [thing: T, weight: number]> {
  /** The thing at each place, from 0; `undefined` where one was removed. */
  readonly #things: (T | undefined)[] = [];
  readonly #weights: number[] = [];
  /** The sums, from 1: that at `i` is of as many weights up to `i` as its lowest bit says. */
  readonly #sums: number[] = [0];
  /** Where each thing is. */
  readonly #places = new Map<T, number>();
  /** Places that are free again. */
  readonly #free: number[] = [];
  #total = 0;

  /** The sum of all weights. */
  get total(): number {
    return this.#total;
  }

  /** Adds a thing of the weight 0. */
  add(thing: T): void {
    let place = this.#free.pop();
    if (place === undefined) {
      place = this.#things.length;
      this.#weights.push(0);
      this.#sums.push(this.#sumBefore(place) - this.#sumBefore(beginOf(place + 1)));
    }
    this.#things[place] = thing;
    this.#places.set(thing, place);
  }

  /** Removes a thing, if it is there. */
  remove(thing: T): void {
    const place = this.#places.get(thing);
    if (place === undefined) return;
    this.set(thing, 0);
    this.#places.delete(thing);
    this.#things[place] = undefined;
    this.#free.push(place);
  }

  /** The weight of a thing, 0 if it is not there. */
  weightOf(thing: T): number {
    const place = this.#places.get(thing);
    return place === undefined ? 0 : this.#weights[place]!;
  }

  /** Gives a thing another weight, if it is there. */
  set(thing: T, weight: number): void {
    const place = this.#places.get(thing);
    if (place === undefined) return;
    const change = weight - this.#weights[place]!;
    if (change === 0) return;
    this.#weights[place] = weight;
    this.#total += change;
    for (let i = place + 1; i < this.#sums.length; i += i & -i) this.#sums[i]! += change;
  }

  /** The thing at which the sum of the weights exceeds a number; `undefined` beyond the total. */
  at(sum: number): T | undefined {
    if (!(sum < this.#total)) return undefined;
    let place = 0;
    for (let step = 2 ** Math.floor(Math.log2(this.#sums.length)); step >= 1; step /= 2) {
      const part = this.#sums[place + step];
      if (part === undefined || part > sum) continue;
      place += step;
      sum -= part;
    }
    return this.#things[place];
  }

  /** All things with their weights. */
  *[Symbol.iterator](): IterableIterator<readonly [thing: T, weight: number]> {
    for (const [thing, place] of this.#places) yield [thing, this.#weights[place]!];
  }

  /** The sum of the weights at places before one. */
  #sumBefore(place: number): number {
    let sum = 0;
    for (let i = place; i > 0; i -= i & -i) sum += this.#sums[i]!;
    return sum;
  }
}

/** How many places stand before those that a sum is of. */
function beginOf(i: number): number {
  return i - (i & -i);
}
