import { assertEquals } from "@std/assert";
import { BufferPool } from "../src/buffers.ts";
import { type Departure, ReadAhead } from "../src/read_ahead.ts";
import { socketPair, until, writeAll } from "./support/servers.ts";

async function setUp() {
  const { near, far } = await socketPair();
  const buffers = new BufferPool();
  const departures: Departure[] = [];
  /** What the reads so far have returned. */
  const reads: (number | null)[] = [];
  const client = {
    async read(buffer: Uint8Array): Promise<number | null> {
      const n = await far.read(buffer);
      reads.push(n);
      return n;
    },
  };
  const ahead = new ReadAhead(client, { buffers, onDeparture: (how) => departures.push(how) });
  return { near, far, buffers, departures, reads, ahead };
}

Deno.test("what the client has sent is handed over together with the read under way", async () => {
  const { near, far, ahead, departures, reads } = await setUp();
  await writeAll(near, new TextEncoder().encode("first"));
  await until(() => reads.length === 1, "the bytes have arrived");
  const taken = ahead.take();
  assertEquals(new TextDecoder().decode(taken.buffer.subarray(0, taken.length)), "first");
  await writeAll(near, new TextEncoder().encode("second"));
  assertEquals(await taken.pending, 6);
  assertEquals(new TextDecoder().decode(taken.buffer.subarray(5, 11)), "second");
  assertEquals([ahead.ended, ahead.held, departures], [false, false, []]);
  near.close();
  far.close();
});

Deno.test("input that ends before the first byte is a departure", async () => {
  const { near, far, ahead, departures } = await setUp();
  near.close();
  await until(() => departures.length > 0, "the departure is noticed");
  assertEquals([departures, ahead.closedEmpty], [["closed"], true]);
  far.close();
  ahead.release();
});

Deno.test("input that ends after data is a half-close and no departure", async () => {
  const { near, far, ahead, departures, reads } = await setUp();
  await writeAll(near, new TextEncoder().encode("request"));
  await near.closeWrite();
  await until(() => reads.at(-1) === null, "the end has arrived");
  const taken = ahead.take();
  assertEquals([taken.length, ahead.ended, taken.pending], [7, true, undefined]);
  assertEquals(departures, []);
  near.close();
  far.close();
});

Deno.test("a connection that fails is a departure", async () => {
  const { near, far, ahead, departures } = await setUp();
  far.close();
  await until(() => departures.length > 0, "the departure is noticed");
  assertEquals([departures, ahead.failed], [["reset"], true]);
  near.close();
  ahead.release();
});

Deno.test("no more than one small buffer is read", async () => {
  const { near, far, ahead, reads } = await setUp();
  await writeAll(near, new Uint8Array(100_000));
  const sum = () => reads.reduce<number>((total, n) => total + (n ?? 0), 0);
  await until(() => sum() === 4096, "the buffer is full");
  const taken = ahead.take();
  assertEquals([taken.length, taken.buffer.length, taken.pending], [4096, 4096, undefined]);
  near.close();
  far.close();
});

Deno.test("a buffer returns to the pool only after the read into it has settled", async () => {
  const { near, far, ahead, buffers } = await setUp();
  const given: Uint8Array[] = [];
  const give = buffers.give.bind(buffers);
  buffers.give = (buffer) => {
    given.push(buffer);
    give(buffer);
  };
  ahead.release();
  assertEquals(given.length, 0);
  far.close();
  await until(() => given.length === 1, "the buffer is given back");
  near.close();
});
