import { assertEquals } from "@std/assert";
import { Channel } from "../../src/async/channel.ts";
import { type DestinationConfig } from "../../src/config/config.ts";
import { Crew } from "../../src/balancer/worker_pool.ts";
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
  const crew = new Crew({
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
  return { crew, destinations, queue, hired };
}

Deno.test("at the start each destination has one waiting worker, in order", () => {
  const { crew, hired } = setUp([{}, {}, {}]);
  crew.arrange();
  assertEquals(hired, ["1", "2", "3"]);
  crew.arrange();
  assertEquals(hired.length, 3);
});

Deno.test("a destination with a weight has as many waiting, between the others", () => {
  const { crew, hired } = setUp([{ weight: 3 }, {}]);
  crew.arrange();
  assertEquals(hired, ["1", "2", "1", "1"]);
});

Deno.test("waiting sessions go to the smallest share of the limit in use", () => {
  const { crew, destinations } = setUp([{ workers: 10 }, { workers: 30 }], 20);
  crew.grow();
  assertEquals(destinations.map(({ workers }) => workers), [5, 15]);
});

Deno.test("a weight counts like a greater limit", () => {
  const { crew, destinations } = setUp([{ weight: 2 }, { weight: 1 }], 30);
  crew.grow();
  assertEquals(destinations.map(({ workers }) => workers), [20, 10]);
});

Deno.test("nobody gets more workers than the limit", () => {
  const { crew, destinations, queue } = setUp([{ workers: 2 }, { workers: 3 }], 20);
  crew.grow();
  assertEquals(destinations.map(({ workers }) => workers), [2, 3]);
  assertEquals(queue.size, 15);
});

Deno.test("an idle worker stays if none other waits for its destination", () => {
  const { crew, destinations: [destination] } = setUp([{}]);
  destination!.workers = 2;
  destination!.active = 1;
  assertEquals(crew.keeps(destination!), true);
  destination!.active = 0;
  assertEquals(crew.keeps(destination!), false);
});

Deno.test("a destination that is down gets no workers and loses those that wait", () => {
  const { crew, destinations: [first], hired } = setUp([{}, {}]);
  crew.arrange();
  const { standby } = first!;
  first!.state = "down";
  crew.arrange();
  assertEquals([standby.aborted, first!.standby.aborted], [true, false]);
  assertEquals([crew.keeps(first!), hired], [false, ["1", "2"]]);
});

Deno.test("a backup takes part only while no other destination is up", () => {
  const { crew, destinations, hired } = setUp([{}, { backup: true }]);
  const [primary, backup] = destinations as [Destination, Destination];
  crew.arrange();
  assertEquals(hired, ["1"]);
  primary.state = "suspect";
  primary.workers = 0;
  crew.arrange();
  assertEquals(hired, ["1", "2"]);
  const { standby } = backup;
  primary.state = "up";
  crew.arrange();
  assertEquals([standby.aborted, crew.keeps(backup)], [true, false]);
});

Deno.test("during a rest nobody takes sessions", () => {
  const { crew, destinations, hired } = setUp([{}], 5);
  crew.rest(1_000_000);
  crew.grow();
  assertEquals([hired, crew.keeps(destinations[0]!)], [[], false]);
  crew.stop();
});

Deno.test("a destination that is full rests, and is tried one by one, then by twos, by fours", async () => {
  const { crew, destinations: [full, other], hired } = setUp([{ workers: 9 }, { workers: 2 }], 20);
  crew.onFull(full!);
  crew.onFull(full!);
  assertEquals([full!.resting, full!.timesFull], [true, 1]);
  crew.grow();
  assertEquals(hired, ["2", "2"], "others go on");
  while (full!.resting) await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(full!.workers, 1);
  for (const workers of [3, 7, 9, 9]) {
    full!.established = full!.workers;
    crew.onConnected(full!);
    assertEquals(full!.workers, workers);
  }
  assertEquals([full!.wary, full!.timesFull, other!.workers], [false, 0, 2]);
  crew.stop();
});
