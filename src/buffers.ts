/** The read buffer sizes in bytes, smallest first: a session starts with the first. */
export const BUFFER_SIZES = [4 * 1024, 64 * 1024] as const;

/** Most bytes of each size that a {@linkcode BufferPool} keeps for reuse. */
const KEPT_BYTES = 8 * 1024 * 1024;

/**
 * Read buffers for reuse: a fresh one per connection would cost more than the connection.
 *
 * Whoever takes a buffer gives it back, after the last read into it has settled.
 */
export class BufferPool {
  readonly #free: Uint8Array<ArrayBuffer>[][] = BUFFER_SIZES.map(() => []);

  /** A buffer of the smallest size, with arbitrary content. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#takeSize(0);
  }

  /**
   * The buffer for the next read after `received` bytes arrived in this one: a larger one after a
   * full read, a smaller one when the bytes would have fitted there with room to spare. Otherwise
   * the same. A buffer that is swapped returns to the pool.
   */
  adapt(buffer: Uint8Array<ArrayBuffer>, received: number): Uint8Array<ArrayBuffer> {
    const level = levelOf(buffer);
    let next = level;
    if (received === buffer.length && level < BUFFER_SIZES.length - 1) next = level + 1;
    else if (level > 0 && received <= BUFFER_SIZES[level - 1]! / 2) next = level - 1;
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
  return buffer.length === BUFFER_SIZES[0] ? 0 : 1;
}
