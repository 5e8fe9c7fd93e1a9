/** Bytes, or room for some, with whoever waits for what becomes of them. */
interface Waiting {
  readonly bytes: Uint8Array;
  resolve(number: number): void;
  reject(error: Error): void;
}

/**
 * One direction of a connection inside the process. It holds nothing: a write waits for a read, and
 * bytes go from one's buffer into the other's. So who writes is never ahead of who reads.
 *
 * There is at most one read and one write at a time.
 */
export class Conduit {
  #reader: Waiting | undefined;
  #writer: Waiting | undefined;
  /** Whether nothing more is written. */
  #ended = false;
  /** Why nothing can be read or written any more. */
  #broken: Error | undefined;

  /** Whether nothing can be read or written any more. */
  get broken(): boolean {
    return this.#broken !== undefined;
  }

  /** Reads into the buffer; 0 = the writer has finished. */
  read(buffer: Uint8Array): Promise<number> {
    if (this.#broken) return Promise.reject(this.#broken);
    const writer = this.#writer;
    if (!writer) {
      if (this.#ended) return Promise.resolve(0);
      return new Promise((resolve, reject) => this.#reader = { bytes: buffer, resolve, reject });
    }
    const number = copy(writer.bytes, buffer);
    this.#writer = undefined;
    writer.resolve(number);
    return Promise.resolve(number);
  }

  /** Writes the beginning of the bytes, at least one, and tells how many. */
  write(bytes: Uint8Array): Promise<number> {
    if (this.#broken) return Promise.reject(this.#broken);
    if (this.#ended) return Promise.reject(new Deno.errors.BrokenPipe("the end was told already"));
    if (bytes.length === 0) return Promise.resolve(0);
    const reader = this.#reader;
    if (!reader) {
      return new Promise((resolve, reject) => this.#writer = { bytes, resolve, reject });
    }
    const number = copy(bytes, reader.bytes);
    this.#reader = undefined;
    reader.resolve(number);
    return Promise.resolve(number);
  }

  /** Nothing more is written. */
  end(): void {
    this.#ended = true;
    this.#reader?.resolve(0);
    this.#reader = undefined;
  }

  /** Nothing can be read or written any more; whoever waits learns why. */
  break(error: Error): void {
    if (this.#broken) return;
    this.#broken = error;
    this.#reader?.reject(error);
    this.#writer?.reject(error);
    this.#reader = this.#writer = undefined;
  }

  /** The writer is gone: what it was writing is lost, what comes after it is the end. */
  leave(): void {
    this.#writer?.reject(closed());
    this.#writer = undefined;
    this.end();
  }
}

/** What those learn who use an end that was closed. */
export function closed(): Error {
  return new Deno.errors.BadResource("the connection was closed");
}

function copy(from: Uint8Array, to: Uint8Array): number {
  const number = Math.min(from.length, to.length);
  to.set(number === from.length ? from : from.subarray(0, number));
  return number;
}
