import { assert, assertEquals } from "@std/assert";
import { type Audience, only, without } from "../../src/async/audience.ts";
import { Channel } from "../../src/async/channel.ts";
import { fairLanes } from "../../src/async/fair_lane.ts";
import { fifoLanes } from "../../src/async/fifo_lane.ts";
import type { LaneMaker } from "../../src/async/lane.ts";

/** An item: whose, and its number in the order of age. */
interface Item {
  readonly client: string;
  readonly age: number;
  turn: number;
  audience?: Audience;
}

function lanesOfItems(): LaneMaker<Item> {
  return fairLanes({
    clientOf: ({ client }) => client,
    noteTurn: (item, turn) => item.turn = turn,
    turnOf: ({ turn }) => turn,
  });
}

/** A channel in which clients take turns. */
function fairChannel(lanes = lanesOfItems()): Channel<Item> {
  return new Channel(1_000_000, {
    order: {
      audienceOf: ({ audience }) => audience,
      before: (one, other) => one.age < other.age,
      lanes,
    },
  });
}

/** Makes items, each older than the next one, and how they are written: `a1`. */
class Items {
  #age = 0;

  of(client: string, audience?: Audience): Item {
    return { client, age: ++this.#age, turn: 0, ...audience && { audience } };
  }

  /** One for each letter. */
  all(clients: string): Item[] {
    return [...clients].map((client) => this.of(client));
  }
}

function nameOf({ client, age }: Item): string {
  return client + age;
}

async function takeAll(channel: Channel<Item>, taker?: object): Promise<string> {
  const names: string[] = [];
  while (channel.size > 0) names.push(nameOf(await channel.receive(taker && { taker })));
  return names.join(" ");
}

/** Takes an item that is there. */
async function take(channel: Channel<Item>, taker?: object): Promise<Item> {
  assert(channel.size > 0);
  return await channel.receive(taker && { taker });
}

Deno.test("clients take turns, and the items of one are served in the order of their age", async () => {
  const channel = fairChannel();
  await channel.sendAll(new Items().all("aaaabbc"));
  assertEquals(await takeAll(channel), "a1 b5 c7 a2 b6 a3 a4");
});

Deno.test("one who comes new waits for one item of each other client at most", async () => {
  const channel = fairChannel();
  const items = new Items();
  await channel.sendAll(items.all("a".repeat(40) + "bcd"));
  const served = [await take(channel), await take(channel), await take(channel)];
  await channel.sendAll(items.all("e"));
  for (let i = 0; i < 3; i++) served.push(await take(channel));
  assertEquals(served.map(nameOf), ["a1", "b41", "c42", "d43", "a2", "e44"]);
  assertEquals(channel.waiting.clients, 1);
});

Deno.test("a client whose first item leaves keeps its turn", async () => {
  const channel = fairChannel();
  const items = new Items().all("aabb");
  await channel.sendAll(items);
  channel.remove(items[0]!);
  assertEquals(await takeAll(channel), "a2 b3 b4");
});

Deno.test("an item that comes back is served in the turn that it was taken in", async () => {
  const channel = fairChannel();
  await channel.sendAll(new Items().all("aabbc"));
  const [a1, b3] = [await take(channel), await take(channel)];
  const behind = (item: Item) => (waiting: Item) => waiting.age < item.age;
  channel.unshift(b3, { behind: behind(b3) });
  channel.unshift(a1, { behind: behind(a1) });
  assertEquals([...channel.waiting].map(nameOf).join(" "), "a1 a2 b3 b4 c5");
  assertEquals(await takeAll(channel), "a1 b3 c5 a2 b4");
});

Deno.test("several items of one client that come back have a turn each, as before", async () => {
  const channel = fairChannel();
  await channel.sendAll(new Items().all("aaabb"));
  const taken = [await take(channel), await take(channel), await take(channel)];
  assertEquals(taken.map(nameOf).join(" "), "a1 b4 a2");
  for (const item of taken) channel.unshift(item, { behind: ({ age }) => age < item.age });
  assertEquals(await takeAll(channel), "a1 b4 a2 b5 a3");
});

Deno.test("an item that comes back gives its client no turn again and again", async () => {
  const channel = fairChannel();
  await channel.sendAll(new Items().all("aaaabbbb"));
  const a1 = await take(channel);
  channel.unshift(a1, { behind: () => false });
  channel.newestFirst = true;
  assertEquals(await takeAll(channel), "a4 b8 a3 b7 a2 b6 a1 b5");
});

Deno.test("a turn that an item has brought back is had once, also by a younger item", async () => {
  const channel = fairChannel();
  await channel.sendAll(new Items().all("aaaaabbbbb"));
  const [a1, , a2] = [await take(channel), await take(channel), await take(channel)];
  channel.unshift(a1, { behind: ({ age }) => age < a1.age });
  channel.unshift(a2, { behind: ({ age }) => age < a2.age });
  channel.remove(a1);
  channel.newestFirst = true;
  assertEquals(await takeAll(channel), "a5 a4 b10 a3 b9 a2 b8 b7");
});

Deno.test("the newest first is the newest of the client whose turn it is", async () => {
  const channel = fairChannel();
  await channel.sendAll(new Items().all("aaabb"));
  channel.newestFirst = true;
  const served = [await take(channel), await take(channel), await take(channel)];
  assertEquals(served.map(nameOf).join(" "), "a3 b5 a2");
  channel.newestFirst = false;
  assertEquals(await takeAll(channel), "b4 a1");
});

Deno.test("the greediest client gives up its oldest first", async () => {
  const channel = fairChannel();
  await channel.sendAll(new Items().all("abbbcc"));
  const shed: string[] = [];
  for (let item; (item = channel.waiting.nextToShed);) {
    channel.remove(item);
    shed.push(nameOf(item));
  }
  assertEquals(shed.join(" "), "b2 c5 b3 a1 c6 b4");
});

Deno.test("turns count across audiences, and nobody gets what it must not have", async () => {
  const [one, two] = [{}, {}];
  const channel = fairChannel();
  const items = new Items();
  await channel.sendAll([
    items.of("a"),
    items.of("a"),
    items.of("b", only(one)),
    items.of("c", without(undefined, one)),
    items.of("d"),
  ]);
  const served: string[] = [];
  for (const taker of [two, one, two, one, two]) served.push(nameOf(await take(channel, taker)));
  assertEquals(served.join(" "), "a1 b3 c4 d5 a2");
});

Deno.test("items whose audience changes take their client's turn with them, once", async () => {
  const one = {};
  const channel = fairChannel();
  const items = new Items();
  const bound = [items.of("a", only(one)), items.of("a", only(one)), items.of("b", only(one))];
  await channel.sendAll([...bound, ...items.all("cda")]);
  for (const item of bound) delete item.audience;
  channel.reassign(bound);
  assertEquals([...channel.waiting].map(nameOf).join(" "), "a1 a2 b3 c4 d5 a6");
  assertEquals(await takeAll(channel), "a1 b3 c4 d5 a2 a6");
});

Deno.test("what waits stays when the order changes, and is in turn after that", async () => {
  const lanes = lanesOfItems();
  const channel = fairChannel(lanes);
  const items = new Items();
  await channel.sendAll(items.all("aaab"));
  assertEquals(nameOf(await take(channel)), "a1");
  channel.reorder(fifoLanes());
  await channel.sendAll(items.all("b"));
  assertEquals(nameOf(await take(channel)), "a2");
  channel.reorder(lanes);
  assertEquals([channel.size, channel.waiting.clients], [3, 2]);
  assertEquals(await takeAll(channel), "a3 b4 b5");
});

Deno.test("what a client costs does not depend on how many wait", async () => {
  const measure = async (depth: number, clients: number) => {
    const channel = fairChannel();
    const items = new Items();
    for (let i = 0; i < depth; i++) channel.trySend(items.of(`${i % clients}`));
    const begin = performance.now();
    for (let i = 0; i < 20_000; i++) {
      channel.trySend(items.of(`${i % clients}`));
      channel.remove(channel.waiting.nextToShed!);
      channel.trySend(items.of(`${i % clients}`));
      await channel.receive();
    }
    return performance.now() - begin;
  };
  let few = Infinity;
  let many = Infinity;
  for (let i = 0; i < 5; i++) {
    few = Math.min(few, await measure(10, 5));
    many = Math.min(many, await measure(10_000, 5000), await measure(10_000, 5));
  }
  // A scan of what waits would take hundreds of times as long.
  assert(many < 10 * few, `${many} ms with 10,000 waiting, ${few} ms with 10`);
});
