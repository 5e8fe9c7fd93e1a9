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

/** Takes a datagram, whose bytes are its own until the promise is fulfilled. */
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
  /** Whether it has one in hand: the next ones are held until that is on its way. */
  #busy = false;
  #closed = false;

  constructor(socket: ClientSocket, from: UdpEnd) {
    this.#socket = socket;
    this.localAddress = socket.address;
    this.remoteAddress = from;
  }

  /** Whether it has sent something that nobody has received. */
  get hasHeld(): boolean {
    return this.held.nodes.length > 0;
  }

  /**
   * One more has come of it, which is received at once, or held where the one before is not on its way
   * yet. Returns what is to be waited for before its bytes change, if anything; that never rejects.
   */
  deliver(bytes: Uint8Array): Promise<void> | undefined {
    if (!this.#receiver || this.#busy) {
      this.#socket.hold(this, bytes);
      return undefined;
    }
    this.#busy = true;
    return this.#receiver(bytes).then(this.#received);
  }

  /**
   * Passes on what was held, in order, and then whatever comes.
   *
   * @param receiver Never rejects.
   * @returns Whether there was something.
   */
  async receive(receiver: Receiver): Promise<boolean> {
    this.#receiver = receiver;
    this.#busy = true;
    return await this.#passHeld();
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

  readonly #received = (): void => {
    if (this.hasHeld) void this.#passHeld();
    else this.#busy = false;
  };

  /** Passes on what is held, and what is held meanwhile; returns whether there was something. */
  async #passHeld(): Promise<boolean> {
    for (let any = false;; any = true) {
      const bytes = this.#socket.take(this);
      if (!bytes || !this.#receiver) {
        this.#busy = false;
        return any;
      }
      await this.#receiver(bytes);
    }
  }
}
