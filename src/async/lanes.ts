import type { Audience } from "./audience.ts";
import { type Bound, BoundLanes } from "./bound_lanes.ts";
import type { ByAge } from "./by_age.ts";
import { fifoLanes } from "./fifo_lane.ts";
import { bestOf, type Lane, type LaneMaker, type Place, type Turning } from "./lane.ts";
import type { Order } from "./order.ts";

/** What can be seen of the items that wait; they are told by age, the oldest first. */
export type Waiting<T> = Omit<
  Lanes<T>,
  "add" | "unshift" | "insert" | "remove" | "take" | "use" | "turning"
>;

/**
 * Items that wait: a lane for each audience, beside the one of those that everybody may have.
 *
 * Who is next for a taker is found by a look at the first of that lane, of the taker's own and of those
 * lanes that several share: however many lanes of others there are, and however many items.
 */
export class Lanes<T> implements Iterable<T> {
  /** What changes who is next in every lane. */
  readonly turning: Turning = { newestFirst: false };
  /** Who may have which item, and which is the older one. */
  readonly #order: Order<T> | undefined;
  /** Makes the lanes. */
  #maker: LaneMaker<T>;
  /** Items that everybody may have. */
  #open: Lane<T>;
  /** Where each of these stands. */
  readonly #places = new Map<T, Place<T>>();
  /** The lanes of all other items. */
  readonly #lanes = new BoundLanes<T>(() => this.#make());
  /** Where each item stands that has such a lane. */
  readonly #bound = new Map<T, { readonly at: Bound<T>; readonly place: Place<T> }>();
  /** How many these are; a map takes longer to tell. */
  #boundSize = 0;

  /** @param order Everybody may have everything unless given. */
  constructor(order?: Order<T>) {
    this.#order = order;
    this.#maker = order?.lanes ?? fifoLanes();
    this.#open = this.#make();
  }

  /** How many items wait. */
  get size(): number {
    return this.#open.size + this.#boundSize;
  }

  /** Whether an item waits. */
  has(item: T): boolean {
    return this.#places.has(item) || (this.#boundSize > 0 && this.#bound.has(item));
  }

  /** How many items a taker may have, with those that everybody may have. */
  sizeFor(taker: object): number {
    const { size } = this.#open;
    return this.#boundSize === 0 ? size : size + this.#lanes.sizeFor(taker);
  }

