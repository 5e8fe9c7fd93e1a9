import { type Avoider, Avoiders } from "./avoiders.ts";
import { LinkedList, type ListNode } from "./linked_list.ts";
import { WaitList } from "./wait_list.ts";

/** Thrown by every operation that a closed {@linkcode Channel} can no longer do. */
export class ChannelClosedError<T = unknown> extends Error {
  override readonly name = "ChannelClosedError";
  /** The items of the failed send that nobody received: they belong to the sender again. */
  readonly unsent: readonly T[];

  constructor(action: string, unsent: readonly T[] = []) {
    super(`Cannot ${action}: the channel is closed`);
    this.unsent = unsent;
  }
}

/** Options of {@linkcode Channel}. */
export interface ChannelOptions {
  /**
   * Called after a hand-over that left items waiting because no receiver was: the moment to find
   * more receivers. It may call `receive` at once.
   */
  onWaiting?: () => void;
}

interface Sender<T> {
  items: readonly T[];
  /** Index of the first item that is not in the channel yet. */
  next: number;
  resolve(): void;
  reject(reason: unknown): void;
}

/**
 * A bounded first-in, first-out queue between concurrent tasks.
 *
 * - Items are received in the order in which they were sent, receivers are served in the order in
 *   which they began to wait, and so are senders that wait for room.
 * - An item is told apart by identity and can wait in the channel once at a time.
 * - An item that came back may be one that a certain taker must not have: that one passes it by,
 *   and the first other one gets it.
 * - Every operation takes constant time, amortised, whatever the number of waiting items; while
 *   some wait that avoid a taker, time in the number of takers that are avoided.
 * - After {@linkcode close} senders fail, while receivers drain what is left and then end.
 *
 * @example
 * ```ts
 * const channel = new Channel<string>(2);
 * await channel.sendAll(["a", "b"]);
 * channel.close();
 * for await (const item of channel) console.log(item);
 * ```
 */
export class Channel<T> implements AsyncIterable<T> {
  #capacity: number;
  readonly #onWaiting: (() => void) | undefined;
  readonly #items = new LinkedList<T>();
  readonly #places = new Map<T, ListNode<T>>();
  readonly #avoiders = new Avoiders<T>();
  readonly #receivers = new WaitList<T>();
  readonly #senders = new LinkedList<Sender<T>>();
  readonly #roomWaiters = new WaitList<void>();
  #closed = false;

  /** @throws {RangeError} If `capacity` is not a whole number of at least 1. */
  constructor(capacity: number, options: ChannelOptions = {}) {
    assertCapacity("create channel", capacity);
    this.#capacity = capacity;
    this.#onWaiting = options.onWaiting;
  }

  /** Most items that wait before senders do. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Items that wait for a receiver. Exceeds `capacity` only by what {@linkcode unshift} brought. */
  get size(): number {
    return this.#items.size + this.#avoiders.size;
  }

  /** Items of these that a taker may have. */
  sizeFor(taker: object): number {
    return this.size - this.#avoiders.count(taker);
  }

  /** Those whom items avoid that wait, each with these items. */
  avoided(): Iterable<[taker: object, items: Iterable<Avoider<T>>]> {
    return this.#avoiders.groups();
  }

  /** Receivers that wait for an item. */
  get receivers(): number {
    return this.#receivers.size;
  }

  /** Sends that wait for room. */
  get senders(): number {
    return this.#senders.size;
  }

  /** Whether {@linkcode close} was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Sends one item; suspends while the channel is full.
   *
   * @throws {ChannelClosedError} If the channel is closed, before or while waiting; `unsent` has
   * the item.
   * @throws {TypeError} If the item waits in the channel already.
   */
  send(item: T): Promise<void> {
    return this.sendAll([item]);
  }

