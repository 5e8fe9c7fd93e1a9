import { assert, assertEquals } from "@std/assert";
import { arrivals } from "../../scripts/simulate/arrivals.ts";
import { simulate } from "../../scripts/simulate/overload.ts";
import type { Scenario } from "../../scripts/simulate/scenario.ts";
import { Channel } from "../../src/async/channel.ts";
import { Relief } from "../../src/balancer/overload/relief.ts";

const OVERLOADED: Scenario = {
  mode: "shed",
  load: 3,
  patience: () => 500,
  duration: 8000,
  warmUp: 0,
};

Deno.test("what is simulated are the queue and the judgement that the program has", async () => {
  let received = 0;
  const { receive } = Channel.prototype;
  const { next, joined } = Relief.prototype;
  try {
    Channel.prototype.receive = function (options) {
      received++;
      return receive.call(this, options);
    };
    const { answered, shed } = await simulate(OVERLOADED);
    assert(answered > 0 && shed > 0);
    assert(received >= answered, `${received} received, ${answered} answered`);

    // It has no judgement of its own.
    Relief.prototype.next = () => false;
    Relief.prototype.joined = () => {};
    assertEquals((await simulate(OVERLOADED)).shed, 0);
  } finally {
    Channel.prototype.receive = receive;
    Relief.prototype.next = next;
    Relief.prototype.joined = joined;
  }
});

Deno.test("a simulation takes the clients that it is given, and what a balancer costs", async () => {
  const clients = [{ at: 0, patience: 500 }, { at: 1, patience: 500 }, { at: 2, patience: 20 }];
  const { tries } = await simulate({ ...OVERLOADED, clients, overhead: 1, travel: 0.5 });
  assertEquals(tries.map(({ answeredAt }) => answeredAt), [11.5, 22.5, undefined]);
});

Deno.test("a session that waits for the queue timeout is not served, in a simulation either", async () => {
  const clients = [{ at: 0, patience: 500 }, { at: 1, patience: 500 }, { at: 2, patience: 500 }];
  const { tries } = await simulate({ ...OVERLOADED, mode: "hold", clients, queueTimeout: 15 });
  assertEquals(tries.map(({ answeredAt }) => answeredAt), [10, 20, undefined]);
});

Deno.test("who comes when is the same for the same seed, and as many as the rate says", () => {
  const crowd = {
    phases: [{ rate: 100, seconds: 20 }, { rate: 1000, seconds: 20 }],
    patience: { least: 100, most: 5000 },
    seed: 7,
  };
  const all = [...arrivals(crowd)];
  assertEquals(all, [...arrivals(crowd)]);
  const early = all.filter(({ at }) => at < 20_000).length;
  assert(Math.abs(early - 2000) < 200, `${early}`);
  assert(Math.abs(all.length - early - 20_000) < 700, `${all.length - early}`);
  assert(all.every(({ at, patience }, i) => {
    return patience >= 100 && patience <= 5000 && at >= (all[i - 1]?.at ?? 0);
  }));
  const short = all.filter(({ patience }) => patience < Math.sqrt(100 * 5000)).length;
  assert(Math.abs(short / all.length - 0.5) < 0.02, `${short} of ${all.length}`);
});
