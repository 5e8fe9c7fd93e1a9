import { assertEquals } from "@std/assert";
import { FairReads } from "../../src/net/fair_reads.ts";

Deno.test("no more than 64 reads begin in a turn, the others in order in the next ones", async () => {
  const fairReads = new FairReads();
  const begun: number[] = [];
  const reads = Array.from({ length: 500 }, async (_, number) => {
    if (!fairReads.take()) await fairReads.turn();
    begun.push(number);
  });
  assertEquals(begun.length, 63);
  for (const [first, sum] of [[63, 127], [127, 191], [191, 255]] as const) {
    await reads[first];
    for (let i = 0; i < 1000; i++) await Promise.resolve();
    assertEquals(begun.length, sum);
  }
  await Promise.all(reads);
  assertEquals(begun, Array.from({ length: 500 }, (_, number) => number));
  await fairReads.close();
});

Deno.test("reads that are few never wait", async () => {
  const fairReads = new FairReads();
  for (let i = 0; i < 63; i++) assertEquals(fairReads.take(), true);
  assertEquals(fairReads.take(), false);
  await fairReads.turn();
  for (let i = 0; i < 60; i++) assertEquals(fairReads.take(), true);
  await fairReads.close();
});

Deno.test("the end lets everybody go on", async () => {
  const fairReads = new FairReads();
  const waiting: Promise<void>[] = [];
  for (let i = 0; i < 1000; i++) if (!fairReads.take()) waiting.push(fairReads.turn());
  assertEquals(waiting.length, 937);
  await fairReads.close();
  await Promise.all(waiting);
});

Deno.test("during a hold no read begins, also if a turn ends; all go on after it, in order", async () => {
  const fairReads = new FairReads();
  const begun: number[] = [];
  const read = async (number: number) => {
    if (!fairReads.take()) await fairReads.turn();
    begun.push(number);
  };
  const before = Array.from({ length: 100 }, (_, number) => read(number));
  fairReads.hold();
  const during = Array.from({ length: 100 }, (_, number) => read(100 + number));
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve));
  assertEquals(begun.length, 63);
  fairReads.release();
  await Promise.all([...before, ...during]);
  assertEquals(begun, Array.from({ length: 200 }, (_, number) => number));
  await fairReads.close();
});

Deno.test("the end ends a hold as well", async () => {
  const fairReads = new FairReads();
  fairReads.hold();
  assertEquals(fairReads.take(), false);
  const waiting = fairReads.turn();
  await fairReads.close();
  await waiting;
});
