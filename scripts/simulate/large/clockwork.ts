import type { Timer } from "../../../src/base/timer.ts";
import { EventHeap } from "../event_heap.ts";

/** How often what is under way gets on after an event, until it waits for the next one. */
const TURNS = 8;

/** Time that stands still between events. */
export class Clockwork {
  /** Milliseconds since the beginning. */
  now = 0;
  readonly #events = new EventHeap<() => void>();
  readonly #turns: number;

  /** @param turns How many microtasks deep what an event begins may be. */
  constructor({ turns = TURNS }: { turns?: number } = {}) {
    this.#turns = turns;
  }

  /** Calls back at a time, after all that is to happen then already. */
  at(time: number, action: () => void): void {
    this.#events.add(time, action);
  }

  /** Calls back after so many milliseconds. */
  after(ms: number, action: () => void): Timer {
    let stopped = false;
    this.at(this.now + ms, () => {
      if (!stopped) action();
    });
    return { stop: () => stopped = true };
  }

  /** Lets everything happen, until there is nothing more to come. */
  async run(): Promise<void> {
    for (let next = this.#events.take(); next; next = this.#events.take()) {
      this.now = next.at;
      next.value();
      // The queue and the workers go on in microtasks, which have all run before time does.
      for (let i = 0; i < this.#turns; i++) await undefined;
    }
  }
}
