import { after } from "../../base/timer.ts";
import type { SocketAddress } from "../address.ts";
import type { BufferPool } from "../buffer_pool.ts";
import type { FairReads } from "../fair_reads.ts";
import { adopt } from "../socket.ts";
import type { Stream } from "../stream.ts";
import { passNote } from "../trails.ts";
import { writeAll } from "../write_all.ts";
import type { InnerPair } from "./inner_port.ts";
import { LastWord } from "./last_word.ts";

/**
 * Most bytes that are written and have not been passed on to the client: what the client has not
 * taken is to be with whoever writes, as without TLS, not in between.
 */
const MOST_HELD = 256 * 1024;

/** How long the client of a stream that was cut may take for what was written, in milliseconds. */
const LINGER_MS = 1000;

/** What all streams share. */
export interface TerminatedOptions {
  readonly buffers: BufferPool;
  readonly fairReads: Pick<FairReads, "take" | "turn">;
  /** Gets what goes on beside a session. */
  readonly tasks: { add(task: Promise<void>): void };
  /**
   * Asked when a stream is cut whose client has not got all: whether it may have its descriptors for a
   * moment longer, and how they are given back.
   */
  linger?(): (() => void) | undefined;
}

/**
 * The clear side of a client's TLS: what the runtime makes of it at the other end of a connection of
 * the program to itself, over which the client's bytes go as they are.
 *
 * - What the client sends is read only while somebody reads here, so that it waits in the kernel.
 * - The end of writing is told once the client has got all that was written before.
 * - A client that ends without saying so in TLS (close_notify) has been cut: reading fails, unless it was
 *   told the end before.
 * - Closed without an end of writing the client is cut, and does not take it for the end.
 */
