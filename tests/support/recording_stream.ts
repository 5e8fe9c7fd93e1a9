import type { SocketAddress } from "../../src/net/address.ts";
import type { Stream } from "../../src/net/stream.ts";

/** A stream that leads nowhere: it notes what is written, and what else is done with it. */
export class RecordingStream implements Stream {
  readonly localAddress: SocketAddress = { transport: "tcp", hostname: "127.0.0.1", port: 1 };
  readonly remoteAddress: SocketAddress = { transport: "tcp", hostname: "127.0.0.1", port: 2 };
  /** The text of each write, as far as it was taken, and the names of other methods, in order. */
  readonly calls: string[] = [];
  /** Fails every write from now on. */
  failure: Error | undefined;
  readonly #most: number;

  /** @param most Most bytes that a write takes. */
  constructor(most = Infinity) {
    this.#most = most;
  }

  read(): Promise<number> {
    this.calls.push("(read)");
    return Promise.resolve(0);
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.failure) return Promise.reject(this.failure);
    const length = Math.min(bytes.length, this.#most);
    this.calls.push(new TextDecoder().decode(bytes.subarray(0, length)));
    return Promise.resolve(length);
  }

  closeWrite(): Promise<void> {
    this.calls.push("(closeWrite)");
    return Promise.resolve();
  }

  close(): void {
    this.calls.push("(close)");
  }

  sendPromptly(): void {
    this.calls.push("(sendPromptly)");
  }

  tuneForLongLife(): void {
    this.calls.push("(tuneForLongLife)");
  }
}
