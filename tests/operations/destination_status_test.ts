import { assertEquals } from "@std/assert";
import { addDestinations } from "../../src/operations/destination_status.ts";
import type { ShownState } from "../../src/operations/states.ts";
import { destinationOf } from "../support/statuses.ts";

Deno.test("the state of a destination is what its threads know of it together", () => {
  const together = (...states: ShownState[]) =>
    addDestinations(states.map((state) => destinationOf({ state }))).state;
  assertEquals(together("up", "up"), "up");
  assertEquals(together("untried", "untried"), "untried");
  assertEquals(together("untried", "up"), "up");
  assertEquals(together("untried", "suspect", "up"), "suspect");
  assertEquals(together("up", "down", "suspect", "untried"), "down");
  assertEquals(together("maint", "maint"), "maint");
});
