import { LinkedList } from "./linked_list.ts";

/** A send of items of which the last ones have no room yet. */
interface Send<T> {
  items: readonly T[];
  /** Index of the first item that has no room yet. */
  next: number;
  resolve(): void;
  reject(reason: unknown): void;
}

/** Sends that wait for room, in the order in which they began to. */
export class SuspendedSends<T> implements Iterable<T> {
  readonly #list = new LinkedList<Send<T>>();
  #items = 0;

  /** How many sends wait. */
  get size(): number {
    return this.#list.size;
  }

  /** How many items these have together that have no room yet. */
  get items(): number {
    return this.#items;
  }

  /** The items that have no room yet, in the order in which they get it. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (const { items, next } of this.#list) {
      for (let i = next; i < items.length; i++) yield items[i]!;
    }
  }

  /** Adds a send of at least one item behind all others. */
  add(items: readonly T[], end: { resolve(): void; reject(reason: unknown): void }): void {
    this.#list.push({ items, next: 0, ...end });
    this.#items += items.length;
  }

  /** The item that gets room next. There has to be one. */
  get first(): T {
    const { items, next } = this.#list.first!;
    return items[next]!;
  }

  /** The first item has got room; its send resolves if that was its last. */
  advance(): void {
    const send = this.#list.first!;
    this.#items--;
    if (++send.next < send.items.length) return;
    this.#list.shift();
    send.resolve();
  }

  /** Ends the first send: one of its items cannot be sent. */
  fail(reason: unknown): void {
    const send = this.#list.shift()!;
    this.#items -= send.items.length - send.next;
    send.reject(reason);
  }

  /** Ends all of them, each with an error that names what has found no room. */
  failAll(reason: (unsent: readonly T[]) => unknown): void {
    for (let send = this.#list.shift(); send; send = this.#list.shift()) {
      send.reject(reason(send.items.slice(send.next)));
    }
    this.#items = 0;
  }

  /** Removes an item that has no room yet. They are few, if there are any. */
  remove(item: T): boolean {
    return this.takeFirst((other) => other === item) !== undefined;
  }

  /** Removes and gives the first item that fits, if there is one. */
  takeFirst(fits: (item: T) => boolean): { readonly item: T } | undefined {
    for (let node = this.#list.firstNode; node; node = node.next) {
      const send = node.value;
      const at = send.items.findIndex((item, i) => i >= send.next && fits(item));
      if (at === -1) continue;
      const item = send.items[at]!;
      send.items = send.items.toSpliced(at, 1);
      this.#items--;
      if (send.next === send.items.length) {
        this.#list.remove(node);
        send.resolve();
      }
      return { item };
    }
    return undefined;
  }
}
