import { assert, assertEquals } from "@std/assert";
import { type Audience, only } from "../../src/async/audience.ts";
import { Channel } from "../../src/async/channel.ts";
import { classLanes } from "../../src/async/class_lane.ts";
import { fifoLanes } from "../../src/async/fifo_lane.ts";

/** An item, its class, and its number in the order of age. */
interface Item {
  readonly of: number;
  readonly age: number;
  readonly audience?: Audience | undefined;
}

function channelOfClasses(): Channel<Item> {
  return new Channel(1_000_000, {
    order: {
      audienceOf: ({ audience }) => audience,
      before: (one, other) => one.age < other.age,
      lanes: classLanes({ classOf: (item) => item.of, usual: 2, lanes: fifoLanes() }),
    },
  });
}

/** Sends items of these classes, each younger than those before it. */
class Sender {
  readonly channel = channelOfClasses();
  #age = 0;

  send(classes: string, audience?: Audience): void {
    for (const of of classes) {
      assert(this.channel.trySend({ of: Number(of), age: ++this.#age, audience }));
    }
  }

  /** The classes of the next items that are received. */
  async take(number: number, taker?: object): Promise<string> {
    let classes = "";
    for (let i = 0; i < number; i++) classes += (await this.channel.receive(taker && { taker })).of;
    return classes;
  }
}

/** How often each class occurs. */
function shares(classes: string): number[] {
  return ["0", "1", "2", "3"].map((of) => classes.split(of).length - 1);
}

Deno.test("classes of which all wait share what is taken 8:4:2:1, in every 15 in a row", async () => {
  const sender = new Sender();
  sender.send("0123".repeat(2000));
  const classes = await sender.take(1500);
  for (let at = 0; at < 1500; at += 15) {
    assertEquals(shares(classes.slice(at, at + 15)), [8, 4, 2, 1]);
  }
});

Deno.test("what a class does not use goes to the others by their shares", async () => {
  const sender = new Sender();
  sender.send("123".repeat(500));
  assertEquals(shares(await sender.take(70)), [0, 40, 20, 10]);
  const last = new Sender();
  last.send("3".repeat(10));
  assertEquals(await last.take(10), "3".repeat(10));
});

Deno.test("one of the first class is next when it comes, and saves up nothing before", async () => {
  const sender = new Sender();
  sender.send("23".repeat(500));
  await sender.take(300);
  sender.send("0".repeat(100));
  const classes = await sender.take(30);
  assertEquals(classes[0], "0");
  const [first, , third, fourth] = shares(classes);
  assert(first! >= 20 && first! <= 24, classes);
  assert(third! >= 5 && fourth! >= 2, classes);
});

Deno.test("nobody is starved, however many of the first class come", async () => {
  const sender = new Sender();
  sender.send("3210");
  let classes = "";
  for (let i = 0; i < 15; i++) {
    sender.send("00");
    classes += await sender.take(1);
  }
  assertEquals(shares(classes).slice(1), [1, 1, 1]);
});

Deno.test("items of a class are taken in the order of their age, or the newest first", async () => {
  const sender = new Sender();
  sender.send("222222");
  const { channel } = sender;
  assertEquals((await channel.receive()).age, 1);
  channel.newestFirst = true;
  assertEquals((await channel.receive()).age, 6);
  assertEquals([channel.waiting.oldest?.age, channel.waiting.newest?.age], [2, 5]);
  assertEquals([...channel.waiting].map(({ age }) => age), [2, 3, 4, 5]);
});

Deno.test("shares count for all audiences together", async () => {
  const [one, two] = [{}, {}];
  const sender = new Sender();
  for (const audience of [undefined, only(one), only(two), new Set([one, two])]) {
    sender.send("0123".repeat(300), audience);
  }
  let classes = "";
  for (let i = 0; i < 300; i++) classes += await sender.take(1, i % 2 ? one : two);
  assertEquals(shares(classes), [160, 80, 40, 20]);
});

Deno.test("who is waited for longest gives up first: of the class with the most for its share", () => {
  const { channel } = new Sender();
  let age = 0;
  for (const of of "0000000000000000112233") channel.trySend({ of: Number(of), age: ++age });
  const shed: number[] = [];
  while (channel.size > 0) {
    const item = channel.waiting.nextToShed!;
    channel.remove(item);
    shed.push(item.of);
  }
  // At first 16/8, 2/4, 2/2 and 2/1.
  assertEquals(shed.join(""), "0300000000230000120010");
});

Deno.test("items of all classes are told by their age", () => {
  const sender = new Sender();
  sender.send("3021032");
  sender.send("12", only({}));
  assertEquals([...sender.channel.waiting].map(({ age }) => age), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
