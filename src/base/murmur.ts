/**
 * MurmurHash3, x86, 32 bits: the same number for the same bytes on every machine, for ever. It spreads
 * well and is quick; who chooses the bytes can choose the number.
 *
 * Source: https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp (public domain).
 *
 * @param options.seed Another one gives other numbers; 0 unless given.
 * @param options.length How many of the bytes count; all unless given.
 */
export function murmur3(
  bytes: Uint8Array,
  { seed = 0, length = bytes.length }: { seed?: number; length?: number } = {},
): number {
  let hash = seed;
  const tail = length & ~3;
  for (let i = 0; i < tail; i += 4) {
    const block = bytes[i]! | bytes[i + 1]! << 8 | bytes[i + 2]! << 16 | bytes[i + 3]! << 24;
    hash ^= scramble(block);
    hash = Math.imul(hash << 13 | hash >>> 19, 5) + 0xe6546b64 | 0;
  }
  let rest = 0;
  for (let i = length - 1; i >= tail; i--) rest = rest << 8 | bytes[i]!;
  return mix32(hash ^ scramble(rest) ^ length);
}

/**
 * Its last step, from 32 bits to as many without a sign: each bit of the result depends on every bit,
 * and different numbers have different results.
 */
export function mix32(bits: number): number {
  let hash = Math.imul(bits ^ bits >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return (hash ^ hash >>> 16) >>> 0;
}

function scramble(block: number): number {
  const bits = Math.imul(block, 0xcc9e2d51);
  return Math.imul(bits << 15 | bits >>> 17, 0x1b873593);
}
