import { assertEquals } from "@std/assert";
import { DatagramBuffers, LONGEST_DATAGRAM } from "../../../src/net/udp/buffers.ts";
import { Random } from "../../support/random.ts";

const SLAB = 64 * LONGEST_DATAGRAM;

Deno.test("memory for datagrams is let go when nobody uses it, but for what the next ones need", () => {
  const buffers = new DatagramBuffers();
  const taken = Array.from({ length: 1000 }, () => buffers.take());
  assertEquals(buffers.size, 16 * SLAB);
  assertEquals(taken[0]!.length, LONGEST_DATAGRAM);
  for (const buffer of taken) buffers.give(buffer);
  assertEquals(buffers.size, SLAB);
  // At the edge nothing is made anew each time.
  const edge = Array.from({ length: 64 }, () => buffers.take());
  const more = buffers.take();
  buffers.give(more);
  assertEquals(buffers.size, 2 * SLAB);
  assertEquals(buffers.take().buffer, more.buffer);
  for (const buffer of edge) buffers.give(buffer);
  assertEquals(buffers.size, 2 * SLAB);
});

Deno.test("no two have the same buffer for datagrams, whatever the order, and none is kept in the end", () => {
  const random = new Random(14);
  const buffers = new DatagramBuffers();
  const used: Uint8Array<ArrayBuffer>[] = [];
  const keys = new Set<string>();
  const keyOf = (buffer: Uint8Array<ArrayBuffer>) => `${idOf(buffer.buffer)} ${buffer.byteOffset}`;
  const ids = new Map<ArrayBuffer, number>();
  const idOf = (memory: ArrayBuffer) => {
    if (!ids.has(memory)) ids.set(memory, ids.size);
    return ids.get(memory)!;
  };
  for (const most of [300, 10, 0]) {
    for (let i = 0; i < 5000; i++) {
      if (used.length < most && random.chance(0.6)) {
        const buffer = buffers.take();
        assertEquals(keys.has(keyOf(buffer)), false);
        keys.add(keyOf(buffer));
        used.push(buffer);
      } else if (used.length > 0) {
        const [buffer] = used.splice(random.below(used.length), 1);
        keys.delete(keyOf(buffer!));
        buffers.give(buffer!);
      }
    }
  }
  assertEquals(used.length, 0);
  assertEquals(buffers.size, SLAB);
});
