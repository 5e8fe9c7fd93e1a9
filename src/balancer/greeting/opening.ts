import { plural } from "../../base/text.ts";
import type { BufferPool } from "../../net/buffer_pool.ts";
import type { Stream } from "../../net/stream.ts";
import type { Begin } from "../../session/read_ahead.ts";
import { GreetingFailure } from "./failure.ts";

/**
 * The first bytes of a connection, as greetings read them: at most one buffer of 4 KiB at a time.
 * What none of them has taken is the beginning of the payload.
 */
export class Opening {
  /** What is read; a greeting may replace it. */
  stream: Stream;
  /** Bytes that have come so far, those that were taken included. */
  received = 0;
  readonly #buffer: Uint8Array<ArrayBuffer>;
  /** How many at its beginning have come and were not taken. */
  #length = 0;

  constructor(stream: Stream, buffers: BufferPool) {
    this.stream = stream;
    this.#buffer = buffers.take();
  }

  /** What has come and was not taken, as a view that is valid until the next call. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /**
   * Resolves when more has come.
   *
   * @throws {GreetingFailure} If the client has left.
   * @throws {RangeError} If the buffer is full, which a greeting must not let happen.
   */
  async more(): Promise<void> {
    if (this.#length === this.#buffer.length) throw new RangeError("the opening is too long");
    let received: number;
    try {
      received = await this.stream.read(this.#buffer.subarray(this.#length));
    } catch {
      throw this.#left("has reset its connection");
    }
    if (received === 0) throw this.#left("has left");
    this.#length += received;
    this.received += received;
  }

  /** A greeting has understood so many bytes, which nobody else gets. */
  take(length: number): void {
    this.#buffer.copyWithin(0, length, this.#length);
    this.#length -= length;
  }

  /** The buffer with what is left; belongs to the taker, who gives it back to the pool. */
  handOver(): Begin {
    return { buffer: this.#buffer, length: this.#length };
  }

  #left(how: string): GreetingFailure {
    const problem = `${how} after ${plural(this.received, "byte")}`;
    return new GreetingFailure("client-gone", problem, { quiet: this.received === 0 });
  }
}
