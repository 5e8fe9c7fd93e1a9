import { assertEquals } from "@std/assert";
import { LeastConn } from "../../../src/balancer/policies/least_conn.ts";
import { begin, counts, destinationAt, end, policyWith } from "../../support/policies.ts";

Deno.test("sessions that last are in proportion to the weights, also to those of the moment", () => {
  let now = 0;
  const policy = new LeastConn();
  const [a, b, c] = [1, 3, 4].map((weight, i) => destinationAt(i + 1, { weight }, () => now));
  for (const one of [a!, b!, c!]) {
    policy.add(one);
    policy.update(one, true);
  }
  c!.startSlowly(1000);
  now = 250;
  policy.update(c!, true);
  const more = (sessions: number) => {
    return Array.from({ length: sessions }, () => {
      const next = policy.next()!;
      begin(policy, next);
      return next;
    });
  };
  // The weights of the moment are 1, 3 and 1.
  assertEquals(counts([a!, b!, c!], more(50)), [10, 30, 10]);
  now = 1000;
  policy.update(c!, true);
  more(30);
  assertEquals([a!, b!, c!].map(({ workers }) => workers), [10, 30, 40]);
  for (let i = 0; i < 8; i++) end(policy, a!);
  assertEquals(counts([a!, b!, c!], more(7)), [7, 0, 0]);
});

Deno.test("a weight of 0 is left out, and does not disturb the turns of the others", () => {
  const { policy, destinations } = policyWith(new LeastConn(), [1, 0, 1]);
  const [a, b, c] = destinations;
  b!.config = { ...b!.config, weight: 0 };
  policy.update(b!, false);
  for (const one of [a, c, a, c]) {
    assertEquals(policy.next(), one);
    begin(policy, one!);
    end(policy, one!);
  }
  b!.config = { ...b!.config, weight: 2 };
  policy.update(b!, true);
  begin(policy, a!);
  begin(policy, c!);
  assertEquals(policy.next(), b);
});
