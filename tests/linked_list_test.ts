import { assertEquals } from "@std/assert";
import { LinkedList } from "../src/linked_list.ts";

Deno.test("values come off the front in the order in which they were pushed", () => {
  const list = new LinkedList<number>();
  for (const value of [1, 2, 3]) list.push(value);
  assertEquals([list.size, list.first], [3, 1]);
  assertEquals([list.shift(), list.shift(), list.shift(), list.shift()], [1, 2, 3, undefined]);
  assertEquals([list.size, list.first], [0, undefined]);
});

Deno.test("a node can be removed from either end and from between", () => {
  const list = new LinkedList<number>();
  const nodes = [1, 2, 3, 4, 5].map((value) => list.push(value));
  for (const i of [2, 0, 4]) list.remove(nodes[i]!);
  assertEquals([[...list], list.size], [[2, 4], 2]);
  list.push(6);
  list.unshift(0);
  assertEquals([...list], [0, 2, 4, 6]);
});

Deno.test("unshift finds its place from the front on", () => {
  const list = new LinkedList<number>();
  for (const value of [1, 3, 9, 2]) list.push(value);
  list.unshift(4, (listed) => listed < 4);
  assertEquals([...list], [1, 3, 4, 9, 2]);
  list.unshift(10, () => true);
  list.unshift(0, () => false);
  assertEquals([...list], [0, 1, 3, 4, 9, 2, 10]);
});
