import { LinkedList, type ListNode } from "./linked_list.ts";

/** An item that waits and that one taker may not have. */
export interface Avoider<T> {
  readonly item: T;
  /** Who may not have it. */
  readonly avoids: object;
  /** Whether another item that waits keeps its place before this one. */
  behind(other: T): boolean;
}

/**
 * Items that wait, each of which one taker may not have.
 *
 * They stand in one list for each who is avoided, in their order, so that the oldest for a taker is
 * found by a look at the first of each list, however many there are in it.
 */
export class Avoiders<T> {
  readonly #lists = new Map<object, LinkedList<Avoider<T>>>();
  readonly #nodes = new Map<T, ListNode<Avoider<T>>>();

  /** How many wait. */
  get size(): number {
    return this.#nodes.size;
  }

  /** Whether an item is among them. */
  has(item: T): boolean {
    return this.#nodes.has(item);
  }

  /** How many of them avoid this taker. */
  count(taker: object): number {
    return this.#lists.get(taker)?.size ?? 0;
  }

  /** Those who are avoided, each with the items that avoid it. */
  groups(): Iterable<[avoided: object, items: Iterable<Avoider<T>>]> {
    return this.#lists;
  }

  /** Takes an item in, behind those that keep their places before it. */
  add(avoider: Avoider<T>): void {
    let list = this.#lists.get(avoider.avoids);
    if (!list) this.#lists.set(avoider.avoids, list = new LinkedList());
    const node = list.unshift(avoider, (other) => avoider.behind(other.item));
    this.#nodes.set(avoider.item, node);
  }

  /** Takes an item out. Returns whether it was there. */
  remove(item: T): boolean {
    const node = this.#nodes.get(item);
    if (!node) return false;
    this.#nodes.delete(item);
    const { avoids } = node.value;
    const list = this.#lists.get(avoids)!;
    list.remove(node);
    if (list.size === 0) this.#lists.delete(avoids);
    return true;
  }

  /** The first that this taker may have; anybody may have all of them who is not named. */
  firstFor(taker: object | undefined): Avoider<T> | undefined {
    let first: Avoider<T> | undefined;
    for (const [avoided, list] of this.#lists) {
      if (avoided === taker) continue;
      const head = list.first!;
      if (!first || first.behind(head.item)) first = head;
    }
    return first;
  }

  /** All of them in their order. */
  inOrder(): Avoider<T>[] {
    const all = [...this.#nodes.values()].map(({ value }) => value);
    return all.sort((a, b) => a.behind(b.item) ? 1 : b.behind(a.item) ? -1 : 0);
  }
}
