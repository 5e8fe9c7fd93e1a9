import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import { setImmediate } from "node:timers";
import { writeAll } from "../write_all.ts";
import type { Stream } from "../stream.ts";

/** How many bytes are read at once. */
const PIECE_BYTES = 16 * 1024;

/**
 * A connection as Node.js has them. The end of what comes is told to `onEnd` and not to whoever reads:
 * for TLS the end is what its peer says, and not that of the connection below.
 */
export class StreamDuplex extends Duplex {
  readonly #stream: Stream;
  readonly #onEnd: () => void;
  readonly #buffer = new Uint8Array(PIECE_BYTES);
  #reading = false;
  /** Whether it was asked for more and has not begun to read it. */
  #asked = false;
  /** Whether anything was written. */
  answered = false;
  /**
   * Whether more may come now: what is pushed here is decrypted at once, whether anybody reads that or
   * not (Deno 2.8 to 2.9.6). Who changes that calls {@linkcode look}.
   */
  wants: () => boolean = () => true;

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
      this.look();
    });
  }

  override _read(): void {
    this.#asked = true;
    this.look();
  }

  /** Goes on to read if it was asked to and more may come now. */
  look(): void {
    if (this.#asked && !this.#reading && this.wants()) this.#fill();
  }

  async #fill(): Promise<void> {
    this.#reading = true;
    this.#asked = false;
    try {
      const number = await this.#stream.read(this.#buffer);
      this.#reading = false;
      if (number === 0) this.#onEnd();
      else this.push(Buffer.from(this.#buffer.subarray(0, number)));
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  override _write(
    chunk: Uint8Array,
    _encoding: string,
    callback: (error?: Error | null) => void,
  ): void {
    this.answered = true;
    writeAll(this.#stream, chunk).then(() => callback(), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#stream.closeWrite().then(() => callback(), callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#stream.close();
    callback(error);
  }
}
