import { closed } from "../net/conduit.ts";
import { NOWHERE } from "../net/pipe.ts";
import type { Stream } from "../net/stream.ts";
import type { Client } from "./service.ts";

/** Ports of services that answer whatever they get: echo, daytime, chargen, time. */
const ANSWERING_PORTS = [7, 13, 19, 37];

/** What a datagram is answered with: another one, which may be empty, or none. */
export type Answer = (datagram: Uint8Array) => Answered | Promise<Answered>;

type Answered = Uint8Array | undefined;

/**
 * The stream to somebody who answers each datagram with one at the most: each write is a datagram, and
 * so is each read. One answer is kept until it is read, and a write waits for that as long as there is
 * another one: what is not answered yet waits where it has come from.
 */
export class DatagramStream implements Stream {
  readonly localAddress = NOWHERE;
  readonly remoteAddress = NOWHERE;
  readonly #answer: Answer;
  /** The answer that waits to be read. */
  #waiting: Uint8Array | undefined;
  /** Who waits until that was read. */
  #writer: PromiseWithResolvers<void> | undefined;
  /** Who waits for one. */
  #reader: { buffer: Uint8Array; read: PromiseWithResolvers<number> } | undefined;
  #closed = false;

  constructor(client: Client, answer: Answer) {
    // Two that answer each other would never end: somebody may have forged the address.
    this.#answer = ANSWERING_PORTS.includes(client.port ?? 0) ? () => undefined : answer;
  }

  async write(bytes: Uint8Array): Promise<number> {
    if (this.#closed) throw closed();
    const answer = await this.#answer(bytes);
    if (answer) await this.#pass(answer);
    return bytes.length;
  }

  read(buffer: Uint8Array): Promise<number> {
    if (this.#closed) return Promise.reject(closed());
    const waiting = this.#waiting;
    if (!waiting) {
      this.#reader = { buffer, read: Promise.withResolvers() };
      return this.#reader.read.promise;
    }
    this.#waiting = undefined;
    this.#writer?.resolve();
    buffer.set(waiting);
    return Promise.resolve(waiting.length);
  }

  /** There is no end that could be told. */
  closeWrite(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.#closed = true;
    this.#writer?.resolve();
    this.#reader?.read.reject(closed());
    this.#waiting = this.#reader = undefined;
  }

  sendPromptly(): void {}

  tuneForLongLife(): void {}

  async #pass(bytes: Uint8Array): Promise<void> {
    if (this.#waiting) {
      this.#writer = Promise.withResolvers();
      await this.#writer.promise;
      this.#writer = undefined;
    }
    if (this.#closed) throw closed();
    const reader = this.#reader;
    if (!reader) {
      // The buffer of the datagram, which this may be, is used again.
      this.#waiting = bytes.slice();
      return;
    }
    this.#reader = undefined;
    reader.buffer.set(bytes);
    reader.read.resolve(bytes.length);
  }
}
