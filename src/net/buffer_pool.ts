/**
 * The read buffer sizes in bytes, smallest first. The largest makes one stream half again as fast as
 * 64 KiB would; larger ones gain nothing. The smallest is for connections on which little moves.
 */
export const BUFFER_SIZES = [1024, 4 * 1024, 16 * 1024, 64 * 1024, 256 * 1024] as const;

const LAST = BUFFER_SIZES.length - 1;

/** Index of the size with which every session starts: it holds most requests and small answers. */
const START = 1;

/** Most bytes of each size that a {@linkcode BufferPool} keeps for reuse. */
const KEPT_BYTES = 8 * 1024 * 1024;

/**
 * Read buffers for reuse: a fresh one per connection would cost more than the connection.
 *
 * Whoever takes a buffer gives it back, after the last read into it has settled.
 */
export class BufferPool {
  readonly #free: Uint8Array<ArrayBuffer>[][] = BUFFER_SIZES.map(() => []);

  /** A buffer of the size to start with, 4 KiB, with arbitrary content. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#takeSize(START);
  }

  /**
   * The buffer for the next read after `received` bytes arrived in this one: the next larger one
   * after a full read, otherwise one in which they would have fitted at least twice, if that is
   * smaller, so that a session that falls idle does not keep much more than its last read needed. A
   * buffer that is swapped returns to the pool.
   */
  adapt(buffer: Uint8Array<ArrayBuffer>, received: number): Uint8Array<ArrayBuffer> {
    const level = levelOf(buffer);
    let next = level;
    if (received === buffer.length && level < LAST) next++;
    else while (next > 0 && received * 2 <= BUFFER_SIZES[next - 1]!) next--;
    if (next === level) return buffer;
    this.give(buffer);
    return this.#takeSize(next);
  }

  /** Takes a buffer back. */
  give(buffer: Uint8Array<ArrayBuffer>): void {
    const level = levelOf(buffer);
    const free = this.#free[level]!;
    if (free.length * BUFFER_SIZES[level]! < KEPT_BYTES) free.push(buffer);
  }

  #takeSize(level: number): Uint8Array<ArrayBuffer> {
    return this.#free[level]!.pop() ?? new Uint8Array(BUFFER_SIZES[level]!);
  }
}

function levelOf(buffer: Uint8Array): number {
  let level = 0;
  while (level < LAST && buffer.length !== BUFFER_SIZES[level]) level++;
  return level;
}
