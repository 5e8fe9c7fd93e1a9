import type { SocketAddress } from "../address.ts";
import type { Stream } from "../stream.ts";

/** What is read and written over TLS, at the addresses of the connection below. */
export abstract class WrappedStream implements Stream {
  /** The connection below. */
  protected readonly below: Stream;

  constructor(below: Stream) {
    this.below = below;
  }

  get localAddress(): SocketAddress {
    return this.below.localAddress;
  }

  get remoteAddress(): SocketAddress {
    return this.below.remoteAddress;
  }

  abstract read(buffer: Uint8Array): Promise<number>;
  abstract write(bytes: Uint8Array): Promise<number>;
  abstract closeWrite(): Promise<void>;
  abstract close(): void;

  sendPromptly(): void {
    this.below.sendPromptly();
  }

  tuneForLongLife(options: { keepAlive: boolean }): void {
    this.below.tuneForLongLife(options);
  }
}
