import { assertEquals } from "@std/assert";
import { formatDuration, parseDuration } from "../src/units.ts";

Deno.test("durations are read with their unit", () => {
  const texts = ["0", "250ms", "5s", "1.5s", "10m", "1h", "7d", "0ms"];
  const expected = [0, 250, 5000, 1500, 600_000, 3_600_000, 604_800_000, 0];
  assertEquals(texts.map(parseDuration), expected);
});

Deno.test("everything else is not a duration", () => {
  for (const text of ["", "5", "s", "-5s", "5 s", "5S", "1e3ms", ".5s", "5.s", "5sec", "1m30s"]) {
    assertEquals(parseDuration(text), undefined, text);
  }
});

Deno.test("a duration is written in the largest unit that divides it", () => {
  const durations = [0, 1, 250, 1000, 1500, 60_000, 90_000, 3_600_000, 86_400_000];
  const texts = ["0", "1ms", "250ms", "1s", "1500ms", "1m", "90s", "1h", "1d"];
  assertEquals(durations.map(formatDuration), texts);
  assertEquals(texts.map(parseDuration), durations);
});
