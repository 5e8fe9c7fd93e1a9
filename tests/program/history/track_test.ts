import { assertEquals } from "@std/assert";
import { Ring } from "../../../src/program/history/ring.ts";
import { minutesBetween, Track } from "../../../src/program/history/track.ts";

const COLUMNS = {
  waiting: { kind: "peak" },
  rate: { kind: "rate" },
  failures: { kind: "count" },
  p50: { kind: "quantile" },
} as const;

Deno.test("a ring keeps the latest rows, and shows what was there at a moment", () => {
  const ring = new Ring({ capacity: 3, columns: 2 });
  for (let i = 1; i <= 4; i++) ring.push([i, i / 3]);
  assertEquals(ring.column(0, 4), [2, 3, 4]);
  assertEquals(ring.column(1, 4), [0.667, 1, 1.333]);
  ring.push([NaN, 12_345_678.9]);
  // Somebody began to look before the latest row; the oldest of then is gone.
  assertEquals(ring.column(0, 4), [3, 4]);
  assertEquals(ring.column(0, 5), [3, 4, null]);
  assertEquals(ring.column(1, 5).at(-1), 12_345_679);
  assertEquals(ring.sum(0, 2), 4);
});

Deno.test("a second has rates; a minute has the highest, the mean and the sum of them", () => {
  const track = new Track(COLUMNS);
  for (let second = 1; second <= 60; second++) {
    track.second([second === 7 ? 9 : 1, 10, 1, second === 3 ? 5 : NaN], 1);
  }
  track.minute([4], minutesBetween(59, 60));
  const { waiting, rate, failures, p50 } = track.series("24h")();
  assertEquals([waiting, rate, failures, p50], [[9], [10], [60], [4]]);
  assertEquals(track.series("5m")().waiting.length, 60);
  assertEquals(track.series("5m")().p50.slice(0, 4), [null, null, 5, null]);
  assertEquals(track.sum("failures", 10), 10);
});

Deno.test("what is seen after several seconds is spread over them; nothing is lost or counted twice", () => {
  const track = new Track(COLUMNS);
  track.second([3, 10, 4, 7], 4);
  const { waiting, rate, failures, p50 } = track.series("5m")();
  assertEquals(waiting, [3, 3, 3, 3]);
  assertEquals(rate, [2.5, 2.5, 2.5, 2.5]);
  assertEquals(failures, [0, 0, 0, 4]);
  assertEquals(p50, [null, null, null, 7]);
  track.miss(2);
  assertEquals(track.series("5m")().waiting, [3, 3, 3, 3, null, null]);
});

Deno.test("the first minute of something that came later is by the time that it was there", () => {
  const track = new Track(COLUMNS);
  for (let second = 31; second <= 60; second++) track.second([1, 10, 0, NaN], 1);
  track.minute([NaN], minutesBetween(59, 60));
  assertEquals(track.series("24h")().rate, [10]);
});

Deno.test("five minutes and a day are kept, and no more", () => {
  const track = new Track(COLUMNS);
  const seconds = 60 * 60 * 25;
  for (let second = 1; second <= seconds; second++) {
    track.second([1, second, 0, NaN], 1);
    if (minutesBetween(second - 1, second) > 0) track.minute([NaN], 1);
  }
  const minutes = track.series("24h")().rate;
  assertEquals(track.series("5m")().rate.length, 300);
  assertEquals(track.series("5m")().rate.at(-1), seconds);
  assertEquals(minutes.length, 1440);
  // The mean of the first minute that is left, and of the last one.
  assertEquals(
    [minutes[0], minutes.at(-1)],
    [3631, seconds - 30].map((n) => n === 3631 ? 3631 : n + 1),
  );
});
