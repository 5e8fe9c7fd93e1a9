import type { BufferPool } from "./buffers.ts";
import type { Socket } from "./socket.ts";

/** What is left when {@linkcode ReadAhead.take} ends the reading ahead. */
export interface Ahead {
  /** The buffer; belongs to the taker, who gives it back to the pool. */
  readonly buffer: Uint8Array<ArrayBuffer>;
  /** How many bytes at its start have arrived. */
  readonly length: number;
  /** The read under way into the rest of the buffer, if there is one. */
  readonly pending: Promise<number> | number | undefined;
}

/** How a client can leave before its session is over. */
export type Departure = "closed" | "reset";

/** Learns when a client leaves. */
export interface DepartureListener {
  onDeparture(how: Departure): void;
}

/**
 * Reads from a client, at most one small buffer, from the moment it is accepted.
 *
 * That overlaps the client's first bytes with the connect, shows a client that goes away while it
 * waits, and keeps what it has sent until a destination has begun to answer, so that it can be sent
 * again to another one.
 *
 * The listener is told `closed` when the input ends before the first byte, and `reset`
 * when the connection fails. Input that ends after data is a half-close and no departure. A client
 * that has filled the buffer is not read any further and cannot be seen leaving.
 */
export class ReadAhead {
  readonly #client: Pick<Socket, "read">;
  readonly #buffers: BufferPool;
  readonly #buffer: Uint8Array<ArrayBuffer>;
  readonly #listener: DepartureListener;
  #length = 0;
  #ended = false;
  #failed = false;
  #pending: Promise<number> | undefined;
  #wake: (() => void) | undefined;
  /** Who returns the buffer: the read under way, `release`, who took it, or nobody any more. */
  #owner: "reading" | "idle" | "taken" | "leaving" | "released" = "reading";

  constructor(
    client: Pick<Socket, "read">,
    buffers: BufferPool,
    listener: DepartureListener,
  ) {
    this.#client = client;
    this.#buffers = buffers;
    this.#buffer = buffers.take();
    this.#listener = listener;
    this.#read();
  }

  /** How many bytes have arrived. */
  get length(): number {
    return this.#length;
  }

  /** Whether the client has finished sending. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether the client's connection has failed. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Whether the client's input ended before it sent anything. */
  get closedEmpty(): boolean {
    return this.#ended && this.#length === 0;
  }

  /** Whether there is no room for more. */
  get full(): boolean {
    return this.#length === this.#buffer.length;
  }

  /** Whether everything that the client has sent is still here. */
  get held(): boolean {
    return this.#owner === "reading" || this.#owner === "idle";
  }

  /** Bytes that have arrived, as a view that is valid until {@linkcode take} or the end. */
  bytes(from: number, to: number): Uint8Array {
    return this.#buffer.subarray(from, to);
  }

  /** Resolves when more has arrived, the input has ended or failed, or somebody called `wake`. */
  change(): Promise<void> {
    return new Promise((resolve) => this.#wake = resolve);
  }

  /** Ends a wait for a change. */
  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  /** Stops reading ahead and hands over the buffer, with the read that may be under way. */
  take(): Ahead {
    this.#owner = "taken";
    return { buffer: this.#buffer, length: this.#length, pending: this.#pending };
  }

  /** Ends reading for good, if nobody took it over; the client's socket is closed already. */
  release(): void {
    if (this.#owner === "reading") this.#owner = "leaving";
    else if (this.#owner === "idle") this.#giveBack();
    this.wake();
  }

  async #read(): Promise<void> {
    try {
      while (this.#length < this.#buffer.length) {
        const rest = this.#length === 0 ? this.#buffer : this.#buffer.subarray(this.#length);
        this.#pending = this.#client.read(rest);
        const received = await this.#pending;
        if (this.#owner !== "reading") break;
        this.#pending = undefined;
        if (received === 0) {
          this.#ended = true;
          break;
        }
        this.#length += received;
        this.wake();
      }
      if (this.#owner === "reading") {
        this.#stop();
        if (this.closedEmpty) this.#listener.onDeparture("closed");
      }
    } catch {
      if (this.#owner === "reading") {
        this.#failed = true;
        this.#stop();
        this.#listener.onDeparture("reset");
      }
    }
    if (this.#owner === "leaving") this.#giveBack();
  }

  #giveBack(): void {
    this.#owner = "released";
    this.#buffers.give(this.#buffer);
  }

  #stop(): void {
    this.#pending = undefined;
    this.#owner = "idle";
    this.wake();
  }
}
