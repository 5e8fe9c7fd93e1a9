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
  /**
   * The client's session is over. Whatever is kept of it is dropped, unless that is for its next
   * session, which begins with it.
   */
  forget(client: DatagramClient): void;
}

/** Who gets the datagrams of a client, one at a time. */
export interface Receiver {
  /** Sends one on; its bytes are its own until the promise is settled. */
  send(bytes: Uint8Array): Promise<unknown>;
  /** One of this length is on its way. */
  sent(length: number): void;
  /** One could not be sent. */
  failed(error: unknown): void;
}

/**
 * A client of a UDP listener, known by its address and port: what stands for the connection of a
 * session. Each write is a datagram; what comes is held until somebody receives it.
 */
export class DatagramClient implements Stream {
  readonly localAddress: SocketAddress;
  readonly remoteAddress: UdpEnd;
  /** What it has sent and nobody has received. */
  readonly held: HeldQueue;
  /** When its first datagram came, in milliseconds of a monotonic clock. */
  readonly since = performance.now();
  readonly #socket: ClientSocket;
  /** Gets what comes from now on. */
  #receiver: Receiver | undefined;
  /** Whether one is in hand: the next ones are held until it is on its way. */
  #busy = false;
  /** Whether that is in the buffer that it was received into. */
  #borrowing = false;
  /** Told when it is not in use any more. */
  #onReturn: (() => void) | undefined;
  /** Whether what it sends is for its next session. */
  #leaving = false;
  #closed = false;

  /** @param held What is held of it from a session before. */
  constructor(socket: ClientSocket, from: UdpEnd, held = new HeldQueue()) {
    this.#socket = socket;
    this.held = held;
    this.localAddress = socket.address;
    this.remoteAddress = from;
  }

  /** Whether it has sent something that nobody has received. */
  get hasHeld(): boolean {
    return this.held.nodes.length > 0;
  }

  /** Whether what is held is for its next session. */
  get isLeaving(): boolean {
    return this.#leaving;
  }

  /** Whether the buffer of the latest datagram that it has taken is still in use. */
  get isBorrowing(): boolean {
    return this.#borrowing;
  }

  /** Whoever has lent that buffer does without it until `onReturn` is called, once. */
  keep(onReturn: () => void): void {
    this.#onReturn = onReturn;
  }

  /**
   * One more has come of it, which is sent on at once, or held where the one before is not on its way
   * yet. Returns whether it has taken the buffer, and borrows it.
   */
  deliver(bytes: Uint8Array): boolean {
    if (!this.#receiver || this.#busy) {
      this.#socket.hold(this, bytes);
      return false;
    }
    this.#borrowing = true;
    void this.#pass(bytes);
    return true;
  }

  /**
   * Passes on what was held, in order, and then whatever comes.
   *
   * @returns Whether there was something.
   */
  async receive(receiver: Receiver): Promise<boolean> {
    this.#receiver = receiver;
    const first = this.#socket.take(this);
    if (first) await this.#pass(first);
    return first !== undefined;
  }

  /**
   * Its session is about to be over: what comes in the meantime is held for the next one, rather than
   * being lost with this one.
   */
  leave(): void {
    this.#leaving = true;
    this.#receiver = undefined;
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

  /**
   * Passes on this one and what is held meanwhile. Nothing but the sending is waited for: it costs
   * each datagram one promise.
   */
  async #pass(first: Uint8Array): Promise<void> {
    this.#busy = true;
    let bytes: Uint8Array | undefined = first;
    while (bytes) {
      const receiver = this.#receiver!;
      try {
        await receiver.send(bytes);
        receiver.sent(bytes.length);
      } catch (error) {
        receiver.failed(error);
      }
      if (this.#borrowing) this.#return();
      bytes = this.#receiver && this.#socket.take(this);
    }
    this.#busy = false;
  }

  #return(): void {
    this.#borrowing = false;
    if (!this.#onReturn) return;
    this.#onReturn();
    this.#onReturn = undefined;
  }
}
