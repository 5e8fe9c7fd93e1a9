import { assert, assertEquals } from "@std/assert";
import { DURATION_FORM, formatDuration, parseDuration } from "../../src/base/duration.ts";

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

Deno.test("a decimal duration is exact where its milliseconds are whole", () => {
  const durations = { "0.29s": 290, "1.1s": 1100, "1.001s": 1001, "4.35m": 261_000 };
  for (const [text, ms] of Object.entries(durations)) assertEquals(parseDuration(text), ms, text);
});

Deno.test("the examples in the messages are durations", () => {
  const examples = [...DURATION_FORM.matchAll(/"([^"]+)"/g)].map(([, example]) => example!);
  assertEquals(examples.length, 4);
  for (const example of examples) assert(parseDuration(example)! > 0, example);
});

Deno.test("whole milliseconds are read back as they were written", () => {
  for (let ms = 1; ms < 1e11; ms = Math.ceil(ms * 1.7)) {
    assertEquals(parseDuration(formatDuration(ms)), ms);
  }
});
