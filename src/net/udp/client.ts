import type { SocketAddress, UdpEnd } from "../address.ts";
import type { Stream } from "../stream.ts";
import { HeldQueue } from "./held.ts";

/** What a client needs of the socket that it has sent to. */
export interface ClientSocket {
  readonly address: UdpEnd;
  /** Sends a datagram to a client; rejects if that failed. */
  send(bytes: Uint8Array, to: UdpEnd): Promise<number>;
  /** Keeps a datagram for later. */
  hold(client: DatagramClient, bytes: Uint8Array): void;
  /** The oldest that is kept; `undefined` if there is none. */
  take(client: DatagramClient): Uint8Array | undefined;
  /** The client's session is over; whatever is kept of it is dropped. */
  forget(client: DatagramClient): void;
}

/** Takes a datagram, whose bytes are its own until the promise is settled. */
export type Receiver = (bytes: Uint8Array) => Promise<void>;

/**
 * A client of a UDP listener, known by its address and port: what stands for the connection of a
 * session. Each write is a datagram; what comes is held until somebody receives it.
 */
export class DatagramClient implements Stream {
  readonly localAddress: SocketAddress;
  readonly remoteAddress: UdpEnd;
  /** What it has sent and nobody has received. */
  readonly held = new HeldQueue();
  /** When its first datagram came, in milliseconds of a monotonic clock. */
  readonly since = performance.now();
  readonly #socket: ClientSocket;
  /** Gets what comes from now on. */
  #receiver: Receiver | undefined;
  #closed = false;

  constructor(socket: ClientSocket, from: UdpEnd) {
    this.#socket = socket;
    this.localAddress = socket.address;
    this.remoteAddress = from;
  }

  /** One more has come of it; what is to be waited for before its bytes change, if anything. */
  deliver(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#receiver) return this.#receiver(bytes);
    this.#socket.hold(this, bytes);
    return undefined;
  }

  /**
   * Passes on what was held, in order, and then whatever comes.
   *
   * @returns Whether there was something.
   */
  async receive(receiver: Receiver): Promise<boolean> {
    let any = false;
    for (;;) {
      const bytes = this.#socket.take(this);
      if (this.#closed) return any;
      if (!bytes) break;
      any = true;
      await receiver(bytes);
    }
    this.#receiver = receiver;
    return any;
  }

  /** Datagrams are never asked for: {@linkcode receive} gets them. */
  read(): Promise<number> {
    return Promise.reject(new TypeError("datagrams are not read as a stream"));
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#socket.send(bytes, this.remoteAddress);
  }

  /** There is no end that could be told. */
  closeWrite(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#receiver = undefined;
    this.#socket.forget(this);
  }

  sendPromptly(): void {}

  tuneForLongLife(): void {}
}
