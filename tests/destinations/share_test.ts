import { UNREPORTED } from "../../src/destinations/agent_report.ts";
import { assertEquals } from "@std/assert";
import { Fifo } from "../../src/balancer/policies/fifo.ts";
import { destinationAt } from "../support/policies.ts";

Deno.test("the weight of the moment is what is configured, reported and grown, and never 0 by rounding", () => {
  let now = 0;
  const one = destinationAt(1, { weight: 4, workers: 100 }, () => now);
  assertEquals([one.weight, one.limit, one.share.starting], [4, 100, false]);
  one.startSlowly(1000);
  assertEquals([one.weight, one.limit, one.share.starting], [1 / 64, 1, true]);
  now = 250;
  assertEquals([one.weight, one.limit], [1, 25]);
  one.agent = { ...UNREPORTED, share: 0.5, slots: 40 };
  assertEquals([one.weight, one.limit], [0.5, 10]);
  now = 1000;
  assertEquals([one.weight, one.limit, one.share.starting], [2, 40, false]);
  one.agent = { ...UNREPORTED, share: 0.001, slots: 1000 };
  assertEquals([one.weight, one.limit], [1 / 64, 100]);
  one.agent = { ...UNREPORTED, share: 0, slots: undefined };
  assertEquals([one.weight, one.enabled], [0, false]);
  one.agent = { ...UNREPORTED, share: 1, slots: undefined };
  one.config = { ...one.config, weight: 0 };
  assertEquals([one.weight, one.limit, one.enabled, one.usable], [0, 100, false, true]);
});

Deno.test("of a report and of a configuration it is told what may change who serves", () => {
  const one = destinationAt(1);
  const told: string[] = [];
  one.onChange = () => told.push("change");
  one.onLoadChange = () => told.push("load");
  one.config = { ...one.config, workers: 3 };
  one.config = { ...one.config, weight: 0 };
  one.config = { ...one.config, backup: 2 };
  one.config = { ...one.config, weight: 3 };
  one.config = { ...one.config, weight: 4 };
  one.agent = { ...UNREPORTED, share: 0.5, slots: 1 };
  one.place = 7;
  one.place = 7;
  assertEquals(told, ["load", "change", "change", "change", "load", "change", "load"]);
});

Deno.test("fifo keeps as many waiting as the weight says, and fewer while it grows", () => {
  let now = 0;
  const policy = new Fifo();
  const one = destinationAt(1, { weight: 2 }, () => now);
  const waiting = () => policy.idleWorkers(one);
  assertEquals(waiting(), 2);
  one.startSlowly(1000);
  const seen: number[] = [];
  for (; now <= 1000; now += 250) seen.push(waiting());
  assertEquals(seen, [0, 1, 1, 2, 2]);
  one.agent = { ...UNREPORTED, share: 0.1, slots: undefined };
  assertEquals(waiting(), 1);
  one.agent = { ...UNREPORTED, share: 0, slots: undefined };
  assertEquals(waiting(), 0);
});

Deno.test("a limit that is found is there as long as the configuration has no number, within its most", () => {
  const one = destinationAt(1, { workers: 0, "workers-max": 3 });
  assertEquals([one.limit, one.auto?.reason], [3, "start"]);
  const { auto } = one;
  one.config = { ...one.config, "workers-max": 2 };
  assertEquals([one.limit, one.auto === auto], [2, true]);
  one.agent = { ...UNREPORTED, slots: 1 };
  assertEquals(one.limit, 1);
  one.agent = UNREPORTED;
  one.config = { ...one.config, workers: 5 };
  assertEquals([one.limit, one.auto], [5, undefined]);
});
