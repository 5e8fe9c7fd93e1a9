import { deserialize, serialize } from "node:v8";
import type { Stream } from "../net/stream.ts";
import { writeAll } from "../net/write_all.ts";

/** Four bytes for the length of what follows. */
const HEADER_BYTES = 4;

const CHUNK_BYTES = 64 * 1024;

/** What messages are written to and read from. */
export type Pipe = Pick<Stream, "read" | "write">;

/**
 * Messages between processes, which are copied as between threads, but for what threads share.
 *
 * Both ends are the same program, so nothing is checked.
 */
export class MessagePipe {
  readonly #pipe: Pipe;
  /** The latest write. */
  #writing: Promise<void> = Promise.resolve();

  constructor(pipe: Pipe) {
    this.#pipe = pipe;
  }

  /** Sends a message after those before; rejects if nobody reads any more. */
  send(message: unknown): Promise<void> {
    const body = serialize(message);
    const bytes = new Uint8Array(HEADER_BYTES + body.length);
    new DataView(bytes.buffer).setUint32(0, body.length);
    bytes.set(body, HEADER_BYTES);
    return this.#writing = this.#writing.then(() => writeAll(this.#pipe, bytes));
  }

  /** The messages that come, until the pipe ends. */
  async *messages(): AsyncGenerator<unknown, void> {
    for (;;) {
      const header = await this.#read(HEADER_BYTES);
      if (!header) return;
      const body = await this.#read(new DataView(header.buffer).getUint32(0));
      if (!body) return;
      yield deserialize(body);
    }
  }

  async #read(length: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const bytes = new Uint8Array(length);
    for (let read = 0; read < length;) {
      const number = await this.#pipe.read(bytes.subarray(read, read + CHUNK_BYTES));
      if (number === 0) return undefined;
      read += number;
    }
    return bytes;
  }
}
