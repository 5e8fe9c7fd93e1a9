import type { Audience } from "./audience.ts";
import type { Lane } from "./lane.ts";

/** A lane of its own, for items that not everybody may have. */
export interface Bound<T> {
  readonly audience: Audience;
  readonly lane: Lane<T>;
}

/**
 * The lanes of items that not everybody may have, one for each audience that some wait for. A taker
 * looks at its own and at those that several share, however many lanes of others there are.
 */
export class BoundLanes<T> implements Iterable<Bound<T>> {
  readonly #make: () => Lane<T>;
  /** Lanes of one taker alone, by that taker. */
  readonly #own = new Map<object, Bound<T>>();
  /** All other lanes, by their audience. */
  readonly #shared = new Map<Audience, Bound<T>>();

  /** @param make Makes an empty lane. */
  constructor(make: () => Lane<T>) {
    this.#make = make;
  }

  *[Symbol.iterator](): IterableIterator<Bound<T>> {
    yield* this.#own.values();
    yield* this.#shared.values();
  }

  /** Those of which a taker may have items, or anybody. */
  *for(taker: object | undefined): Iterable<Lane<T>> {
    const own = taker && this.#own.get(taker);
    if (own) yield own.lane;
    if (!taker) { for (const { lane } of this.#own.values()) yield lane; }
    for (const { audience, lane } of this.#shared.values()) {
      if (!taker || audience.has(taker)) yield lane;
    }
  }

  /** How many items wait in those of which a taker may have some. */
  sizeFor(taker: object): number {
    let size = this.#own.get(taker)?.lane.size ?? 0;
    for (const { audience, lane } of this.#shared.values()) {
      if (audience.has(taker)) size += lane.size;
    }
    return size;
  }

  /** The one of these whose first item is served before all others, those of an open lane included. */
  nextFor(taker: object | undefined, open: Lane<T>): Bound<T> | undefined {
    let next: Bound<T> | undefined;
    const look = (at: Bound<T>) => {
      const other = next ? next.lane : open;
      if (other.size === 0 || at.lane.precedes(other)) next = at;
    };
    if (!taker) { for (const at of this.#own.values()) look(at); }
    else {
      const own = this.#own.get(taker);
      if (own) look(own);
    }
    for (const at of this.#shared.values()) if (!taker || at.audience.has(taker)) look(at);
    return next;
  }

  /** The lane of exactly this audience; absent if nobody waits in it. */
  find(audience: Audience): Bound<T> | undefined {
    return audience.only ? this.#own.get(audience.only) : this.#shared.get(audience);
  }

  /** Likewise; a new one, to which something is added, if nobody waits in it. */
  obtain(audience: Audience): Bound<T> {
    let at = this.find(audience);
    if (!at) {
      at = { audience, lane: this.#make() };
      if (audience.only) this.#own.set(audience.only, at);
      else this.#shared.set(audience, at);
    }
    return at;
  }

  /** An item has left a lane, which is not kept if it was the last one. */
  left({ audience, lane }: Bound<T>): void {
    if (lane.size > 0) return;
    if (audience.only) this.#own.delete(audience.only);
    else this.#shared.delete(audience);
  }

  clear(): void {
    this.#own.clear();
    this.#shared.clear();
  }
}
