import { LinkedList, type ListNode } from "./linked_list.ts";

/** A send of items of which the last ones have no room yet. */
interface Send {
  /** How many these are. */
  left: number;
  resolve(): void;
  reject(reason: unknown): void;
}

/** One of these items. */
interface Suspended<T> {
  readonly item: T;
  readonly send: Send;
}

/**
 * Sends that wait for room, in the order in which they began to. An item leaves in constant time,
 * wherever it stands: there may be thousands, who all give up.
 */
export class SuspendedSends<T> implements Iterable<T> {
  /** Their items in order, those of each send side by side. */
  readonly #list = new LinkedList<Suspended<T>>();
  /** Where each item stands; the first time, if it does so more than once. */
  readonly #nodes = new Map<T, ListNode<Suspended<T>>>();
  /** How many stand there for a further time. */
  #doubles = 0;
  /** How many sends wait. */
  #size = 0;

  /** How many sends wait. */
  get size(): number {
    return this.#size;
  }

  /** How many items these have together that have no room yet. */
  get items(): number {
    return this.#list.size;
  }

  /** The items that have no room yet, in the order in which they get it. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (const { item } of this.#list) yield item;
  }

  /** Adds a send of at least one item behind all others. */
  add(items: readonly T[], end: { resolve(): void; reject(reason: unknown): void }): void {
    const send: Send = { left: items.length, ...end };
    this.#size++;
    for (const item of items) {
      const node = this.#list.push({ item, send });
      if (this.#nodes.has(item)) this.#doubles++;
      else this.#nodes.set(item, node);
    }
  }

  /** The item that gets room next. There has to be one. */
  get first(): T {
    return this.#list.first!.item;
  }

  /** The first item has got room; its send resolves if that was its last. */
  advance(): void {
    this.#leave(this.#list.firstNode!);
  }

  /** Ends the first send: one of its items cannot be sent. */
  fail(reason: unknown): void {
    const { send } = this.#list.first!;
    this.#takeAll(send);
    send.reject(reason);
  }

  /** Ends all of them, each with an error that names what has found no room. */
  failAll(reason: (unsent: readonly T[]) => unknown): void {
    while (this.#list.first) {
      const { send } = this.#list.first;
      send.reject(reason(this.#takeAll(send)));
    }
  }

  /** Removes an item that has no room yet. */
  remove(item: T): boolean {
    const node = this.#nodes.get(item);
    if (node) this.#leave(node);
    return node !== undefined;
  }

  /** Removes and gives the first item that fits, if there is one. */
  takeFirst(fits: (item: T) => boolean): { readonly item: T } | undefined {
    for (let node = this.#list.firstNode; node; node = node.next) {
      if (!fits(node.value.item)) continue;
      this.#leave(node);
      return node.value;
    }
    return undefined;
  }

  /** An item waits no more; its send resolves if that was its last. */
  #leave(node: ListNode<Suspended<T>>): void {
    const { send } = node.value;
    this.#drop(node);
    if (--send.left > 0) return;
    this.#size--;
    send.resolve();
  }

  /** Removes the items of the first send, and gives them. */
  #takeAll(send: Send): T[] {
    const items: T[] = [];
    for (let node = this.#list.firstNode; node?.value.send === send; node = this.#list.firstNode) {
      items.push(node.value.item);
      this.#drop(node);
    }
    this.#size--;
    return items;
  }

  #drop(node: ListNode<Suspended<T>>): void {
    const { item } = node.value;
    this.#list.remove(node);
    if (this.#nodes.get(item) !== node) {
      this.#doubles--;
      return;
    }
    this.#nodes.delete(item);
    if (this.#doubles > 0) this.#findDouble(item);
  }

  /** An item that stood there more than once is where it stands for the second time. */
  #findDouble(item: T): void {
    for (let node = this.#list.firstNode; node; node = node.next) {
      if (node.value.item !== item) continue;
      this.#nodes.set(item, node);
      this.#doubles--;
      return;
    }
  }
}
