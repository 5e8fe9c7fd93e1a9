import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type Audience, only, without } from "../../src/async/audience.ts";
import { Channel } from "../../src/async/channel.ts";
import { ChannelClosedError } from "../../src/async/channel_closed.ts";

/** Lets every promise that can settle do so. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Receives until the channel is closed and empty. */
async function* itemsOf<T>(channel: Channel<T>): AsyncIterableIterator<T> {
  for (;;) {
    let item: T;
    try {
      item = await channel.receive();
    } catch (error) {
      if (error instanceof ChannelClosedError) return;
      throw error;
    }
    yield item;
  }
}

/** Tells whether a promise has settled without waiting for it. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true;
  promise.then(() => pending = false, () => pending = false);
  await settle();
  return pending;
}

Deno.test("items are received in the order in which they were sent", async () => {
  const channel = new Channel<number>(10);
  await channel.sendAll([1]);
  assert(channel.trySend(2));
  await channel.sendAll([3, 4]);
  assertEquals(channel.size, 4);
  assertEquals([await channel.receive(), await channel.receive()], [1, 2]);
  assertEquals([await channel.receive(), await channel.receive()], [3, 4]);
});

Deno.test("receivers are served in the order in which they began to wait", async () => {
  const channel = new Channel<string>(10);
  const receivers = [channel.receive(), channel.receive(), channel.receive()];
  assertEquals(channel.receivers, 3);
  await channel.sendAll(["a", "b", "c"]);
  assertEquals(await Promise.all(receivers), ["a", "b", "c"]);
  assertEquals([channel.size, channel.receivers], [0, 0]);
});

Deno.test("trySend refuses what has no place", () => {
  const channel = new Channel<number>(1);
  assertEquals([channel.trySend(1), channel.trySend(2), channel.size], [true, false, 1]);
});

Deno.test("send suspends while the channel is full, and senders keep their order", async () => {
  const channel = new Channel<number>(1);
  const sends = [channel.sendAll([1]), channel.sendAll([2]), channel.sendAll([3])];
  assertEquals([await isPending(sends[0]!), await isPending(sends[1]!)], [false, true]);
  assertEquals(channel.suspended.size, 2);
  assertEquals(await channel.receive(), 1);
  assertEquals([await isPending(sends[1]!), await isPending(sends[2]!)], [false, true]);
  assertEquals([await channel.receive(), await channel.receive()], [2, 3]);
  await Promise.all(sends);
});

Deno.test("sendAll suspends until its last item has a place", async () => {
  const channel = new Channel<number>(2);
  const sent = channel.sendAll([1, 2, 3, 4]);
  assertEquals(channel.size, 2);
  await channel.receive();
  assert(await isPending(sent));
  await channel.receive();
  await sent;
  assertEquals([...channel.waiting], [3, 4]);
});

Deno.test("an item cannot overtake a sender that waits for room", async () => {
  const channel = new Channel<number>(2);
  const sent = channel.sendAll([1, 2, 3]);
  assertEquals(channel.trySend(4), false);
  channel.remove(1);
  await sent;
  assertEquals([...channel.waiting], [2, 3]);
});

Deno.test("unshift goes first, beyond the capacity and after a close", async () => {
  const channel = new Channel<number>(1);
  channel.trySend(2);
  channel.unshift(1);
  assertEquals([...channel.waiting], [1, 2]);
  channel.close();
  channel.unshift(0);
  assertEquals([await channel.receive(), await channel.receive()], [0, 1]);
});

Deno.test("unshift goes behind the items that keep their place", () => {
  const channel = new Channel<number>(10);
  for (const item of [5, 6]) channel.trySend(item);
  for (const item of [3, 1, 4, 2]) {
    channel.unshift(item, { behind: (waiting) => waiting < item });
  }
  assertEquals([...channel.waiting], [1, 2, 3, 4, 5, 6]);
});

Deno.test("unshift hands over to a waiting receiver", async () => {
  const channel = new Channel<number>(1);
  const received = channel.receive();
  channel.unshift(1);
  assertEquals([await received, channel.size], [1, 0]);
});

Deno.test("an item can be taken out wherever it stands", () => {
  const channel = new Channel<number>(5);
  for (const item of [1, 2, 3, 4, 5]) channel.trySend(item);
  assertEquals([1, 3, 5].map((item) => channel.remove(item)), [true, true, true]);
  assertEquals([channel.remove(3), channel.remove(9)], [false, false]);
  assertEquals([[...channel.waiting], channel.size], [[2, 4], 2]);
});

Deno.test("taking an item out makes room for a sender", async () => {
  const channel = new Channel<number>(1);
  channel.trySend(1);
  const sent = channel.sendAll([2]);
  channel.remove(1);
  await sent;
  assertEquals([...channel.waiting], [2]);
});

Deno.test("an item can be taken out before it has a place, and its sender goes on", async () => {
  const channel = new Channel<number>(1);
  channel.trySend(1);
  const both = channel.sendAll([2, 3]);
  const alone = channel.sendAll([4]);
  assertEquals([3, 4, 4].map((item) => channel.remove(item)), [true, true, false]);
  await alone;
  assertEquals(channel.suspended.size, 1);
  assertEquals(await channel.receive(), 1);
  await both;
  assertEquals([[...channel.waiting], channel.suspended.size], [[2], 0]);
});

Deno.test("an item cannot wait twice", async () => {
  const channel = new Channel<number>(5);
  channel.trySend(1);
  assertThrows(() => channel.trySend(1), TypeError, "waits in the channel already");
  assertThrows(() => channel.unshift(1), TypeError);
  await assertRejects(() => channel.sendAll([2, 1, 3]), TypeError);
  assertEquals([...channel.waiting], [1, 2]);
  await channel.receive();
  assert(channel.trySend(1), "it may come again once it was received");
});

Deno.test("a receiver that is aborted leaves its place to the next", async () => {
  const channel = new Channel<string>(1);
  const abort = new AbortController();
  const first = channel.receive({ signal: abort.signal });
  const second = channel.receive();
  abort.abort(new Error("not any more"));
  await assertRejects(() => first, Error, "not any more");
  assertEquals(channel.receivers, 1);
  channel.trySend("a");
  assertEquals(await second, "a");
  await assertRejects(() => channel.receive({ signal: abort.signal }), Error, "not any more");
});

Deno.test("an abort after the hand-over does not lose the item", async () => {
  const channel = new Channel<string>(1);
  const abort = new AbortController();
  const received = channel.receive({ signal: abort.signal });
  channel.trySend("a");
  abort.abort();
  assertEquals(await received, "a");
});

Deno.test("room resolves when there is a place, one waiter for each", async () => {
  const channel = new Channel<number>(2);
  await channel.room();
  await channel.sendAll([1, 2]);
  const waiters = [channel.room(), channel.room()];
  assert(await isPending(waiters[0]!));
  await channel.receive();
  assertEquals([await isPending(waiters[0]!), await isPending(waiters[1]!)], [false, true]);
  channel.close();
  await waiters[1];
});

Deno.test("waiting for room can be aborted", async () => {
  const channel = new Channel<number>(1);
  channel.trySend(1);
  const abort = new AbortController();
  const waiting = channel.room({ signal: abort.signal });
  abort.abort(new Error("not any more"));
  await assertRejects(() => waiting, Error, "not any more");
  await assertRejects(() => channel.room({ signal: abort.signal }), Error, "not any more");
});

Deno.test("a greater capacity lets senders in, a smaller one takes nothing away", async () => {
  const channel = new Channel<number>(1);
  const sent = channel.sendAll([1, 2, 3]);
  channel.resize(3);
  await sent;
  channel.resize(1);
  assertEquals([[...channel.waiting], channel.trySend(4)], [[1, 2, 3], false]);
});

Deno.test("a close fails the senders, and receivers get what is left", async () => {
  const channel = new Channel<number>(2);
  const sent = channel.sendAll([1, 2, 3, 4]);
  channel.close();
  channel.close();
  const error = await assertRejects(() => sent, ChannelClosedError);
  assertEquals(error.unsent, [3, 4]);
  assertEquals(assertThrows(() => channel.trySend(5), ChannelClosedError).unsent, [5]);
  assertEquals([await channel.receive(), await channel.receive()], [1, 2]);
  await assertRejects(() => channel.receive(), ChannelClosedError, "the channel is closed");
  assert(channel.closed);
});

Deno.test("a close ends receivers that wait", async () => {
  const channel = new Channel<number>(1);
  const received = channel.receive();
  channel.close();
  await assertRejects(() => received, ChannelClosedError);
});

Deno.test("receivers get what is left after a close, then the end", async () => {
  const channel = new Channel<number>(3);
  await channel.sendAll([1, 2, 3]);
  channel.close();
  const items: number[] = [];
  for await (const item of itemsOf(channel)) items.push(item);
  assertEquals(items, [1, 2, 3]);
});

Deno.test("onWaiting is called when items are left, and may receive at once", () => {
  const calls: number[] = [];
  const taken: Promise<number>[] = [];
  const channel: Channel<number> = new Channel(10, {
    onWaiting() {
      calls.push(channel.size);
      taken.push(channel.receive());
    },
  });
  const received = channel.receive();
  channel.sendAll([1]);
  assertEquals(calls, [], "the item was handed over");
  channel.sendAll([2, 3]);
  channel.unshift(4);
  assertEquals([calls, [...channel.waiting]], [[2, 2], [3]]);
  return Promise.all([received, ...taken]).then((items) => assertEquals(items, [1, 2, 4]));
});

Deno.test("a capacity that is not a whole number of at least 1 is refused", () => {
  for (const capacity of [0, -1, 1.5, NaN, Infinity]) {
    assertThrows(() => new Channel(capacity), RangeError, `received ${capacity}`);
    assertThrows(() => new Channel(1).resize(capacity), RangeError, "Cannot resize channel");
  }
});

Deno.test("suspended sends are let in by the order of their calls, each in full before the next", async () => {
  const channel = new Channel<number>(1);
  const sends = [channel.sendAll([1, 2, 3]), channel.sendAll([4]), channel.sendAll([5, 6])];
  assertEquals([channel.suspended.size, channel.trySend(7)], [3, false]);
  const items: number[] = [];
  for (let i = 0; i < 6; i++) items.push(await channel.receive());
  assertEquals(items, [1, 2, 3, 4, 5, 6]);
  await Promise.all(sends);
  assertEquals([channel.size, channel.suspended.size], [0, 0]);
});

Deno.test("sendAll serves the receivers that wait before it fills places", async () => {
  const channel = new Channel<number>(2);
  const received = [channel.receive(), channel.receive()];
  await channel.sendAll([1, 2, 3, 4]);
  assertEquals(await Promise.all(received), [1, 2]);
  assertEquals([...channel.waiting], [3, 4]);
});

Deno.test("sending nothing changes nothing", async () => {
  const channel = new Channel<number>(1);
  await channel.sendAll([]);
  assertEquals([channel.size, channel.suspended.size], [0, 0]);
});

Deno.test("what exceeds the capacity has to leave before a sender gets a place", async () => {
  const channel = new Channel<number>(1);
  channel.trySend(3);
  const sent = channel.sendAll([4]);
  channel.unshift(2);
  channel.unshift(1);
  assertEquals(channel.size, 3);
  for (const item of [1, 2]) {
    assertEquals(await channel.receive(), item);
    assert(await isPending(sent));
  }
  assertEquals(await channel.receive(), 3);
  await sent;
  assertEquals([...channel.waiting], [4]);
});

Deno.test("an item that comes back after the end is still received", async () => {
  const channel = new Channel<number>(1);
  channel.close();
  await assertRejects(() => channel.receive(), ChannelClosedError);
  channel.unshift(1);
  assertEquals(await channel.receive(), 1);
  await assertRejects(() => channel.receive(), ChannelClosedError);
});

Deno.test("a suspended sender fails if its item waits already when its turn comes", async () => {
  const channel = new Channel<number>(2);
  await channel.sendAll([1, 2]);
  const twice = channel.sendAll([3]);
  const next = channel.sendAll([4]);
  channel.unshift(3, { behind: () => true });
  channel.remove(1);
  assertEquals([...channel.waiting], [2, 3], "the channel is still full");
  channel.remove(2);
  await assertRejects(() => twice, TypeError, "waits in the channel already");
  await next;
  assertEquals([...channel.waiting], [3, 4]);
});

Deno.test("one sendAll cannot bring an item twice", async () => {
  const channel = new Channel<number>(5);
  await assertRejects(() => channel.sendAll([1, 1, 2]), TypeError);
  assertEquals([...channel.waiting], [1]);
});

Deno.test("a signal that outlives many waits has one listener for each kind of wait", async () => {
  const channel = new Channel<number>(1);
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  };
  for (let i = 0; i < 10; i++) {
    const served = channel.receive({ signal });
    channel.trySend(1);
    await served;
    channel.trySend(2);
    const room = channel.room({ signal });
    channel.remove(2);
    await room;
  }
  const dismissed = channel.receive({ signal });
  channel.close();
  await assertRejects(() => dismissed, ChannelClosedError);
  assertEquals(listeners, 2);
});

Deno.test("receivers between others can be aborted", async () => {
  const channel = new Channel<number>(3);
  const aborts = [0, 1, 2, 3].map(() => new AbortController());
  const received = aborts.map(({ signal }) => channel.receive({ signal }));
  const outcomes = Promise.allSettled(received);
  for (const i of [1, 3]) aborts[i]!.abort(new Error(`left ${i}`));
  await channel.sendAll([10, 20, 30]);
  assertEquals(
    (await outcomes).map((outcome) => {
      return outcome.status === "fulfilled" ? outcome.value : outcome.reason.message;
    }),
    [10, "left 1", 20, "left 3"],
  );
  assertEquals([...channel.waiting], [30]);
});

Deno.test("a place that becomes free goes to a sender rather than to who asked for room", async () => {
  const channel = new Channel<number>(1);
  channel.trySend(1);
  const sent = channel.sendAll([2]);
  const room = channel.room();
  channel.remove(1);
  await sent;
  assert(await isPending(room));
  channel.remove(2);
  await room;
});

Deno.test("a greater capacity releases as many who asked for room as it has places", async () => {
  const channel = new Channel<number>(1);
  channel.trySend(1);
  const waiters = [channel.room(), channel.room(), channel.room()];
  channel.resize(3);
  const pending = await Promise.all(waiters.map(isPending));
  channel.close();
  await Promise.all(waiters);
  assertEquals(pending, [false, false, true]);
});

Deno.test("a close gives every sender back exactly what did not get in", async () => {
  const channel = new Channel<number>(2);
  const sends = [channel.sendAll([1, 2, 3]), channel.sendAll([4]), channel.sendAll([5, 6])];
  const outcomes = Promise.allSettled(sends);
  channel.close();
  const late = channel.sendAll([7, 8]);
  const unsent = [...await outcomes, ...await Promise.allSettled([late])].map((outcome) => {
    assert(outcome.status === "rejected" && outcome.reason instanceof ChannelClosedError);
    return outcome.reason.unsent;
  });
  assertEquals(unsent, [[3], [4], [5, 6], [7, 8]]);
  assertEquals([channel.suspended.size, [...channel.waiting]], [0, [1, 2]]);
});

Deno.test("a close ends every receiver, and room is no question any more", async () => {
  const channel = new Channel<number>(1);
  const received = Promise.allSettled([channel.receive(), channel.receive()]);
  assertEquals([channel.receivers, channel.closed], [2, false]);
  channel.close();
  for (const outcome of await received) {
    assert(outcome.status === "rejected" && outcome.reason instanceof ChannelClosedError);
    assertEquals(outcome.reason.unsent, []);
  }
  assertEquals(channel.receivers, 0);
  await channel.room();
});

Deno.test("loops over one channel share its items, and each waits for more until the close", async () => {
  const channel = new Channel<number>(1);
  async function collect(): Promise<number[]> {
    const items: number[] = [];
    for await (const item of itemsOf(channel)) items.push(item);
    return items;
  }
  const loops = [collect(), collect()];
  for (let item = 1; item <= 10; item++) await channel.sendAll([item]);
  assert(await isPending(Promise.race(loops)));
  channel.close();
  const parts = await Promise.all(loops);
  assertEquals(parts.flat().sort((a, b) => a - b), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  for (const part of parts) assertEquals(part, part.toSorted((a, b) => a - b));
});

Deno.test("onWaiting is called once for each hand-over that leaves items, and for nothing else", async () => {
  let calls = 0;
  const channel = new Channel<number>(4, { onWaiting: () => calls++ });
  const steps: [string, expected: number, () => unknown][] = [
    ["a receiver waits", 0, () => channel.receive()],
    ["its item is handed over", 0, () => channel.trySend(1)],
    ["a receiver waits again", 0, () => channel.receive()],
    ["an item comes back and is handed over", 0, () => channel.unshift(2)],
    ["one item is left", 1, () => channel.trySend(3)],
    ["several are left by one call", 1, () => channel.sendAll([4, 5])],
    ["one comes back", 1, () => channel.unshift(6)],
    ["there is no place", 0, () => channel.trySend(7)],
    ["one is received", 0, () => channel.receive()],
    ["one is removed", 0, () => channel.remove(4)],
    ["the channel closes", 0, () => channel.close()],
    ["one comes back after that", 1, () => channel.unshift(8)],
  ];
  for (const [what, expected, step] of steps) {
    calls = 0;
    await step instanceof Promise;
    void step();
    assertEquals(calls, expected, what);
  }
});

Deno.test("a receive in onWaiting makes room for the rest of the same sendAll", async () => {
  const taken: Promise<number>[] = [];
  const channel: Channel<number> = new Channel(1, {
    onWaiting() {
      if (taken.length === 0) taken.push(channel.receive());
    },
  });
  const sent = channel.sendAll([1, 2]);
  const [waiting, senders] = [[...channel.waiting], channel.suspended.size];
  channel.close();
  await sent.catch(() => {});
  assertEquals([await taken[0], waiting, senders], [1, [2], 0]);
});

Deno.test("a close in onWaiting fails the rest of the same sendAll", async () => {
  const channel: Channel<number> = new Channel(1, { onWaiting: () => channel.close() });
  const outcome = channel.sendAll([1, 2, 3]).catch((error) => error);
  assert(!await isPending(outcome), "nobody could ever settle it");
  const error = await outcome;
  assert(error instanceof ChannelClosedError);
  assertEquals(error.unsent, [2, 3]);
});

Deno.test("whoever gives up waiting for room takes as long with 30,000 before it as alone", async () => {
  const channel = new Channel<number>(1);
  channel.trySend(0);
  const items = Array.from({ length: 30_000 }, (_, i) => i + 1);
  const sent = items.map((item) => channel.sendAll([item]));
  const begin = performance.now();
  for (const item of items.toReversed()) assert(channel.remove(item));
  const ms = performance.now() - begin;
  await Promise.all(sent);
  assertEquals([channel.suspended.items, channel.suspended.size], [0, 0]);
  assert(ms < 1500, `${ms} ms`);
});

Deno.test("an item that waits for room twice gives up once at a time", async () => {
  const channel = new Channel<string>(1);
  channel.trySend("first");
  let sent = 0;
  const sends = [["a", "b"], ["a"]].map((items) => channel.sendAll(items).then(() => sent++));
  assert(channel.remove("a"));
  assertEquals([channel.suspended.items, channel.suspended.size], [2, 2]);
  assert(channel.remove("a"));
  assert(!channel.remove("a"));
  assert(channel.remove("b"));
  await Promise.all(sends);
  assertEquals([sent, channel.suspended.items, channel.suspended.size], [2, 0, 0]);
});

Deno.test("random operations agree with a model of plain arrays", async () => {
  for (let seed = 1; seed <= 25; seed++) await compareWithModel(seed, 400);
});

/** The channel in plain arrays, slow and obvious. Each call is known by a number of its own. */
class Model {
  items: number[] = [];
  senders: { call: number; rest: number[] }[] = [];
  receivers: number[] = [];
  closed = false;
  /** How calls ended since the last look: `call: outcome`. */
  ended: string[] = [];

