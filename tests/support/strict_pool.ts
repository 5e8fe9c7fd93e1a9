import { BufferPool } from "../../src/net/buffer_pool.ts";

/** A pool that fails when a buffer comes back that was not out, and knows how many are. */
export class StrictPool extends BufferPool {
  readonly #out = new Set<Uint8Array>();

  /** How many buffers have been taken and not been given back. */
  get out(): number {
    return this.#out.size;
  }

  override take(): Uint8Array<ArrayBuffer> {
    return this.#note(super.take());
  }

  override takeSmall(): Uint8Array<ArrayBuffer> {
    return this.#note(super.takeSmall());
  }

  override larger(buffer: Uint8Array): Uint8Array<ArrayBuffer> {
    return this.#note(super.larger(buffer));
  }

  override adapt(buffer: Uint8Array<ArrayBuffer>, received: number): Uint8Array<ArrayBuffer> {
    return this.#note(super.adapt(buffer, received));
  }

  override give(buffer: Uint8Array<ArrayBuffer>): void {
    if (!this.#out.delete(buffer)) throw new Error("a buffer was given back twice");
    super.give(buffer);
  }

  #note(buffer: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    this.#out.add(buffer);
    return buffer;
  }
}
