import { assertEquals } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import { RateGuard } from "../../src/balancer/rate_guard.ts";
import { OPTIONS } from "../../src/config/options.ts";

const log = getLogger("iawlb-test");

Deno.test("one session more than the guard allows closes the door for a while", () => {
  let now = 1000;
  const guard = new RateGuard({ most: 3, window: 60_000, pause: 600_000 }, {
    clock: () => now,
    log,
  });
  assertEquals([1, 2, 3].map(() => guard.take()), [true, true, true]);
  now += 59_999;
  assertEquals(guard.take(), false);
  now += 599_999;
  assertEquals(guard.take(), false);
  now += 1;
  assertEquals([1, 2, 3, 4].map(() => guard.take()), [true, true, true, false]);
});

Deno.test("as many as the guard allows come again and again when the time is over", () => {
  let now = 0;
  const guard = new RateGuard({ most: 2, window: 1000, pause: 1000 }, { clock: () => now, log });
  for (let turn = 0; turn < 5; turn++) {
    assertEquals([guard.take(), guard.take()], [true, true]);
    now += 1000;
  }
});

Deno.test("a guard is written as a number and one or two times", () => {
  const { parse, format } = OPTIONS.rateGuard;
  assertEquals(parse("off"), null);
  assertEquals(parse("25/1s"), { most: 25, window: 1000, pause: 1000 });
  assertEquals(parse("256/1m/10m"), { most: 256, window: 60_000, pause: 600_000 });
  for (const text of ["25/1s", "256/1m/10m", "off"]) {
    assertEquals(parse(format(parse(text)!)), parse(text));
  }
  for (
    const text of ["", "256", "0/1s", "1/0", "1/1s/1s/1s", "1/x", "1/1s/", "-1/1s", "9999999/1s"]
  ) {
    assertEquals(parse(text), undefined, text);
  }
});
