import type { SocketAddress } from "./address.ts";
import { adopt } from "./socket.ts";
import type { Stream } from "./stream.ts";

/** A socket that connections are accepted from. */
export interface AcceptingSocket {
  /** Where it is bound. */
  readonly address: SocketAddress;
  /** The next connection. Rejects if accepting failed, or when the socket is closed. */
  accept(): Promise<Stream>;
  /** Closes it, once. */
  close(): void;
}

/** A listener of the runtime, whose connections become streams. */
export class RuntimeAcceptingSocket implements AcceptingSocket {
  readonly address: SocketAddress;
  readonly #listener: Deno.Listener;

  constructor(listener: Deno.Listener) {
    this.address = listener.addr as SocketAddress;
    this.#listener = listener;
  }

  async accept(): Promise<Stream> {
    return adopt(await this.#listener.accept());
  }

  close(): void {
    this.#listener.close();
  }
}
