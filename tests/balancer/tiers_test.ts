import { assertEquals } from "@std/assert";
import { Tiers } from "../../src/balancer/tiers.ts";
import { destinationAt } from "../support/policies.ts";

Deno.test("the lowest tier that has somebody who is up is known through every change", () => {
  const [a, b, c] = [0, 2, 256].map((backup, i) => destinationAt(i + 1, { backup }));
  const tiers = new Tiers();
  assertEquals(tiers.lowest, Infinity);
  tiers.note(c!, true);
  assertEquals(tiers.lowest, 256);
  tiers.note(b!, true);
  tiers.note(b!, true);
  assertEquals(tiers.lowest, 2);
  tiers.note(a!, true);
  assertEquals(tiers.lowest, 0);
  a!.config = { ...a!.config, backup: 3 };
  tiers.note(a!, true);
  assertEquals(tiers.lowest, 2);
  tiers.note(b!, false);
  assertEquals(tiers.lowest, 3);
  tiers.note(a!, false);
  tiers.note(a!, false);
  assertEquals(tiers.lowest, 256);
  tiers.note(c!, false);
  assertEquals(tiers.lowest, Infinity);
});
