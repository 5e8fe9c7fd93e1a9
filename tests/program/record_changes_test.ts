import { assertEquals } from "@std/assert";
import type { DestinationConfig } from "../../src/config/destination_text.ts";
import { changesOf } from "../../src/program/going_over.ts";
import { ChangeLog } from "../../src/program/record_changes.ts";
import { configOf } from "../support/config.ts";
import { collectedLog } from "../support/logs.ts";

/** These records of the name `web`. */
function having(...addresses: string[]): DestinationConfig[] {
  return addresses.map((address) => ({
    ...configOf(["0", address]).destinations[0]!,
    name: `web@${address}`,
    source: "web",
  }));
}

Deno.test("the log names the records that come and go, the first ones of many", () => {
  const { log, lines } = collectedLog();
  const changes = new ChangeLog(log);
  const many = Array.from({ length: 10 }, (_, i) => `10.0.0.${i}:80`);
  changes.tell(changesOf(having("10.1.0.1:80"), having(...many)));
  assertEquals(lines, [
    `web: joined by ${many.slice(0, 8).join(", ")} and 2 more, left by 10.1.0.1:80`,
  ]);
});

Deno.test("records that change all the time do not fill the log", () => {
  const { log, lines } = collectedLog();
  const changes = new ChangeLog(log);
  const change = changesOf(having("10.0.0.1:80"), having("10.0.0.9:80"));
  for (let i = 0; i < 1000; i++) changes.tell(change);
  assertEquals(lines.length, 10);
});
