import { assertEquals } from "@std/assert";
import { startOrder } from "../../src/program/start_order.ts";
import { configOf } from "../support/config.ts";

function orderOf(...listeners: string[][]): number[] {
  return startOrder(listeners.map((texts) => configOf(texts)));
}

Deno.test("a listener starts after those that its destinations lead to", () => {
  assertEquals(
    orderOf(["8001", "localhost:8002"], ["8002", "127.0.0.1:8003", "9"], ["8003", "9"]),
    [2, 1, 0],
  );
  assertEquals(orderOf(["8001", "unix:/b"], ["unix:/b", "9"]), [1, 0]);
});

Deno.test("listeners that do not lead to each other start as they are written", () => {
  assertEquals(orderOf(["8001", "9001"], ["8002", "9001"], ["8003", "8001"]), [0, 1, 2]);
  assertEquals(orderOf(["0", "9001"], ["0", "9001"]), [0, 1]);
});

Deno.test("listeners in a circle start as well, each once, however many there are", () => {
  assertEquals(orderOf(["8001", "8002"], ["8002", "8001"]).sort(), [0, 1]);
  const number = 5000;
  const chain = Array.from(
    { length: number },
    (_, i) => [`${2000 + i}`, `${2000 + (i + 1) % number}`],
  );
  assertEquals(orderOf(...chain).toSorted((a, b) => a - b), [...Array(number).keys()]);
});
