import { assertEquals } from "@std/assert";
import { ErrorLog } from "../../src/destinations/error_log.ts";
import { collectedLog } from "../support/logs.ts";

const MEGABYTE = 1024 * 1024;

/** A log with a clock that stands still. */
function setUp() {
  const time = { now: 0 };
  const { log, lines } = collectedLog();
  const errors = new ErrorLog({ log, name: () => "exec:x", clock: () => time.now });
  return { errors, lines, time };
}

Deno.test("a megabyte a second is read of all sessions, and who reads more waits for its time", () => {
  const { errors, time } = setUp();
  assertEquals(errors.pauseAfter(MEGABYTE), 0);
  assertEquals(errors.pauseAfter(MEGABYTE / 4), 250);
  assertEquals(errors.pauseAfter(MEGABYTE / 4), 500);
  time.now = 1000;
  assertEquals(errors.pauseAfter(MEGABYTE / 2), 0);
  time.now = 1_000_000;
  assertEquals(errors.pauseAfter(MEGABYTE), 0);
  assertEquals(errors.pauseAfter(1024), 1000 / 1024);
});

Deno.test("what steers a terminal is told as text, and lines beyond the rate by their number", () => {
  const { errors, lines, time } = setUp();
  errors.tell("\x1b]0;x\x07 \u202eevil\u2028\x9b2J\tend", "1.7");
  assertEquals(lines, [
    "session 1.7 at exec:x: \\u{1b}]0;x\\u{7} \\u{202e}evil\\u{2028}\\u{9b}2J\tend",
  ]);
  for (let i = 0; i < 30; i++) errors.tell("again", "1.7");
  assertEquals(lines.length, 20);
  time.now = 1000;
  errors.flush();
  assertEquals(
    lines.at(-1),
    "exec:x: 11 further lines of its standard error left out: at most 20 a second",
  );
});
