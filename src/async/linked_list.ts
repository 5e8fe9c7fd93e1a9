/** A value in a {@linkcode LinkedList}: what {@linkcode LinkedList.remove} takes. */
export interface ListNode<T> {
  readonly value: T;
  /** Neighbours; absent at an end of the list. */
  previous: ListNode<T> | undefined;
  next: ListNode<T> | undefined;
}

/** A doubly linked list: O(1) at both ends and for removal anywhere, given the node. */
export class LinkedList<T> {
  #first: ListNode<T> | undefined;
  #last: ListNode<T> | undefined;
  #size = 0;

  /** How many values are listed. */
  get size(): number {
    return this.#size;
  }

  /** The node at the front, or `undefined` if the list is empty. */
  get firstNode(): ListNode<T> | undefined {
    return this.#first;
  }

  /** The node at the back, or `undefined` if the list is empty. */
  get lastNode(): ListNode<T> | undefined {
    return this.#last;
  }

  /** The value at the front, or `undefined` if the list is empty. */
  get first(): T | undefined {
    return this.#first?.value;
  }

  /** Adds at the back. */
  push(value: T): ListNode<T> {
    return this.append({ value, previous: undefined, next: undefined });
  }

  /** Adds a node at the back that is in no list. */
  append<N extends ListNode<T>>(node: N): N {
    node.previous = this.#last;
    if (this.#last) this.#last.next = node;
    else this.#first = node;
    this.#last = node;
    this.#size++;
    return node;
  }

  /**
   * Adds at the front.
   *
   * @param behind Whether a value keeps its place before this one; asked from the front on until
   * the first "no". Without it the new value is the first.
   */
  unshift(value: T, behind?: (listed: T) => boolean): ListNode<T> {
    return this.prepend({ value, previous: undefined, next: undefined }, behind);
  }

  /** The same for a node that is in no list. */
  prepend<N extends ListNode<T>>(node: N, behind?: (listed: T) => boolean): N {
    let next = this.#first;
    while (next && behind?.(next.value)) next = next.next;
    return this.insert(node, next);
  }

  /** Adds a node that is in no list before one of this list, or at the back without one. */
  insert<N extends ListNode<T>>(node: N, next: ListNode<T> | undefined): N {
    const previous = next ? next.previous : this.#last;
    node.previous = previous;
    node.next = next;
    if (previous) previous.next = node;
    else this.#first = node;
    if (next) next.previous = node;
    else this.#last = node;
    this.#size++;
    return node;
  }

  /** Takes the front value off, or returns `undefined` if the list is empty. */
  shift(): T | undefined {
    const node = this.#first;
    if (node) this.remove(node);
    return node?.value;
  }

  /** Takes a node out. It must be in this list: callers remove a node once. */
  remove(node: ListNode<T>): void {
    if (node.previous) node.previous.next = node.next;
    else this.#first = node.next;
    if (node.next) node.next.previous = node.previous;
    else this.#last = node.previous;
    node.previous = node.next = undefined;
    this.#size--;
  }

  /** The values from front to back. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (let node = this.#first; node; node = node.next) yield node.value;
  }
}
