import { assertEquals, assertStrictEquals } from "@std/assert";
import { BUFFER_SIZES, BufferPool } from "../src/buffers.ts";

const [SMALL, LARGE] = BUFFER_SIZES;

Deno.test("a session starts with the smallest buffer", () => {
  assertEquals(new BufferPool().take().length, SMALL);
});

Deno.test("a buffer that was given back is taken again", () => {
  const pool = new BufferPool();
  const buffer = pool.take();
  pool.give(buffer);
  assertStrictEquals(pool.take(), buffer);
});

Deno.test("a full read grows the buffer, a small one shrinks it, others keep it", () => {
  const pool = new BufferPool();
  const small = pool.take();
  assertStrictEquals(pool.adapt(small, SMALL - 1), small);
  const large = pool.adapt(small, SMALL);
  assertEquals(large.length, LARGE);
  assertStrictEquals(pool.adapt(large, LARGE), large);
  assertStrictEquals(pool.adapt(large, LARGE / 2), large);
  assertStrictEquals(pool.adapt(large, SMALL), large);
  assertStrictEquals(pool.adapt(large, SMALL / 2), small);
});

Deno.test("the pool does not keep more than a few megabytes of each size", () => {
  const pool = new BufferPool();
  const buffers = Array.from({ length: 5000 }, () => pool.take());
  for (const buffer of buffers) pool.give(buffer);
  const again = new Set(Array.from({ length: 5000 }, () => pool.take()));
  assertEquals(buffers.filter((buffer) => again.has(buffer)).length, 2048);
});
