import type { LogEvent } from "../operations/operations.ts";

/** Most events that are kept. */
const KEPT = 200;

/** The latest things that happened, for whoever wants to look or to follow. */
export class RecentEvents {
  readonly #recent: LogEvent[] = [];
  readonly #listeners = new Set<(event: LogEvent) => void>();

  /** Enters an event; the oldest one makes room for it. */
  add(event: LogEvent): void {
    this.#recent.push(event);
    if (this.#recent.length > KEPT) this.#recent.shift();
    for (const listener of this.#listeners) listener(event);
  }

  /** The latest events, oldest first. */
  get recent(): readonly LogEvent[] {
    return this.#recent;
  }

  /** Calls a function for every event from now on. Returns what ends that. */
  subscribe(listener: (event: LogEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
