import { assertEquals } from "@std/assert";
import { type Loss, Losses } from "../../src/logging/losses.ts";
import { until } from "../support/servers.ts";

function setUp() {
  const told: Loss[] = [];
  const losses = new Losses((loss) => told.push(loss));
  return { told, losses };
}

const FULL = new Error("disk full");

Deno.test("the first loss is told at once, further ones not each, and the end with the sum", async () => {
  const { told, losses } = setUp();
  losses.note(2, FULL);
  assertEquals(told, [{ losing: true, lines: 2, problem: "disk full" }]);
  losses.note(3, FULL);
  losses.written();
  assertEquals(told.length, 1);
  await until(() => told.length === 2, "the end is told");
  assertEquals(told[1], { losing: false, lines: 5, problem: "disk full" });
  assertEquals(losses.total, 5);
  losses.close();
});

Deno.test("a loss and its end between two messages are told afterwards, and only these", async () => {
  const { told, losses } = setUp();
  losses.note(1, FULL);
  losses.written();
  await until(() => told.length === 2, "the end is told");
  losses.note(4, FULL);
  losses.written();
  await until(() => told.length === 3, "the sum is told");
  assertEquals(told[2], { losing: false, lines: 4, problem: "disk full" });
  losses.close();
});

Deno.test("what was not told yet is told at the close", () => {
  const { told, losses } = setUp();
  losses.note(1, FULL);
  losses.note(6, FULL);
  losses.close();
  assertEquals(told.at(-1), { losing: true, lines: 7, problem: "disk full" });
  losses.close();
  assertEquals(told.length, 2);
});

Deno.test("on hold nothing is told before the close, and then all at once", () => {
  const { told, losses } = setUp();
  losses.hold();
  losses.note(1, FULL);
  losses.note(2, FULL);
  assertEquals(told, []);
  losses.close();
  assertEquals(told, [{ losing: true, lines: 3, problem: "disk full" }]);
});

Deno.test("what somebody else tells counts, and is not told again", () => {
  const { told, losses } = setUp();
  losses.count(9);
  losses.note(1, FULL);
  losses.close();
  assertEquals([told, losses.total], [[{ losing: true, lines: 1, problem: "disk full" }], 10]);
});

Deno.test("who loses a line by telling of a loss is not told of it for ever", () => {
  let told = 0;
  const losses = new Losses(() => {
    told++;
    losses.note(1, FULL);
  });
  losses.note(1, FULL);
  assertEquals([told, losses.total], [1, 2]);
  losses.close();
  losses.close();
});
