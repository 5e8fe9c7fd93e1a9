import { assertEquals } from "@std/assert";
import { type Audience, only } from "../../src/async/audience.ts";
import { Channel } from "../../src/async/channel.ts";
import { fifoLanes } from "../../src/async/fifo_lane.ts";

/** A channel of numbers, by age, of which some are for few. */
function channelOf(audiences: Map<number, Audience> = new Map()): Channel<number> {
  return new Channel(100, {
    order: {
      audienceOf: (item) => audiences.get(item),
      before: (item, other) => item < other,
    },
  });
}

Deno.test("the newest is received first while that is asked for, and the oldest after that", async () => {
  const channel = channelOf();
  await channel.sendAll([1, 2, 3, 4, 5, 6]);
  assertEquals(await channel.receive(), 1);
  channel.newestFirst = true;
  assertEquals([await channel.receive(), await channel.receive()], [6, 5]);
  channel.trySend(7);
  assertEquals([channel.waiting.oldest, channel.waiting.newest], [2, 7]);
  assertEquals(await channel.receive(), 7);
  channel.newestFirst = false;
  assertEquals([await channel.receive(), await channel.receive()], [2, 3]);
});

Deno.test("the newest is the newest of all that the taker may have", async () => {
  const [one, two] = [{ name: 1 }, { name: 2 }];
  const audiences = new Map([[2, only(one)], [4, only(two)], [5, only(one)]]);
  const channel = channelOf(audiences);
  await channel.sendAll([1, 2, 3, 4, 5, 6]);
  channel.newestFirst = true;
  const received: number[] = [];
  for (const taker of [two, two, one, two]) received.push(await channel.receive({ taker }));
  assertEquals(received, [6, 4, 5, 3]);
  assertEquals([channel.waiting.oldest, channel.waiting.newest], [1, 2]);
  assertEquals([...channel.waiting], [1, 2]);
});

Deno.test("what is given up first is the oldest, for whomever it waits, whoever is served first", async () => {
  const audiences = new Map([[1, only({})], [3, only({})]]);
  const channel = channelOf(audiences);
  await channel.sendAll([1, 2, 3, 4]);
  channel.newestFirst = true;
  const shed: (number | undefined)[] = [];
  for (let item = channel.waiting.nextToShed; item; item = channel.waiting.nextToShed) {
    shed.push(item);
    channel.remove(item);
  }
  assertEquals(shed, [1, 2, 3, 4]);
});

Deno.test("items that wait stay in the order of their age when the order changes", async () => {
  const one = {};
  const channel = channelOf(new Map([[2, only(one)]]));
  await channel.sendAll([1, 2, 3]);
  channel.reorder(fifoLanes());
  assertEquals([[...channel.waiting], channel.size], [[1, 2, 3], 3]);
  assertEquals([channel.remove(1), await channel.receive({ taker: one })], [true, 2]);
  assertEquals([await channel.receive(), channel.size], [3, 0]);
});
