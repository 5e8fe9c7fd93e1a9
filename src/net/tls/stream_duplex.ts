import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import { setImmediate } from "node:timers";
import { writeAll } from "../write_all.ts";
import type { Stream } from "../stream.ts";

/** How many bytes are read at once. */
export const PIECE_BYTES = 16 * 1024;

/**
 * Most bytes that may come in which nothing is said. In a handshake there may be two messages of 64 KiB,
 * with certificates and the names of authorities.
 */
const MOST_EMPTY_BYTES = 160 * 1024;

/** An alert as a record, which may be encrypted, has at most so many bytes. */
const LONGEST_ALERT = 31;

/**
 * A connection as Node.js has them. The end of what comes is told to `onEnd` and not to whoever reads:
 * for TLS the end is what its peer says, and not that of the connection below. That is not closed here.
 */
export class StreamDuplex extends Duplex {
  readonly #stream: Stream;
  readonly #onEnd: () => void;
  readonly #buffer = new Uint8Array(PIECE_BYTES);
  #reading = false;
  /** Whether something is to be read once {@linkcode isFull} is no more. */
  #isHeld = false;
  /**
   * Whether nothing may be read at present. For what is above must never have to ask for a pause: an end
   * that comes during one is forgotten, if there is data before it (Deno 2.8 to 2.9.6, `read_start` in
   * ext/node/ops/tls_wrap.rs).
   */
  isFull: () => boolean = () => false;
  /** The latest write. */
  #written: Promise<void> | undefined;
  /**
   * How many bytes of clear text have come so far. When there are no more of them the peer says something
   * else; of some messages without end nobody is told (Deno 2.9.6), and what comes after them is kept.
   */
  said: () => number = () => 0;
  /** How many there were when it was counted last, and how many bytes have come since they became more. */
  #said = 0;
  #empty = 0;
  /** Whether anything was written. */
  answered = false;
  /** The alert with which TLS has given up, which has not been written. */
  lastWords: Uint8Array | undefined;

  constructor(stream: Stream, onEnd: () => void) {
    super({ allowHalfOpen: true });
    this.#stream = stream;
    this.#onEnd = onEnd;
    // What follows the handshake is not its first write.
    stream.sendPromptly();
  }

  /**
   * What was read before comes first. It comes when TLS has begun: a hello that is there already and no
   * good is a defect of the runtime's own (Deno 2.9.6).
   */
  begin(bytes: Uint8Array): void {
    this.#reading = true;
    setImmediate(() => {
      this.#reading = false;
      this.push(Buffer.from(bytes));
    });
  }

  /**
   * The runtime says why it has given up only after that (Deno 2.9.6). What else it had to say then is
   * for a peer that is trusted: sessions to resume.
   */
  override write(chunk: Uint8Array, ...rest: unknown[]): boolean {
    if (!this.destroyed) return (super.write as Write).call(this, chunk, ...rest);
    if (chunk.length <= LONGEST_ALERT) this.lastWords = chunk;
    return false;
  }

  override _read(): void {
    if (!this.#reading) this.#fill();
  }

  /** Some of what was read is taken. */
  goOn(): void {
    if (this.#isHeld) this.#fill();
  }

  async #fill(): Promise<void> {
    this.#isHeld = this.isFull();
    if (this.#isHeld) return;
    this.#reading = true;
    try {
      const number = await this.#stream.read(this.#buffer);
      this.#reading = false;
      this.#count(number);
      if (number === 0) this.#onEnd();
      else this.push(Buffer.from(this.#buffer.subarray(0, number)));
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  /** @throws If nothing has been said for too long. */
  #count(number: number): void {
    const said = this.said();
    this.#empty = said === this.#said ? this.#empty + number : number;
    this.#said = said;
    if (this.#empty <= MOST_EMPTY_BYTES) return;
    throw new Error(`more than ${MOST_EMPTY_BYTES / 1024} KiB in which nothing is said`);
  }

  override _write(
    chunk: Uint8Array,
    _encoding: string,
    callback: (error?: Error | null) => void,
  ): void {
    this.answered = true;
    this.#written = writeAll(this.#stream, chunk);
    this.#written.then(() => callback(), callback);
  }

  /**
   * Resolves when all that was written, and what TLS says after it, is with the kernel.
   *
   * @throws Why it cannot be.
   */
  async flushed(): Promise<void> {
    do {
      await this.#written;
      // It hands over its next piece when the one before is gone, and has its last word ready in a turn.
      await new Promise<void>((resolve) => setImmediate(resolve));
    } while (this.writableLength > 0 && !this.destroyed);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#stream.closeWrite().then(() => callback(), callback);
  }
}

type Write = (chunk: Uint8Array, ...rest: unknown[]) => boolean;
