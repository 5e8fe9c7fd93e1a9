import { assertEquals } from "@std/assert";
import { SessionDescriptors } from "../../src/balancer/session_descriptors.ts";
import { DescriptorBudget } from "../../src/net/descriptor_budget.ts";
import { configOf } from "../support/config.ts";

const NONE = { count: () => 0, estimate: () => 0 };

/** How many sessions enter until there is no room for more. */
function fill(descriptors: SessionDescriptors): number {
  for (let number = 0;; number++) {
    if (!descriptors.hasRoom) return number;
    descriptors.enter();
  }
}

Deno.test("sessions that come to have processes of their own have more descriptors", () => {
  const budget = new DescriptorBudget({ countFree: (wanted) => Math.min(wanted, 100) });
  const plain = configOf(["8080", "service:http"]);
  const forking = configOf(["8080", "service:http,processes=each"]);
  const descriptors = new SessionDescriptors(budget);
  descriptors.join(plain, NONE);
  const two = fill(descriptors);
  for (let i = 0; i < two; i++) descriptors.leave();
  descriptors.enter();
  descriptors.apply(forking);
  const four = 1 + fill(descriptors);
  // With two descriptors each there are twice as many, but for what is kept free for one of them.
  assertEquals(four, Math.floor((2 * two - 2) / 4));
  descriptors.apply(plain);
  assertEquals(descriptors.hasRoom, false, "those that are served have their processes still");
  for (let i = 0; i < four; i++) descriptors.leave();
  assertEquals(fill(descriptors), four);
  for (let i = 0; i < four; i++) descriptors.leave();
  descriptors.end();
  const again = new SessionDescriptors(budget);
  again.join(plain, NONE);
  assertEquals(fill(again), two, "all was given back");
});
