import type { ByAge } from "./by_age.ts";

/** Where an item stands in a {@linkcode Lane}. */
export interface Place<T> {
  readonly value: T;
}

/** What all lanes of a channel look at, and what may change at any time. */
export interface Turning {
  /** Whether the youngest item is served before older ones. */
  newestFirst: boolean;
}

/** Makes an empty lane. All lanes of a channel come from the same maker. */
export type LaneMaker<T> = (
  options: { before: (item: T, other: T) => boolean; turning: Turning },
) => Lane<T>;

/**
 * Items that wait for the same audience, and the order in which they are served: which one is next
 * when somebody takes one. All operations take constant time, amortised, unless said otherwise.
 *
 * Age is the order in which items have joined. Iterating tells them by age, the oldest first.
 */
export interface Lane<T> extends Iterable<T> {
  /** How many items wait. */
  readonly size: number;
  /** The item that is served next. */
  readonly first: T | undefined;
  readonly oldest: T | undefined;
  readonly newest: T | undefined;
  /** The item that is given up first where not all can be served. */
  readonly nextToShed: T | undefined;
  /**
   * How many items whoever has the most of them has here, for its share; 0 where nobody is told apart.
   */
  readonly greed: number;
  /** The lanes of its classes, where items have some; otherwise itself. */
  readonly parts: readonly Lane<T>[];
  /** How many are told apart whose items wait here; 0 where nobody is. */
  readonly clients: number;

  /**
   * How many items are served before one that joined now, by those that wait now: of a new client where
   * clients are told apart, unless there is an item that says whose it is. At most by a turn of each
   * client more than it will be. May take time in the number of items of that client.
   */
  aheadOf(item: T | undefined): number;

  /** Takes the item out that is served next. */
  take(): Place<T> | undefined;
  /** Adds an item that is younger than all others. */
  push(item: T): Place<T>;
  /**
   * Adds an item that was taken and comes back.
   *
   * @param behind Whether a waiting item is older; asked from the oldest on until the first "no".
   */
  unshift(item: T, behind: (waiting: T) => boolean): Place<T>;
  /**
   * Adds an item to its place by age that waited elsewhere, in time as {@linkcode ByAge} says.
   */
  insert(item: T, byAge: ByAge<T>): Place<T>;
  /** Takes an item out that leaves without having been served. */
  remove(place: Place<T>): void;
  /** Whether the first item of this lane is served before that of another one, if neither is empty. */
  precedes(other: this): boolean;
}

/**
 * The best of what some lanes are asked for.
 *
 * @param options.itemOf What a lane has, if anything.
 */
export function bestOf<T>(
  lanes: Iterable<Lane<T>>,
  { itemOf, isBetter }: {
    itemOf: (lane: Lane<T>) => T | undefined;
    isBetter: (item: T, other: T) => boolean;
  },
): T | undefined {
  let best: T | undefined;
  for (const lane of lanes) {
    const item = itemOf(lane);
    if (item !== undefined && (best === undefined || isBetter(item, best))) best = item;
  }
  return best;
}
