import type { Destination } from "../destinations/destination.ts";

interface Entry {
  readonly destination: Destination;
  /** Its number in the configuration, which decides between equal loads. */
  readonly order: number;
  load: number;
  /** Its index in the heap; -1 while it is not ranked. */
  at: number;
}

/**
 * The destinations that can take a session, the least loaded first.
 *
 * A binary heap: a change of one destination costs time in the logarithm of their number.
 */
export class LeastLoaded {
  readonly #entries = new Map<Destination, Entry>();
  readonly #heap: Entry[] = [];
  #order = 0;

  constructor(destinations: readonly Destination[]) {
    for (const destination of destinations) this.add(destination);
  }

  /** Takes a destination in, behind all others; it is not ranked yet. */
  add(destination: Destination): void {
    this.#entries.set(destination, { destination, order: this.#order++, load: 0, at: -1 });
  }

  /** Forgets a destination. */
  remove(destination: Destination): void {
    this.update(destination, false);
    this.#entries.delete(destination);
  }

  /** The least loaded one, the first configured among equals; `undefined` if there is none. */
  get first(): Destination | undefined {
    return this.#heap[0]?.destination;
  }

  /** The least loaded one but for the first. */
  get second(): Destination | undefined {
    const [, left, right] = this.#heap;
    return (left && right && before(right, left) ? right : left)?.destination;
  }

  /** Ranks a destination by its present load, or takes it out if it can take no session. */
  update(destination: Destination, usable: boolean): void {
    const entry = this.#entries.get(destination)!;
    if (usable) {
      entry.load = destination.load;
      if (entry.at === -1) entry.at = this.#heap.push(entry) - 1;
      this.#settle(entry);
    } else if (entry.at !== -1) {
      const last = this.#heap.pop()!;
      if (last !== entry) {
        this.#place(last, entry.at);
        this.#settle(last);
      }
      entry.at = -1;
    }
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
