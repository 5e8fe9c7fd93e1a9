import { UNREPORTED } from "../../../src/destinations/agent_report.ts";
import { assert, assertEquals } from "@std/assert";
import { fc } from "../../support/properties.ts";
import { only, without } from "../../../src/async/audience.ts";
import type { Destination } from "../../../src/destinations/destination.ts";
import { RoundRobin } from "../../../src/balancer/policies/round_robin.ts";
import {
  begin,
  counts,
  destinationAt,
  end,
  names,
  policyWith,
  serve,
} from "../../support/policies.ts";

type Two = [Destination, Destination];
type Three = [...Two, Destination];

Deno.test("turns are in proportion to the weights, and spread as evenly as can be", () => {
  const orders: [weights: number[], round: string][] = [
    [[1, 1, 1], "abc"],
    // As nginx has it with these weights.
    [[1, 2, 3], "cbacbc"],
    [[4, 2, 1], "abacaba"],
    [[1, 10], "bbbbbabbbbb"],
    // nginx: aabacaa. Two that come at the same time follow each other here.
    [[5, 1, 1], "aabcaaa"],
    [[0, 1, 1], "bc"],
  ];
  for (const [weights, round] of orders) {
    const { policy } = policyWith(new RoundRobin(), weights);
    assertEquals(names(serve(policy, 3 * round.length)), round.repeat(3));
  }
});

Deno.test("whatever the weights, a round is exact, and no part of it is far from its share", () => {
  const weights = fc.array(fc.integer({ min: 1, max: 256 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(weights, fc.integer({ min: 1, max: 3 }), (weights, rounds) => {
      const { policy, destinations } = policyWith(new RoundRobin(), weights);
      const all = weights.reduce((sum, weight) => sum + weight);
      const got = destinations.map(() => 0);
      for (let i = 1; i <= all * rounds; i++) {
        const [{ number }] = serve(policy, 1) as [Destination];
        got[number - 1]!++;
        const far = Math.max(...weights.map((w, j) => Math.abs(got[j]! - i * w / all)));
        // Smooth weighted round robin, which looks at all destinations each time, stays below 1.1.
        assert(far < 2, `${far} from its share after ${i}`);
      }
      assertEquals(got, weights.map((weight) => weight * rounds));
    }),
    { numRuns: 50 },
  );
});

Deno.test("a million rounds later, when turns were counted anew, it is as exact", () => {
  const { policy, destinations: [one, two] } = policyWith(new RoundRobin(), [1, 1]);
  // One step of 1/64 is 64 rounds: the limit of a million is passed after few sessions.
  for (const few of [one!, two!]) {
    few.agent = { ...UNREPORTED, share: 1 / 64, slots: undefined };
    policy.update(few, true);
  }
  for (let i = 0; i < 5; i++) {
    const got = serve(policy, 10_000);
    assertEquals(counts([one!, two!], got), [5000, 5000]);
    assertEquals(names(got.slice(0, 4)), "abab");
  }
});

Deno.test("one that was full, down or new gets its share from then on, and makes up for nothing", () => {
  const { policy, destinations } = policyWith(new RoundRobin(), [1, 2, 3]);
  const [a, b, c] = destinations as Three;
  policy.update(c, false);
  assertEquals(counts(destinations, serve(policy, 300)), [100, 200, 0]);
  policy.update(c, true);
  const back = serve(policy, 60);
  assertEquals(counts(destinations, back), [10, 20, 30]);
  assert(!names(back).includes("cccc"));
  const d = destinationAt(4, { weight: 6 });
  policy.add(d);
  policy.update(d, true);
  const joined = serve(policy, 120);
  assertEquals(counts([a, b, c, d], joined), [10, 20, 30, 60]);
  assert(!/ddd/.test(names(joined)));
});

Deno.test("a weight that changes counts from the next session on", () => {
  const { policy, destinations } = policyWith(new RoundRobin(), [1, 1]);
  const [a, b] = destinations as Two;
  const become = (one: Destination, weight: number) => {
    one.config = { ...one.config, weight };
    policy.update(one, weight > 0);
  };
  serve(policy, 1001);
  become(b, 9);
  assertEquals(counts(destinations, serve(policy, 100)), [10, 90]);
  become(a, 0);
  assertEquals(counts(destinations, serve(policy, 100)), [0, 100]);
  become(a, 256);
  become(b, 256);
  assertEquals(counts(destinations, serve(policy, 100)), [50, 50]);
});

Deno.test("a slow start lets the share grow little by little", () => {
  let now = 0;
  const policy = new RoundRobin();
  const a = destinationAt(1, {}, () => now);
  const b = destinationAt(2, {}, () => now);
  for (const one of [a, b]) {
    policy.add(one);
    policy.update(one, true);
  }
  b.startSlowly(1000);
  const shares: number[] = [];
  for (; now <= 1000; now += 250) {
    policy.update(b, true);
    const [ofA, ofB] = counts([a, b], serve(policy, 1300)) as [number, number];
    shares.push(Math.round(100 * ofB / ofA));
  }
  assertEquals(shares, [2, 25, 50, 75, 100]);
});

Deno.test("sessions that are bound use up a turn, but never more than one", () => {
  const { policy, destinations } = policyWith(new RoundRobin(), [1, 1, 1]);
  const [a, b, c] = destinations as Three;
  for (let i = 0; i < 100; i++) {
    assertEquals(policy.next(only(b)), b);
    begin(policy, b);
    end(policy, b);
  }
  assertEquals(names(serve(policy, 8)), "acbacbac");
  assertEquals(policy.next(without(undefined, policy.next()!)) !== policy.next(), true);
  assertEquals(policy.next(new Set([a, c])), a);
  policy.update(a, false);
  assertEquals(policy.next(only(a)), undefined);
  assertEquals(policy.next(new Set([a, c])), c);
});
