import { closed, Conduit } from "../net/conduit.ts";
import { NOWHERE } from "../net/pipe.ts";
import type { Stream } from "../net/stream.ts";

/** The stream to somebody who takes everything, and says nothing. */
export class SinkStream implements Stream {
  readonly localAddress = NOWHERE;
  readonly remoteAddress = NOWHERE;
  /** What is read from, which nobody writes to. */
  readonly #silence = new Conduit();
  #closed = false;

  read(buffer: Uint8Array): Promise<number> {
    return this.#silence.read(buffer);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#closed ? Promise.reject(closed()) : Promise.resolve(bytes.length);
  }

  /** Who has nothing more to be thrown away is done. */
  closeWrite(): Promise<void> {
    this.#silence.end();
    return Promise.resolve();
  }

  close(): void {
    this.#closed = true;
    this.#silence.break(closed());
  }

  /** Nothing waits here. */
  sendPromptly(): void {}

  /** There is nothing to prepare. */
  tuneForLongLife(): void {}
}
