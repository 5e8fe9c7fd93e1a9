import { assert, assertEquals } from "@std/assert";
import { adopt } from "../../src/net/socket.ts";
import { type Departure, MOST_WATCHED, ReadAhead } from "../../src/session/read_ahead.ts";
import { randomBytes, socketPair, until, writeAll } from "../support/servers.ts";
import { StrictPool } from "../support/strict_pool.ts";

async function setUp(settings = { watches: false }) {
  const { near, far } = await socketPair();
  const buffers = new StrictPool();
  const departures: Departure[] = [];
  /** What the reads so far have returned. */
  const reads: number[] = [];
  const client = {
    async read(buffer: Uint8Array): Promise<number> {
      const n = await far.read(buffer) ?? 0;
      reads.push(n);
      return n;
    },
  };
  const ahead = new ReadAhead(buffers, {
    get watches() {
      return settings.watches;
    },
    onDeparture: (how) => departures.push(how),
  });
  ahead.start(client);
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
  const { near, far, ahead, departures, buffers } = await setUp();
  near.close();
  await until(() => departures.length > 0, "the departure is noticed");
  assertEquals([departures, ahead.closedEmpty], [["closed"], true]);
  far.close();
  ahead.release();
  assertEquals(buffers.out, 0);
});

Deno.test("input that ends after data is told apart from input that ends before it", async () => {
  const { near, far, ahead, departures, reads } = await setUp();
  await writeAll(near, new TextEncoder().encode("request"));
  await near.closeWrite();
  await until(() => reads.at(-1) === 0, "the end has arrived");
  const taken = ahead.take();
  assertEquals([taken.length, ahead.ended, taken.pending], [7, true, undefined]);
  assertEquals(departures, ["finished"]);
  near.close();
  far.close();
});

Deno.test("a connection that fails is a departure", async () => {
  const { near, far, ahead, departures, buffers } = await setUp();
  far.close();
  await until(() => departures.length > 0, "the departure is noticed");
  assertEquals([departures, ahead.failed], [["reset"], true]);
  near.close();
  ahead.release();
  assertEquals(buffers.out, 0);
});

Deno.test("no more than 4 KiB are read", async () => {
  const { near, far, ahead, reads } = await setUp();
  await writeAll(near, new Uint8Array(100_000));
  const sum = () => reads.reduce((total, n) => total + n, 0);
  await until(() => sum() === 4096, "the buffer is full");
  const taken = ahead.take();
  assertEquals([taken.length, taken.buffer.length, taken.pending], [4096, 4096, undefined]);
  near.close();
  far.close();
});

Deno.test("what is being sent is not overwritten when more comes than a small buffer has room for", async () => {
  const { near, far, ahead, buffers } = await setUp();
  const sent = randomBytes(2000);
  await writeAll(near, sent.subarray(0, 1000));
  await until(() => ahead.length === 1000, "the first part is here");
  const sending = ahead.bytes(0, 1000);
  await writeAll(near, sent.subarray(1000));
  await until(() => ahead.length === 2000, "all of it is here");
  const others = [buffers.takeSmall(), buffers.takeSmall()];
  for (const other of others) other.fill(0);
  assertEquals(sending, sent.subarray(0, 1000));
  assertEquals(ahead.bytes(1000, 2000), sent.subarray(1000));
  for (const other of others) buffers.give(other);
  near.close();
  far.close();
  ahead.release();
  await until(() => buffers.out === 0, "all buffers are back");
});

Deno.test("a client that is watched is read on, to its end or to 64 KiB", async () => {
  const { near, far, ahead, reads, departures, buffers } = await setUp({ watches: true });
  const sent = randomBytes(30_000);
  await writeAll(near, sent);
  await near.closeWrite();
  await until(() => departures.length > 0, "the end is noticed");
  assertEquals([departures, ahead.length, ahead.full], [["finished"], 30_000, false]);
  assertEquals(ahead.bytes(0, 30_000), sent);
  assert(ahead.held, "all of it can be sent again");
  near.close();
  far.close();
  ahead.release();
  assertEquals([buffers.out, reads.at(-1)], [0, 0]);
});

Deno.test("no more than 64 KiB are read of a client that is watched", async () => {
  const { near, far, ahead, reads } = await setUp({ watches: true });
  await writeAll(near, new Uint8Array(200_000));
  const sum = () => reads.reduce((total, n) => total + n, 0);
  await until(() => sum() === MOST_WATCHED, "the buffer is full");
  const taken = ahead.take();
  assertEquals([taken.length, taken.buffer.length], [MOST_WATCHED, MOST_WATCHED]);
  assertEquals(taken.pending, undefined);
  near.close();
  far.close();
});

Deno.test("a client that has filled the buffer is read on when it begins to be watched", async () => {
  const settings = { watches: false };
  const { near, far, ahead, reads, departures, buffers } = await setUp(settings);
  const sent = randomBytes(5000);
  await writeAll(near, sent);
  await near.closeWrite();
  await until(() => ahead.full, "the buffer is full");
  ahead.review();
  assertEquals([reads, departures], [[1024, 3072], []]);
  settings.watches = true;
  ahead.review();
  ahead.review();
  await until(() => departures.length > 0, "the end is noticed");
  assertEquals(ahead.bytes(0, ahead.length), sent);
  ahead.review();
  assertEquals(departures, ["finished"]);
  near.close();
  far.close();
  ahead.release();
  assertEquals(buffers.out, 0);
});

Deno.test("a buffer returns to the pool only after the read into it has settled", async () => {
  const { near, far, ahead, buffers } = await setUp();
  ahead.release();
  assertEquals(buffers.out, 1);
  far.close();
  await until(() => buffers.out === 0, "the buffer is given back");
  near.close();
});

Deno.test("a buffer is given back once, also by a departure that ends the session", async () => {
  const { near, far } = await socketPair();
  const buffers = new StrictPool();
  const departed = Promise.withResolvers<Departure>();
  const ahead: ReadAhead = new ReadAhead(buffers, {
    watches: false,
    onDeparture(how) {
      far.close();
      ahead.release();
      departed.resolve(how);
    },
  });
  ahead.start(adopt(far));
  near.close();
  assertEquals(await departed.promise, "closed");
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals([buffers.out, ahead.held], [0, false]);
});
