import { NO_TLS } from "../support/no_tls.ts";
import { assertEquals } from "@std/assert";
import { only, without } from "../../src/async/audience.ts";
import type { DestinationConfig } from "../../src/config/destination_text.ts";
import { Fifo } from "../../src/balancer/policies/fifo.ts";
import { LeastConn } from "../../src/balancer/policies/least_conn.ts";
import type { Policy } from "../../src/balancer/policies/policy.ts";
import { WorkerPool } from "../../src/balancer/worker_pool.ts";
import { Destination } from "../../src/destinations/destination.ts";
import { queueOf, sessionOf } from "../support/queue.ts";

type Options = Partial<Pick<DestinationConfig, "workers" | "weight" | "backup">>;

/** A worker pool whose workers only count; `waiting` sessions are in the queue. */
function setUp(configs: Options[], waiting = 0, policy: Policy = new Fifo()) {
  const destinations = configs.map((config, i) => {
    const address = { transport: "tcp", hostname: undefined, port: i + 1 } as const;
    const defaults = {
      workers: 256,
      "workers-max": 256,
      weight: 1,
      backup: 0,
      check: null,
      sni: [],
      alpn: [],
      "send-proxy": "off" as const,
      ...NO_TLS,
      "agent-check": null,
    };
    return new Destination(
      { address, key: `${i}`, name: `${i + 1}`, ...defaults, ...config },
      () => 0,
    );
  });
  const spawned: string[] = [];
  const stranded: number[] = [];
  const queue = queueOf();
  const pool = new WorkerPool({
    queue,
    policy,
    spawn(destination) {
      spawned.push(destination.name);
      destination.workers++;
      if (!queue.hasFor(destination)) return;
      queue.receive(destination);
      destination.active++;
    },
    onStranded: ({ id }) => stranded.push(id),
  });
  for (const destination of destinations) {
    pool.add(destination);
    // As if it had been arranged, but without idle workers.
    policy.update(destination, destination.config.backup === 0);
  }
  const sessions = Array.from({ length: waiting }, (_, i) => sessionOf(i + 1));
  queue.join(sessions);
  return { pool, destinations, queue, spawned, stranded };
}

Deno.test("at the start each destination has one waiting worker, in order", () => {
  const { pool, spawned } = setUp([{}, {}, {}]);
  pool.arrange();
  assertEquals(spawned, ["1", "2", "3"]);
  pool.arrange();
  assertEquals(spawned.length, 3);
});

Deno.test("a destination with a weight has as many waiting, between the others", () => {
  const { pool, spawned } = setUp([{ weight: 3 }, {}]);
  pool.arrange();
  assertEquals(spawned, ["1", "2", "1", "1"]);
});

Deno.test("waiting sessions go to the smallest share of the limit in use", () => {
  const { pool, destinations } = setUp([{ workers: 10 }, { workers: 30 }], 20);
  pool.grow();
  assertEquals(destinations.map(({ workers }) => workers), [5, 15]);
});

Deno.test("a weight that becomes less dismisses those that wait beyond it, at once", () => {
  const { pool, destinations: [one], queue, spawned } = setUp([{ weight: 3 }, {}]);
  pool.arrange();
  for (const _ of [1, 2, 3]) queue.receive(one!).catch(() => one!.workers--);
  const { idleSignal } = one!;
  one!.config = { ...one!.config, weight: 2 };
  pool.arrange(one);
  assertEquals([idleSignal.aborted, spawned.length], [true, 4]);
  one!.config = { ...one!.config, weight: 0 };
  assertEquals(pool.serves(only(one!)), false);
});

Deno.test("a weight counts like a greater limit", () => {
  const { pool, destinations } = setUp([{ weight: 2 }, { weight: 1 }], 30);
  pool.grow();
  assertEquals(destinations.map(({ workers }) => workers), [20, 10]);
});

Deno.test("nobody gets more workers than the limit", () => {
  const { pool, destinations, queue } = setUp([{ workers: 2 }, { workers: 3 }], 20);
  pool.grow();
  assertEquals(destinations.map(({ workers }) => workers), [2, 3]);
  assertEquals(queue.size, 15);
});

Deno.test("an idle worker stays if none other waits for its destination", () => {
  const { pool, destinations: [destination] } = setUp([{}]);
  destination!.workers = 2;
  destination!.active = 1;
  assertEquals(pool.keeps(destination!), true);
  destination!.active = 0;
  assertEquals(pool.keeps(destination!), false);
});

Deno.test("a destination that is down gets no workers and loses those that wait", () => {
  const { pool, destinations: [first], spawned } = setUp([{}, {}]);
  pool.arrange();
  const { idleSignal } = first!;
  first!.state = "down";
  pool.arrange();
  assertEquals([idleSignal.aborted, first!.idleSignal.aborted], [true, false]);
  assertEquals([pool.keeps(first!), spawned], [false, ["1", "2"]]);
});

Deno.test("a backup takes part only while no other destination is up", () => {
  const { pool, destinations, spawned } = setUp([{}, { backup: 1 }]);
  const [primary, backup] = destinations as [Destination, Destination];
  pool.arrange();
  assertEquals(spawned, ["1"]);
  primary.state = "suspect";
  primary.workers = 0;
  pool.arrange();
  assertEquals(spawned, ["1", "2"]);
  const { idleSignal } = backup;
  primary.state = "up";
  pool.arrange();
  assertEquals([idleSignal.aborted, pool.keeps(backup)], [true, false]);
});

