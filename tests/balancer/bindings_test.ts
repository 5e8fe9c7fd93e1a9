// --hash-wait: sessions that wait for their own destination, and for how long.
import { assert, assertEquals } from "@std/assert";
import { only, without } from "../../src/async/audience.ts";
import { Bindings } from "../../src/balancer/bindings.ts";
import { makePolicy } from "../../src/balancer/policies/policies.ts";
import type { HashSettings } from "../../src/balancer/policies/hash.ts";
import type { Policy } from "../../src/balancer/policies/policy.ts";
import type { Queue } from "../../src/balancer/queue.ts";
import { WorkerPool } from "../../src/balancer/worker_pool.ts";
import { type Clock, monotonic } from "../../src/base/clock.ts";
import { Destination } from "../../src/destinations/destination.ts";
import type { Session } from "../../src/session/session.ts";
import { configOf } from "../support/config.ts";
import { queueOf, sessionOf } from "../support/queue.ts";
import { until } from "../support/servers.ts";

const LONG = 1_000_000;

/** Destinations behind a queue, with workers whose sessions end when the test says so. */
class Scene implements Disposable {
  readonly queue: Queue;
  readonly bindings: Bindings;
  readonly policy: Policy;
  readonly pool: WorkerPool;
  readonly destinations: Destination[];
  /** Which session was given to whom, in order: `2@1` is the second at the first. */
  readonly served: string[] = [];
  /** The time of the destinations' slow starts. */
  now = 0;
  readonly #ends = new Map<number, () => void>();
  #sent = 0;

  constructor(
    texts: string[],
    settings: Partial<HashSettings> = {},
    { capacity = 10_000, clock = monotonic }: { capacity?: number; clock?: Clock } = {},
  ) {
    this.queue = queueOf({
      capacity,
      clock,
      onWaiting: (sessions) => {
        this.pool.grow(sessions);
        this.bindings.watch();
      },
      bind: (sessions) => this.bindings.bind(sessions),
    });
    const policy = this.policy = makePolicy("hash", settings);
    this.bindings = new Bindings({ policy, queue: this.queue, clock });
    this.pool = new WorkerPool({
      queue: this.queue,
      policy,
      bindings: this.bindings,
      spawn: (destination) => void this.#work(destination),
      onStranded: (session) => this.queue.onAbort(session),
    });
    const { destinations } = configOf(["1", ...texts]);
    this.destinations = destinations.map((config, i) => {
      return new Destination(config, () => this.now, i + 1);
    });
    for (const one of this.destinations) {
      one.state = "up";
      this.pool.add(one);
    }
    this.pool.arrange();
  }

  /** A client whose order of the destinations begins like this. */
  client(...numbers: number[]): string {
    const policy = makePolicy("hash");
    for (const one of this.destinations) {
      policy.add(one);
      policy.binding!.note(one, true);
    }
    for (let i = 1;; i++) {
      const client = `10.0.${i >> 8}.${i & 255}`;
      const session = sessionOf(1, { client });
      const fits = numbers.every((number) => {
        const one = policy.binding!.choose(session)!;
        session.audience = without(session.audience, one);
        return one.number === number;
      });
      if (fits) return client;
    }
  }

