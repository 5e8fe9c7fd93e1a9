import { LinkedList, type ListNode } from "./linked_list.ts";

/** What a {@linkcode Ranking} notes of a value, 0 and nothing at first; nobody else changes it. */
export interface Ranked<T> {
  rank: number;
  /** Where it stands among those of its rank, once it has had one. */
  ranked: ListNode<T> | undefined;
}

/**
 * Values by a number that goes up and down by one, and which of them has the greatest: in constant
 * time. Takes memory in the number of values and the greatest rank.
 */
export class Ranking<T extends Ranked<T>> {
  /** The values of each rank, of which the last one is not empty; rank 0 is that of all others. */
  readonly #byRank: LinkedList<T>[] = [];
  /** How many values have at least each rank, from 1 on. */
  readonly #atLeast: number[] = [0];

  /** The greatest rank; 0 if there is none. */
  get most(): number {
    return Math.max(this.#byRank.length - 1, 0);
  }

  /** The value that has had the greatest rank for longest. */
  get first(): T | undefined {
    return this.#byRank.at(-1)?.first;
  }

  /** The sum of the ranks, of which none counts more than so much. Takes time in that number. */
  sumUpTo(rank: number): number {
    let sum = 0;
    for (let least = 1; least <= Math.min(rank, this.most); least++) sum += this.#atLeast[least]!;
    return sum;
  }

  up(value: T): void {
    this.#leave(value);
    value.rank++;
    this.#atLeast[value.rank] = (this.#atLeast[value.rank] ?? 0) + 1;
    this.#enter(value);
  }

  down(value: T): void {
    this.#leave(value);
    this.#atLeast[value.rank]!--;
    value.rank--;
    if (value.rank > 0) this.#enter(value);
    while (this.#byRank.length > 0 && this.#byRank.at(-1)!.size === 0) this.#byRank.pop();
  }

  #leave(value: T): void {
    if (value.rank > 0) this.#byRank[value.rank]!.remove(value.ranked!);
  }

  #enter(value: T): void {
    while (this.#byRank.length <= value.rank) this.#byRank.push(new LinkedList());
    value.ranked ??= { value, previous: undefined, next: undefined };
    this.#byRank[value.rank]!.append(value.ranked);
  }
}