  constructor(public capacity: number) {}

  send(call: number, items: readonly number[]): void {
    if (this.closed) return this.#end(call, `unsent ${items}`);
    const rest = [...items];
    while (rest.length > 0 && this.offer(rest[0]!)) rest.shift();
    if (rest.length === 0) this.#end(call, "sent");
    else this.senders.push({ call, rest });
  }

  offer(item: number): boolean {
    if (this.#serve(item)) return true;
    if (this.senders.length > 0 || this.items.length >= this.capacity) return false;
    this.items.push(item);
    return true;
  }

  receive(call: number): void {
    if (this.items.length > 0) {
      this.#end(call, `received ${this.items.shift()}`);
      this.#admit();
    } else if (this.closed) this.#end(call, "closed");
    else this.receivers.push(call);
  }

  abort(call: number): void {
    if (!this.receivers.includes(call)) return;
    this.receivers = this.receivers.filter((other) => other !== call);
    this.#end(call, "aborted");
  }

  unshift(item: number, inOrder: boolean): void {
    if (this.#serve(item)) return;
    const at = inOrder ? this.items.findIndex((waiting) => waiting >= item) : 0;
    this.items.splice(at === -1 ? this.items.length : at, 0, item);
  }

  remove(item: number): boolean {
    const at = this.items.indexOf(item);
    if (at === -1) return this.#withdraw(item);
    this.items.splice(at, 1);
    this.#admit();
    return true;
  }

  #withdraw(item: number): boolean {
    const sender = this.senders.find(({ rest }) => rest.includes(item));
    if (!sender) return false;
    sender.rest.splice(sender.rest.indexOf(item), 1);
    if (sender.rest.length === 0) {
      this.senders.splice(this.senders.indexOf(sender), 1);
      this.#end(sender.call, "sent");
    }
    return true;
  }

  resize(capacity: number): void {
    this.capacity = capacity;
    this.#admit();
  }

  close(): void {
    this.closed = true;
    for (const { call, rest } of this.senders) this.#end(call, `unsent ${rest}`);
    for (const call of this.receivers) this.#end(call, "closed");
    this.senders = [];
    this.receivers = [];
  }

  #serve(item: number): boolean {
    const call = this.receivers.shift();
    if (call !== undefined) this.#end(call, `received ${item}`);
    return call !== undefined;
  }