export class TerminatedStream implements Stream {
  readonly #client: Stream;
  /** This program's end of the inner connection, on which there is TLS. */
  readonly #near: Stream;
  /** The other end, on which there is none. */
  readonly #far: Stream;
  readonly #options: TerminatedOptions;
  /** Reads under way, which what the client sends is fetched for. */
  #reads = 1;
  /** Ends the wait for a read. */
  #onRead: (() => void) | undefined;
  /** How many bytes have been written, those of writes under way included. */
  #written = 0;
  /** How many of these are those of the write under way. */
  #writing = 0;
  /** How many of these have been passed on, about: there they are encrypted. */
  #passedOn = 0;
  /** Ends waits for these to become fewer. */
  #onPassed: (() => void) | undefined;
  /** Whether nothing moves any more. */
  #broken = false;
  #closed = false;
  /** Whether the end of writing has been told. */
  #finished = false;
  /** Resolves when the client has got everything, and the end; rejects if that failed. */
  readonly #passed: Promise<void>;
  readonly #lastWord = new LastWord({ mustAnswer: false });
  readonly #onReadDone = (received: number): number => {
    this.#reads--;
    if (received > 0) this.#lastWord.hear();
    return received;
  };
  readonly #onWritten = (written: number): number => {
    this.#written -= this.#writing - written;
    return written;
  };
  readonly #onReadFailed = (error: unknown): number => {
    this.#reads--;
    if (error instanceof Deno.errors.UnexpectedEof && this.#lastWord.excuses) return 0;
    throw error;
  };
  /**
   * Begins to pass on what both sides say; {@linkcode begun} is to follow.
   *
   * @param begin What the client has sent so far; must stay as it is until the handshake is over.
   */
  constructor(
    client: Stream,
    { near, far }: InnerPair,
    options: TerminatedOptions & { begin: Uint8Array },
  ) {
    this.#client = client;
    this.#near = near;
    this.#far = adopt(far);
    this.#options = options;
    passNote(client, this);
    // Both write small pieces one after the other, and what is in between must not wait either.
    client.sendPromptly();
    near.sendPromptly();
    // Nobody waits for these: a write may linger after its socket was closed (Deno before 2.9).
    this.#fetch(options.begin);
    this.#passed = this.#passOn();
    this.#passed.catch(() => {});
  }

  get localAddress(): SocketAddress {
    return this.#client.localAddress;
  }

  get remoteAddress(): SocketAddress {
    return this.#client.remoteAddress;
  }

  get passedOn(): number {
    return this.#passedOn;
  }

  get #held(): number {
    return this.#written - this.#passedOn;
  }

  /** The handshake is over: from now on it is read only for whoever reads here. */
  begun(): void {
    this.#reads--;
  }

  read(buffer: Uint8Array): Promise<number> {
    this.#reads++;
    this.#onRead?.();
    return this.#far.read(buffer).then(this.#onReadDone, this.#onReadFailed);
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.#held >= MOST_HELD) return this.#writeLater(bytes);
    return this.#writeNow(bytes);
  }

  async closeWrite(): Promise<void> {
    this.#finished = true;
    this.#lastWord.tell();
    await this.#far.closeWrite();
    await this.#passed;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const release = this.#held > 0 && !this.#finished && !this.#broken
      ? this.#options.linger?.()
      : undefined;
    if (release) this.#options.tasks.add(this.#linger(release));
    else this.#end();
  }

  /** The handshake has failed: the client is still told why, if it takes that within a moment. */
  async abandon(): Promise<void> {
    this.#far.close();
    await new Promise<void>((resolve) => {
      const timer = after(LINGER_MS, resolve);
      this.#passed.catch(() => {}).then(() => {
        timer.stop();
        resolve();
      });
    });
    this.close();
  }

  /** Nothing waits here from the beginning. */
  sendPromptly(): void {}

  tuneForLongLife(options: { keepAlive: boolean }): void {
    this.#client.tuneForLongLife(options);
    this.#near.tuneForLongLife({ keepAlive: false });
    this.#far.tuneForLongLife({ keepAlive: false });
  }

  /** Ends when all that was written is with the client's kernel, or after a moment. */
  async #linger(release: () => void): Promise<void> {
    const timer = after(LINGER_MS, () => this.#end());
    while (this.#held > 0 && !this.#broken) await this.#change();
    timer.stop();
    this.#end();
    release();
  }

  /** Closes all three; the client is not told of an end. */
  #end(): void {
    this.#broken = true;
    this.#client.close();
    this.#near.close();
    this.#far.close();
    this.#onRead?.();
    this.#onPassed?.();
  }

  /** Resolves when fewer bytes are held, or it is broken. */
  async #change(): Promise<void> {
    await new Promise<void>((resolve) => {
      const before = this.#onPassed;
      this.#onPassed = () => {
        before?.();
        resolve();
      };
    });
  }

  async #writeLater(bytes: Uint8Array): Promise<number> {
    while (this.#held >= MOST_HELD && !this.#broken) await this.#change();
    return await this.#writeNow(bytes);
  }

  #writeNow(bytes: Uint8Array): Promise<number> {
    this.#written += this.#writing = bytes.length;
    return this.#far.write(bytes).then(this.#onWritten);
  }

  /** Fetches what the client sends. */
  async #fetch(begin: Uint8Array): Promise<void> {
    const { buffers, fairReads } = this.#options;
    let buffer = buffers.take();
    try {
      await writeAll(this.#near, begin);
      for (;;) {
        while (this.#reads === 0 && !this.#broken) {
          await new Promise<void>((resolve) => this.#onRead = resolve);
        }
        if (!fairReads.take()) await fairReads.turn();
        const received = await this.#client.read(buffer);
        if (received === 0) break;
        const view = received === buffer.length ? buffer : buffer.subarray(0, received);
        const sent = await this.#near.write(view);
        if (sent < received) await writeAll(this.#near, view.subarray(sent));
        buffer = buffers.adapt(buffer, received);
      }
      await this.#near.closeWrite();
    } catch {
      this.#fail();
    } finally {
      buffers.give(buffer);
    }
  }

  /** Passes on what the client gets, and the end of it. */
  async #passOn(): Promise<void> {
    const { buffers, fairReads } = this.#options;
    let buffer = buffers.take();
    try {
      for (;;) {
        if (!fairReads.take()) await fairReads.turn();
        const received = await this.#near.read(buffer);
        if (received === 0) break;
        // A read that does not fill the buffer has left nothing: that sets right what TLS has added.
        const passed = received < buffer.length
          ? this.#written
          : Math.min(this.#written, this.#passedOn + received);
        const view = received === buffer.length ? buffer : buffer.subarray(0, received);
        const sent = await this.#client.write(view);
        if (sent < received) await writeAll(this.#client, view.subarray(sent));
        this.#passedOn = passed;
        this.#onPassed?.();
        this.#onPassed = undefined;
        buffer = buffers.adapt(buffer, received);
      }
      if (!this.#closed) await this.#client.closeWrite();
    } catch (error) {
      this.#fail();
      throw error;
    } finally {
      buffers.give(buffer);
    }
  }

  /** The client cannot be read or written any more. */
  #fail(): void {
    if (this.#broken) return;
    this.#broken = true;
    this.#near.close();
    this.#far.close();
    this.#onRead?.();
    this.#onPassed?.();
  }
}
