import type { LinkedList, ListNode } from "./linked_list.ts";

/**
 * Puts items into lists that are ordered by age, each to its place: the youngest item first.
 *
 * Looks for the places from the back on, and passes each listed item once, however many come in.
 */
export class ByAge<T> {
  readonly #before: (item: T, other: T) => boolean;
  /** The latest value that came into a list: the next one stands before it. */
  readonly #latest = new WeakMap<object, unknown>();

  /** @param before Whether an item is older than another one. */
  constructor(before: (item: T, other: T) => boolean) {
    this.#before = before;
  }

  /** Orders items, the oldest first. */
  sort(items: T[]): T[] {
    return items.sort((a, b) => this.#before(a, b) ? -1 : 1);
  }

  /** Adds an item that is older than all that came into this list before it. */
  insert(list: LinkedList<T>, item: T): ListNode<T> {
    return this.link(list, { value: item, previous: undefined, next: undefined });
  }

  /** The same for a node of such an item that is in no list. */
  link<N extends ListNode<T>>(list: LinkedList<T>, node: N): N {
    let next = this.#latest.get(list) as ListNode<T> | undefined;
    let previous = next ? next.previous : list.lastNode;
    while (previous && this.#before(node.value, previous.value)) {
      next = previous;
      previous = next.previous;
    }
    list.insert(node, next);
    this.#latest.set(list, node);
    return node;
  }

  /**
   * Moves a node to its place in a list that is in another order, looked for from the latest one on
   * that was moved in this list: fast where that order is much like that of the ages.
   *
   * @param isBehind Whether a listed value stays before this one.
   */
  move<V>(
    list: LinkedList<V>,
    node: ListNode<V>,
    isBehind: (listed: V) => boolean,
  ): void {
    let next = (this.#latest.get(list) as ListNode<V> | undefined) ?? list.firstNode;
    while (next && isBehind(next.value)) next = next.next;
    for (
      let previous = next ? next.previous : list.lastNode;
      previous && !isBehind(previous.value);
      previous = next.previous
    ) next = previous;
    if (next === node) next = node.next;
    list.remove(node);
    list.insert(node, next);
    this.#latest.set(list, node);
  }
}
