import type { BufferPool } from "./buffers.ts";

/** What a client sent before it had a destination: what {@linkcode ReadAhead.take} hands over. */
export interface Ahead {
  /** The buffer; belongs to the taker, who gives it back to the pool. */
  readonly buffer: Uint8Array<ArrayBuffer>;
  /** How many bytes at its start have arrived. */
  readonly length: number;
  /** Whether the client has finished sending. */
  readonly ended: boolean;
  /** The read under way into the rest of the buffer, if there is one. */
  readonly pending: Promise<number | null> | undefined;
}

/** How a client can leave before it had a destination. */
export type Departure = "closed" | "reset";

/**
 * Reads from a client while its session has no destination yet: at most one small buffer.
 *
 * That overlaps the client's first bytes with the connect, and shows a client that goes away:
 * `onDeparture` is called with `closed` when its input ends before the first byte, or with
 * `reset` when its connection fails. Input that ends after data is a half-close and no departure.
 * A client that has filled the buffer is not read any further and cannot be seen leaving.
 */
export class ReadAhead {
  readonly #client: Pick<Deno.Conn, "read">;
  readonly #buffers: BufferPool;
  readonly #buffer: Uint8Array<ArrayBuffer>;
  readonly #onDeparture: (how: Departure) => void;
  #length = 0;
  #ended = false;
  #pending: Promise<number | null> | undefined;
  #owner: "reading" | "idle" | "taken" | "released" = "reading";

  constructor(
    client: Pick<Deno.Conn, "read">,
    options: { buffers: BufferPool; onDeparture: (how: Departure) => void },
  ) {
    this.#client = client;
    this.#buffers = options.buffers;
    this.#buffer = options.buffers.take();
    this.#onDeparture = options.onDeparture;
    this.#read();
  }

  /** Whether the client's input ended before it sent anything. */
  get closedEmpty(): boolean {
    return this.#ended && this.#length === 0;
  }

  /** Stops reading and hands over what arrived, with the read that may be under way. */
  take(): Ahead {
    this.#owner = "taken";
    return {
      buffer: this.#buffer,
      length: this.#length,
      ended: this.#ended,
      pending: this.#pending,
    };
  }

  /** Ends reading for good, if nobody took it over; the client's socket is closed already. */
  release(): void {
    if (this.#owner === "idle") this.#buffers.give(this.#buffer);
    if (this.#owner !== "taken") this.#owner = "released";
  }

  async #read(): Promise<void> {
    try {
      while (this.#length < this.#buffer.length) {
        this.#pending = this.#client.read(this.#buffer.subarray(this.#length));
        const received = await this.#pending;
        if (this.#owner !== "reading") break;
        this.#pending = undefined;
        if (received === null) {
          this.#ended = true;
          break;
        }
        this.#length += received;
      }
      if (this.#owner === "reading") {
        this.#owner = "idle";
        if (this.closedEmpty) this.#onDeparture("closed");
        return;
      }
    } catch {
      if (this.#owner === "reading") {
        this.#pending = undefined;
        this.#owner = "idle";
        this.#onDeparture("reset");
        return;
      }
    }
    if (this.#owner === "released") this.#buffers.give(this.#buffer);
  }
}
