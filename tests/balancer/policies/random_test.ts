import { assert, assertEquals } from "@std/assert";
import { fc } from "../../support/properties.ts";
import { only, without } from "../../../src/async/audience.ts";
import type { Destination } from "../../../src/destinations/destination.ts";
import { Random } from "../../../src/balancer/policies/random.ts";
import { WeightTree } from "../../../src/balancer/policies/weight_tree.ts";
import { Random as Numbers } from "../../support/random.ts";
import { begin, counts, policyWith, serve } from "../../support/policies.ts";

function seeded(seed: number): () => number {
  const numbers = new Numbers(seed);
  return () => numbers.next();
}

Deno.test("short sessions are spread in proportion to the weights", () => {
  const weights = [1, 2, 3, 0, 10];
  const { policy, destinations } = policyWith(new Random(seeded(1)), weights);
  const sessions = 40_000;
  const got = counts(destinations, serve(policy, sessions));
  for (const [i, weight] of weights.entries()) {
    const share = weight / 16;
    const deviation = Math.sqrt(sessions * share * (1 - share));
    assert(Math.abs(got[i]! - sessions * share) <= 5 * deviation, `${got}`);
  }
});

Deno.test("of two that are drawn the one with fewer sessions for its weight is taken", () => {
  const number = 100;
  const { policy, destinations } = policyWith(new Random(seeded(2)), Array(number).fill(1));
  for (let i = 0; i < 50 * number; i++) begin(policy, policy.next()!);
  const most = Math.max(...destinations.map(({ workers }) => workers));
  // A single draw would make it about 70; two keep it within log log n of 50.
  assert(most <= 54, `${most} sessions at one of them, on average 50`);
});

Deno.test("only those with a free slot are drawn, and only those of an audience", () => {
  const { policy, destinations } = policyWith(new Random(seeded(3)), Array(50).fill(2));
  const free = destinations.slice(10, 13);
  for (const one of destinations) if (!free.includes(one)) policy.update(one, false);
  const drawn = new Set(serve(policy, 200));
  assertEquals(drawn, new Set(free));
  const [a, b, c] = free as [Destination, Destination, Destination];
  assertEquals(policy.next(only(a)), a);
  assertEquals(policy.next(only(destinations[0]!)), undefined);
  assertEquals(policy.next(new Set([destinations[0]!])), undefined);
  assertEquals(policy.next(new Set([destinations[0]!, c])), c);
  for (let i = 0; i < 100; i++) assert(policy.next(without(undefined, b)) !== b);
  policy.remove(a);
  policy.remove(b);
  assertEquals(new Set(serve(policy, 50)), new Set([c]));
  policy.remove(c);
  assertEquals([policy.next(), policy.next(new Set([a]))], [undefined, undefined]);
});

Deno.test("one among a thousand that alone may have a session is found", () => {
  const { policy, destinations } = policyWith(new Random(seeded(4)), Array(1000).fill(1));
  for (const one of [0, 500, 999]) {
    assertEquals(policy.next(new Set([destinations[one]!])), destinations[one]);
  }
});

Deno.test("a random number that is rounded up to the end still draws somebody", () => {
  const { policy, destinations } = policyWith(new Random(() => 1), [1, 0]);
  assertEquals(policy.next(), destinations[0]);
});

Deno.test("things are drawn in proportion to their weights, whatever was added, removed and changed", () => {
  const change = fc.record({ thing: fc.nat(20), weight: fc.constantFrom(-1, 0, 1, 3 / 64, 256) });
  fc.assert(fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
    const tree = new WeightTree<number>();
    const weights = new Map<number, number>();
    for (const { thing, weight } of changes) {
      if (weight < 0) {
        tree.remove(thing);
        weights.delete(thing);
      } else {
        if (!weights.has(thing)) tree.add(thing);
        tree.set(thing, weight);
        weights.set(thing, weight);
      }
    }
    const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
    assertEquals(tree.total, total);
    assertEquals(new Map(tree), weights);
    // Each has a range as wide as its weight, and all of them together are everything.
    const found = new Map<number, number>();
    for (let sum = 0; sum < total;) {
      const thing = tree.at(sum)!;
      const weight = weights.get(thing)!;
      assert(weight > 0 && !found.has(thing));
      assertEquals(tree.at(sum + weight - 1 / 64), thing);
      found.set(thing, weight);
      sum += weight;
    }
    assertEquals(tree.at(total), undefined);
    assertEquals([...found.values()].reduce((sum, weight) => sum + weight, 0), total);
  }));
});