  #admit(): void {
    while (this.senders.length > 0 && this.items.length < this.capacity) {
      const { call, rest } = this.senders[0]!;
      this.items.push(rest.shift()!);
      if (rest.length > 0) continue;
      this.senders.shift();
      this.#end(call, "sent");
    }
  }

  #end(call: number, outcome: string): void {
    this.ended.push(`${call}: ${outcome}`);
  }
}

async function compareWithModel(seed: number, steps: number): Promise<void> {
  const random = generator(seed);
  const model = new Model(1 + random(6));
  const channel = new Channel<number>(model.capacity);
  const aborts = new Map<number, AbortController>();
  const received: number[] = [];
  let ended: string[] = [];
  let last = 0;

  function watch(call: number, promise: Promise<number | void>): void {
    promise.then((item) => {
      if (item !== undefined) received.push(item);
      ended.push(`${call}: ${item === undefined ? "sent" : `received ${item}`}`);
    }, (error) => {
      const closed = error instanceof ChannelClosedError;
      const outcome = error.unsent?.length > 0 ? `unsent ${error.unsent}` : "closed";
      ended.push(`${call}: ${closed ? outcome : "aborted"}`);
    });
  }

  const operations: ((call: number) => void)[] = [
    function send(call) {
      const items = Array.from({ length: 1 + random(4) }, () => ++last);
      model.send(call, items);
      watch(call, channel.sendAll(items));
    },
    function trySend() {
      const item = ++last;
      if (model.closed) assertThrows(() => channel.trySend(item), ChannelClosedError);
      else assertEquals(channel.trySend(item), model.offer(item));
    },
    receive,
    receive,
    function abort() {
      const waiting = [...aborts.keys()];
      if (waiting.length === 0) return;
      const call = waiting[random(waiting.length)]!;
      model.abort(call);
      aborts.get(call)!.abort();
      aborts.delete(call);
    },
    function comeBack() {
      const item = received.length > 0 ? received.splice(random(received.length), 1)[0]! : ++last;
      const inOrder = random(2) === 0;
      model.unshift(item, inOrder);
      channel.unshift(item, inOrder ? { behind: (waiting) => waiting < item } : {});
    },
    function remove() {
      const item = 1 + random(last + 1);
      const known = model.items[random(model.items.length + 1)] ?? item;
      assertEquals(channel.remove(known), model.remove(known));
    },
    function resize() {
      const capacity = 1 + random(6);
      model.resize(capacity);
      channel.resize(capacity);
    },
  ];
  function receive(call: number): void {
    const abort = new AbortController();
    aborts.set(call, abort);
    model.receive(call);
    watch(call, channel.receive({ signal: abort.signal }));
  }

  for (let step = 0; step < steps; step++) {
    if (step === steps - 50) {
      model.close();
      channel.close();
    }
    const operation = operations[random(operations.length)]!;
    operation(step);
    // An outcome is at most a few promises away from its cause.
    for (let i = 0; i < 4; i++) await null;
    const where = `seed ${seed}, step ${step}: ${operation.name}`;
    assertEquals(ended.toSorted(), model.ended.toSorted(), where);
    assertEquals([...channel.waiting], model.items, where);
    assertEquals(
      [channel.size, channel.receivers, channel.suspended.size, channel.capacity, channel.closed],
      [
        model.items.length,
        model.receivers.length,
        model.senders.length,
        model.capacity,
        model.closed,
      ],
      where,
    );
    ended = [];
    model.ended = [];
  }
}

