import { assertEquals } from "@std/assert";
import { LinkedList } from "../../src/async/linked_list.ts";

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

Deno.test("the place of a new value is asked from the front until the first no", () => {
  const list = new LinkedList<number>();
  for (const value of [1, 2, 3]) list.push(value);
  const asked: number[] = [];
  list.unshift(9, (listed) => {
    asked.push(listed);
    return listed < 2;
  });
  assertEquals([asked, [...list]], [[1, 2], [1, 9, 2, 3]]);
});

Deno.test("the only value can leave either way, and the list can be filled again", () => {
  const list = new LinkedList<string>();
  list.remove(list.push("a"));
  assertEquals([list.size, list.first, [...list]], [0, undefined, []]);
  list.remove(list.unshift("b", () => true));
  assertEquals([list.size, list.shift()], [0, undefined]);
  list.unshift("d");
  list.unshift("c");
  list.push("e");
  assertEquals([[...list], list.size, list.first], [["c", "d", "e"], 3, "c"]);
});

Deno.test("a value may be listed several times, each with a place of its own", () => {
  const list = new LinkedList<number>();
  list.push(1);
  const second = list.push(1);
  list.push(2);
  list.remove(second);
  assertEquals([...list], [1, 2]);
});
