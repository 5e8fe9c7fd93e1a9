/** No datagram is longer: 65,507 bytes over IPv4, 65,527 over IPv6. */
export const LONGEST_DATAGRAM = 64 * 1024;

/** How many buffers are made at once. */
const PER_SLAB = 64;

/**
 * Buffers to receive any datagram into, one for each session that is served.
 *
 * A shorter one would cut what is longer, and nothing tells that it did. They are made many at a
 * time: the kernel gives so large a piece no memory before it is written to, so that a session with
 * short datagrams costs a page and not the whole buffer.
 */
export class DatagramBuffers {
  readonly #free: Uint8Array<ArrayBuffer>[] = [];

  /** A buffer, which is the caller's until it is given back. */
  take(): Uint8Array<ArrayBuffer> {
    if (this.#free.length === 0) this.#makeMore();
    return this.#free.pop()!;
  }

  /** Nothing reads into this buffer any more. */
  give(buffer: Uint8Array<ArrayBuffer>): void {
    this.#free.push(buffer);
  }

  #makeMore(): void {
    const slab = new ArrayBuffer(PER_SLAB * LONGEST_DATAGRAM);
    for (let i = PER_SLAB - 1; i >= 0; i--) {
      this.#free.push(new Uint8Array(slab, i * LONGEST_DATAGRAM, LONGEST_DATAGRAM));
    }
  }
}