/** A small linear congruential generator, so that a failure can be repeated. */
function generator(seed: number): (below: number) => number {
  return (below) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor(seed / 65536) % below;
  };
}

/** A channel of numbers, the smaller the older, that each have the audience that was set for them. */
function withAudiences(capacity: number) {
  const audiences = new Map<number, Audience>();
  const before = (item: number, other: number) => item < other;
  const channel = new Channel<number>(capacity, {
    order: { audienceOf: (item) => audiences.get(item), before },
  });
  return {
    channel,
    send: (item: number, audience: Audience) => {
      audiences.set(item, audience);
      return channel.trySend(item);
    },
    bringBack: (item: number, audience: Audience) => {
      audiences.set(item, audience);
      channel.unshift(item, { behind: (waiting) => before(waiting, item) });
    },
    audiences,
  };
}

Deno.test("an item that avoids a taker goes to the first other one, who may wait behind it", async () => {
  const { channel, bringBack } = withAudiences(10);
  const [one, two] = [{}, {}];
  const first = channel.receive({ taker: one });
  const second = channel.receive({ taker: two });
  bringBack(7, without(undefined, one));
  assertEquals([await second, channel.receivers, channel.size], [7, 1, 0]);
  bringBack(8, without(undefined, one));
  assertEquals([channel.receivers, channel.size, channel.waiting.sizeFor(one)], [1, 1, 0]);
  await channel.sendAll([9]);
  assertEquals(await first, 9);
  assertEquals(await channel.receive({ taker: two }), 8);
});

