import { assert, assertEquals } from "@std/assert";
import { visits } from "../../scripts/simulate/large/crowd.ts";
import { PICTURES, pictures } from "../../scripts/simulate/large/pictures.ts";
import { readResults, sampleDigest } from "../../scripts/simulate/large/results.ts";
import type { Scene } from "../../scripts/simulate/large/scene.ts";
import { POLICIES, scenes, SIZES } from "../../scripts/simulate/large/scenes.ts";
import { simulate } from "../../scripts/simulate/large/simulate.ts";
import { Queue } from "../../src/balancer/queue.ts";
import { LeastConn } from "../../src/balancer/policies/least_conn.ts";
import { Ranking } from "../../src/balancer/policies/ranking.ts";
import { WorkerPool } from "../../src/balancer/worker_pool.ts";

/** Some clients in front of servers that work on two sessions at a time, 10 ms each on average. */
function scene(
  { number = 2000, load = 0.8, seed = 1, ...of }: Partial<Scene> & {
    number?: number;
    load?: number;
  } = {},
): Scene {
  const { balancers = 1, servers = [{ number: 4, ms: 10, slots: 2 }] } = of;
  const capacity = servers.reduce((sum, { number, ms, slots }) => sum + number * slots / ms, 0);
  const phases = [{ until: Infinity, load }];
  return {
    policy: "least-conn",
    share: "all",
    warmUp: 0,
    clients: number,
    ...of,
    servers,
    balancers,
    seed,
    visits: visits({ number, capacity, phases, balancers, seed }),
  };
}

Deno.test("what is simulated are the queue, the pool and the policy that the program has", async () => {
  const calls = { receive: 0, grow: 0, next: 0 };
  const [{ receive }, { grow }, { next }] = [
    Queue.prototype,
    WorkerPool.prototype,
    Ranking.prototype,
  ];
  try {
    Queue.prototype.receive = function (destination) {
      calls.receive++;
      return receive.call(this, destination);
    };
    WorkerPool.prototype.grow = function (sessions) {
      calls.grow++;
      grow.call(this, sessions);
    };
    LeastConn.prototype.next = function (audience) {
      calls.next++;
      return next.call(this, audience);
    };
    const { clients } = await simulate(scene());
    assertEquals(clients, 2000);
    for (const number of Object.values(calls)) assert(number >= clients, JSON.stringify(calls));
  } finally {
    Queue.prototype.receive = receive;
    WorkerPool.prototype.grow = grow;
    delete (LeastConn.prototype as Partial<LeastConn>).next;
  }
});

Deno.test("the same seed has the same bytes with every policy, and another one others", async () => {
  for (const policy of POLICIES) {
    const run = async (seed: number, turns?: number) => {
      const of = scene({ policy, balancers: 2, load: 0.95, seed, hashWait: 20 });
      return JSON.stringify(await simulate(of, turns ? { turns } : {}));
    };
    const text = await run(1);
    assertEquals(await run(1), text, policy);
    // Nothing is still under way when time goes on.
    assertEquals(await run(1, 50), text, policy);
    assert(await run(2) !== text, policy);
  }
});

Deno.test("one server that takes one session at a time is what queueing theory knows", async () => {
  const load = 0.7;
  const of = scene({ number: 200_000, load, servers: [{ number: 1, ms: 10, slots: 1 }] });
  const { wait, waited, utilisation, jumped } = await simulate(of);
  // M/M/1: P(wait > t) = load × exp(-(1 - load) × t / 10).
  const expected = (share: number) => 10 * Math.log(load / (1 - share)) / (1 - load);
  const pairs = [
    [waited, load],
    [utilisation.mean, load],
    [wait.p50, expected(0.5)],
    [wait.p99, expected(0.99)],
  ] as const;
  for (const [actual, known] of pairs) {
    assert(Math.abs(actual / known - 1) < 0.06, `${actual} instead of ${known}`);
  }
  assertEquals(jumped, 0);
});

Deno.test("slots that several balancers have all of make sessions wait at servers, parts do not", async () => {
  const servers = [{ number: 20, ms: 10, slots: 4 }];
  const run = (share: Scene["share"], balancers = 2) => {
    const of = { policy: "random", number: 20_000, load: 0.9, servers, balancers, share } as const;
    return simulate(scene(of));
  };
  const [one, all, split] = [await run("all", 1), await run("all"), await run("split")];
  assert(one.jumped === 0, `${one.jumped}`);
  assert(split.wait.p99 < all.wait.p99 / 2, `${split.wait.p99}, ${all.wait.p99}`);
  assert(split.waited < all.waited, `${split.waited}, ${all.waited}`);
  // Two queues overtake each other, also where no server has one.
  assert(split.jumped > 0 && all.jumped > split.jumped, `${split.jumped}, ${all.jumped}`);
});

Deno.test("a session waits for its client's destination as long as the program says", async () => {
  const run = (hashWait: number) => simulate(scene({ policy: "hash", load: 0.95, hashWait }));
  const [short, long] = [await run(0), await run(1e6)];
  assertEquals(long.unbound, 0);
  assert(short.wait.p99 < long.wait.p99 / 2, `${short.wait.p99}, ${long.wait.p99}`);
  const some = await run(30);
  assert(some.unbound > 0.01, `${some.unbound}`);
});

Deno.test("pictures and figures that are committed are what the simulation makes", async () => {
  const { results, sample, sizes } = readResults();
  for (const [name, picture] of Object.entries(pictures(results))) {
    const committed = await Deno.readTextFile(new URL(name, PICTURES));
    // How it is laid out is up to the formatter.
    assert(
      marks(committed) === marks(picture),
      `${name} is another one: deno task simulate --pictures`,
    );
  }
  assertEquals(sizes, SIZES);
  const names = ({ group, policy, setup, load }: (typeof results)[number]) => {
    return [group, policy, setup, load ?? ""].join();
  };
  assertEquals(results.map(names), scenes(SIZES).map((one) => names(one as never)));
  assertEquals(await sampleDigest(), sample, "other figures now: deno task simulate, then docs");
});

function marks(text: string): string {
  return text.replaceAll(/\s+/g, "");
}