  /** Whether a taker may have an item; everybody may who is not named. */
  mayHave(taker: object | undefined, item: T): boolean {
    return !taker || (this.#order?.audienceOf(item)?.has(taker) ?? true);
  }

  /** The item that is served next of exactly this audience; of everybody's unless it is given. */
  firstOf(audience: Audience | undefined): T | undefined {
    return audience ? this.#lanes.find(audience)?.lane.first : this.#open.first;
  }

  /** The audiences that items wait for which not everybody may have, each with these items. */
  *audiences(): Iterable<[Audience, Iterable<T>]> {
    for (const { audience, lane } of this.#lanes) yield [audience, lane];
  }

  /** The oldest item, or `undefined` if none waits. */
  get oldest(): T | undefined {
    return this.oldestFor(undefined);
  }

  /** The youngest item, or `undefined` if none waits. */
  get newest(): T | undefined {
    return this.newestFor(undefined);
  }

  /** The item that is given up first where not all can be served, or `undefined` if none waits. */
  get nextToShed(): T | undefined {
    return this.nextToShedFor(undefined);
  }

  /** How many classes of items there are. */
  get classes(): number {
    return this.#open.parts.length;
  }

  /** The oldest item that a taker may have, or anybody; of one class, if that is given. */
  oldestFor(taker: object | undefined, of?: number): T | undefined {
    if (this.#boundSize === 0) return partOf(this.#open, of).oldest;
    const isBetter = (item: T, other: T) => this.#isBefore(item, other);
    return bestOf(this.#lanesFor(taker), { itemOf: (lane) => partOf(lane, of).oldest, isBetter });
  }

  /** The youngest item that a taker may have, or anybody. */
  newestFor(taker: object | undefined): T | undefined {
    if (this.#boundSize === 0) return this.#open.newest;
    const isBetter = (item: T, other: T) => this.#isBefore(other, item);
    return bestOf(this.#lanesFor(taker), { itemOf: (lane) => lane.newest, isBetter });
  }

  /** The item that is given up first of these. */
  nextToShedFor(taker: object | undefined, of?: number): T | undefined {
    if (this.#boundSize === 0) return partOf(this.#open, of).nextToShed;
    const parts = [...this.#lanesFor(taker)].map((lane) => partOf(lane, of));
    const greed = Math.max(...parts.map((part) => part.greed));
    return bestOf(parts, {
      itemOf: (part) => part.greed === greed ? part.nextToShed : undefined,
      isBetter: (item, other) => this.#isBefore(item, other),
    });
  }

  /** How many clients wait, where these are told apart; one that waits for two audiences counts twice. */
  get clients(): number {
    return this.#sum(({ clients }) => clients);
  }

  /** How many items are served before one that joined now, whomever it waited for; see {@linkcode Lane}. */
  aheadOf(item: T | undefined): number {
    return this.#sum((lane) => lane.aheadOf(item));
  }

  /** The same of those that wait for exactly this audience, and how many these are. */
  aheadIn(audience: Audience, item: T | undefined): { ahead: number; of: number } {
    const lane = this.#lanes.find(audience)?.lane;
    return lane ? { ahead: lane.aheadOf(item), of: lane.size } : { ahead: 0, of: 0 };
  }

  /** The item of each audience, and of those that everybody may have, that is served next. */
  *firsts(): Iterable<T> {
    if (this.#open.size > 0) yield this.#open.first!;
    for (const { lane } of this.#lanes) yield lane.first!;
  }

  /** The oldest item of each audience, and of those that everybody may have. */
  *oldests(): Iterable<T> {
    if (this.#open.size > 0) yield this.#open.oldest!;
    for (const { lane } of this.#lanes) yield lane.oldest!;
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

  /** Adds an item that is younger than all others for its audience. */
  add(item: T, audience: Audience | undefined): void {
    if (audience) this.#bind(item, audience, (lane) => lane.push(item));
    else this.#places.set(item, this.#open.push(item));
  }

  /**
   * Adds an item that was taken and comes back.
   *
   * @param options.behind Whether a waiting item is older.
   */
  unshift(
    item: T,
    { audience, behind }: { audience: Audience | undefined; behind: (waiting: T) => boolean },
  ): void {
    if (audience) this.#bind(item, audience, (lane) => lane.unshift(item, behind));
    else this.#places.set(item, this.#open.unshift(item, behind));
  }

  /** Adds an item to its place by age. */
  insert(item: T, byAge: ByAge<T>): void {
    const audience = this.#order?.audienceOf(item);
    if (audience) this.#bind(item, audience, (lane) => lane.insert(item, byAge));
    else this.#places.set(item, this.#open.insert(item, byAge));
  }

  /** Takes an item out that leaves. Returns whether it waited. */
  remove(item: T): boolean {
    const place = this.#places.get(item);
    if (place) {
      this.#places.delete(item);
      this.#open.remove(place);
      return true;
    }
    const bound = this.#boundSize > 0 ? this.#bound.get(item) : undefined;
    if (!bound) return false;
    bound.at.lane.remove(bound.place);
    this.#unbind(item, bound.at);
    return true;
  }

  /** Takes the item out that is next for a taker, or for anybody. */
  take(taker: object | undefined): Place<T> | undefined {
    const at = this.#boundSize > 0 ? this.#lanes.nextFor(taker, this.#open) : undefined;
    const place = (at ? at.lane : this.#open).take();
    if (!place) return undefined;
    if (at) this.#unbind(place.value, at);
    else this.#places.delete(place.value);
    return place;
  }

  /** Goes over to other lanes; what waits keeps its age. Takes time in the number of items. */
  use(maker: LaneMaker<T>): void {
    const items = [...this];
    this.#maker = maker;
    this.#open = this.#make();
    for (const all of [this.#places, this.#lanes, this.#bound]) all.clear();
    this.#boundSize = 0;
    for (const item of items) this.add(item, this.#order?.audienceOf(item));
  }

  #sum(of: (lane: Lane<T>) => number): number {
    let sum = of(this.#open);
    for (const { lane } of this.#lanes) sum += of(lane);
    return sum;
  }

  #isBefore(item: T, other: T): boolean {
    return this.#order!.before(item, other);
  }

  /** The lanes of which a taker may have items, or anybody. */
  *#lanesFor(taker: object | undefined): Iterable<Lane<T>> {
    yield this.#open;
    yield* this.#lanes.for(taker);
  }

  #make(): Lane<T> {
    const { before = () => false } = this.#order ?? {};
    return this.#maker({ before, turning: this.turning });
  }

  #bind(item: T, audience: Audience, add: (lane: Lane<T>) => Place<T>): void {
    const at = this.#lanes.obtain(audience);
    this.#bound.set(item, { at, place: add(at.lane) });
    this.#boundSize++;
  }

  #unbind(item: T, at: Bound<T>): void {
    this.#bound.delete(item);
    this.#boundSize--;
    this.#lanes.left(at);
  }
}

/** The lane of a class, or all of it. */
function partOf<T>(lane: Lane<T>, of: number | undefined): Lane<T> {
  return of === undefined ? lane : lane.parts[of]!;
}
