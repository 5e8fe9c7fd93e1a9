import type { ByAge } from "./by_age.ts";
import type { Lane, LaneMaker, Place, Turning } from "./lane.ts";
import { LinkedList, type ListNode } from "./linked_list.ts";
import { type Ranked, Ranking } from "./ranking.ts";

/** Whose items are whose, and what is noted of an item that was taken. */
export interface FairOptions<T> {
  /** The client of an item, by identity; items of the same one wait behind each other. */
  clientOf(item: T): unknown;
  /** Notes in which turn an item was taken; 0 for none. */
  noteTurn(item: T, turn: number): void;
  /** What was noted last; 0 if nothing was. */
  turnOf(item: T): number;
}

/** Counts the turns of all lanes of a channel. */
interface Counter {
  turn: number;
}

/** One whose items wait in a lane. */
interface Client<T> extends Ranked<Client<T>> {
  readonly key: unknown;
  /** By age; the nodes are places. */
  readonly items: LinkedList<T>;
  /** Which turn is its next one. */
  turn: number;
  /** Where it stands among those who wait for their turn. */
  readonly node: ListNode<Client<T>>;
}

/**
 * An item, and where it stands: among its client's as this node, and among all. Ten thousand wait at
 * times, and what lives that long is dear to allocate: hence so few objects for each.
 */
interface FairPlace<T> extends Place<T>, ListNode<T> {
  readonly value: T;
  readonly client: Client<T>;
  all: ListNode<T> | undefined;
}

/** What a lane is made with. */
type FairLaneOptions<T> = FairOptions<T> & { turning: Turning; counter: Counter };

/**
 * Makes lanes in which clients take turns: each is served one item, its oldest or its newest, and waits
 * behind all others that wait then. Whoever comes new waits for one item of each at most.
 *
 * An item that comes back has the turn that it was taken in: nobody loses a turn by that. Turns are
 * counted for all lanes of a channel together, so that the first items of two lanes can be compared;
 * one who waits in several lanes has a turn in each.
 *
 * The lanes of one maker are those of one channel.
 */
export function fairLanes<T>(options: FairOptions<T>): LaneMaker<T> {
  const counter: Counter = { turn: 0 };
  return ({ turning }) => new FairLane({ ...options, turning, counter });
}

class FairLane<T> implements Lane<T> {
  readonly parts: readonly Lane<T>[] = [this];
  /** Whose items are whose, and what all lanes have in common. */
  readonly #options: FairLaneOptions<T>;
  /** All items by age. */
  readonly #items = new LinkedList<T>();
  /** Who has items here. */
  readonly #clients = new Map<unknown, Client<T>>();
  /** The same, in the order of their turns. */
  readonly #turns = new LinkedList<Client<T>>();
  /** The same by how many items each has. */
  readonly #ranking = new Ranking<Client<T>>();

  constructor(options: FairLaneOptions<T>) {
    this.#options = options;
  }

  get size(): number {
    return this.#items.size;
  }

  get clients(): number {
    return this.#turns.size;
  }

  get greed(): number {
    return this.#ranking.most;
  }

  get first(): T | undefined {
    return this.#firstPlace?.value;
  }

  get oldest(): T | undefined {
    return this.#items.first;
  }

  get newest(): T | undefined {
    return this.#items.lastNode?.value;
  }

  get nextToShed(): T | undefined {
    return this.#ranking.first?.items.first;
  }

  aheadOf(item: T | undefined): number {
    const { clientOf, turning } = this.#options;
    if (item === undefined || turning.newestFirst) return this.clients;
    const own = this.#clients.get(clientOf(item));
    return own ? this.#ranking.sumUpTo(own.items.size + 1) : this.clients;
  }

  take(): Place<T> | undefined {
    const place = this.#firstPlace;
    if (!place) return undefined;
    const { client } = place;
    this.remove(place);
    if (client.items.size === 0) return place;
    this.#turns.remove(client.node);
    client.turn = this.#turnOfNext(client);
    this.#enqueue(client);
    return place;
  }

  push(item: T): Place<T> {
    this.#options.noteTurn(item, 0);
    const place = this.#placeOf(item);
    place.all = this.#items.push(item);
    return place.client.items.append(place);
  }

  unshift(item: T, behind: (waiting: T) => boolean): Place<T> {
    const place = this.#placeOf(item);
    place.all = this.#items.unshift(item, behind);
    place.client.items.prepend(place, behind);
    this.#giveTurnBack(place);
    return place;
  }

  insert(item: T, byAge: ByAge<T>): Place<T> {
    const place = this.#placeOf(item);
    place.all = byAge.insert(this.#items, item);
    const { client } = byAge.link(place.client.items, place);
    const turn = this.#options.turnOf(item);
    // Several may have been taken out in the same turn.
    this.#options.noteTurn(item, 0);
    if (turn === 0 || turn >= client.turn) return place;
    client.turn = turn;
    byAge.move(this.#turns, client.node, (listed) => listed.turn < turn);
    return place;
  }

  remove(place: FairPlace<T>): void {
    const { value, client, all } = place;
    this.#options.noteTurn(value, client.turn);
    this.#items.remove(all!);
    client.items.remove(place);
    this.#ranking.down(client);
    if (client.items.size > 0) return;
    this.#turns.remove(client.node);
    this.#clients.delete(client.key);
  }

  precedes(other: this): boolean {
    return this.#turns.first!.turn < other.#turns.first!.turn;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]();
  }

  get #firstPlace(): FairPlace<T> | undefined {
    const items = this.#turns.first?.items;
    const node = this.#options.turning.newestFirst ? items?.lastNode : items?.firstNode;
    return node as FairPlace<T> | undefined;
  }

  /** A place for an item that its client has from now on; it is to be listed. */
  #placeOf(value: T): FairPlace<T> {
    const key = this.#options.clientOf(value);
    let client = this.#clients.get(key);
    if (!client) {
      client = clientOf(key, ++this.#options.counter.turn);
      this.#turns.append(client.node);
      this.#clients.set(key, client);
    }
    this.#ranking.up(client);
    return { value, client, all: undefined, previous: undefined, next: undefined };
  }

  /** Which turn a client has after this one: that of its oldest item, if it has come back. */
  #turnOfNext({ items }: Client<T>): number {
    const item = items.first!;
    const { counter } = this.#options;
    const turn = this.#options.turnOf(item);
    // A turn is given back once.
    if (turn > 0) this.#options.noteTurn(item, 0);
    return turn || ++counter.turn;
  }

  /** The client of an item that comes back has its turn again, unless it has an earlier one. */
  #giveTurnBack({ value, client }: FairPlace<T>): void {
    const turn = this.#options.turnOf(value);
    if (turn === 0 || turn >= client.turn) return;
    this.#options.noteTurn(value, 0);
    this.#turns.remove(client.node);
    client.turn = turn;
    this.#enqueue(client);
  }

  /** Puts a client to its place: all before it have got back their turns, unless it has a new one. */
  #enqueue(client: Client<T>): void {
    const last = this.#turns.lastNode;
    if (!last || last.value.turn < client.turn) this.#turns.append(client.node);
    else this.#turns.prepend(client.node, ({ turn }) => turn < client.turn);
  }
}

/** One who has nothing yet. */
function clientOf<T>(key: unknown, turn: number): Client<T> {
  const node = { value: undefined, previous: undefined, next: undefined } as never;
  const client = { key, items: new LinkedList<T>(), turn, node, rank: 0, ranked: undefined };
  return Object.assign<object, { value: Client<T> }>(node, { value: client }).value;
}
