import type { Audience } from "./audience.ts";
import { LinkedList, type ListNode } from "./linked_list.ts";

interface Waiter<T> {
  resolve(value: T): void;
  reject(reason: unknown): void;
  /** Who it is, where that matters. */
  taker: object | undefined;
  /** Those who wait with the same signal. */
  group: Group<T> | undefined;
  /** Those that are the same taker. */
  same: Group<T> | undefined;
}

type Group<T> = Set<ListNode<Waiter<T>>>;

/** Callers that wait for a value, served first come first served; each may give up. */
export class WaitList<T> {
  readonly #list = new LinkedList<Waiter<T>>();
  /**
   * Who waits with which signal. A signal has one listener for all who ever wait with it, because
   * adding and removing one costs more than the wait.
   */
  readonly #groups = new WeakMap<AbortSignal, Group<T>>();
  /** Who waits as which taker. */
  readonly #takers = new WeakMap<object, Group<T>>();
  /** How many wait who say who they are. */
  #named = 0;

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
    const same = taker && this.#sameAs(taker);
    return new Promise((resolve, reject) => {
      const node = this.#list.push({ resolve, reject, taker, group, same });
      group?.add(node);
      if (same) {
        same.add(node);
        this.#named++;
      }
    });
  }

  /**
   * Gives the first one its value, or the first that belongs to an audience. Returns whether there
   * was one.
   */
  serve(value: T, audience?: Audience): boolean {
    const node = audience ? this.#firstOf(audience) : this.#list.firstNode;
    if (!node) return false;
    this.#leave(node);
    node.value.resolve(value);
    return true;
  }

  #firstOf(audience: Audience): ListNode<Waiter<T>> | undefined {
    if (audience.only && this.#named === this.#list.size) {
      const [first] = this.#takers.get(audience.only) ?? [];
      return first;
    }
    let node = this.#list.firstNode;
    while (node?.value.taker && !audience.has(node.value.taker)) node = node.next;
    return node;
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
    const { group, same } = node.value;
    group?.delete(node);
    if (!same) return;
    same.delete(node);
    this.#named--;
  }

  #sameAs(taker: object): Group<T> {
    let same = this.#takers.get(taker);
    if (!same) this.#takers.set(taker, same = new Set());
    return same;
  }

  #groupOf(signal: AbortSignal): Group<T> {
    let group = this.#groups.get(signal);
    if (!group) {
      const members: Group<T> = group = new Set();
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