Deno.test("while every check fails the tiers hold among those that can be connected", () => {
  const { pool, destinations, spawned } = setUp([{}, { backup: 1 }, { backup: 2 }]);
  const [primary, first] = destinations as [Destination, Destination];
  for (const one of destinations) {
    one.state = "down";
    one.onlyCheckFails = true;
  }
  pool.arrange();
  assertEquals(spawned, ["1"]);
  // It cannot be connected either.
  primary.onlyCheckFails = false;
  pool.arrange(primary);
  assertEquals([spawned, pool.keeps(primary)], [["1", "2"], false]);
  first.admin = "drain";
  pool.arrange(first);
  assertEquals(spawned, ["1", "2", "3"]);
  primary.onlyCheckFails = true;
  primary.workers = 0;
  pool.arrange(primary);
  assertEquals([spawned.at(-1), pool.keeps(destinations[2]!)], ["1", false]);
});

Deno.test("during a rest nobody receives sessions", () => {
  const { pool, destinations, spawned } = setUp([{}], 5);
  pool.rest(1_000_000);
  pool.grow();
  assertEquals([spawned, pool.keeps(destinations[0]!)], [[], false]);
  pool.stop();
});

Deno.test("a destination that is full rests, and is tried one by one, then by twos, by fours", async () => {
  const { pool, destinations: [full, other], spawned } = setUp(
    [{ workers: 9 }, { workers: 2 }],
    20,
  );
  pool.onFull(full!);
  pool.onFull(full!);
  assertEquals([full!.caution.resting, full!.caution.timesFull], [true, 1]);
  pool.grow();
  assertEquals(spawned, ["2", "2"], "others go on");
  while (full!.caution.resting) await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(full!.workers, 1);
  for (const workers of [3, 7, 9, 9]) {
    full!.established = full!.workers;
    pool.onConnected(full!);
    assertEquals(full!.workers, workers);
  }
  assertEquals([full!.caution.wary, full!.caution.timesFull, other!.workers], [false, 0, 2]);
  pool.stop();
});

Deno.test("a bound session gets a worker at its destination, however loaded, and nowhere else", () => {
  for (const policy of [new Fifo(), new LeastConn()]) {
    const { pool, destinations, queue, spawned } = setUp([{}, {}, { workers: 2 }], 0, policy);
    const [first, , third] = destinations as [Destination, Destination, Destination];
    queue.join([1, 2, 3].map((id) => sessionOf(id, { audience: only(third) })));
    pool.grow();
    assertEquals([spawned, queue.size], [["3", "3"], 1]);
    const group = new Set([first, third]);
    queue.join([4, 5].map((id) => sessionOf(id, { audience: group })));
    pool.grow();
    assertEquals([spawned.slice(2), queue.size], [["1", "1"], 1]);
    // A session of each has ended.
    third.active--;
    first.active--;
    assertEquals([pool.keeps(third), pool.keeps(first)], [true, policy instanceof Fifo]);
  }
});

Deno.test("a moved session leaves once none of the others serves, a bound one waits", () => {
  const { pool, destinations: [first, second], queue, stranded } = setUp([{}, {}]);
  pool.arrange();
  second!.state = "down";
  queue.join([
    sessionOf(1, { audience: without(undefined, first!), moved: true }),
    sessionOf(2, { audience: only(second!) }),
    sessionOf(3, { audience: without(only(second!), first!), moved: true }),
  ]);
  pool.arrange();
  assertEquals(stranded, [1, 3]);
  assertEquals([pool.serves(only(first!)), pool.serves(only(second!))], [true, false]);
});

Deno.test("fewest sessions for the weight: no worker waits, and equals have their turns", () => {
  const { pool, destinations, queue, spawned } = setUp([{ weight: 2 }, {}, {}], 0, new LeastConn());
  pool.arrange();
  assertEquals(spawned, []);
  for (let id = 1; id <= 8; id++) {
    queue.join([sessionOf(id)]);
    pool.grow();
  }
  assertEquals(destinations.map(({ workers }) => workers), [4, 2, 2]);
  for (const one of destinations) one.active--;
  assertEquals(destinations.map((one) => pool.keeps(one)), [false, false, false]);
});

Deno.test("another policy takes over at once: idle workers leave, and come back", async () => {
  const { pool, destinations, queue } = setUp([{ workers: 1 }, { workers: 3, weight: 2 }]);
  // Workers that wait as real ones do.
  for (const destination of destinations) wait(destination, destination.config.weight);
  pool.use(new LeastConn());
  queue.join([1, 2, 3].map((id) => sessionOf(id)));
  await settled();
  assertEquals(destinations.map(({ active, waiting }) => [active, waiting]), [[1, 0], [2, 0]]);
  pool.use(new Fifo());
  assertEquals(destinations.map(({ active, waiting }) => [active, waiting]), [[1, 0], [2, 1]]);

  function wait(destination: Destination, number: number): void {
    for (let i = 0; i < number; i++) {
      destination.workers++;
      queue.receive(destination).then(() => destination.active++, () => destination.workers--);
    }
  }
});

Deno.test("a destination that was removed may still turn out to be full", () => {
  const { pool, destinations: [first] } = setUp([{}, {}]);
  pool.arrange();
  first!.leaving = true;
  pool.remove(first!);
  pool.arrange(first!);
  pool.onFull(first!);
  pool.onConnected(first!);
  pool.stop();
});

/** Lets everything happen that needs no more than promises. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
