import { assert, assertEquals } from "@std/assert";
import { RateLimit } from "../../src/balancer/rate_limit.ts";

Deno.test("each key has as many tokens at once as it gets in a second", () => {
  let now = 0;
  const limit = new RateLimit(3, () => now);
  const take = (key: string) => limit.take(key);
  assertEquals([take("a"), take("a"), take("a"), take("a"), take("b")], [
    true,
    true,
    true,
    false,
    true,
  ]);
  now = 333;
  assertEquals(take("a"), false);
  now = 334;
  assertEquals([take("a"), take("a")], [true, false]);
  now = 100_000;
  assertEquals([1, 2, 3, 4].map(() => take("a")), [true, true, true, false]);
});

Deno.test("keys that have not come for a while are forgotten", () => {
  let now = 0;
  const limit = new RateLimit(10, () => now);
  for (let i = 0; i < 100_000; i++) {
    limit.take(`${i}`);
    now += 1;
  }
  assert(limit.size < 3000, `${limit.size} keys`);
});