Deno.test("items that avoid somebody keep their places among the others", async () => {
  const { channel, bringBack } = withAudiences(10);
  const [one, two, three] = [{}, {}, {}];
  await channel.sendAll([1, 4, 6]);
  bringBack(5, without(undefined, one));
  bringBack(2, without(undefined, two));
  bringBack(3, without(undefined, one));
  assertEquals([...channel.waiting], [1, 2, 3, 4, 5, 6]);
  const sizes = [one, two, three].map((taker) => channel.waiting.sizeFor(taker));
  assertEquals(sizes, [4, 5, 6]);
  const got = [];
  for (const taker of [two, two, one, three, one]) got.push(await channel.receive({ taker }));
  assertEquals(got, [1, 3, 2, 4, 6]);
  assertEquals([channel.size, channel.remove(5), channel.size], [1, true, 0]);
});

Deno.test("a closed channel ends for a taker whom all items avoid, and not for another one", async () => {
  const { channel, bringBack } = withAudiences(10);
  const [one, two] = [{}, {}];
  bringBack(1, without(undefined, one));
  channel.close();
  await assertRejects(() => channel.receive({ taker: one }), ChannelClosedError);
  assertEquals(await channel.receive({ taker: two }), 1);
});

Deno.test("each taker gets the oldest item that it may have: its own, its group's, anybody's", async () => {
  const { channel, send } = withAudiences(10);
  const [one, two, three] = [{ name: 1 }, { name: 2 }, { name: 3 }];
  const group = new Set<object>([one, two]);
  send(1, only(three));
  send(2, group);
  channel.trySend(3);
  send(4, only(one));
  send(5, without(group, one));
  assertEquals([...channel.waiting], [1, 2, 3, 4, 5]);
  assertEquals(channel.waiting.oldest, 1);
  assertEquals([one, two, three].map((taker) => channel.waiting.sizeFor(taker)), [3, 3, 2]);
  const got: Record<string, number[]> = { 1: [], 2: [], 3: [] };
  for (const taker of [two, one, one, two, three]) {
    got[taker.name]!.push(await channel.receive({ taker }));
  }
  assertEquals(got, { 1: [3, 4], 2: [2, 5], 3: [1] });
});

