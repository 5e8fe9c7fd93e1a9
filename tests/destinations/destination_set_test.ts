import { assertEquals } from "@std/assert";
import type { DestinationConfig } from "../../src/config/destination_text.ts";
import type { Destination } from "../../src/destinations/destination.ts";
import { DestinationSet } from "../../src/destinations/destination_set.ts";
import type { Health } from "../../src/destinations/health.ts";
import { TaskGroup } from "../../src/async/task_group.ts";
import { configOf } from "../support/config.ts";

/** A set that nobody connects to the destinations of. */
function makeSet(): DestinationSet {
  return new DestinationSet({
    pool: { add() {}, remove() {} },
    health: { watch: () => Promise.resolve(), retire() {} } as unknown as Health,
    tasks: new TaskGroup((error) => {
      throw error;
    }),
    clock: () => 0,
  });
}

function configured(i: number, source?: string): DestinationConfig {
  const [config] = configOf(["0", `10.0.${i >> 8}.${i & 255}:80`]).destinations;
  return { ...config!, ...(source !== undefined && { source }) };
}

/** One that was there for a while. */
function passes(set: DestinationSet, config: DestinationConfig, number: number): Destination {
  const one = set.put(config, number);
  one.sessions++;
  set.remove(one);
  return one;
}

Deno.test("a record that comes back goes on counting, a destination that is configured begins anew", () => {
  const set = makeSet();
  for (const [number, source] of [[1, "web"], [2, undefined]] as const) {
    passes(set, configured(number, source), number);
    assertEquals(set.all, []);
    const again = set.put(configured(number, source), number);
    assertEquals(again.sessions, source ? 1 : 0);
    assertEquals([again.leaving, again.state], [false, "untried"]);
    assertEquals(set.find(number), again);
    set.remove(again);
  }
});

Deno.test("what a record has counted is kept of the latest thousand that are gone, and few more", () => {
  const set = makeSet();
  for (let i = 1; i <= 3000; i++) passes(set, configured(i, "web"), i);
  const counted = (i: number) => set.put(configured(i, "web"), i).sessions;
  assertEquals([1, 1900, 2001, 3000].map(counted), [0, 0, 1, 1]);
});

Deno.test("a record is what the operator wanted of it from its first moment on", () => {
  const set = makeSet();
  const drained = set.put({ ...configured(1, "web"), admin: "drain" }, 1);
  assertEquals([drained.admin, drained.enabled], ["drain", false]);
  set.remove(drained);
  assertEquals(set.put(configured(1, "web"), 1).admin, "ready");
});

Deno.test("one that leaves is another one than its namesake with a new number", () => {
  const set = makeSet();
  const leaving = set.put(configured(1, "web"), 1);
  leaving.workers = 1;
  set.remove(leaving);
  const fresh = set.put(configured(1, "web"), 7);
  assertEquals(set.all, [fresh, leaving]);
  assertEquals([set.find(1), set.find(7)], [leaving, fresh]);
  leaving.workers = 0;
  assertEquals(set.all, [fresh]);
});

Deno.test("one that is new has its place behind all others, or before one of them", () => {
  const set = makeSet();
  const order = () =>
    set.all.toSorted((a, b) => a.place - b.place).map(({ number }) => number).join(" ");
  const put = (number: number, before?: number) => set.put(configured(number), number, { before });
  put(1);
  put(2);
  assertEquals(order(), "1 2");
  put(3, 1);
  put(4, 2);
  put(5);
  // That one is not there.
  put(6, 99);
  assertEquals(order(), "3 1 4 2 5 6");
  // One that is there stays where it is.
  put(3, 5);
  assertEquals(order(), "3 1 4 2 5 6");
  // However many come between two.
  for (let number = 100; number < 300; number++) put(number, 4);
  const many = Array.from({ length: 200 }, (_, i) => 100 + i).join(" ");
  assertEquals(order(), `3 1 ${many} 4 2 5 6`);
});
