import { LinkedList, type ListNode } from "./linked_list.ts";

interface Waiter<T> {
  resolve(value: T): void;
  reject(reason: unknown): void;
  /** Who it is, where that matters. */
  taker: object | undefined;
  /** Those who wait with the same signal. */
  group: Set<ListNode<Waiter<T>>> | undefined;
}

/** Callers that wait for a value, served first come first served; each may give up. */
export class WaitList<T> {
  readonly #list = new LinkedList<Waiter<T>>();
  /**
   * Who waits with which signal. A signal has one listener for all who ever wait with it, because
   * adding and removing one costs more than the wait.
   */
  readonly #groups = new WeakMap<AbortSignal, Set<ListNode<Waiter<T>>>>();

  /** How many are waiting. */
  get size(): number {
    return this.#list.size;
  }

  /**
   * Waits for its turn.
   *
   * A value that was given stays given: an abort that comes later does not undo it.
   *
   * @param taker Who waits, where values are not for everybody.
   * @throws The signal's reason, if it is aborted first.
   */
  wait(signal?: AbortSignal, taker?: object): Promise<T> {
    signal?.throwIfAborted();
    const group = signal && this.#groupOf(signal);
    return new Promise((resolve, reject) => {
      const node = this.#list.push({ resolve, reject, taker, group });
      group?.add(node);
    });
  }

  /**
   * Gives the first one its value, or the first that is not `avoided`. Returns whether there was
   * one.
   */
  serve(value: T, avoided?: object): boolean {
    let node = this.#list.firstNode;
    if (avoided) { while (node && node.value.taker === avoided) node = node.next; }
    if (!node) return false;
    this.#leave(node);
    node.value.resolve(value);
    return true;
  }

  /** Sends everybody away. */
  dismiss(reason: () => unknown): void {
    for (let node = this.#list.firstNode; node; node = this.#list.firstNode) {
      this.#leave(node);
      node.value.reject(reason());
    }
  }

  #leave(node: ListNode<Waiter<T>>): void {
    this.#list.remove(node);
    node.value.group?.delete(node);
  }

  #groupOf(signal: AbortSignal): Set<ListNode<Waiter<T>>> {
    let group = this.#groups.get(signal);
    if (!group) {
      const members = group = new Set();
      this.#groups.set(signal, members);
      signal.addEventListener("abort", () => {
        for (const node of members) {
          this.#leave(node);
          node.value.reject(signal.reason);
        }
      }, { once: true });
    }
    return group;
  }
}
