import { ChannelClosedError, duplicate } from "./channel_closed.ts";
import { assertCapacity } from "./capacity.ts";
import { ByAge } from "./by_age.ts";
import type { ChannelOptions } from "./channel_options.ts";
import type { LaneMaker } from "./lane.ts";
import { Lanes, type Waiting } from "./lanes.ts";
import type { Order } from "./order.ts";
import { SuspendedSends } from "./suspended_sends.ts";
import { ToldLater } from "./told_later.ts";
import { WaitList } from "./wait_list.ts";

/**
 * A bounded queue between concurrent tasks, first in, first out unless another order is given.
 *
 * - Items are received in the order in which they were sent, or as the lanes of the order say; receivers are served in the order in
 *   which they began to wait, and so are senders that wait for room.
 * - An item is told apart by identity and can wait in the channel once at a time.
 * - An item may have an audience: nobody else gets it, and it is passed by. Each receiver gets the
 *   oldest item that it may have, and waits only if there is none.
 * - Every operation takes constant time, amortised, whatever the number of waiting items. While some
 *   wait that several but not all may have, it takes time in the number of such audiences.
 * - After {@linkcode close} senders fail; receivers get what is left, and then fail, too.
 */
export class Channel<T> {
  /** Most items that wait before senders do. */
  #capacity: number;
  /** How items are told apart that not everybody may have. */
  readonly #order: Order<T> | undefined;
  /** Called after a hand-over that left items waiting. */
  readonly #onWaiting: ChannelOptions<T>["onWaiting"];
  /** The items that wait. */
  readonly #lanes: Lanes<T>;
  /** Who waits for an item. */
  readonly #receivers = new WaitList<T>();
  /** Sends that wait for room. */
  readonly #sends = new SuspendedSends<T>();
  /** Items of these that have got room: whoever may have them may have no other one. */
  readonly #admitted: ToldLater<T>;
  /** Who waits for room without having an item. */
  readonly #roomWaiters = new WaitList<void>();
  /** Whether sending has ended. */
  #closed = false;

  /** @throws {RangeError} If `capacity` is not a whole number of at least 1. */
  constructor(capacity: number, options: ChannelOptions<T> = {}) {
    this.#capacity = assertCapacity("create channel", capacity);
    this.#order = options.order;
    this.#lanes = new Lanes(options.order);
    this.#onWaiting = options.onWaiting;
    this.#admitted = new ToldLater((items) => this.#onWaiting?.(items));
  }

  /** Most items that wait before senders do. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Items that wait for a receiver. Exceeds `capacity` only by what {@linkcode unshift} brought. */
  get size(): number {
    return this.#lanes.size;
  }

  /** The items that wait, by age, to look at. */
  get waiting(): Waiting<T> {
    return this.#lanes;
  }

  /**
   * Whether the youngest item is received first, in each lane or of whoever's turn it is. It may
   * change at any time.
   */
  get newestFirst(): boolean {
    return this.#lanes.turning.newestFirst;
  }

  set newestFirst(newestFirst: boolean) {
    this.#lanes.turning.newestFirst = newestFirst;
  }

  /** Goes over to another order; what waits stays. Takes time in the number of items. */
  reorder(lanes: LaneMaker<T>): void {
    this.#lanes.use(lanes);
  }

  /** Receivers that wait for an item. */
  get receivers(): number {
    return this.#receivers.size;
  }

  /** Sends that wait for room, and their items that have none yet, in the order in which they get it. */
  get suspended(): Iterable<T> & Pick<SuspendedSends<T>, "size" | "items"> {
    return this.#sends;
  }

