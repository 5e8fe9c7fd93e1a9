import type { Audience } from "./audience.ts";
import type { ByAge } from "./by_age.ts";
import { LinkedList, type ListNode } from "./linked_list.ts";

/** How items are told apart that not everybody may have. */
export interface Order<T> {
  /** Who may have an item; `undefined` for everybody. */
  audienceOf(item: T): Audience | undefined;
  /** Whether an item is older than another one. */
  before(item: T, other: T): boolean;
}

/** Items that wait for the same audience, the oldest first. */
interface Lane<T> {
  readonly audience: Audience;
  readonly items: LinkedList<T>;
}

/** What can be seen of the items that wait; they are told from front to back. */
export type Waiting<T> = Omit<Lanes<T>, "push" | "unshift" | "insert" | "remove" | "firstFor">;

/**
 * Items that wait, the oldest first: a lane for each audience, beside the list of those that everybody
 * may have, which whoever made it fills and empties.
 *
 * The oldest for a taker is found by a look at the first of the list, of its own lane and of those
 * lanes that several share: however many lanes of others there are, and however many items.
 */
export class Lanes<T> implements Iterable<T> {
  /** Items that everybody may have. */
  readonly #open: LinkedList<T>;
  /** Who may have which item, and which is the older one. */
  readonly #order: Order<T> | undefined;
  /** Lanes of one taker alone, by that taker. */
  readonly #own = new Map<object, Lane<T>>();
  /** All other lanes, by their audience. */
  readonly #shared = new Map<Audience, Lane<T>>();
  /** Where each item stands that has a lane. */
  readonly #bound = new Map<T, { readonly lane: Lane<T>; readonly node: ListNode<T> }>();
  /** How many these are; a map takes longer to tell. */
  #boundSize = 0;

  /** @param order Nothing has a lane unless given. */
  constructor(open: LinkedList<T>, order?: Order<T>) {
    this.#open = open;
    this.#order = order;
  }

  /** How many items have a lane. */
  get bound(): number {
    return this.#boundSize;
  }

  /** Whether an item is in a lane. */
  has(item: T): boolean {
    return this.#bound.has(item);
  }

  /** How many items a taker may have, with those that everybody may have. */
  sizeFor(taker: object): number {
    let size = this.#open.size;
    if (this.#boundSize === 0) return size;
    size += this.#own.get(taker)?.items.size ?? 0;
    for (const { audience, items } of this.#shared.values()) {
      if (audience.has(taker)) size += items.size;
    }
    return size;
  }

  /** Whether a taker may have an item; everybody may who is not named. */
  mayHave(taker: object | undefined, item: T): boolean {
    return !taker || (this.#order?.audienceOf(item)?.has(taker) ?? true);
  }

  /** The oldest item for exactly this audience, if any waits; for everybody unless it is given. */
  oldestOf(audience: Audience | undefined): T | undefined {
    return audience ? this.#find(audience)?.items.first : this.#open.first;
  }

  /** The audiences that items wait for which not everybody may have, each with these items. */
  *audiences(): Iterable<[Audience, Iterable<T>]> {
    for (const { audience, items } of this.#lanes()) yield [audience, items];
  }

  /** The oldest item, or `undefined` if none waits. */
  get oldest(): T | undefined {
    return this.firstFor(undefined)?.value;
  }

  /** The oldest item of each audience, and of those that everybody may have. */
  *firsts(): Iterable<T> {
    if (this.#open.size > 0) yield this.#open.first!;
    for (const { items } of this.#lanes()) yield items.first!;
  }

  /** All items, the oldest first. */
  *[Symbol.iterator](): IterableIterator<T> {
    const bound = [...this.#bound.keys()].sort((a, b) => this.#isBefore(a, b) ? -1 : 1);
    let next = 0;
    for (const item of this.#open) {
      while (next < bound.length && this.#isBefore(bound[next]!, item)) yield bound[next++]!;
      yield item;
    }
    yield* bound.slice(next);
  }

  /** Adds an item behind all others for its audience. */
  push(item: T, audience: Audience): void {
    const lane = this.#laneOf(audience);
    this.#bound.set(item, { lane, node: lane.items.push(item) });
    this.#boundSize++;
  }

  /**
   * Adds an item before all others for its audience, except for those that stay before it.
   *
   * @param options.behind Whether a waiting item stays before this one.
   */
  unshift(item: T, options: { audience: Audience; behind: (waiting: T) => boolean }): void {
    const lane = this.#laneOf(options.audience);
    this.#bound.set(item, { lane, node: lane.items.unshift(item, options.behind) });
    this.#boundSize++;
  }

  /** Adds an item to its place by age. Returns that place if everybody may have it. */
  insert(item: T, byAge: ByAge<T>): ListNode<T> | undefined {
    const audience = this.#order!.audienceOf(item);
    if (!audience) return byAge.insert(this.#open, item);
    const lane = this.#laneOf(audience);
    this.#bound.set(item, { lane, node: byAge.insert(lane.items, item) });
    this.#boundSize++;
    return undefined;
  }

  /** Removes an item from its lane. Returns whether it was in one. */
  remove(item: T): boolean {
    const place = this.#bound.get(item);
    if (!place) return false;
    this.#bound.delete(item);
    this.#boundSize--;
    const { audience, items } = place.lane;
    items.remove(place.node);
    if (items.size > 0) return true;
    if (audience.only) this.#own.delete(audience.only);
    else this.#shared.delete(audience);
    return true;
  }

  /** The oldest item that a taker may have, or anybody: one of everybody's, or one with a lane. */
  firstFor(taker: object | undefined): ListNode<T> | undefined {
    let oldest = this.#open.firstNode;
    if (taker) oldest = this.#older(this.#own.get(taker)?.items.firstNode, oldest);
    else for (const { items } of this.#own.values()) oldest = this.#older(items.firstNode, oldest);
    for (const { audience, items } of this.#shared.values()) {
      if (!taker || audience.has(taker)) oldest = this.#older(items.firstNode, oldest);
    }
    return oldest;
  }

  #older(one: ListNode<T> | undefined, other: ListNode<T> | undefined): ListNode<T> | undefined {
    return !other || (one && this.#isBefore(one.value, other.value)) ? one : other;
  }

  #isBefore(item: T, other: T): boolean {
    return this.#order!.before(item, other);
  }

  *#lanes(): Iterable<Lane<T>> {
    yield* this.#own.values();
    yield* this.#shared.values();
  }

  #find(audience: Audience): Lane<T> | undefined {
    return audience.only ? this.#own.get(audience.only) : this.#shared.get(audience);
  }

  #laneOf(audience: Audience): Lane<T> {
    let lane = this.#find(audience);
    if (!lane) {
      lane = { audience, items: new LinkedList() };
      if (audience.only) this.#own.set(audience.only, lane);
      else this.#shared.set(audience, lane);
    }
    return lane;
  }
}