Deno.test("an item for one alone goes to the one of it that has waited longest", async () => {
  const { channel, send } = withAudiences(1);
  const [one, two] = [{}, {}];
  const got: string[] = [];
  for (const [name, taker] of [["two", two], ["one", one], ["one again", one]] as const) {
    channel.receive({ taker }).then((item) => got.push(`${name} ${item}`));
  }
  for (const item of [1, 2, 3]) assertEquals(send(item, only(one)), true);
  assertEquals(send(4, only(one)), false);
  await settle();
  assertEquals([got, channel.size, channel.receivers], [["one 1", "one again 2"], 1, 1]);
  assertEquals(send(5, new Set([two])), true);
  await settle();
  assertEquals(got.at(-1), "two 5");
});

Deno.test("who waits gets an item that has no room yet, past those that it must not have", async () => {
  const { channel, audiences } = withAudiences(1);
  const [one, two] = [{}, {}];
  for (const item of [1, 2, 4]) audiences.set(item, only(one));
  const first = channel.receive({ taker: two });
  const sent = channel.sendAll([1, 2, 3, 4, 5]);
  assertEquals(await first, 3);
  assertEquals([channel.size, channel.suspended.size, channel.suspended.items], [1, 1, 3]);
  assertEquals(await channel.receive({ taker: two }), 5);
  const later = channel.receive({ taker: two });
  assertEquals(await isPending(later), true);
  channel.trySend(6);
  assertEquals(await later, 6);
  for (const item of [1, 2, 4]) assertEquals(await channel.receive({ taker: one }), item);
  await sent;
  assertEquals([channel.size, channel.suspended.items], [0, 0]);
});

