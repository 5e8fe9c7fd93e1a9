import { assert, assertEquals } from "@std/assert";
import { FirstDowns } from "../../src/destinations/first_downs.ts";
import { collectedLog } from "../support/logs.ts";
import { until } from "../support/servers.ts";

/** Tells of so many, each with a reason of its own. */
function setUp(number: number, from = 1) {
  const { log, lines } = collectedLog();
  const downs = new FirstDowns(log);
  for (let i = from; i < from + number; i++) downs.note(`d${i}`, `[::1]:${i}: refused`);
  return { downs, lines };
}

Deno.test("the first destinations that are down are told of at once, all others in one line", async () => {
  const { downs, lines } = setUp(40);
  assertEquals(lines, [1, 2, 3].map((i) => `destination d${i} is down: [::1]:${i}: refused`));
  await until(() => lines.length > 3, "the others are told of by themselves");
  const names = Array.from({ length: 37 }, (_, i) => `d${i + 4}`).join(", ");
  assertEquals(lines[3], `37 more destinations are down: ${names}; the latest: [::1]:40: refused`);
  // What is down later is told of anew.
  downs.note("e", "gone");
  assertEquals(lines.slice(4), ["destination e is down: gone"]);
  downs.close();
});

Deno.test("each kind of reason has its line, of many kinds the first ones", () => {
  const { downs, lines } = setUp(4);
  for (const name of ["a", "b"]) downs.note(name, "its certificate has expired");
  downs.flush();
  assertEquals(lines.slice(3), [
    "destination d4 is down: [::1]:4: refused",
    "2 more destinations are down: a, b; the latest: its certificate has expired",
  ]);
  for (let i = 0; i < 40; i++) downs.note(`e${i}`, `for the reason that is number ${i}`);
  downs.close();
  assertEquals(lines.length, 5 + 3 + 8);
  assert(lines.at(-1)!.startsWith("30 more destinations are down: e10, e11, "), lines.at(-1));
});

Deno.test("of several threads one tells", () => {
  const { log, lines } = collectedLog();
  const downs = new FirstDowns(log, { isTold: false });
  for (let i = 0; i < 40; i++) downs.note(`d${i}`, "refused");
  downs.close();
  assertEquals(lines.filter((line) => !line.includes("is down here, too: refused")), []);
});

Deno.test("one more is told of as the first ones are, and nothing is told twice", () => {
  const { downs, lines } = setUp(4);
  downs.flush();
  assertEquals(lines.slice(3), ["destination d4 is down: [::1]:4: refused"]);
  downs.flush();
  assertEquals(lines.length, 4);
  downs.close();
});

Deno.test("a line does not grow without bounds, and at the end nothing is kept back", () => {
  const { downs, lines } = setUp(1000);
  downs.close();
  assertEquals(lines.length, 4);
  assert(lines[3]!.startsWith("997 more destinations are down: d4, "));
  assert(lines[3]!.includes("d103, and 897 more; the latest: [::1]:1000: refused"), lines[3]);
  for (const name of ["a", "b", "c", "d", "e"]) downs.note(name, "x");
  assertEquals(lines.length, 9);
});
