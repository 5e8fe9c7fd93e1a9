import type { Audience } from "../../async/audience.ts";
import type { Destination } from "../../destinations/destination.ts";

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
 * A binary heap: a change of one destination costs time in the logarithm of their number.
 */
export class Ranking {
  readonly #loadOf: RankingOptions["loadOf"];
  readonly #byTurns: boolean;
  readonly #entries = new Map<object, Entry>();
  readonly #heap: Entry[] = [];
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
    if (!entry || (other && !before(entry, other))) return other;
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
    else if (entry.at === -1) {
      entry.at = this.#heap.push(entry) - 1;
      this.#settle(entry);
    } else if (!same) this.#settle(entry);
  }

  #unrank(entry: Entry): void {
    if (entry.at === -1) return;
    const last = this.#heap.pop()!;
    if (last !== entry) {
      this.#place(last, entry.at);
      this.#settle(last);
    }
    entry.at = -1;
  }

  /** Moves an entry to where its load belongs. */
  #settle(entry: Entry): void {
    for (let parent = this.#parent(entry); parent && before(entry, parent);) {
      this.#swap(entry, parent);
      parent = this.#parent(entry);
    }
    for (let child = this.#child(entry); child && before(child, entry);) {
      this.#swap(child, entry);
      child = this.#child(entry);
    }
  }

  #parent(entry: Entry): Entry | undefined {
    return entry.at === 0 ? undefined : this.#heap[(entry.at - 1) >> 1];
  }

  /** The smaller one of its children. */
  #child(entry: Entry): Entry | undefined {
    const left = this.#heap[2 * entry.at + 1];
    const right = this.#heap[2 * entry.at + 2];
    return left && right && before(right, left) ? right : left;
  }

  #swap(a: Entry, b: Entry): void {
    const { at } = a;
    this.#place(a, b.at);
    this.#place(b, at);
  }

  #place(entry: Entry, at: number): void {
    this.#heap[at] = entry;
    entry.at = at;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.load < b.load || (a.load === b.load && a.order < b.order);
}
