import { assertEquals } from "@std/assert";
import { MAX_MESSAGE, readMessage, writeMessage } from "../../../src/program/daemon/messages.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("what is told is read again, each as one line", () => {
  for (const message of ["here", "serving", { complaint: "two\nlines, \u001b[1m€" }] as const) {
    const line = writeMessage(message);
    assertEquals(line.indexOf(10), line.length - 1);
    assertEquals(readMessage(line.subarray(0, -1)), message);
  }
});

Deno.test("of a long complaint the beginning is told, which always fits", () => {
  const line = writeMessage({ complaint: "\u0001".repeat(1_000_000) });
  assertEquals(line.length <= MAX_MESSAGE, true);
  assertEquals(readMessage(line), { complaint: "\u0001".repeat(40_000) });
});

Deno.test("what is no message is nothing", () => {
  const others = [
    "",
    "x",
    '"quit"',
    "null",
    "1",
    "[]",
    "{}",
    '{"complaint":1}',
    '["here"]',
    "\xff\x0d",
  ];
  for (const text of others) assertEquals(readMessage(bytes(text)), undefined, text);
});
