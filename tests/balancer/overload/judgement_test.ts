// Who is judged by which queue, and when: shedding with several destinations, free slots and changes.
import { assert, assertEquals } from "@std/assert";
import { only } from "../../../src/async/audience.ts";
import { QueueOrder } from "../../../src/balancer/queue_order.ts";
import { readSettings } from "../../../src/config/options.ts";
import { overrun, PATIENCE_MS, Place } from "../../support/overloaded.ts";

/** Two destinations, and who waits for one of them alone. */
const [ONE, OTHER] = [1, 2].map(() => ({ idleSignal: new AbortController().signal })) as [
  { idleSignal: AbortSignal },
  { idleSignal: AbortSignal },
];
const FOR_ONE = only(ONE);
const FOR_OTHER = only(OTHER);

/** More come for one destination than it serves, and each time one for the other, which serves it. */
async function overrunOne(place: Place): Promise<Set<string>> {
  const others = new Set<string>();
  for (let i = 0; i < 300; i++) {
    for (let n = 0; n < 3; n++) place.join(undefined, FOR_ONE);
    others.add(`${place.join(undefined, FOR_OTHER).id} shed`);
    place.now += 10;
    await place.serve(ONE);
    await place.serve(OTHER);
  }
  return others;
}

Deno.test("nobody is shed or passed by because the queue for another destination is long", async () => {
  for (const mode of ["shed", "newest"] as const) {
    const place = new Place(mode, { capacity: 400 });
    await place.teach();
    const others = await overrunOne(place);
    assert(place.ended.length > 50, `${mode}: ${place.ended.length}`);
    assertEquals(place.ended.filter((end) => others.has(end)), [], mode);
    assert(place.overload.acts);
    // In order of arrival, those for the other one, while the newest is served here.
    const [first] = [place.join(undefined, FOR_OTHER), place.join(undefined, FOR_OTHER)];
    const newest = place.join(undefined, FOR_ONE);
    assertEquals(await place.serve(OTHER), first.id);
    if (mode === "newest") assertEquals(await place.serve(ONE), newest.id);
    place.overload.close();
  }
});

Deno.test("without room the oldest leaves of those whose destination is under pressure", async () => {
  const place = new Place("newest", { capacity: 200 });
  await place.teach();
  const waiting = place.join(undefined, FOR_OTHER);
  for (let i = 0; i < 300; i++) {
    for (let n = 0; n < 3; n++) place.join(undefined, FOR_ONE);
    place.now += 10;
    await place.serve(ONE);
  }
  assert(place.ended.length > 50, `${place.ended.length}`);
  assertEquals(waiting.reason, undefined);
  place.overload.close();
});

Deno.test("a client that finishes sending is closed only where its own destination is under pressure", async () => {
  const place = new Place("shed");
  await place.teach();
  await overrunOne(place);
  const [here, there] = [place.join(undefined, FOR_ONE), place.join(undefined, FOR_OTHER)];
  place.now += PATIENCE_MS / 4;
  place.finish(here);
  place.finish(there);
  assertEquals([here.reason, there.reason], ["shed", undefined]);
  place.overload.close();
});

Deno.test("who has waited too long is served all the same while slots are free", async () => {
  const place = new Place("shed");
  await place.teach();
  for (let i = 0; i < 12; i++) place.join();
  place.now += 10 * PATIENCE_MS;
  // The server is back, with ten slots.
  const served: (number | undefined)[] = [];
  for (place.slots = 9; place.slots >= 0; place.slots--) served.push(await place.serve());
  assertEquals([served.length, place.ended.length, place.queue.size], [10, 2, 0]);
  place.overload.close();
});

Deno.test("a standing queue is forgotten while another mode is in force", async () => {
  const place = new Place("shed");
  await place.teach();
  await overrun(place);
  assert(place.overload.acts);
  place.settings.whenOverloaded = "hold";
  while (await place.serve());
  place.now += 20 * PATIENCE_MS;
  place.settings.whenOverloaded = "shed";
  place.ended.length = 0;
  // They can be served in time, and have waited longer than they would have to in a standing queue.
  for (let i = 0; i < 20; i++) place.join();
  place.now += PATIENCE_MS / 2;
  for (let i = 0; i < 20; i++) {
    await place.serve();
    place.now += 10;
  }
  assertEquals([place.ended, place.overload.acts], [[], false]);
  place.overload.close();
});

Deno.test("with --half-close abandon who finishes sending with the request has not lost patience", () => {
  const place = new Place("shed");
  for (let i = 0; i < 64; i++) {
    const session = Object.assign(place.join(), { abandons: true });
    session.signs!.heard();
    session.signs!.finished();
    session.abort("client-gone");
  }
  assertEquals(place.overload.patience, 0);
  for (let i = 0; i < 64; i++) {
    const session = Object.assign(place.join(), { abandons: true });
    session.signs!.heard();
    place.now += PATIENCE_MS;
    session.signs!.finished();
    session.abort("client-gone");
  }
  assert(place.overload.patience > 400, `${place.overload.patience}`);
});

Deno.test("a client that does not take its answer had left when it finished sending", async () => {
  const place = new Place("shed");
  for (let i = 0; i < 64; i++) {
    const session = place.join();
    place.now += 40;
    session.signs!.heard();
    session.signs!.finished();
    place.now += 10;
    assertEquals(await place.serve(), session.id);
    session.down.received = 2;
    Object.assign(session, { reason: i < 32 ? "done" : "client-reset", endedAt: place.now });
    place.overload.ended(session);
    if (i === 31) assertEquals(place.overload.patience, 0);
  }
  assert(place.overload.patience > 0);
});

Deno.test("a higher class is not shed because a lower one is too many, whatever comes of it at once", async () => {
  const lanes = new QueueOrder().lanes(readSettings({ priority: "10.9.0.0/16=0" }));
  const place = new Place("shed", { lanes });
  await place.teach();
  const high = new Set<string>();
  for (let i = 0; i < 1000; i++) {
    const number = i % 200 === 100 ? 20 : 0;
    for (let n = 0; n < number; n++) high.add(`${place.join(`10.9.0.${n}`).id} shed`);
    for (let n = 0; n < 2; n++) place.join();
    await place.serve();
    place.now += 10;
  }
  assert(place.ended.length > 500, `${place.ended.length}`);
  assertEquals(place.ended.filter((end) => high.has(end)), []);
  // If it is too many itself, those of it are shed that are.
  for (let i = 0; i < 400; i++) {
    for (let n = 0; n < 2; n++) high.add(`${place.join(`10.9.1.${n}`).id} shed`);
    await place.serve();
    place.now += 10;
  }
  const late = place.ended.filter((end) => high.has(end)).length;
  assert(late > 200 && late < 500, `${late}`);
  place.overload.close();
});
