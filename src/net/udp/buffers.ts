/** No datagram is longer: 65,507 bytes over IPv4, 65,527 over IPv6. */
export const LONGEST_DATAGRAM = 64 * 1024;

/** Most bytes of a datagram over IPv4. */
export const MOST_OVER_IPV4 = 65_507;

/** How many buffers are made at once. */
const PER_SLAB = 64;

/** The buffers of a piece of memory that nobody has. */
type Slab = Uint8Array<ArrayBuffer>[];

/**
 * Buffers to receive any datagram into, one for each session that is served.
 *
 * A shorter one would cut what is longer, and nothing tells that it did. They are made many at a
 * time: the kernel gives so large a piece no memory before it is written to, so that a session with
 * short datagrams costs a page and not the whole buffer. Pieces that nobody uses are let go, all but
 * one: each of their buffers may have been written to its end.
 */
export class DatagramBuffers {
  /** Those of which a part is in use; taken from the last one. */
  readonly #started: Slab[] = [];
  /** One of which nothing is. */
  #spare: Slab | undefined;
  /** All, by their memory. */
  readonly #slabs = new Map<ArrayBuffer, Slab>();

  /** A buffer, which is the caller's until it is given back. */
  take(): Uint8Array<ArrayBuffer> {
    if (this.#started.length === 0) {
      this.#started.push(this.#spare ?? this.#makeSlab());
      this.#spare = undefined;
    }
    const slab = this.#started.at(-1)!;
    const buffer = slab.pop()!;
    if (slab.length === 0) this.#started.pop();
    return buffer;
  }

  /** Nothing reads into this buffer any more. */
  give(buffer: Uint8Array<ArrayBuffer>): void {
    const slab = this.#slabs.get(buffer.buffer)!;
    slab.push(buffer);
    // In front: taking from as few as possible leaves the others to those who give back.
    if (slab.length === 1) this.#started.unshift(slab);
    if (slab.length < PER_SLAB) return;
    this.#started.splice(this.#started.indexOf(slab), 1);
    if (this.#spare) this.#slabs.delete(buffer.buffer);
    else this.#spare = slab;
  }

  /** Bytes of all of them, in use or not. */
  get size(): number {
    return this.#slabs.size * PER_SLAB * LONGEST_DATAGRAM;
  }

  #makeSlab(): Slab {
    const memory = new ArrayBuffer(PER_SLAB * LONGEST_DATAGRAM);
    const slab = Array.from({ length: PER_SLAB }, (_, i) => {
      return new Uint8Array(memory, i * LONGEST_DATAGRAM, LONGEST_DATAGRAM);
    });
    this.#slabs.set(memory, slab);
    return slab;
  }
}
