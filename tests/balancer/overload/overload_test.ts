import { assert, assertEquals } from "@std/assert";
import { Overload } from "../../../src/balancer/overload/overload.ts";
import type { WhenOverloaded } from "../../../src/balancer/overload/relief.ts";
import type { Queue, QueueOptions } from "../../../src/balancer/queue.ts";
import { QueueOrder } from "../../../src/balancer/queue_order.ts";
import type { EndReason } from "../../../src/operations/end_reasons.ts";
import { ClientWatch } from "../../../src/session/client_watch.ts";
import type { Session } from "../../../src/session/session.ts";
import { collectedLog } from "../../support/logs.ts";
import { queueOf, sessionOf } from "../../support/queue.ts";

const DESTINATION = { idleSignal: new AbortController().signal };
const PATIENCE_MS = 500;

/** A queue in front of one destination, and what happens to its sessions when time goes by. */
class Place {
  now = 0;
  readonly settings: { whenOverloaded: WhenOverloaded; shedTarget: number; shedInterval: number };
  readonly ended: string[] = [];
  readonly lines: string[];
  readonly queue: Queue;
  readonly overload: Overload;
  #number = 0;

  constructor(
    whenOverloaded: WhenOverloaded,
    options:
      & Pick<Partial<QueueOptions>, "capacity" | "lanes">
      & { shedTarget?: number; shedInterval?: number } = {},
  ) {
    const { log, lines } = collectedLog();
    this.lines = lines;
    const { shedTarget = 0, shedInterval = 0, ...queue } = options;
    this.settings = { whenOverloaded, shedTarget, shedInterval };
    this.queue = queueOf({ ...queue, overload: () => this.overload });
    this.overload = new Overload({
      settings: this.settings,
      queue: this.queue,
      isServing: () => true,
      clock: () => this.now,
      log,
    });
  }

  /** A client comes, of an address of its own unless given. */
  join(client?: string): Session {
    const id = ++this.#number;
    const session = sessionOf(id, { client: client ?? `10.0.${id >> 8}.${id & 255}` });
    Object.assign(session, {
      acceptedAt: this.now,
      watch: new ClientWatch(() => this.now),
      clientName: `${id}`,
      down: { received: 0 },
      close: () => {},
      conclude: () => {},
      abort: (reason: EndReason) => {
        Object.assign(session, { reason, endedAt: this.now });
        this.ended.push(`${id} ${reason}`);
        this.queue.onAbort(session);
        this.overload.ended(session);
      },
    });
    this.queue.join([session]);
    return session;
  }

  /** A worker takes the next one, and it is answered at once. */
  async serve(): Promise<number | undefined> {
    if (this.queue.size === 0) return undefined;
    const session = await this.queue.receive(DESTINATION as never);
    session.connectStartedAt = this.now;
    this.overload.answered(session);
    return session.id;
  }

  /** Its client finishes sending after it has said nothing since it came. */
  finish(session: Session, { heardAt = session.acceptedAt } = {}): void {
    session.watch!.heardAt = heardAt;
    session.watch!.finished();
    this.overload.finished(session);
  }

  /** Clients show how patient they are. */
  teach(): void {
    for (let i = 0; i < 128; i++) {
      this.overload.answered(Object.assign(this.join(), { connectStartedAt: this.now }));
    }
    const waiting = [...this.queue.sessions];
    this.now += PATIENCE_MS;
    for (const session of waiting) session.abort("client-gone");
    this.ended.length = 0;
  }
}

Deno.test("a queue that was never long is served in order, and so is one that is worked off in time", async () => {
  for (const mode of ["shed", "newest"] as const) {
    const place = new Place(mode);
    place.teach();
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

/** More come than are served, for longer than clients are patient. */
async function overrun(place: Place): Promise<void> {
  for (let i = 0; i < 300; i++) {
    place.join();
    place.join();
    await place.serve();
    place.now += 10;
  }
}

Deno.test("in a standing queue those that have waited longest are shed, and the log tells of it once a second", async () => {
  const place = new Place("shed");
  place.teach();
  await overrun(place);
  assert(place.overload.acts);
  assert(place.ended.length > 50, `${place.ended.length}`);
  assert(place.ended.every((end) => end.endsWith(" shed")));
  const waits = place.now - place.queue.oldest!.acceptedAt;
  assert(waits <= PATIENCE_MS / 4 + 20, `the oldest has waited ${waits} ms`);
  assert(place.lines.length >= 1 && place.lines.length <= 4, place.lines.join("\n"));
  assert(/^overloaded: \d+ shed, the latest from \d+/.test(place.lines[0]!), place.lines[0]);
  place.overload.close();
});

Deno.test("with turns it is the client with the most sessions that is shed, and nobody else", async () => {
  const order = { queueOrder: "fair", fairMask: { v4: 32, v6: 64 }, priority: [] } as const;
  const place = new Place("shed", { lanes: new QueueOrder().lanes(order) });
  place.teach();
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

Deno.test("newest: in a standing queue the newest is served first, and who gives up leaves at once", async () => {
  const place = new Place("newest");
  place.teach();
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
  place.teach();
  await overrun(place);
  assert(place.queue.freeSlots > 0);
  assert(place.ended.length > 0);
  place.overload.close();
});

Deno.test("a client that finishes sending with its request waits for the answer, in an overload as well", async () => {
  const place = new Place("newest");
  place.teach();
  await overrun(place);
  const session = place.join();
  place.now += 400;
  place.finish(session, { heardAt: place.now - 1 });
  assertEquals([session.watch!.gaveUp, place.ended], [false, []]);
});

Deno.test("during a drain nothing is shed, and the order is that of arrival", async () => {
  for (const mode of ["shed", "newest"] as const) {
    const place = new Place(mode);
    place.teach();
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
  place.teach();
  await overrun(place);
  assertEquals([place.ended, place.overload.acts, place.overload.patience], [[], false, 0]);
  place.settings.whenOverloaded = "shed";
  place.teach();
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
