import { assertEquals, assertMatch } from "@std/assert";
import type { LogRecord } from "@logtape/logtape";
import { jsonLine, textLine } from "../../src/logging/record.ts";

function record(name: string): LogRecord {
  return {
    category: ["iawlb"],
    level: "info",
    timestamp: 0,
    message: ["by operator: destination ", name, " added"],
    rawMessage: "by operator: destination {name} added",
    properties: { name },
  };
}

/** What could look like another line, or another text than it is. */
const NAME = "unix:/a\nb\x1b[2J\x9b2J\u202ec\u2028d\u{e0001}é 🌱";

Deno.test("no name in a line of the log can look like something else", () => {
  assertMatch(
    textLine(record(NAME)),
    /destination unix:\/a\\nb\\x1b\[2J\\x9b2J\\u\{202e\}c\\u\{2028\}d\\u\{e0001\}é 🌱 added\n$/,
  );
});

Deno.test("nor in one of JSON, which still says the same", () => {
  const line = jsonLine(record(NAME));
  assertMatch(line, /^[\x20-\x7eé🌱]+$/u);
  assertEquals(JSON.parse(line).name, NAME);
});