Deno.test("who asked for room is told of a receiver for whom nothing waits", async () => {
  const { channel, send } = withAudiences(1);
  const [one, two] = [{}, {}];
  send(1, only(one));
  const room = channel.room();
  assertEquals(await isPending(room), true);
  const received = channel.receive({ taker: two });
  await room;
  assertEquals(channel.trySend(2), true);
  assertEquals(await received, 2);
});

/** A channel of numbers, the smaller ones older, with audiences that can be changed. */
function reassignable(capacity: number, onWaiting?: (sent?: readonly number[]) => void) {
  const audiences = new Map<number, Audience>();
  const channel = new Channel<number>(capacity, {
    order: { audienceOf: (item) => audiences.get(item), before: (a, b) => a < b },
    ...onWaiting && { onWaiting },
  });
  return { channel, audiences };
}

Deno.test("items whose audience changes keep their places by age, wherever they wait then", async () => {
  const [a, b] = [{}, {}];
  const told: number[][] = [];
  const { channel, audiences } = reassignable(20, (sent) => told.push([...sent ?? []]));
  for (const item of [1, 4, 7]) audiences.set(item, only(a));
  for (const item of [2, 5, 8]) audiences.set(item, only(b));
  await channel.sendAll([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  // The lane of one comes to another one, and to everybody; some that wait no more are named, too.
  for (const item of [7, 1]) audiences.set(item, only(b));
  audiences.delete(4);
  channel.reassign([7, 4, 1, 10, 99]);
  assertEquals(told.at(-1), [1, 4, 7]);
  assertEquals([...channel.waiting.audiences()].map(([, items]) => [...items]), [[1, 2, 5, 7, 8]]);
  assertEquals([...channel.waiting], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const received = async (taker: object) => await channel.receive({ taker });
  assertEquals([await received(a), await received(a), await received(a)], [3, 4, 6]);
  assertEquals([await received(b), await received(b), channel.size], [1, 2, 4]);
});

Deno.test("an item that gets room late waits before younger ones that are back", async () => {
  const [a, b] = [{}, {}];
  const { channel, audiences } = reassignable(2);
  for (const item of [1, 2, 3, 5]) audiences.set(item, only(a));
  audiences.set(4, only(b));
  const sent = channel.sendAll([1, 2, 3, 4, 5]);
  // It has no room yet, and neither has the one before it, which is for somebody else.
  assertEquals(await channel.receive({ taker: b }), 4);
  audiences.set(4, only(a));
  channel.unshift(4, { behind: (waiting) => waiting < 4 });
  const received = [];
  for (let i = 0; i < 5; i++) received.push(await channel.receive({ taker: a }));
  assertEquals(received, [1, 2, 3, 4, 5]);
  await sent;
});

Deno.test("the oldest of the items whose audience changes goes to a receiver that waits", async () => {
  const [a, b] = [{}, {}];
  const { channel, audiences } = reassignable(3);
  for (const item of [1, 2, 3, 4]) audiences.set(item, only(a));
  const sent = channel.sendAll([1, 2, 3, 4]);
  const received = channel.receive({ taker: b });
  assert(await isPending(sent));
  audiences.clear();
  channel.reassign([3, 1, 2]);
  assertEquals(await received, 1);
  await sent;
  assertEquals([...channel.waiting], [2, 3, 4]);
});

Deno.test("however many items change their audience, each that waits is passed once", () => {
  const number = 100_000;
  const [a, b] = [{}, {}];
  const audiences = new Map<number, Audience>();
  let compared = 0;
  const channel = new Channel<number>(2 * number, {
    order: {
      audienceOf: (item) => audiences.get(item),
      before: (one, other) => (compared++, one < other),
    },
  });
  const items = Array.from({ length: 2 * number }, (_, i) => i);
  for (const item of items) audiences.set(item, only(item % 2 ? a : b));
  channel.sendAll(items);
  for (const item of items) audiences.set(item, only(b));
  channel.reassign(items.filter((item) => item % 2));
  // Sorting what is in order already takes one comparison an item.
  assert(compared < 5 * number, `${compared}`);
  const [[, lane]] = [...channel.waiting.audiences()] as [[Audience, Iterable<number>]];
  assertEquals([...lane], items);
});

Deno.test("items that get room late are told of, each once, whoever has made it", async () => {
  const [a, b] = [{}, {}];
  const told: number[][] = [];
  const { channel, audiences } = reassignable(1, (sent) => {
    if (!full) told.push([...sent ?? []]);
    for (const _ of told.at(-1) ?? []) channel.receive({ taker: b });
  });
  let full = true;
  for (const item of [2, 3, 4]) audiences.set(item, only(b));
  audiences.set(1, only(a));
  channel.trySend(1);
  const sent = channel.sendAll([2, 3, 4]);
  full = false;
  assertEquals(await channel.receive({ taker: a }), 1);
  await sent;
  await settle();
  // Each of them is received, which makes room for the next one.
  assertEquals([told, channel.size], [[[2], [3], [4]], 0]);
});
