import { assertEquals } from "@std/assert";
import { without } from "../../../src/async/audience.ts";
import { First } from "../../../src/balancer/policies/first.ts";
import { begin, destinationAt, end, names, policyWith, serve } from "../../support/policies.ts";

Deno.test("the first gets all until it is full, then the second, and again as soon as it can", () => {
  const policy = new First();
  const [a, b, c] = [1, 2, 3].map((number) =>
    destinationAt(number, { workers: 2, weight: number })
  );
  for (const one of [a!, b!, c!]) {
    policy.add(one);
    policy.update(one, true);
  }
  const got = Array.from({ length: 5 }, () => {
    const next = policy.next()!;
    begin(policy, next);
    return next;
  });
  assertEquals(names(got), "aabbc");
  end(policy, b!);
  assertEquals(policy.next(), b);
  end(policy, a!);
  assertEquals(policy.next(), a);
  assertEquals(policy.next(without(undefined, a!)), b);
});

Deno.test("it follows the order of the configuration, also when that changes", () => {
  const { policy, destinations: [a, b, c] } = policyWith(new First(), [1, 1, 1]);
  assertEquals(names(serve(policy, 3)), "aaa");
  for (const [place, one] of [c!, a!, b!].entries()) {
    one.place = place + 1;
    policy.update(one, true);
  }
  assertEquals(names(serve(policy, 3)), "ccc");
  policy.update(c!, false);
  assertEquals(names(serve(policy, 3)), "aaa");
});
