import type { ByAge } from "./by_age.ts";
import type { Lane, LaneMaker, Turning } from "./lane.ts";
import { LinkedList, type ListNode } from "./linked_list.ts";

/** Makes lanes that serve the oldest item first, or the newest while that is asked for. */
export function fifoLanes<T>(): LaneMaker<T> {
  return (options) => new FifoLane(options);
}

/** Items in the order of their age. */
class FifoLane<T> implements Lane<T> {
  readonly greed = 0;
  readonly clients = 0;
  readonly parts: readonly Lane<T>[] = [this];
  readonly #items = new LinkedList<T>();
  readonly #before: (item: T, other: T) => boolean;
  readonly #turning: Turning;

  constructor({ before, turning }: Parameters<LaneMaker<T>>[0]) {
    this.#before = before;
    this.#turning = turning;
  }

  get size(): number {
    return this.#items.size;
  }

  get first(): T | undefined {
    return this.#firstNode?.value;
  }

  get oldest(): T | undefined {
    return this.#items.first;
  }

  get newest(): T | undefined {
    return this.#items.lastNode?.value;
  }

  get nextToShed(): T | undefined {
    return this.#items.first;
  }

  aheadOf(): number {
    return this.#turning.newestFirst ? 0 : this.size;
  }

  take(): ListNode<T> | undefined {
    const node = this.#firstNode;
    if (node) this.#items.remove(node);
    return node;
  }

  push(item: T): ListNode<T> {
    return this.#items.push(item);
  }

  unshift(item: T, behind: (waiting: T) => boolean): ListNode<T> {
    return this.#items.unshift(item, behind);
  }

  insert(item: T, byAge: ByAge<T>): ListNode<T> {
    return byAge.insert(this.#items, item);
  }

  remove(place: ListNode<T>): void {
    this.#items.remove(place);
  }

  precedes(other: this): boolean {
    const [mine, others] = [this.first!, other.first!];
    return this.#turning.newestFirst ? this.#before(others, mine) : this.#before(mine, others);
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]();
  }

  get #firstNode(): ListNode<T> | undefined {
    return this.#turning.newestFirst ? this.#items.lastNode : this.#items.firstNode;
  }
}
