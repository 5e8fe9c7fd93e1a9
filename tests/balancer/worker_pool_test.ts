import { assertEquals } from "@std/assert";
import { Channel } from "../../src/async/channel.ts";
import { type DestinationConfig } from "../../src/config/config.ts";
import { WorkerPool } from "../../src/balancer/worker_pool.ts";
import { Destination } from "../../src/destinations/destination.ts";
import type { Session } from "../../src/session/session.ts";

type Options = Partial<Pick<DestinationConfig, "workers" | "weight" | "backup">>;

/** A crew whose workers only count; `waiting` sessions stand in the line. */
function setUp(configs: Options[], waiting = 0) {
  const destinations = configs.map((config, i) => {
    const address = { transport: "tcp", hostname: undefined, port: i + 1 } as const;
    const defaults = { workers: 256, weight: 1, backup: false, check: null };
    return new Destination(
      { address, key: `${i}`, name: `${i + 1}`, ...defaults, ...config },
      () => 0,
    );
  });
  const hired: string[] = [];
  const queue = new Channel<Session>(1000, { onWaiting: () => {} });
  const pool = new WorkerPool({
    destinations,
    queue,
    hire(destination) {
      hired.push(destination.name);
      destination.workers++;
      if (queue.size > 0) {
        queue.receive();
        destination.active++;
      }
      return Promise.resolve();
    },
  });
  for (let id = 1; id <= waiting; id++) queue.trySend({ id } as Session);
  return { pool, destinations, queue, hired };
}

Deno.test("at the start each destination has one waiting worker, in order", () => {
  const { pool, hired } = setUp([{}, {}, {}]);
  pool.arrange();
  assertEquals(hired, ["1", "2", "3"]);
  pool.arrange();
  assertEquals(hired.length, 3);
});

Deno.test("a destination with a weight has as many waiting, between the others", () => {
  const { pool, hired } = setUp([{ weight: 3 }, {}]);
  pool.arrange();
  assertEquals(hired, ["1", "2", "1", "1"]);
});

Deno.test("waiting sessions go to the smallest share of the limit in use", () => {
  const { pool, destinations } = setUp([{ workers: 10 }, { workers: 30 }], 20);
  pool.grow();
  assertEquals(destinations.map(({ workers }) => workers), [5, 15]);
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
  const { pool, destinations: [first], hired } = setUp([{}, {}]);
  pool.arrange();
  const { idleSignal } = first!;
  first!.state = "down";
  pool.arrange();
  assertEquals([idleSignal.aborted, first!.idleSignal.aborted], [true, false]);
  assertEquals([pool.keeps(first!), hired], [false, ["1", "2"]]);
});

Deno.test("a backup takes part only while no other destination is up", () => {
  const { pool, destinations, hired } = setUp([{}, { backup: true }]);
  const [primary, backup] = destinations as [Destination, Destination];
  pool.arrange();
  assertEquals(hired, ["1"]);
  primary.state = "suspect";
  primary.workers = 0;
  pool.arrange();
  assertEquals(hired, ["1", "2"]);
  const { idleSignal } = backup;
  primary.state = "up";
  pool.arrange();
  assertEquals([idleSignal.aborted, pool.keeps(backup)], [true, false]);
});

Deno.test("during a rest nobody takes sessions", () => {
  const { pool, destinations, hired } = setUp([{}], 5);
  pool.rest(1_000_000);
  pool.grow();
  assertEquals([hired, pool.keeps(destinations[0]!)], [[], false]);
  pool.stop();
});

Deno.test("a destination that is full rests, and is tried one by one, then by twos, by fours", async () => {
  const { pool, destinations: [full, other], hired } = setUp([{ workers: 9 }, { workers: 2 }], 20);
  pool.onFull(full!);
  pool.onFull(full!);
  assertEquals([full!.resting, full!.timesFull], [true, 1]);
  pool.grow();
  assertEquals(hired, ["2", "2"], "others go on");
  while (full!.resting) await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(full!.workers, 1);
  for (const workers of [3, 7, 9, 9]) {
    full!.established = full!.workers;
    pool.onConnected(full!);
    assertEquals(full!.workers, workers);
  }
  assertEquals([full!.wary, full!.timesFull, other!.workers], [false, 0, 2]);
  pool.stop();
});
