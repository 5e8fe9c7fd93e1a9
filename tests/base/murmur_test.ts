import { assertEquals } from "@std/assert";
import { mix32, murmur3 } from "../../src/base/murmur.ts";

/** What the reference implementation makes of these bytes. */
const VECTORS: readonly (readonly [bytes: string | number[], seed: number, hash: number])[] = [
  ["", 0, 0],
  ["", 1, 0x514e28b7],
  ["", 0xffffffff, 0x81f16f39],
  [[0xff, 0xff, 0xff, 0xff], 0, 0x76293b50],
  [[0x21, 0x43, 0x65, 0x87], 0, 0xf55b516b],
  [[0x21, 0x43, 0x65, 0x87], 0x5082edee, 0x2362f9de],
  [[0x21, 0x43, 0x65], 0, 0x7e4a8634],
  [[0x21, 0x43], 0, 0xa0f7b07a],
  [[0x21], 0, 0x72661cf4],
  [[0, 0, 0, 0], 0, 0x2362f9de],
  [[0, 0, 0], 0, 0x85f0b427],
  ["aaa", 0x9747b28c, 0x283e0130],
  ["Hello, world!", 0x9747b28c, 0x24884cba],
  ["The quick brown fox jumps over the lazy dog", 0x9747b28c, 0x2fa826cd],
];

Deno.test("MurmurHash3 makes the numbers of its reference implementation", () => {
  for (const [text, seed, hash] of VECTORS) {
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : new Uint8Array(text);
    assertEquals(murmur3(bytes, { seed }), hash, `${text} ${seed}`);
    // What stands behind them does not count.
    const longer = new Uint8Array([...bytes, 1, 2, 3]);
    assertEquals(murmur3(longer, { seed, length: bytes.length }), hash);
  }
});

Deno.test("its last step is a number without a sign, and another one for every number", () => {
  const seen = new Set<number>();
  for (let i = -5000; i < 5000; i++) seen.add(mix32(i));
  assertEquals(seen.size, 10_000);
  for (const hash of seen) assertEquals(hash >>> 0, hash);
});
