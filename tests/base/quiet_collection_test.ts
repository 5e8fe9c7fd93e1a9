import { assertEquals } from "@std/assert";
import { QuietCollection } from "../../src/base/quiet_collection.ts";

const MIB = 1024 * 1024;

/** A heap that is as full as it is told, and collects down to 20 MiB. */
class PlayedHeap {
  collections = 0;
  heapUsed = 10 * MIB;
  heapTotal = 20 * MIB;

  usage() {
    return { heapUsed: this.heapUsed, heapTotal: this.heapTotal };
  }

  collect(): void {
    this.collections++;
    this.heapUsed = this.heapTotal = 20 * MIB;
  }
}

function setUp() {
  const heap = new PlayedHeap();
  const collection = new QuietCollection(heap);
  const look = (times: number) => {
    for (let i = 0; i < times; i++) collection.look();
  };
  /** Sessions come within a second. */
  const burst = () => {
    heap.heapUsed = 60 * MIB;
    heap.heapTotal = 100 * MIB;
    look(1);
  };
  return { heap, look, burst };
}

Deno.test("what a burst has taken is collected once, after five quiet seconds", () => {
  const { heap, look, burst } = setUp();
  burst();
  look(4);
  assertEquals(heap.collections, 0);
  look(1);
  assertEquals(heap.collections, 1);
  look(1000);
  assertEquals(heap.collections, 1);
});

Deno.test("nothing is collected while anything happens", () => {
  const { heap, look, burst } = setUp();
  burst();
  for (let i = 0; i < 100; i++) {
    heap.heapUsed += i % 2 ? MIB : -MIB;
    look(1);
  }
  assertEquals(heap.collections, 0);
});

Deno.test("a heap that has not grown much is left alone", () => {
  const { heap, look } = setUp();
  heap.heapUsed += 5 * MIB;
  heap.heapTotal += 15 * MIB;
  look(100);
  assertEquals(heap.collections, 0);
});

Deno.test("a heap that would take long to collect is left alone", () => {
  const { heap, look, burst } = setUp();
  burst();
  heap.heapUsed = 129 * MIB;
  heap.heapTotal = 180 * MIB;
  look(100);
  assertEquals(heap.collections, 0);
  heap.heapUsed = 60 * MIB;
  look(6);
  assertEquals(heap.collections, 1);
});

Deno.test("there is a minute between two collections", () => {
  const { heap, look, burst } = setUp();
  burst();
  look(5);
  burst();
  look(58);
  assertEquals(heap.collections, 1);
  look(1);
  assertEquals(heap.collections, 2);
});
