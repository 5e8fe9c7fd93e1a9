import type { SocketAddress } from "../../src/net/address.ts";
import type { Stream } from "../../src/net/stream.ts";

/** A stream of which some bytes have been read before: these come first. */
export class PrefixedStream implements Stream {
  readonly localAddress: SocketAddress;
  readonly remoteAddress: SocketAddress;
  /** The names of the methods that were called of those that only pass on, in order. */
  readonly calls: string[] = [];
  readonly #inner: Stream;
  #prefix: Uint8Array;

  constructor(inner: Stream, prefix: Uint8Array) {
    this.localAddress = inner.localAddress;
    this.remoteAddress = inner.remoteAddress;
    this.#inner = inner;
    this.#prefix = prefix;
  }

  read(buffer: Uint8Array): Promise<number> {
    const length = Math.min(this.#prefix.length, buffer.length);
    if (length === 0) return this.#inner.read(buffer);
    buffer.set(this.#prefix.subarray(0, length));
    this.#prefix = this.#prefix.subarray(length);
    return Promise.resolve(length);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#inner.write(bytes);
  }

  closeWrite(): Promise<void> {
    this.calls.push("closeWrite");
    return this.#inner.closeWrite();
  }

  close(): void {
    this.calls.push("close");
    this.#inner.close();
  }

  sendPromptly(): void {
    this.calls.push("sendPromptly");
    this.#inner.sendPromptly();
  }

  tuneForLongLife(options: { keepAlive: boolean }): void {
    this.calls.push("tuneForLongLife");
    this.#inner.tuneForLongLife(options);
  }
}
