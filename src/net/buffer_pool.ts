/**
 * The read buffer sizes in bytes, smallest first. The largest makes one stream half again as fast as
 * 64 KiB would; larger ones gain nothing. The two smallest are for connections on which little moves.
 */
export const BUFFER_SIZES = [256, 1024, 4 * 1024, 16 * 1024, 64 * 1024, 256 * 1024] as const;

const LAST = BUFFER_SIZES.length - 1;

/** Index of the size of {@linkcode BufferPool.take}: it holds most requests and small answers. */
const USUAL = 2;

/** Index of the size of {@linkcode BufferPool.takeSmall}. */
const SMALL = 1;

/** Most bytes of each size that a {@linkcode BufferPool} keeps for reuse. */
const KEPT_BYTES = 8 * 1024 * 1024;

/**
 * Buffers of up to 4 KiB are cut from slabs of so many bytes: an `ArrayBuffer` of its own costs each
 * of them a quarter of a kilobyte more. A slab that nobody has a part of any more is garbage.
 */
const SLAB_BYTES = 64 * 1024;

/**
 * Read buffers for reuse: a fresh one per connection would cost more than the connection.
 *
 * Whoever takes a buffer gives it back, after the last read into it has settled. It is a view: what
 * its `buffer` has besides belongs to others.
 */
export class BufferPool {
  readonly #free: Uint8Array<ArrayBuffer>[][] = BUFFER_SIZES.map(() => []);

  /** A buffer of the usual size, 4 KiB, with arbitrary content. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#takeSize(USUAL);
  }

  /** One of 1 KiB, for a connection of which it is not known whether it says anything soon. */
  takeSmall(): Uint8Array<ArrayBuffer> {
    return this.#takeSize(SMALL);
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

  /** The next larger one beside this one, which is not the largest. */
  larger(buffer: Uint8Array): Uint8Array<ArrayBuffer> {
    return this.#takeSize(levelOf(buffer) + 1);
  }

  /** Takes a buffer back. */
  give(buffer: Uint8Array<ArrayBuffer>): void {
    const level = levelOf(buffer);
    const free = this.#free[level]!;
    if (free.length * BUFFER_SIZES[level]! < KEPT_BYTES) free.push(buffer);
  }

  #takeSize(level: number): Uint8Array<ArrayBuffer> {
    return this.#free[level]!.pop() ?? this.#make(level);
  }

  /** A new one; those that were cut with it are free. */
  #make(level: number): Uint8Array<ArrayBuffer> {
    const size = BUFFER_SIZES[level]!;
    if (level > USUAL) return new Uint8Array(size);
    const slab = new ArrayBuffer(SLAB_BYTES);
    const free = this.#free[level]!;
    for (let at = SLAB_BYTES - size; at > 0; at -= size) free.push(new Uint8Array(slab, at, size));
    return new Uint8Array(slab, 0, size);
  }
}

function levelOf(buffer: Uint8Array): number {
  let level = 0;
  while (level < LAST && buffer.length !== BUFFER_SIZES[level]) level++;
  return level;
}
