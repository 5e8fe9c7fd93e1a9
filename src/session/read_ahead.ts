import type { BufferPool } from "../net/buffer_pool.ts";
import type { Stream } from "../net/stream.ts";

/** What is left when {@linkcode ReadAhead.take} ends the reading ahead. */
export interface Ahead {
  /** The buffer; belongs to the taker, who gives it back to the pool. */
  readonly buffer: Uint8Array<ArrayBuffer>;
  /** How many bytes at its start have arrived. */
  readonly length: number;
  /** The read under way into the rest of the buffer, if there is one. */
  readonly pending: Promise<number> | number | undefined;
}

/** What was read of a client before. */
export interface Begin {
  /** A buffer to start with of the pool; belongs to whoever gets it. */
  readonly buffer: Uint8Array<ArrayBuffer>;
  /** How many bytes at its start have arrived. */
  readonly length: number;
  /** The read under way into the rest of the buffer, if there is one. */
  readonly pending?: Promise<number> | undefined;
}

/**
 * How a client can leave before its session is over: its input ends before the first byte or after
 * some, or its connection fails.
 */
export type Departure = "closed" | "finished" | "reset";

/** Learns when a client leaves. */
export interface DepartureListener {
  /** Whether it is to be noticed, too, when a client leaves that has filled the first buffer. */
  readonly watches: boolean;
  onDeparture(how: Departure): void;
  /** Something was read. */
  onBytes?(): void;
}

const NOTHING = new Uint8Array();

/** Most bytes that are read of a client that nobody watches. */
const MOST_HELD = 4 * 1024;

/** Most bytes that are read of a client that is watched. */
export const MOST_WATCHED = 64 * 1024;

/**
 * Reads from a client, at most 4 KiB, from the moment it is admitted.
 *
 * That overlaps the client's first bytes with the connect, shows a client that goes away while it
 * waits, and keeps what it has sent until a destination has begun to answer, so that it can be sent
 * again to another one.
 *
 * The buffer has 1 KiB until more comes: many clients wait, or say little. One that has sent 4 KiB is
 * not read any further and cannot be seen leaving. While the listener watches it, the buffer is swapped
 * for larger ones, up to {@linkcode MOST_WATCHED}. Whatever was read is held to be sent again.
 */
export class ReadAhead {
  /** Who is read, once it has begun. */
  #client: Pick<Stream, "read"> | undefined;
  /** Where its buffer is from. */
  readonly #buffers: BufferPool;
  /** What has arrived, and room for more. */
  #buffer: Uint8Array<ArrayBuffer> = NOTHING;
  /** Learns when the client leaves. */
  readonly #listener: DepartureListener;
  /** How many bytes have arrived. */
  #length = 0;
  /** Whether the client has finished sending. */
  #ended = false;
  /** Whether its connection has failed. */
  #failed = false;
  /** Whether somebody may be sending from its buffer. */
  #lent = false;
  /** A smaller one from which somebody may be sending still. */
  #outgrown: Uint8Array<ArrayBuffer> | undefined;
  /** The read under way. */
  #pending: Promise<number> | undefined;
  /** Ends the wait for a change. */
  #wake: (() => void) | undefined;
  /**
   * Who returns the buffer: the read under way, `release`, who took it, or nobody, since there is
   * none yet or no more.
   */
  #owner: "new" | "reading" | "idle" | "taken" | "leaving" | "released" = "new";

  constructor(
    buffers: BufferPool,
    listener: DepartureListener,
  ) {
    this.#buffers = buffers;
    this.#listener = listener;
  }

  /**
   * Begins to read, once: until then it has no buffer, and nobody is seen leaving.
   *
   * @param begin What has arrived already, if something was read before.
   */
  start(client: Pick<Stream, "read">, begin?: Begin): void {
    this.#client = client;
    this.#buffer = begin?.buffer ?? this.#buffers.takeSmall();
    this.#length = begin?.length ?? 0;
    this.#owner = "reading";
    this.#read(begin?.pending);
  }

  /** Whether it has begun to read. */
  get started(): boolean {
    return this.#owner !== "new";
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

  /** Whether no more is to be held. */
  get full(): boolean {
    return this.#length >= this.#buffer.length;
  }

  /** Whether everything that the client has sent is still here and may be sent again. */
  get held(): boolean {
    return this.#owner === "reading" || this.#owner === "idle";
  }

  /** Bytes that have arrived, as a view that is valid until the next call, {@linkcode take} or the end. */
  bytes(from: number, to: number): Uint8Array {
    if (this.#outgrown) this.#buffers.give(this.#outgrown);
    this.#outgrown = undefined;
    this.#lent = true;
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

  /** Goes on reading if the buffer was full and the listener has begun to watch. */
  review(): void {
    if (this.#owner !== "idle" || this.#ended || this.#failed || !this.#grow()) return;
    this.#owner = "reading";
    this.#read();
  }

  /** Stops reading ahead and hands over the buffer, with the read that may be under way. */
  take(): Ahead {
    this.#owner = "taken";
    return { buffer: this.#buffer, length: this.#length, pending: this.#pending };
  }

  /** Ends reading for good, if nobody took it over; the client's stream is closed already. */
  release(): void {
    if (this.#owner === "reading") this.#owner = "leaving";
    else if (this.#owner === "idle") this.#giveBack();
    this.wake();
  }

  /** @param under The read that is under way already, if there is one. */
  async #read(under?: Promise<number>): Promise<void> {
    const client = this.#client!;
    try {
      while (this.#length < this.#buffer.length || this.#grow()) {
        const rest = this.#length === 0 ? this.#buffer : this.#buffer.subarray(this.#length);
        this.#pending = under ?? client.read(rest);
        under = undefined;
        const received = await this.#pending;
        if (this.#owner !== "reading") break;
        this.#pending = undefined;
        if (received === 0) {
          this.#ended = true;
          break;
        }
        this.#length += received;
        this.#listener.onBytes?.();
        this.wake();
      }
      if (this.#owner === "reading") {
        this.#stop();
        if (this.#ended) this.#listener.onDeparture(this.#length === 0 ? "closed" : "finished");
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

  /** Makes room in a full buffer; `false` if there is to be none. */
  #grow(): boolean {
    const full = this.#buffer;
    if (full.length >= MOST_HELD && !this.#listener.watches) return false;
    if (full.length >= MOST_WATCHED) return false;
    this.#buffer = this.#buffers.larger(full);
    this.#buffer.set(full);
    if (!this.#lent) this.#buffers.give(full);
    else this.#outgrown ??= full;
    this.#lent = false;
    return true;
  }

  #giveBack(): void {
    this.#owner = "released";
    this.#buffers.give(this.#buffer);
    if (this.#outgrown) this.#buffers.give(this.#outgrown);
  }

  #stop(): void {
    this.#pending = undefined;
    this.#owner = "idle";
    this.wake();
  }
}
