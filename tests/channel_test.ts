import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Channel, ChannelClosedError } from "../src/channel.ts";

/** Lets every promise that can settle do so. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
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
  await channel.send(1);
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
  const sends = [channel.send(1), channel.send(2), channel.send(3)];
  assertEquals([await isPending(sends[0]!), await isPending(sends[1]!)], [false, true]);
  assertEquals(channel.senders, 2);
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
  assertEquals([...channel.waiting()], [3, 4]);
});

Deno.test("an item cannot overtake a sender that waits for room", async () => {
  const channel = new Channel<number>(2);
  const sent = channel.sendAll([1, 2, 3]);
  assertEquals(channel.trySend(4), false);
  channel.remove(1);
  await sent;
  assertEquals([...channel.waiting()], [2, 3]);
});

Deno.test("unshift goes first, beyond the capacity and after a close", async () => {
  const channel = new Channel<number>(1);
  channel.trySend(2);
  channel.unshift(1);
  assertEquals([...channel.waiting()], [1, 2]);
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
  assertEquals([...channel.waiting()], [1, 2, 3, 4, 5, 6]);
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
  assertEquals([[...channel.waiting()], channel.size], [[2, 4], 2]);
});

Deno.test("taking an item out makes room for a sender", async () => {
  const channel = new Channel<number>(1);
  channel.trySend(1);
  const sent = channel.send(2);
  assertEquals(channel.remove(2), false, "it has no place yet");
  channel.remove(1);
  await sent;
  assertEquals([...channel.waiting()], [2]);
});

Deno.test("an item cannot wait twice", async () => {
  const channel = new Channel<number>(5);
  channel.trySend(1);
  assertThrows(() => channel.trySend(1), TypeError, "waits in the channel already");
  assertThrows(() => channel.unshift(1), TypeError);
  await assertRejects(() => channel.sendAll([2, 1, 3]), TypeError);
  assertEquals([...channel.waiting()], [1, 2]);
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
  assertEquals([[...channel.waiting()], channel.trySend(4)], [[1, 2, 3], false]);
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

Deno.test("iteration ends when the channel is closed and empty", async () => {
  const channel = new Channel<number>(3);
  await channel.sendAll([1, 2, 3]);
  channel.close();
  const items: number[] = [];
  for await (const item of channel) items.push(item);
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
  assertEquals([calls, [...channel.waiting()]], [[2, 2], [3]]);
  return Promise.all([received, ...taken]).then((items) => assertEquals(items, [1, 2, 4]));
});

Deno.test("a capacity that is not a whole number of at least 1 is refused", () => {
  for (const capacity of [0, -1, 1.5, NaN, Infinity]) {
    assertThrows(() => new Channel(capacity), RangeError, `received ${capacity}`);
    assertThrows(() => new Channel(1).resize(capacity), RangeError, "Cannot resize channel");
  }
});

Deno.test("random operations agree with a plain array", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = generator(seed);
    const channel = new Channel<number>(8);
    const model: number[] = [];
    let next = 0;
    for (let step = 0; step < 1000; step++) {
      const choice = random(5);
      if (choice <= 1) {
        const fits = model.length < 8;
        assertEquals(channel.trySend(++next), fits);
        if (fits) model.push(next);
      } else if (choice === 2 && model.length > 0) {
        assertEquals(await channel.receive(), model.shift());
      } else if (choice === 3 && model.length > 0) {
        const [item] = model.splice(random(model.length), 1);
        assert(channel.remove(item!));
      } else if (choice === 4 && model.length < 12) {
        channel.unshift(++next);
        model.unshift(next);
      }
      assertEquals([...channel.waiting()], model, `seed ${seed}, step ${step}`);
    }
  }
});

/** A small linear congruential generator, so that a failure can be repeated. */
function generator(seed: number): (below: number) => number {
  return (below) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor(seed / 65536) % below;
  };
}
