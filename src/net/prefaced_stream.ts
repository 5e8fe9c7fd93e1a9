import type { SocketAddress } from "./address.ts";
import type { Stream } from "./stream.ts";
import { passNote } from "./trails.ts";

/** A stream whose first write has some bytes before it: both go in one write. */
export class PrefacedStream implements Stream {
  readonly #inner: Stream;
  /** What is to be written before anything else, until it is. */
  #preface: Uint8Array | undefined;

  constructor(inner: Stream, preface: Uint8Array) {
    this.#inner = inner;
    this.#preface = preface;
    passNote(inner, this);
  }

  get localAddress(): SocketAddress {
    return this.#inner.localAddress;
  }

  get remoteAddress(): SocketAddress {
    return this.#inner.remoteAddress;
  }

  read(buffer: Uint8Array): Promise<number> {
    return this.#inner.read(buffer);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#preface === undefined ? this.#inner.write(bytes) : this.#writeFirst(bytes);
  }

  /** The preface is told to the peer before the end. */
  async closeWrite(): Promise<void> {
    if (this.#preface !== undefined) await this.#writeFirst(new Uint8Array());
    await this.#inner.closeWrite();
  }

  close(): void {
    this.#inner.close();
  }

  sendPromptly(): void {
    this.#inner.sendPromptly();
  }

  tuneForLongLife(options: { keepAlive: boolean }): void {
    this.#inner.tuneForLongLife(options);
  }

  /** Returns how many of the bytes were written, at least one if there are any. */
  async #writeFirst(bytes: Uint8Array): Promise<number> {
    const preface = this.#preface!;
    this.#preface = undefined;
    const all = new Uint8Array(preface.length + bytes.length);
    all.set(preface);
    all.set(bytes, preface.length);
    const least = preface.length + Math.min(bytes.length, 1);
    let sent = await this.#inner.write(all);
    while (sent < least) sent += await this.#inner.write(all.subarray(sent));
    return sent - preface.length;
  }
}
