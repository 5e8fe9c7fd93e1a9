import { assertEquals, assertStrictEquals } from "@std/assert";
import { BUFFER_SIZES, BufferPool } from "../../src/net/buffer_pool.ts";

const USUAL = 4096;
const LARGEST = BUFFER_SIZES.at(-1)!;

Deno.test("a buffer has 4 KiB, and 1 KiB where little is expected", () => {
  const pool = new BufferPool();
  assertEquals([pool.take().length, pool.takeSmall().length], [USUAL, 1024]);
});

Deno.test("buffers that are cut from the same memory have no byte in common", () => {
  const pool = new BufferPool();
  const buffers = Array.from({ length: 200 }, (_, i) => i % 2 ? pool.take() : pool.takeSmall());
  buffers.push(...buffers.map((buffer) => pool.larger(buffer)));
  for (const [i, buffer] of buffers.entries()) buffer.fill(i % 251);
  for (const [i, buffer] of buffers.entries()) {
    assertEquals(buffer.every((byte) => byte === i % 251), true);
  }
});

Deno.test("a buffer that was given back is taken again", () => {
  const pool = new BufferPool();
  const buffer = pool.take();
  pool.give(buffer);
  assertStrictEquals(pool.take(), buffer);
});

Deno.test("full reads grow the buffer step by step", () => {
  const pool = new BufferPool();
  let buffer = pool.take();
  for (const size of BUFFER_SIZES.slice(3)) {
    buffer = pool.adapt(buffer, buffer.length);
    assertEquals(buffer.length, size);
  }
  assertStrictEquals(pool.adapt(buffer, LARGEST), buffer);
});

Deno.test("after any other read the buffer is the smallest that would have done twice", () => {
  for (const received of [1, 128, 129, 512, 513, 2048, 10_000, 50_000, 100_000]) {
    const pool = new BufferPool();
    let buffer = pool.take();
    while (buffer.length < LARGEST) buffer = pool.adapt(buffer, buffer.length);
    const smallest = BUFFER_SIZES.find((size) => size >= 2 * received)!;
    assertEquals(pool.adapt(buffer, received).length, smallest, `${received} bytes`);
  }
});

Deno.test("the pool does not keep more than a few megabytes of each size", () => {
  const pool = new BufferPool();
  const buffers = Array.from({ length: 5008 }, () => pool.take());
  for (const buffer of buffers) pool.give(buffer);
  const again = new Set(Array.from({ length: 5008 }, () => pool.take()));
  assertEquals(buffers.filter((buffer) => again.has(buffer)).length, 2048);
});
