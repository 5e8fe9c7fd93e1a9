import { plural } from "../../base/text.ts";
import type { BufferPool } from "../../net/buffer_pool.ts";
import type { Stream } from "../../net/stream.ts";
import type { Begin } from "../../session/read_ahead.ts";
import { GreetingFailure } from "./failure.ts";

/**
 * The first bytes of a connection, as greetings read them: at most one buffer of 4 KiB at a time,
 * unless a greeting wants more. What none of them has taken is the beginning of the payload.
 */
export class Opening {
  /** What is read; a greeting may replace it. */
  stream: Stream;
  /** Bytes that have come so far, those that were taken included. */
  received = 0;
  readonly #buffers: BufferPool;
  #buffer: Uint8Array<ArrayBuffer>;
  /** How many at its beginning have come and were not taken. */
  #length = 0;
  /** The read under way, behind these. */
  #pending: Promise<number> | undefined;
  /** Whether somebody else has the buffer. */
  #handedOver = false;

  constructor(stream: Stream, buffers: BufferPool) {
    this.stream = stream;
    this.#buffers = buffers;
    this.#buffer = buffers.take();
  }

  /** What has come and was not taken, as a view that is valid until the next call. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /**
   * Resolves when more has come.
   *
   * @param most How many bytes it may become; one buffer of 4 KiB unless given.
   * @throws {GreetingFailure} If the client has left, or it is read by somebody else by now.
   * @throws {RangeError} If there is no room for more, which a greeting must not let happen.
   */
  async more(most = 0): Promise<void> {
    if (this.#length === this.#buffer.length) this.#grow(most);
    let received: number;
    try {
      this.#pending = this.stream.read(this.#buffer.subarray(this.#length));
      received = await this.#pending;
    } catch {
      throw this.#left("has reset its connection");
    }
    if (this.#handedOver) throw this.#left("is read by somebody else");
    this.#pending = undefined;
    if (received === 0) throw this.#left("has left");
    this.#length += received;
    this.received += received;
  }

  /** A greeting has understood so many bytes, which nobody else gets. */
  take(length: number): void {
    this.#buffer.copyWithin(0, length, this.#length);
    this.#length -= length;
  }

  /**
   * The buffer with what is left, and the read into the rest of it that may be under way; belongs to
   * the taker, who gives it back to the pool. There is none a second time.
   */
  handOver(): Begin | undefined {
    if (this.#handedOver) return undefined;
    this.#handedOver = true;
    return { buffer: this.#buffer, length: this.#length, pending: this.#pending };
  }

  #grow(most: number): void {
    const full = this.#buffer;
    if (full.length >= most) throw new RangeError("the opening is too long");
    // The full one has returned to the pool, where nobody can have changed it yet.
    this.#buffer = this.#buffers.adapt(full, full.length);
    this.#buffer.set(full);
  }

  #left(how: string): GreetingFailure {
    const problem = `${how} after ${plural(this.received, "byte")}`;
    return new GreetingFailure("client-gone", problem, { quiet: this.received === 0 });
  }
}
