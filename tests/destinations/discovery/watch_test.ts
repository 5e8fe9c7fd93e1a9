import { assert, assertEquals } from "@std/assert";
import type { Found } from "../../../src/destinations/discovery/found.ts";
import {
  SHORTEST_PAUSE_MS,
  Watch,
  type WatchSettings,
} from "../../../src/destinations/discovery/watch.ts";
import { ResolveError } from "../../../src/net/dns/records.ts";
import { parseRecordsName } from "../../../src/net/records_name.ts";
import { FakeResolver, recordsOf } from "../../support/fake_resolver.ts";
import { collectedLog } from "../../support/logs.ts";
import { until } from "../../support/servers.ts";

/** A watch whose pauses a test ends, one after the other. */
function watched(options: Partial<WatchSettings> & { random?: number; fails?: number } = {}) {
  const resolver = new FakeResolver();
  const { log, lines } = collectedLog();
  const changes: string[][] = [];
  const pauses: number[] = [];
  let next: (() => void) | undefined;
  const settings = { resolveInterval: 10_000, resolveEmpty: "keep", ...options } as const;
  const watch = new Watch({
    lookup: parseRecordsName("dns:web:80")!,
    name: "web",
    resolver,
    settings: () => settings,
    onChange(servers: readonly Found[]) {
      changes.push(servers.map((one) => one.hostname));
      if (changes.length <= (options.fails ?? 0)) throw new Error("a thread is silent");
    },
    log,
    pause(ms, signal) {
      pauses.push(ms);
      return new Promise((resolve) => {
        next = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    },
    random: () => options.random ?? 0.5,
  });
  return {
    ...{ resolver, watch, changes, pauses, lines },
    /** Lets the watch look so many times; the first time it is begun. */
    async look(times = 1) {
      for (let i = 0; i < times; i++) {
        const before = pauses.length;
        if (before === 0) watch.run();
        else next!();
        await until(() => pauses.length > before, "it has looked");
      }
    },
    [Symbol.dispose]: () => watch.stop(),
  };
}

Deno.test("a name is looked up after the interval, or when its records are too old", async () => {
  using one = watched();
  one.resolver.addresses("web", "10.0.0.1");
  await one.look();
  one.resolver.set("A", "web", recordsOf("A", ["10.0.0.1"], 3));
  await one.look();
  one.resolver.set("A", "web", recordsOf("A", ["10.0.0.1"], 0));
  await one.look();
  assertEquals(one.pauses, [10_000, 3000, SHORTEST_PAUSE_MS]);
  assertEquals(one.changes, [["10.0.0.1"]]);
});

Deno.test("pauses differ by a tenth, and are never shorter than a second", async () => {
  for (const [random, pauses] of [[0, [9000, 1000]], [1, [11_000, 1100]]] as const) {
    using one = watched({ random });
    one.resolver.addresses("web", "10.0.0.1");
    await one.look();
    one.resolver.set("A", "web", recordsOf("A", ["10.0.0.1"], 1));
    await one.look();
    assertEquals(one.pauses, [...pauses]);
  }
});

Deno.test("after failures it is looked up after pauses that double up to the interval", async () => {
  using one = watched();
  one.resolver.addresses("web", "10.0.0.1");
  await one.look();
  one.resolver.fails("web");
  await one.look(6);
  assertEquals(one.pauses, [10_000, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  assertEquals(one.changes, [["10.0.0.1"]]);
  assertEquals([one.watch.failures, one.watch.lastError], [6, "the server says SERVFAIL"]);
  one.resolver.addresses("web", "10.0.0.2");
  await one.look();
  assertEquals(one.changes.at(-1), ["10.0.0.2"]);
  assertEquals([one.watch.failures, one.watch.lastError], [6, ""]);
  one.resolver.fails("web");
  await one.look();
  assertEquals(one.pauses.slice(-2), [10_000, 1000]);
});

Deno.test("failures are told once a minute, and that they are over", async () => {
  using one = watched();
  one.resolver.fails("web");
  await one.look(5);
  one.resolver.addresses("web", "10.0.0.1");
  await one.look(2);
  one.resolver.fails("web");
  await one.look(2);
  assertEquals(one.lines, [
    "web cannot be looked up, there is no server for it yet: the server says SERVFAIL",
    "web is looked up again, and leads to 1 server",
  ]);
});

Deno.test("one kind of addresses that is never answered is told as such", async () => {
  using one = watched();
  one.resolver.addresses("web", "10.0.0.1").set("AAAA", "web", new ResolveError("it said REFUSED"));
  await one.look(3);
  assertEquals(one.lines, [
    "web is looked up only in part, its 1 server stays in use: it said REFUSED",
  ]);
});

Deno.test("an empty answer changes nothing, and is told", async () => {
  using one = watched();
  one.resolver.addresses("web", "10.0.0.1", "10.0.0.2");
  await one.look();
  one.resolver.addresses("web");
  await one.look(3);
  assertEquals(one.changes.length, 1);
  assertEquals(one.watch.servers.length, 2);
  assertEquals(one.lines, ["web has no records, its 2 servers stay in use: no such record"]);
  assertEquals([one.watch.failures, one.watch.lastError], [0, "no such record"]);
});

Deno.test("an empty answer drains the records where that is wanted, and a failure never", async () => {
  using one = watched({ resolveEmpty: "drain" });
  one.resolver.addresses("web", "10.0.0.1");
  await one.look();
  one.resolver.fails("web");
  await one.look();
  assertEquals(one.watch.servers.length, 1);
  one.resolver.addresses("web");
  await one.look(2);
  assertEquals(one.changes, [["10.0.0.1"], []]);
  assertEquals(one.lines.at(-1), "web has no records, its 1 server is drained: no such record");
});

Deno.test("what is applied is applied before the next look-up, and only if it is different", async () => {
  using one = watched();
  one.resolver.addresses("web", "10.0.0.2", "10.0.0.1");
  await one.look();
  one.resolver.addresses("web", "10.0.0.1", "10.0.0.2");
  await one.look();
  one.resolver.addresses("web", "10.0.0.1");
  await one.look();
  assertEquals(one.changes, [["10.0.0.1", "10.0.0.2"], ["10.0.0.1"]]);
});

Deno.test("a look-up that never ends is given up at the end, and is the only one", async () => {
  const one = watched();
  one.resolver.set("A", "web", new Promise(() => {}));
  const ended = one.watch.run();
  await until(() => one.resolver.open === 1, "it is asked");
  one.watch.stop();
  await ended;
  assertEquals(one.resolver.open, 0);
  assertEquals(one.resolver.asked.length, 2);
  assertEquals(one.pauses, []);
});

Deno.test("the age of an answer is told, and that there was none", async () => {
  using one = watched();
  one.resolver.set("A", "web", new ResolveError("late"));
  await one.look();
  assertEquals(one.watch.age, null);
  one.resolver.addresses("web", "10.0.0.1");
  await one.look();
  assert(one.watch.age! >= 0);
});

Deno.test("what could not be applied is tried again at the next look-up, and then no more", async () => {
  using one = watched({ fails: 1 });
  one.resolver.addresses("web", "10.0.0.1");
  await one.look(3);
  assertEquals(one.changes, [["10.0.0.1"], ["10.0.0.1"]]);
  assertEquals(one.lines, [
    "what web leads to is in force only in part, and is tried again: Error: a thread is silent",
  ]);
});

Deno.test("a pause ends at once when there is a reason to look", async () => {
  using one = watched();
  one.resolver.addresses("web", "10.0.0.1");
  await one.look();
  one.resolver.addresses("web", "10.0.0.2");
  one.watch.look();
  await until(() => one.changes.length === 2, "it has looked");
  assertEquals(one.changes, [["10.0.0.1"], ["10.0.0.2"]]);
});

Deno.test("a reason to look that comes during a look-up counts after it", async () => {
  using one = watched();
  const gate = Promise.withResolvers<never>();
  gate.promise.catch(() => {});
  one.resolver.set("A", "web", gate.promise).set("AAAA", "web", gate.promise);
  one.watch.run();
  await until(() => one.resolver.open === 2, "a look-up is under way");
  one.watch.look();
  one.resolver.addresses("web", "10.0.0.1");
  gate.reject(new ResolveError("nobody is there"));
  await until(() => one.changes.length === 1, "it has looked again");
  assertEquals(one.pauses.length, 1);
});