  /** Sessions of these clients come at once, numbered on from 1. */
  come(...clients: string[]): Session[] {
    const sessions = clients.map((client) => sessionOf(++this.#sent, { client }));
    this.queue.join(sessions);
    return sessions;
  }

  /** A session ends. */
  async end(id: number): Promise<void> {
    this.#ends.get(id)!();
    await settled();
  }

  state(number: number, state: "up" | "down"): void {
    const one = this.destinations[number - 1]!;
    one.state = state;
    this.pool.arrange(one);
  }

  get waiting(): string {
    return [...this.queue.sessions].map(({ id }) => id).join();
  }

  async #work(destination: Destination): Promise<void> {
    destination.workers++;
    do {
      let session: Session;
      try {
        session = await this.queue.receive(destination);
      } catch {
        break;
      }
      destination.active++;
      this.served.push(`${session.id}@${destination.number}`);
      await new Promise<void>((resolve) => this.#ends.set(session.id, resolve));
      destination.active--;
    } while (this.pool.keeps(destination));
    destination.workers--;
  }

  [Symbol.dispose](): void {
    this.pool.stop();
    this.bindings.stop();
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

const THREE = ["9001,workers=1", "9002,workers=1", "9003,workers=1"];

Deno.test("a session waits for its own destination alone, and holds up nobody else", async () => {
  using scene = new Scene(THREE, { hashWait: LONG });
  const [one, two] = [scene.client(1, 2), scene.client(2)];
  scene.come(one, one, two, one, two);
  await settled();
  assertEquals([scene.served, scene.waiting], [["1@1", "3@2"], "2,4,5"]);
  await scene.end(3);
  await scene.end(1);
  assertEquals([scene.served.slice(2), scene.waiting], [["5@2", "2@1"], "4"]);
  assertEquals(scene.bindings.unbound, 0);
});

Deno.test("where the own destination has a free slot no timer runs", async () => {
  const scene = new Scene(THREE, { hashWait: LONG });
  scene.come(scene.client(1), scene.client(2), scene.client(3));
  await settled();
  // The test fails if one is left.
  assertEquals(scene.served, ["1@1", "2@2", "3@3"]);
});

Deno.test("after --hash-wait a session goes to the next of its order with a free slot, at once", async () => {
  using scene = new Scene(THREE, { hashWait: 40 });
  const client = scene.client(1, 3, 2);
  const from = performance.now();
  scene.come(client, client, client);
  await settled();
  assertEquals(scene.served, ["1@1"]);
  await until(() => scene.served.length === 3, "both went elsewhere");
  assert(performance.now() - from >= 40);
  assertEquals(scene.served, ["1@1", "2@3", "3@2"]);
  assertEquals(scene.bindings.unbound, 2);
});

Deno.test("if none is free then, the first that becomes so gets the oldest of them", async () => {
  using scene = new Scene(THREE, { hashWait: 20 });
  const clients = [1, 2, 3].map((number) => scene.client(number));
  scene.come(...clients);
  scene.come(clients[0]!, clients[1]!, clients[2]!, clients[0]!);
  await until(() => [...scene.queue.audiences()].length === 0, "nobody is bound");
  for (const id of [3, 2, 1]) await scene.end(id);
  assertEquals(scene.served.slice(3), ["4@3", "5@2", "6@1"]);
  // One that comes now is bound, and behind the one that is not.
  scene.come(clients[1]!);
  await scene.end(5);
  assertEquals([scene.served.at(-1), scene.waiting], ["7@2", "8"]);
});

Deno.test("--hash-wait 0 binds nobody: each has the first of its order that is free", async () => {
  using scene = new Scene(THREE, { hashWait: 0 });
  const client = scene.client(2, 3, 1);
  scene.come(client, client, client, client, client);
  await settled();
  assertEquals(scene.served, ["1@2", "2@3", "3@1"]);
  assertEquals([...scene.queue.audiences()].length, 0);
  await scene.end(3);
  assertEquals(scene.served.at(-1), "4@1");
});

Deno.test("whoever is bound to one that goes down is bound to the next at once, by arrival", async () => {
  using scene = new Scene(THREE, { hashWait: LONG });
  const [one, two] = [scene.client(1, 2, 3), scene.client(2, 3, 1)];
  scene.come(one, two, one, two, one, two);
  await settled();
  assertEquals([scene.served, scene.waiting], [["1@1", "2@2"], "3,4,5,6"]);
  scene.state(1, "down");
  await settled();
  assertEquals([scene.served.length, scene.waiting], [2, "3,4,5,6"]);
  await scene.end(2);
  await scene.end(3);
  await scene.end(4);
  assertEquals(scene.served.slice(2), ["3@2", "4@2", "5@2"]);
  // The next one is idle, and has a slot for all who were bound there.
  scene.state(2, "down");
  await settled();
  assertEquals(scene.served.at(-1), "6@3");
  // One that is back has its clients again, but for those that are bound elsewhere.
  scene.come(one);
  scene.state(2, "up");
  scene.come(two);
  await settled();
  assertEquals([scene.served.length, scene.waiting], [6, "7,8"]);
  await scene.end(6);
  assertEquals(scene.served.at(-1), "7@3");
});

Deno.test("one that starts slowly has a growing part of its clients, and never gives one back", () => {
  using scene = new Scene(["9001,workers=1000", "9002,workers=1000"], { hashWait: LONG });
  const [one] = scene.destinations as [Destination];
  const clients = Array.from({ length: 400 }, (_, i) => `10.9.${i >> 8}.${i & 255}`);
  const full = new Set(clients.filter((client) => numberOf(scene, client) === 1));
  one.startSlowly(1000);
  let before = new Set<string>();
  for (const now of [0, 100, 300, 600, 1000]) {
    scene.now = now;
    // As the timer of the slow start does it.
    scene.pool.arrange(one);
    const own = new Set(clients.filter((client) => numberOf(scene, client) === 1));
    assert(before.isSubsetOf(own) && own.isSubsetOf(full));
    assert(now === 0 || own.size > before.size, `${own.size} at ${now}`);
    before = own;
  }
  assertEquals(before, full);

  function numberOf(scene: Scene, client: string): number {
    return scene.policy.binding!.choose(sessionOf(1, { client }))!.number;
  }
});

Deno.test("while none serves nobody is bound, and the first that does gets them", async () => {
  using scene = new Scene(THREE, { hashWait: LONG });
  for (const number of [1, 2, 3]) scene.state(number, "down");
  scene.come(scene.client(1), scene.client(1), scene.client(2));
  assertEquals([...scene.queue.audiences()].length, 0);
  scene.state(3, "up");
  await settled();
  assertEquals([scene.served, scene.waiting], [["1@3"], "2,3"]);
  scene.state(2, "up");
  scene.state(1, "up");
  await settled();
  assertEquals(scene.served.slice(1), ["2@2", "3@1"]);
});

Deno.test("the wait counts from when a session joined, also if its connect has failed since", async () => {
  using scene = new Scene(THREE, { hashWait: 30 });
  const client = scene.client(1, 2, 3);
  const [first, second] = scene.come(client, client) as [Session, Session];
  await until(() => scene.served.length === 2, "the second went elsewhere");
  assertEquals(scene.served, ["1@1", "2@2"]);
  // Both come back; neither waits for its own destination once more.
  const joinedAt = second.joinedAt;
  scene.queue.giveBack(second);
  scene.queue.giveBack(first);
  await settled();
  assertEquals([scene.served.slice(2), scene.waiting], [["2@3"], "1"]);
  assertEquals([second.joinedAt, first.bound], [joinedAt, undefined]);
});

Deno.test("a session that was reset goes to the next of its order, and waits for no other", async () => {
  using scene = new Scene(THREE, { hashWait: LONG });
  const client = scene.client(1, 3, 2);
  const [session] = scene.come(client, scene.client(3)) as [Session];
  await settled();
  session.audience = without(undefined, scene.destinations[0]!);
  session.moved = true;
  scene.queue.giveBack(session);
  await settled();
  assertEquals([scene.served, scene.waiting], [["1@1", "2@3"], "1"]);
  scene.state(3, "down");
  await settled();
  assertEquals(scene.served.at(-1), "1@2");
  // Without another one that serves it leaves.
  const audience = without(undefined, scene.destinations[0]!);
  scene.queue.giveBack(sessionOf(9, { client, audience, moved: true }));
  assertEquals(scene.waiting, "9");
  scene.state(2, "down");
  assertEquals(scene.waiting, "");
});

Deno.test("one that may have but one destination is not let go elsewhere", async () => {
  using scene = new Scene(THREE, { hashWait: 1 });
  const client = scene.client(1);
  scene.come(client);
  const session = sessionOf(9, { client, audience: only(scene.destinations[0]!) });
  scene.queue.join([session]);
  scene.come(client);
  await until(() => scene.served.length === 2, "the one behind it went elsewhere");
  assertEquals([scene.served[1]!.slice(0, 2), scene.waiting], ["2@", "9"]);
});

Deno.test("another policy, mask or wait counts at once for those that wait", async () => {
  using scene = new Scene(THREE, { hashWait: LONG });
  const client = scene.client(1, 2, 3);
  scene.come(client, client, client);
  await settled();
  assertEquals(scene.waiting, "2,3");
  scene.pool.use(makePolicy("hash", { hashWait: 1 }));
  await until(() => scene.served.length === 3, "they went elsewhere");
  assertEquals(scene.served, ["1@1", "2@2", "3@3"]);
  scene.pool.use(makePolicy("hash", { hashWait: LONG }));
  scene.come(client, client, client);
  assertEquals([...scene.queue.audiences()].length, 1);
  scene.pool.use(makePolicy("fifo"));
  assertEquals([...scene.queue.audiences()].length, 0);
  await scene.end(3);
  assertEquals(scene.served.at(-1), "4@3");
});

Deno.test("another mask binds those that wait anew", async () => {
  using scene = new Scene(THREE, { hashWait: LONG });
  const client = scene.client(2);
  scene.come(client, client);
  // With one bit the client is another one: half of all have the order of 0.0.0.0.
  const coarse = makePolicy("hash", { hashWait: LONG, hashMask: { v4: 1, v6: 1 } });
  scene.pool.use(coarse);
  await settled();
  const other = coarse.binding!.choose(sessionOf(1, { client }))!;
  assertEquals([scene.served, other.number], [["1@2", "2@1"], 1]);
});

Deno.test("sessions that have no room in the queue yet are let go in time, too", async () => {
  using scene = new Scene(THREE, { hashWait: 30 }, { capacity: 1 });
  const client = scene.client(1, 2, 3);
  scene.come(client, client, client);
  await settled();
  assertEquals([scene.served, scene.waiting, [...scene.queue.suspendedSessions].length], [
    ["1@1"],
    "2",
    1,
  ]);
  await until(() => scene.served.length === 3, "both went elsewhere");
  assertEquals(scene.served.slice(1), ["2@2", "3@3"]);
});

Deno.test("one that gets room in the queue late is let go in time, too", async () => {
  using scene = new Scene(THREE, { hashWait: 30 }, { capacity: 1 });
  scene.come(...[1, 2, 3].map((number) => scene.client(number)));
  // The first one has no address, and whoever is free first gets it.
  const sessions = [sessionOf(4), sessionOf(5, { client: scene.client(1) })];
  scene.queue.join(sessions);
  await settled();
  assertEquals([scene.waiting, [...scene.queue.suspendedSessions].length], ["4", 1]);
  await scene.end(2);
  assertEquals([scene.served.at(-1), scene.waiting], ["4@2", "5"]);
  await until(() => sessions[1]!.bound === undefined, "it is bound no more");
  await scene.end(3);
  assertEquals(scene.served.at(-1), "5@3");
});

Deno.test("one that comes back from a connect is let go when its own time is over, not another's", async () => {
  let now = 0;
  using scene = new Scene(THREE, { hashWait: LONG }, { clock: () => now });
  const client = scene.client(1, 2, 3);
  const [first] = scene.come(client) as [Session];
  await settled();
  // The connect of the first one takes long, and somebody else begins to wait meanwhile.
  now = LONG - 20;
  scene.come(client);
  assertEquals(scene.waiting, "2");
  scene.queue.giveBack(first);
  assertEquals(scene.waiting, "1,2");
  now = LONG;
  await until(() => scene.served.length === 2, "the first one is let go");
  assertEquals([scene.served[1], scene.waiting], ["1@2", "2"]);
});

Deno.test("with a policy that binds nobody, those that have no room in the queue are not bound either", async () => {
  using scene = new Scene(THREE, { hashWait: LONG }, { capacity: 1 });
  const client = scene.client(1);
  scene.come(client, client, client);
  await settled();
  assertEquals([scene.served, scene.waiting, [...scene.queue.suspendedSessions].length], [
    ["1@1"],
    "2",
    1,
  ]);
  scene.pool.use(makePolicy("least-conn"));
  await settled();
  assertEquals([scene.served.slice(1).map((one) => one.slice(0, 1)), scene.waiting], [
    ["2", "3"],
    "",
  ]);
});

Deno.test("a group whose members change lets nobody wait for one that has left it", async () => {
  using scene = new Scene(THREE, { hashWait: LONG });
  const client = scene.client(1, 2, 3);
  const group = new Set<object>(scene.destinations);
  scene.come(client);
  scene.queue.join([sessionOf(2, { client, audience: group })]);
  assertEquals(scene.waiting, "2");
  group.delete(scene.destinations[0]!);
  scene.pool.arrange();
  await settled();
  assertEquals(scene.served, ["1@1", "2@2"]);
});

Deno.test("a hundred thousand that wait are bound anew within a moment", async () => {
  using scene = new Scene([...THREE, "9004,workers=1"], { hashWait: LONG }, {
    capacity: 1_000_000,
  });
  const number = 100_000;
  const clients = Array.from(
    { length: number },
    (_, i) => `10.${i >> 16}.${i >> 8 & 255}.${i & 255}`,
  );
  scene.come(...clients);
  await settled();
  const from = performance.now();
  scene.state(1, "down");
  const took = performance.now() - from;
  // Each of 25,000 to its place among 75,000: in the square of that it would take minutes.
  assert(took < 5000, `${took} ms`);
  let previous = 0;
  for (const session of scene.queue.sessions) {
    assert(session.arrival > previous);
    previous = session.arrival;
  }
});
