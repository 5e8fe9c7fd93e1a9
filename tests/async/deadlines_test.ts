import { assertEquals } from "@std/assert";
import { Deadlines } from "../../src/async/deadlines.ts";
import { until } from "../support/servers.ts";

/** Deadlines whose clock and limit a test sets; the timers are real, and short. */
function setUp(limit: number) {
  const state = { now: 0, limit };
  const overdue: string[] = [];
  const deadlines = new Deadlines<string>({
    limit: () => state.limit,
    clock: () => state.now,
    onOverdue: (value) => overdue.push(value),
  });
  return { state, overdue, deadlines, [Symbol.dispose]: () => deadlines.stop() };
}

Deno.test("what waits too long is overdue, in the order in which it began", async () => {
  using test = setUp(5);
  const { state, overdue, deadlines } = test;
  deadlines.add("a");
  const b = deadlines.add("b");
  deadlines.add("c");
  state.now = 2;
  deadlines.add("d");
  deadlines.remove(b);
  assertEquals(deadlines.size, 3);
  state.now = 5;
  await until(() => overdue.length === 2, "the first two are overdue");
  assertEquals(overdue, ["a", "c"]);
  state.now = 7;
  await until(() => deadlines.size === 0, "the last one is");
  assertEquals(overdue, ["a", "c", "d"]);
});

Deno.test("another limit counts at once for what waits already", () => {
  using test = setUp(1_000_000);
  const { state, overdue, deadlines } = test;
  deadlines.add("a");
  state.now = 10;
  deadlines.add("b");
  state.limit = 10;
  deadlines.review();
  assertEquals(overdue, ["a"]);
  state.limit = 1_000_000;
  deadlines.review();
  assertEquals([overdue, deadlines.size], [["a"], 1]);
});

Deno.test("one that is done in time is not overdue, and the next has all of its time", async () => {
  using test = setUp(5);
  const { state, overdue, deadlines } = test;
  deadlines.remove(deadlines.add("a"));
  state.now = 4;
  deadlines.add("b");
  // The timer of the first one fires.
  await new Promise((resolve) => setTimeout(resolve, 10));
  assertEquals(overdue, []);
  state.now = 9;
  await until(() => overdue.length === 1, "the second one is overdue");
});

Deno.test("one that has waited longer than others is overdue before them", async () => {
  using test = setUp(10);
  const { state, overdue, deadlines } = test;
  state.now = 8;
  deadlines.add("c");
  deadlines.add("e", 9);
  deadlines.add("b", 2);
  deadlines.add("d");
  deadlines.add("a", 1);
  // The timer is for the first of them, and not for the one that was added first.
  state.now = 12;
  await until(() => overdue.length === 2, "the oldest two are overdue");
  state.now = 100;
  await until(() => deadlines.size === 0, "all are");
  assertEquals(overdue, ["a", "b", "c", "d", "e"]);
});
