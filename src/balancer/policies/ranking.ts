import type { Audience } from "../../async/audience.ts";
import type { Destination } from "../../destinations/destination.ts";

/** A destination and where it stands. */
interface Entry {
  readonly destination: Destination;
  /** What decides between equal loads: the smaller goes first. */
  order: number;
  load: number;
  /** Its index in the heap; -1 while it has no free slot. */
  at: number;
}

/** How a {@linkcode Ranking} compares destinations. */
export interface RankingOptions {
  /** How loaded one is, in whatever unit. */
  loadOf(destination: Destination): number;
  /**
   * Who goes first among equals: the first that was added, or the one whose load has not grown for
   * the longest time, so that each has its turn.
   */
  ties: "order" | "turns";
}

/**
 * The destinations that have a free slot, the least loaded first.
 *
 * A binary heap: a change of one destination costs time in the logarithm of their number. What is
 * compared stands in arrays of numbers, since the entries themselves are all over the memory.
 */
export class Ranking {
  readonly #loadOf: RankingOptions["loadOf"];
  readonly #byTurns: boolean;
  readonly #entries = new Map<object, Entry>();
  /** Those with a free slot: a child is not before its parent. */
  readonly #heap: Entry[] = [];
  /** Their loads. */
  readonly #loads: number[] = [];
  /** Their orders. */
  readonly #orders: number[] = [];
  /** The greatest order that was given. */
  #order = 0;

  constructor({ loadOf, ties }: RankingOptions) {
    this.#loadOf = loadOf;
    this.#byTurns = ties === "turns";
  }

  /** Adds a destination behind all others; it has no free slot yet. */
  add(destination: Destination): void {
    this.#entries.set(destination, { destination, order: ++this.#order, load: 0, at: -1 });
  }

  /** Forgets a destination. */
  remove(destination: Destination): void {
    const entry = this.#entries.get(destination);
    if (entry) this.#unrank(entry);
    this.#entries.delete(destination);
  }

  /** The least loaded one with a free slot, or the least loaded one of an audience. */
  next(audience?: Audience): Destination | undefined {
    const [first] = this.#heap;
    if (!audience || first === undefined) return first?.destination;
    if (audience.only) {
      const entry = this.#entries.get(audience.only);
      return entry && entry.at !== -1 ? entry.destination : undefined;
    }
    return this.#least(audience, 0, undefined)?.destination;
  }

  /** The least loaded one of an audience from there on in the heap, if it is before another one. */
  #least(audience: Audience, at: number, other: Entry | undefined): Entry | undefined {
    const entry = this.#heap[at];
    // What stands below it in the heap is not before it either.
    if (!entry || (other && !this.#isBefore(at, other))) return other;
    if (audience.has(entry.destination)) return entry;
    const least = this.#least(audience, 2 * at + 1, other);
    return this.#least(audience, 2 * at + 2, least);
  }

  /** Ranks a destination by its present load, or not at all if it has no free slot. */
  update(destination: Destination, free: boolean): void {
    const entry = this.#entries.get(destination);
    // One that was removed may still have sessions.
    if (!entry) return;
    const load = this.#loadOf(destination);
    const same = load === entry.load;
    if (this.#byTurns && load > entry.load) entry.order = ++this.#order;
    entry.load = load;
    if (!free) this.#unrank(entry);
    else if (entry.at === -1) this.#settle(entry, this.#heap.length);
    else if (!same) this.#settle(entry, entry.at);
  }

  #unrank(entry: Entry): void {
    const { at } = entry;
    if (at === -1) return;
    const last = this.#heap.pop()!;
    this.#loads.pop();
    this.#orders.pop();
    entry.at = -1;
    if (last !== entry) this.#settle(last, at);
  }

  /** Puts an entry where its load belongs, for which one place is vacant. */
  #settle(entry: Entry, vacant: number): void {
    let at = vacant;
    for (let parent = (at - 1) >> 1; at > 0 && !this.#isBefore(parent, entry);) {
      this.#move(parent, at);
      at = parent;
      parent = (at - 1) >> 1;
    }
    for (let child = this.#childOf(at); child !== -1 && this.#isBefore(child, entry);) {
      this.#move(child, at);
      at = child;
      child = this.#childOf(at);
    }
    this.#place(entry, at);
  }

  /** The place of the smaller one of the children of a place; -1 if there are none. */
  #childOf(at: number): number {
    const left = 2 * at + 1;
    if (left >= this.#heap.length) return -1;
    const right = left + 1;
    if (right === this.#heap.length) return left;
    const one = this.#loads[left]!;
    const other = this.#loads[right]!;
    if (one !== other) return one < other ? left : right;
    return this.#orders[left]! < this.#orders[right]! ? left : right;
  }

  /** Whether the one at a place is before an entry. */
  #isBefore(at: number, { load, order }: Entry): boolean {
    const other = this.#loads[at]!;
    return other < load || (other === load && this.#orders[at]! < order);
  }

  #move(from: number, to: number): void {
    const entry = this.#heap[from]!;
    this.#heap[to] = entry;
    this.#loads[to] = this.#loads[from]!;
    this.#orders[to] = this.#orders[from]!;
    entry.at = to;
  }

  #place(entry: Entry, at: number): void {
    this.#heap[at] = entry;
    this.#loads[at] = entry.load;
    this.#orders[at] = entry.order;
    entry.at = at;
  }
}
