import type { LinkedList, ListNode } from "./linked_list.ts";

/**
 * Puts values into lists that are ordered by age, each to its place: the youngest value first.
 *
 * Looks for the places from the back on, and passes each listed value once, however many come in.
 */
export class ByAge<T> {
  readonly #before: (value: T, other: T) => boolean;
  /** The latest value that came into a list: the next one stands before it. */
  readonly #latest = new Map<LinkedList<T>, ListNode<T>>();

  /** @param before Whether a value is older than another one. */
  constructor(before: (value: T, other: T) => boolean) {
    this.#before = before;
  }

  /** Orders values, the oldest first. */
  sort(values: T[]): T[] {
    return values.sort((a, b) => this.#before(a, b) ? -1 : 1);
  }

  /** Adds a value that is older than all that came before it. */
  insert(list: LinkedList<T>, value: T): ListNode<T> {
    let next = this.#latest.get(list);
    let previous = next ? next.previous : list.lastNode;
    while (previous && this.#before(value, previous.value)) {
      next = previous;
      previous = next.previous;
    }
    const node = list.insert(value, next);
    this.#latest.set(list, node);
    return node;
  }
}
