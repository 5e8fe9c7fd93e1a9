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

Deno.test("several threads are down since the first of them is, and up since the last one", () => {
  const age = (...all: [ShownState, number][]) => {
    const threads = all.map(([state, state_age_ms]) => destinationOf({ state, state_age_ms }));
    return addDestinations(threads).state_age_ms;
  };
  assertEquals(age(["up", 30], ["up", 20]), 20);
  assertEquals(age(["up", 30], ["untried", 5]), 30);
  assertEquals(age(["up", 3], ["down", 20], ["down", 10]), 20);
});

Deno.test("the last error and the last check are those of the thread that has seen the latest", () => {
  const check = (age_ms: number) => ({ ok: age_ms > 5, age_ms, took_ms: 1 });
  const one = destinationOf({ last_error: { text: "old", age_ms: 9 }, last_check: check(3) });
  const two = destinationOf({ last_error: { text: "new", age_ms: 2 }, last_check: check(8) });
  const { last_error, last_check } = addDestinations([one, destinationOf({}), two]);
  assertEquals([last_error, last_check], [{ text: "new", age_ms: 2 }, check(3)]);
  assertEquals(addDestinations([destinationOf({}), destinationOf({})]).last_check, null);
});
