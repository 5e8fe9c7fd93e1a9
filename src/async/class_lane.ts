import type { ByAge } from "./by_age.ts";
import { bestOf, type Lane, type LaneMaker, type Place, type Turning } from "./lane.ts";
import { Stride } from "./stride.ts";

/** The shares of the classes while all of them have items that wait, the first class first. */
export const CLASS_SHARES: readonly number[] = [8, 4, 2, 1];

/** How many of the latest that were taken say most of how classes share. */
const LATEST = 32;

/** How items are told apart by class. */
export interface ClassOptions<T> {
  /** The class of an item: an index of {@linkcode CLASS_SHARES}. Asked when it begins to wait. */
  classOf(item: T): number;
  /** The class of those of which nothing is known. */
  usual: number;
  /** Makes what the items of a class wait in. */
  lanes: LaneMaker<T>;
}

/** An item, its class, and its place there. */
interface ClassPlace<T> extends Place<T> {
  readonly of: number;
  readonly place: Place<T>;
}

/** What a lane is made with. */
type ClassLaneOptions<T> = ClassOptions<T> & {
  before: (item: T, other: T) => boolean;
  turning: Turning;
  stride: Stride;
};

/**
 * Makes lanes of which each consists of one for every class. While items of several classes wait, these
 * share what is taken by {@linkcode CLASS_SHARES}; what one does not use goes to the others.
 *
 * The lanes of one maker are those of one channel, which uses it once: the shares are counted for all
 * together.
 */
export function classLanes<T>(options: ClassOptions<T>): LaneMaker<T> {
  const stride = new Stride(CLASS_SHARES);
  return (made) => new ClassLane({ ...options, ...made, stride });
}

class ClassLane<T> implements Lane<T> {
  /** How items are told apart, and what all lanes have in common. */
  readonly #options: ClassLaneOptions<T>;
  /** The items of each class. */
  readonly #classes: readonly Lane<T>[];
  /** What part of those that were taken lately each class has got while it waited; all at first. */
  readonly #parts = CLASS_SHARES.map(() => 1);
  #size = 0;

  constructor(options: ClassLaneOptions<T>) {
    this.#options = options;
    this.#classes = CLASS_SHARES.map(() => options.lanes(options));
  }

  get size(): number {
    return this.#size;
  }

  get parts(): readonly Lane<T>[] {
    return this.#classes;
  }

  get clients(): number {
    return this.#classes.reduce((sum, { clients }) => sum + clients, 0);
  }

  get first(): T | undefined {
    const next = this.#next;
    return next === undefined ? undefined : this.#classes[next]!.first;
  }

  get oldest(): T | undefined {
    const { before } = this.#options;
    return bestOf(this.#classes, { itemOf: ({ oldest }) => oldest, isBetter: before });
  }

  get newest(): T | undefined {
    const { before } = this.#options;
    return bestOf(this.#classes, {
      itemOf: ({ newest }) => newest,
      isBetter: (item, other) => before(other, item),
    });
  }

  /** Of the class of which an item would wait longest: who has the most for its share. */
  get nextToShed(): T | undefined {
    const { greed } = this;
    return this.#classes.find((_, of) => this.#greedOf(of) === greed)!.nextToShed;
  }

  get greed(): number {
    return Math.max(...this.#classes.map((_, of) => this.#greedOf(of)));
  }

  aheadOf(item: T | undefined): number {
    const { classOf, usual } = this.#options;
    const own = item === undefined ? usual : classOf(item);
    const ahead = this.#classes[own]!.aheadOf(item);
    // With that one of its class, so many of the others are served, if so many come.
    const rounds = (ahead + 1) / CLASS_SHARES[own]!;
    let [least, most] = [ahead, ahead];
    for (const [of, { size }] of this.#classes.entries()) {
      if (of === own) continue;
      const others = Math.floor(rounds * CLASS_SHARES[of]!);
      least += Math.min(size, others);
      most += others;
    }
    const asLately = (ahead + 1) / this.#parts[own]! - 1;
    return Math.min(Math.max(asLately, least), most);
  }

  take(): Place<T> | undefined {
    const next = this.#next;
    if (next === undefined) return undefined;
    this.#options.stride.serve(next);
    this.#learn(next);
    this.#leave(next);
    return this.#classes[next]!.take();
  }

  push(item: T): Place<T> {
    return this.#add(item, (lane) => lane.push(item));
  }

  unshift(item: T, behind: (waiting: T) => boolean): Place<T> {
    return this.#add(item, (lane) => lane.unshift(item, behind));
  }

  insert(item: T, byAge: ByAge<T>): Place<T> {
    return this.#add(item, (lane) => lane.insert(item, byAge));
  }

  remove({ of, place }: ClassPlace<T>): void {
    this.#leave(of);
    this.#classes[of]!.remove(place);
  }

  precedes(other: this): boolean {
    const [mine, others] = [this.#next!, other.#next!];
    if (mine === others) return this.#classes[mine]!.precedes(other.#classes[others]!);
    return this.#options.stride.next((of) => of === mine || of === others) === mine;
  }

  *[Symbol.iterator](): Iterator<T> {
    const { before } = this.#options;
    const rests = this.#classes.filter(({ size }) => size > 0).map((lane) =>
      lane[Symbol.iterator]()
    );
    const heads = rests.map((rest) => rest.next());
    for (;;) {
      let oldest = -1;
      for (const [i, { done, value }] of heads.entries()) {
        if (!done && (oldest === -1 || before(value, heads[oldest]!.value))) oldest = i;
      }
      if (oldest === -1) return;
      const { value } = heads[oldest]!;
      heads[oldest] = rests[oldest]!.next();
      yield value;
    }
  }

  /** Notes that one of a class is taken: whoever waits and is not taken has got less. */
  #learn(taken: number): void {
    for (const [of, { size }] of this.#classes.entries()) {
      const part = of === taken || size === 0 ? 1 : 0;
      this.#parts[of]! += (part - this.#parts[of]!) / LATEST;
    }
  }

  #leave(of: number): void {
    this.#size--;
    // What was so in a queue that is gone says nothing of the next one.
    if (this.#size === 0) this.#parts.fill(1);
    this.#options.stride.leave(of);
  }

  get #next(): number | undefined {
    return this.#options.stride.next((of) => this.#classes[of]!.size > 0);
  }

  #greedOf(of: number): number {
    return this.#classes[of]!.size / CLASS_SHARES[of]!;
  }

  #add(value: T, to: (lane: Lane<T>) => Place<T>): ClassPlace<T> {
    const of = this.#options.classOf(value);
    this.#size++;
    this.#options.stride.enter(of);
    return { value, of, place: to(this.#classes[of]!) };
  }
}
