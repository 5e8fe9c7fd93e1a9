import type { SocketAddress } from "./address.ts";
import { adopt } from "./socket.ts";
import type { Stream } from "./stream.ts";

/** A socket that connections are accepted from. */
export interface AcceptingSocket {
  /** Where it is bound. */
  readonly address: SocketAddress;
  /** How many connections it may have taken from the kernel that nobody has accepted; none if absent. */
  readonly ahead?: number;
  /** The next connection. Rejects if accepting failed, or when the socket is closed. */
  accept(): Promise<Stream>;
  /**
   * Closes it for whoever else has it, who gets what waits in the kernel, and returns what was taken from
   * that already; {@linkcode close} is to be called besides. Absent where nobody else has it.
   */
  leave?(): Stream[];
  /** Closes it, once. */
  close(): void;
}

/** A listener of the runtime, whose connections become streams. */
export class RuntimeAcceptingSocket implements AcceptingSocket {
  readonly address: SocketAddress;
  readonly #listener: Deno.Listener;
  /** What its connections tell of their own end. */
  readonly #local: { readonly localAddress?: SocketAddress };

  /** @param path Of a UNIX socket: the path by which clients know it, if it was bound by another one. */
  constructor(listener: Deno.Listener, path?: string) {
    this.address = path === undefined
      ? listener.addr as SocketAddress
      : { transport: "unix", path };
    this.#local = path === undefined ? {} : { localAddress: this.address };
    this.#listener = listener;
  }

  async accept(): Promise<Stream> {
    return adopt(await this.#listener.accept(), this.#local);
  }

  close(): void {
    this.#listener.close();
  }
}
