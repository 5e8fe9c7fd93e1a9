import { assert, assertEquals } from "@std/assert";
import { Overload } from "../../../src/balancer/overload/overload.ts";
import { QueueOrder } from "../../../src/balancer/queue_order.ts";
import { collectedLog } from "../../support/logs.ts";
import { Random } from "../../support/random.ts";
import { overrun, PATIENCE_MS, Place } from "../../support/overloaded.ts";

Deno.test("a queue that was never long is served in order, and so is one that is worked off in time", async () => {
  for (const mode of ["shed", "newest"] as const) {
    const place = new Place(mode);
    await place.teach();
    const first = place.join().id;
    for (let i = 0; i < 40; i++) place.join();
    const order = [];
    for (let id = await place.serve(); id; id = await place.serve()) {
      order.push(id - first);
      place.now += 10;
    }
    assertEquals(order, Array.from({ length: 41 }, (_, i) => i), mode);
    assertEquals(place.ended, []);
  }
});

Deno.test("in a standing queue those that have waited longest are shed, and the log tells of it once a second", async () => {
  const place = new Place("shed");
  await place.teach();
  await overrun(place);
  assert(place.overload.acts);
  assert(place.ended.length > 50, `${place.ended.length}`);
  assert(place.ended.every((end) => end.endsWith(" shed")));
  const waits = place.now - place.queue.oldest!.acceptedAt;
  assert(waits <= PATIENCE_MS / 4 + 20, `the oldest has waited ${waits} ms`);
  const [begin, ...lines] = place.lines;
  assert(begin?.startsWith("an overload has begun"), begin);
  assert(lines.length >= 1 && lines.length <= 4, lines.join("\n"));
  assert(/^overloaded: \d+ shed, the latest from \d+/.test(lines[0]!), lines[0]);
  place.overload.close();
});

Deno.test("with turns it is the client with the most sessions that is shed, and nobody else", async () => {
  const order = {
    queueOrder: "fair",
    fairBy: "address",
    fairMask: { v4: 32, v6: 64 },
    priority: [],
  } as const;
  const place = new Place("shed", { lanes: new QueueOrder().lanes(order) });
  await place.teach();
  const others = new Set<string>();
  for (let i = 0; i < 300; i++) {
    for (let n = 0; n < 2; n++) place.join("192.0.2.1");
    if (i % 3 === 0) others.add(`${place.join().id} shed`);
    await place.serve();
    place.now += 10;
  }
  assert(place.ended.length > 50, `${place.ended.length}`);
  assertEquals(place.ended.filter((end) => others.has(end)), []);
  place.overload.close();
});

Deno.test("with turns clients that come seldom wait for each other's turns, and are not shed for that", async () => {
  const order = {
    queueOrder: "fair",
    fairBy: "address",
    fairMask: { v4: 32, v6: 64 },
    priority: [],
  } as const;
  const place = new Place("shed", { lanes: new QueueOrder().lanes(order) });
  await place.teach();
  const random = new Random(5);
  const others = new Set<string>();
  for (let i = 0; i < 1000; i++) {
    for (let n = 0; n < 3; n++) place.join("192.0.2.1");
    // Sometimes several of them at once, half of what can be served.
    if (i % 10 === 0) {
      for (let n = 0; n < 5; n++) {
        others.add(`${place.join(`192.0.2.${10 + random.below(30)}`).id} shed`);
      }
    }
    await place.serve();
    place.now += 10;
  }
  const shed = place.ended.filter((end) => others.has(end));
  assert(place.ended.length > 1000, `${place.ended.length}`);
  assert(shed.length <= others.size / 50, `${shed.length} of ${others.size}`);
  place.overload.close();
});

Deno.test("newest: in a standing queue the newest is served first, and who gives up leaves at once", async () => {
  const place = new Place("newest");
  await place.teach();
  await overrun(place);
  assertEquals(place.ended, []);
  const [gone, last] = [place.join(), place.join()];
  assertEquals(await place.serve(), last.id);
  place.now += 300;
  place.finish(gone);
  assertEquals(place.ended, [`${gone.id} shed`]);
  // When that is over it is first come, first served again.
  while (await place.serve());
  const next = place.join().id;
  place.join();
  assertEquals(await place.serve(), next);
  place.overload.close();
});

Deno.test("a queue without room sheds the oldest, so that nobody waits where it cannot be seen", async () => {
  const place = new Place("newest", { capacity: 120 });
  await place.teach();
  await overrun(place);
  assert(place.queue.freeSlots > 0);
  assert(place.ended.length > 0);
  place.overload.close();
});

Deno.test("a client that finishes sending with its request waits for the answer, in an overload as well", async () => {
  const place = new Place("newest");
  await place.teach();
  await overrun(place);
  const session = place.join();
  place.now += 400;
  place.finish(session, { heardAt: place.now - 1 });
  assertEquals([session.signs!.gaveUp, place.ended], [false, []]);
});

Deno.test("during a drain nothing is shed, and the order is that of arrival", async () => {
  for (const mode of ["shed", "newest"] as const) {
    const place = new Place(mode);
    await place.teach();
    await overrun(place);
    const before = place.ended.length;
    place.queue.lift();
    const order: number[] = [];
    for (let id = await place.serve(); id; id = await place.serve()) {
      order.push(id);
      place.now += 100;
    }
    assert(order.length > 10, mode);
    assertEquals(order, order.toSorted((a, b) => a - b), mode);
    assertEquals(place.ended.length, before, mode);
    place.overload.close();
  }
});

Deno.test("hold does nothing, and a reload changes that at any time", async () => {
  const place = new Place("hold");
  await place.teach();
  await overrun(place);
  assertEquals([place.ended, place.overload.acts, place.overload.patience], [[], false, 0]);
  place.settings.whenOverloaded = "shed";
  await place.teach();
  await overrun(place);
  assert(place.ended.length > 0);
  assert(place.overload.patience > 400 && place.overload.patience <= PATIENCE_MS);
  place.ended.length = 0;
  place.settings.whenOverloaded = "hold";
  await overrun(place);
  assertEquals([place.ended, place.overload.acts], [[], false]);
  place.overload.close();
});

Deno.test("while no destination has sessions nothing is shed, however long all have waited", () => {
  const place = new Place("shed");
  const { log } = collectedLog();
  const overload = new Overload({
    settings: place.settings,
    queue: place.queue,
    isServing: () => false,
    slotsFor: () => 0,
    clock: () => place.now,
    log,
  });
  place.settings.whenOverloaded = "hold";
  for (let i = 0; i < 50; i++) place.join();
  place.settings.whenOverloaded = "shed";
  place.now += 60_000;
  overload.joined();
  assertEquals(place.ended, []);
});
