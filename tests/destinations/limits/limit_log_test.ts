import { assertEquals } from "@std/assert";
import { AutoLimit } from "../../../src/destinations/limits/auto_limit.ts";
import type { Destination } from "../../../src/destinations/destination.ts";
import { LimitLog } from "../../../src/destinations/limits/limit_log.ts";
import type { Logger } from "@logtape/logtape";

Deno.test("bigger changes are told, every 10 s at most, with the reason", () => {
  let now = 0;
  const lines: unknown[] = [];
  const info = (_: string, values: unknown) => void lines.push(values);
  const log = new LimitLog({ info } as unknown as Logger, () => now);
  const auto = new AutoLimit({ max: 256, clock: () => now });
  const destination = { name: "a", auto } as unknown as Destination;
  log.note(destination);
  for (now = 1000; now < 9000; now += 1000) {
    auto.failed();
    log.note(destination);
  }
  assertEquals(lines, []);
  now = 10_000;
  log.note(destination);
  log.note(destination);
  assertEquals(lines, [{ name: "a", found: 1, before: 4, reason: "connects-failed" }]);
  now = 30_000;
  log.note(destination);
  assertEquals(lines.length, 1);
});
