import { assert, assertEquals } from "@std/assert";
import { Tries } from "../../src/destinations/tries.ts";
import { until } from "../support/servers.ts";

/** So many that are new; `end` ends the tries under way. */
function setUp(number: number) {
  const tries = new Tries();
  const begun: number[] = [];
  const candidates = Array.from({ length: number }, (_, i) => ({
    tryNow: () => void begun.push(i),
  }));
  for (const candidate of candidates) tries.add(candidate);
  return { tries, begun, candidates };
}

Deno.test("the first that are new are tried at once, the others little by little, in order", async () => {
  const { tries, begun } = setUp(30);
  assertEquals(begun.length, 8);
  const began = performance.now();
  await until(() => begun.length === 30, "all are tried");
  assert(performance.now() - began > 22 * 4, "they came in one burst");
  assertEquals(begun, Array.from({ length: 30 }, (_, i) => i));
  tries.close();
});

Deno.test("no more than 64 are tried at a time, and each that ends lets another one begin", async () => {
  const { tries, begun } = setUp(100);
  await until(() => begun.length === 64, "64 are tried");
  await new Promise((resolve) => setTimeout(resolve, 100));
  assertEquals(begun.length, 64);
  for (let i = 0; i < 36; i++) tries.ended();
  await until(() => begun.length === 100, "all are tried");
  tries.close();
});

Deno.test("one that was reached meanwhile is not tried", async () => {
  const { tries, begun, candidates } = setUp(10);
  tries.remove(candidates[8]!);
  await until(() => begun.includes(9), "the last one is tried");
  assertEquals(begun.includes(8), false);
  tries.close();
});
