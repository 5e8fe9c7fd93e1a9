import type { Clock } from "../base/clock.ts";
import { after, type Timer } from "../base/timer.ts";
import { LinkedList, type ListNode } from "./linked_list.ts";

/** What {@linkcode Deadlines.remove} takes. */
export type Deadline<T> = ListNode<{ readonly value: T; readonly since: number }>;

/**
 * Things that are overdue after the same time each: one timer for all of them, that of the oldest,
 * which runs on when that one is done in time, so that short waits arm none of their own.
 */
export class Deadlines<T> {
  /** In the order in which they began, and so in the order of their deadlines. */
  readonly #waiting = new LinkedList<{ readonly value: T; readonly since: number }>();
  readonly #options: DeadlinesOptions<T>;
  #timer: Timer | undefined;

  constructor(options: DeadlinesOptions<T>) {
    this.#options = options;
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** One more begins to wait. */
  add(value: T): Deadline<T> {
    const node = this.#waiting.push({ value, since: this.#options.clock() });
    this.#timer ??= after(this.#options.limit(), () => this.#look());
    return node;
  }

  /** One does not wait any more, which is not overdue. */
  remove(deadline: Deadline<T>): void {
    this.#waiting.remove(deadline);
  }

  /** The limit has changed: it counts from now on. */
  review(): void {
    this.stop();
    this.#look();
  }

  /** Nothing gets overdue any more. */
  stop(): void {
    this.#timer?.stop();
    this.#timer = undefined;
  }

  #look(): void {
    this.#timer = undefined;
    const { clock, limit, onOverdue } = this.#options;
    const overdue = clock() - limit();
    for (let first = this.#waiting.firstNode; first; first = this.#waiting.firstNode) {
      const left = first.value.since - overdue;
      if (left > 0) {
        this.#timer ??= after(left, () => this.#look());
        return;
      }
      this.#waiting.remove(first);
      onOverdue(first.value.value);
    }
  }
}

/** Options of {@linkcode Deadlines}. */
export interface DeadlinesOptions<T> {
  /** How long each may wait, in milliseconds; see {@linkcode Deadlines.review}. */
  limit(): number;
  clock: Clock;
  /** One has waited too long, and is removed already. */
  onOverdue(value: T): void;
}
