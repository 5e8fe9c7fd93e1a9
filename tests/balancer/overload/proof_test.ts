import { assertEquals } from "@std/assert";
import { Proof } from "../../../src/balancer/overload/proof.ts";

const WITHIN = 1000;

Deno.test("servers work in vain once three of sixteen that were served late had left", () => {
  const proof = new Proof();
  const note = (left?: number) => proof.note({ at: 0, left }, WITHIN);
  for (let i = 0; i < 100; i++) {
    note(i % 8 === 0 ? 300 : undefined);
    assertEquals(proof.holds(0, WITHIN), false);
  }
  for (let i = 0; i < 3; i++) note(500);
  assertEquals([proof.holds(0, WITHIN), proof.age >= 300], [true, true]);
});

Deno.test("what three quarters of these have waited is not made shorter by one that leaves early", () => {
  const proof = new Proof();
  for (const left of [30, 500, 500, 500, 500]) proof.note({ at: 0, left }, WITHIN);
  assertEquals(proof.age, 500);
});

Deno.test("what is older counts no more, and is believed for as long as it is told", () => {
  const proof = new Proof();
  for (const at of [0, 1500, 3000, 4500]) proof.note({ at, left: 500 }, WITHIN);
  assertEquals(proof.holds(4500, WITHIN), false);
  for (const at of [4600, 4700]) proof.note({ at, left: 500 }, WITHIN);
  assertEquals([proof.holds(5700, WITHIN), proof.holds(5701, WITHIN)], [true, false]);
  proof.renew(6000);
  assertEquals(proof.holds(7000, WITHIN), true);
});