  /** Whether {@linkcode close} was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Sends one item unless that would have to wait.
   *
   * @returns Whether it was sent; `false` if the channel is full.
   * @throws {ChannelClosedError} If the channel is closed; `unsent` has the item.
   * @throws {TypeError} If the item waits in the channel already.
   */
  trySend(item: T): boolean {
    if (this.#closed) throw new ChannelClosedError("send", [item]);
    if (!this.#offer(item)) return false;
    if (this.size > 0) this.#onWaiting?.([item]);
    return true;
  }

  /**
   * Sends several items in one hand-over, in order; suspends until the last of them has room.
   * @throws {ChannelClosedError} If the channel is closed before all are in; `unsent` has the others.
   * @throws {TypeError} If one of the items waits in the channel already; those before it were sent.
   */
  sendAll(items: readonly T[]): Promise<void> {
    if (this.#closed) return Promise.reject(new ChannelClosedError("send", items));
    const sent = this.#offerAll(items);
    if (this.size > 0) this.#onWaiting?.(items);
    return sent;
  }

  /**
   * Puts an item in front of all that wait: for one that was received and has to come back.
   * Never waits and may exceed the capacity, because the item had room before. Works on a
   * closed channel too, so that nothing that was received before the close is lost.
   *
   * @param options.behind Whether a waiting item keeps its place before this one. Asked from the
   * front on until the first "no", so that several items that come back can keep their order.
   * @throws {TypeError} If the item waits in the channel already.
   */
  unshift(item: T, { behind = () => false }: { behind?: (waiting: T) => boolean } = {}): void {
    const audience = this.#order?.audienceOf(item);
    if (this.#receivers.serve(item, audience)) return;
    this.#assertAbsent(item);
    this.#lanes.unshift(item, { audience, behind });
    this.#onWaiting?.([item]);
  }

  /**
   * Receives the oldest item that the taker may have; suspends while there is none.
   * An item that was handed over stays handed over: an abort that comes later does not undo it.
   *
   * @param options.taker Who gets it, where items have audiences; anybody unless given.
   * @throws {ChannelClosedError} Once the channel is closed and has nothing for the taker.
   * @throws The signal's reason, if it is aborted before an item arrives.
   */
  receive({ signal, taker }: { signal?: AbortSignal; taker?: object } = {}): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const place = this.#lanes.take(taker);
    if (place) {
      this.#admit();
      return Promise.resolve(place.value);
    }
    if (this.#sends.size > 0) {
      const suspended = this.#sends.takeFirst((item) => this.#lanes.mayHave(taker, item));
      if (suspended) return Promise.resolve(suspended.item);
    }
    if (this.#closed) return Promise.reject(new ChannelClosedError("receive"));
    // Those who look whether somebody waits for an item look again.
    if (this.#roomWaiters.size > 0) this.#roomWaiters.serve();
    return this.#receivers.wait(signal, taker);
  }

  /**
   * Takes an item out, wherever it stands, also if its sender still waits for room.
   *
   * @returns Whether it was waiting; `false` if it was never sent or was received.
   */
  remove(item: T): boolean {
    if (!this.#lanes.remove(item)) return this.#sends.remove(item);
    this.#admit();
    return true;
  }

  /**
   * The audiences of items have changed: each that waits keeps its place by age among those that it
   * waits with from now on. Takes time in the number of these items, and of younger ones.
   */
  reassign(items: Iterable<T>): void {
    const { audienceOf, before } = this.#order!;
    const byAge = new ByAge(before);
    const moved = byAge.sort([...items].filter((item) => this.#lanes.remove(item)));
    const left = moved.filter((item) => !this.#receivers.serve(item, audienceOf(item)));
    for (const item of left.toReversed()) this.#lanes.insert(item, byAge);
    this.#admit(moved.length - left.length);
    if (left.length > 0) this.#onWaiting?.(left);
  }

  /**
   * Resolves once there is room for an item or the channel is closed.
   * For a producer that must not hold an item that has no room yet. Waiters are released in order,
   * one for each item that leaves and for each receiver that begins to wait.
   *
   * @throws The signal's reason, if it is aborted first.
   */
  room({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#hasRoom() || this.#closed) return Promise.resolve();
    return this.#roomWaiters.wait(signal);
  }

  /**
   * Changes the capacity. What waits already keeps its place, even if it is more than that.
   * @throws {RangeError} If `capacity` is not a whole number of at least 1.
   */
  resize(capacity: number): void {
    const before = Math.max(this.#capacity, this.size);
    this.#capacity = assertCapacity("resize channel", capacity);
    this.#admit(capacity - before);
    if (this.size > 0) this.#onWaiting?.();
  }

  /** Ends sending: waiting senders fail, receivers get what is left. A second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#sends.failAll((unsent) => new ChannelClosedError("send", unsent));
    while (this.#roomWaiters.serve());
    this.#receivers.dismiss(() => new ChannelClosedError("receive"));
  }

  #hasRoom(): boolean {
    return this.size < this.#capacity && this.#sends.size === 0;
  }

  #assertAbsent(item: T): void {
    if (this.#lanes.has(item)) throw duplicate();
  }

  /** Hands an item to a waiting receiver or keeps it; `false` if there is neither a receiver nor room. */
  #offer(item: T): boolean {
    const audience = this.#order?.audienceOf(item);
    if (this.#receivers.serve(item, audience)) return true;
    this.#assertAbsent(item);
    if (!this.#hasRoom()) return false;
    this.#lanes.add(item, audience);
    return true;
  }

  #offerAll(items: readonly T[]): Promise<void> {
    return new Promise((resolve, reject) => {
      let next = 0;
      while (next < items.length && this.#offer(items[next]!)) next++;
      if (next === items.length) return resolve();
      let rest = items.slice(next);
      // Somebody may wait for one of these who must not have those before it.
      if (this.#receivers.size > 0) rest = rest.filter((item) => !this.#offer(item));
      if (rest.length === 0) resolve();
      else this.#sends.add(rest, { resolve, reject });
    });
  }

  /** Gives room that has become free to waiting senders, then to those who only asked for it. */
  #admit(rooms = 1): void {
    while (this.#sends.size > 0 && this.size < this.#capacity) {
      const item = this.#sends.first;
      if (this.#lanes.has(item)) this.#sends.fail(duplicate());
      else {
        // One that is younger may have been received before it, and be back.
        if (this.#order) this.#lanes.insert(item, new ByAge(this.#order.before));
        else this.#lanes.add(item, undefined);
        this.#sends.advance();
        this.#admitted.add(item);
      }
    }
    while (rooms-- > 0 && this.#hasRoom() && this.#roomWaiters.serve());
  }
}
