import { assert, assertEquals } from "@std/assert";
import { backoff } from "../../src/destinations/health_state.ts";

Deno.test("the pause before a probe doubles from 100 ms to 5 s", () => {
  const longest = Array.from({ length: 8 }, (_, attempt) => backoff(attempt, undefined, () => 1));
  assertEquals(longest, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
});

Deno.test("up to half of the pause is left to chance", () => {
  assertEquals(backoff(3, undefined, () => 0), 400);
  const pauses = Array.from({ length: 100 }, () => backoff(10));
  assert(pauses.every((pause) => pause >= 2500 && pause <= 5000));
  assert(new Set(pauses).size > 1);
});