  /**
   * Sends one item unless that would have to wait.
   *
   * @returns Whether the item was sent; `false` if the channel is full.
   * @throws {ChannelClosedError} If the channel is closed; `unsent` has the item.
   * @throws {TypeError} If the item waits in the channel already.
   */
  trySend(item: T): boolean {
    if (this.#closed) throw new ChannelClosedError("send", [item]);
    if (!this.#offer(item)) return false;
    this.#announce();
    return true;
  }

  /**
   * Sends several items in one hand-over, in order; suspends until the last of them has room.
   *
   * @throws {ChannelClosedError} If the channel is closed, before or while waiting; `unsent` has
   * the items that did not get in.
   * @throws {TypeError} If one of the items waits in the channel already; those before it were sent.
   */
  sendAll(items: readonly T[]): Promise<void> {
    if (this.#closed) return Promise.reject(new ChannelClosedError("send", items));
    const sent = this.#offerAll(items);
    this.#announce();
    return sent;
  }

  /**
   * Puts an item in front of all that wait: for one that was received and has to come back.
   *
   * Never waits and may exceed the capacity, because the item had its place before. Works on a
   * closed channel too, so that nothing that was received before the close is lost.
   *
   * @param options.behind Whether a waiting item keeps its place before this one. Asked from the
   * front on until the first "no", so that several items that come back can keep their order.
   * @param options.avoiding The taker that is not to have it.
   * @throws {TypeError} If the item waits in the channel already.
   */
  unshift(
    item: T,
    options: { behind?: (waiting: T) => boolean; avoiding?: object | undefined } = {},
  ): void {
    const { behind = none, avoiding } = options;
    if (this.#receivers.serve(item, avoiding)) return;
    this.#assertAbsent(item);
    if (avoiding) this.#avoiders.add({ item, avoids: avoiding, behind });
    else this.#places.set(item, this.#items.unshift(item, behind));
    this.#announce();
  }

  /**
   * Receives the first item that the taker may have; suspends while there is none.
   *
   * An item that was handed over stays handed over: an abort that comes later does not undo it.
   *
   * @param options.taker Who gets it, where items may avoid somebody.
   * @throws {ChannelClosedError} Once the channel is closed and has nothing for the taker.
   * @throws The signal's reason, if it is aborted before an item arrives.
   */
  receive(options: { signal?: AbortSignal; taker?: object } = {}): Promise<T> {
    const { signal, taker } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#avoiders.size > 0) {
      const avoider = this.#avoiderBeforeAll(taker);
      if (avoider) return Promise.resolve(this.#takeAvoider(avoider));
    }
    if (this.#items.size > 0) return Promise.resolve(this.#take());
    if (this.#closed) return Promise.reject(new ChannelClosedError("receive"));
    return this.#receivers.wait(signal, taker);
  }

  /**
   * Takes an item out of the line, wherever it stands, also if its sender still waits for room.
   *
   * @returns Whether it was waiting; `false` if it was never sent or was received.
   */
  remove(item: T): boolean {
    const node = this.#places.get(item);
    if (!node) {
      if (!this.#avoiders.remove(item)) return this.#withdraw(item);
      this.#admit();
      return true;
    }
    this.#places.delete(item);
    this.#items.remove(node);
    this.#admit();
    return true;
  }

  /**
   * Resolves once there is room for an item or the channel is closed.
   *
   * For a producer that must not hold an item that has no place yet. Waiters are released in
   * order, one for each place that becomes free.
   *
   * @throws The signal's reason, if it is aborted first.
   */
  room(options: { signal?: AbortSignal } = {}): Promise<void> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#hasRoom() || this.#closed) return Promise.resolve();
    return this.#roomWaiters.wait(signal);
  }

  /**
   * Changes the capacity. What waits already keeps its place, even if it is more than that.
   *
   * @throws {RangeError} If `capacity` is not a whole number of at least 1.
   */
  resize(capacity: number): void {
    assertCapacity("resize channel", capacity);
    const more = capacity - Math.max(this.#capacity, this.size);
    this.#capacity = capacity;
    this.#admit(more);
    this.#announce();
  }

  /** Ends sending: waiting senders fail, receivers get what is left. A second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (let sender = this.#senders.shift(); sender; sender = this.#senders.shift()) {
      sender.reject(new ChannelClosedError("send", sender.items.slice(sender.next)));
    }
    while (this.#roomWaiters.serve());
    this.#receivers.dismiss(() => new ChannelClosedError("receive"));
  }

  /** The items that wait, from front to back, without receiving them. */
  *waiting(): IterableIterator<T> {
    const avoiders = this.#avoiders.size > 0 ? this.#avoiders.inOrder() : [];
    let next = 0;
    for (const item of this.#items) {
      for (let one = avoiders[next]; one && !one.behind(item); one = avoiders[++next]) {
        yield one.item;
      }
      yield item;
    }
    for (; next < avoiders.length; next++) yield avoiders[next]!.item;
  }

  /** Receives until the channel is closed and empty. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<T> {
    for (;;) {
      let item: T;
      try {
        item = await this.receive();
      } catch (error) {
        if (error instanceof ChannelClosedError) return;
        throw error;
      }
      yield item;
    }
  }

  #hasRoom(): boolean {
    return this.size < this.#capacity && this.#senders.size === 0;
  }

  #assertAbsent(item: T): void {
    if (this.#isWaiting(item)) {
      throw new TypeError("Cannot send: the item waits in the channel already");
    }
  }

  /** Hands an item to a waiting receiver or gives it a place; `false` if there is neither. */
  #offer(item: T): boolean {
    if (this.#receivers.serve(item)) return true;
    this.#assertAbsent(item);
    if (!this.#hasRoom()) return false;
    this.#places.set(item, this.#items.push(item));
    return true;
  }

  #offerAll(items: readonly T[]): Promise<void> {
    return new Promise((resolve, reject) => {
      let next = 0;
      while (next < items.length && this.#offer(items[next]!)) next++;
      if (next === items.length) resolve();
      else this.#senders.push({ items, next, resolve, reject });
    });
  }

  /** Takes an item out that has no place yet. Senders that wait are few, if any. */
  #withdraw(item: T): boolean {
    for (let node = this.#senders.firstNode; node; node = node.next) {
      const sender = node.value;
      const at = sender.items.indexOf(item, sender.next);
      if (at === -1) continue;
      sender.items = sender.items.toSpliced(at, 1);
      if (sender.next === sender.items.length) {
        this.#senders.remove(node);
        sender.resolve();
      }
      return true;
    }
    return false;
  }

  #isWaiting(item: T): boolean {
    return this.#places.has(item) || (this.#avoiders.size > 0 && this.#avoiders.has(item));
  }

  /** The first item that avoids others than the taker, if it stands before all that avoid nobody. */
  #avoiderBeforeAll(taker: object | undefined): Avoider<T> | undefined {
    const avoider = this.#avoiders.firstFor(taker);
    if (avoider && this.#items.size > 0 && avoider.behind(this.#items.first!)) return undefined;
    return avoider;
  }

  #takeAvoider({ item }: Avoider<T>): T {
    this.#avoiders.remove(item);
    this.#admit();
    return item;
  }

  #take(): T {
    const item = this.#items.shift()!;
    this.#places.delete(item);
    this.#admit();
    return item;
  }

  /** Lets waiting senders, then those who only asked for room, into places that became free. */
  #admit(places = 1): void {
    let sender = this.#senders.first;
    while (sender && this.size < this.#capacity) {
      const item = sender.items[sender.next]!;
      if (this.#isWaiting(item)) {
        this.#senders.shift();
        sender.reject(new TypeError("Cannot send: the item waits in the channel already"));
      } else {
        this.#places.set(item, this.#items.push(item));
        if (++sender.next === sender.items.length) {
          this.#senders.shift();
          sender.resolve();
        }
      }
      sender = this.#senders.first;
    }
    while (places-- > 0 && this.#hasRoom() && this.#roomWaiters.serve());
  }

  #announce(): void {
    if (this.size > 0) this.#onWaiting?.();
  }
}

function none(): boolean {
  return false;
}

function assertCapacity(action: string, capacity: number): void {
  if (Number.isSafeInteger(capacity) && capacity >= 1) return;
  throw new RangeError(
    `Cannot ${action}: capacity must be a whole number of at least 1, received ${capacity}`,
  );
}
