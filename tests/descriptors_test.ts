import { assertEquals } from "@std/assert";
import { DescriptorBudget } from "../src/descriptors.ts";

Deno.test("the budget grows ahead of the sessions while there are descriptors", () => {
  const budget = new DescriptorBudget(1);
  assertEquals(budget.sessions(0, () => 0), 32);
  assertEquals(budget.sessions(31, () => 62), 32);
  assertEquals(budget.sessions(32, () => 64), 64);
  assertEquals(budget.final, false);
});

Deno.test("descriptors that the sessions have are not needed again", () => {
  const budget = new DescriptorBudget(1);
  budget.sessions(0, () => 0);
  let asked = 0;
  budget.sessions(10, () => asked++);
  assertEquals(asked, 0, "nothing is tried below what is known to fit");
});
