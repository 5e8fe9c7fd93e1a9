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
  /** When the one began whose deadline the timer is for. */
  #timed = 0;

  constructor(options: DeadlinesOptions<T>) {
    this.#options = options;
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /**
   * One more waits, since now unless it is said since when. One that has waited longer than others
   * finds its place from whichever end of the line is nearer.
   */
  add(value: T, since: number = this.#options.clock()): Deadline<T> {
    const node = this.#waiting.insert(
      { value: { value, since }, previous: undefined, next: undefined },
      this.#firstAfter(since),
    );
    if (!this.#timer) this.#start(since);
    else if (since < this.#timed) {
      this.#timer.stop();
      this.#start(since);
    }
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

  /** The first that began later, if any did. */
  #firstAfter(since: number): Deadline<T> | undefined {
    let { firstNode: front, lastNode: back } = this.#waiting;
    let next: Deadline<T> | undefined;
    for (; front && back; front = front.next, back = back.previous) {
      if (back.value.since <= since) return next;
      if (front.value.since > since) return front;
      next = back;
    }
    return undefined;
  }

  /** Begins to wait for the deadline of one that began then. */
  #start(since: number): void {
    const { clock, limit } = this.#options;
    this.#timed = since;
    this.#timer = after(Math.max(since + limit() - clock(), 0), () => this.#look());
  }

  #look(): void {
    this.#timer = undefined;
    const { clock, limit, onOverdue } = this.#options;
    const overdue = clock() - limit();
    for (let first = this.#waiting.firstNode; first; first = this.#waiting.firstNode) {
      // Whoever was told of another one may have added one.
      if (first.value.since > overdue) {
        return this.#timer ? undefined : this.#start(first.value.since);
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
