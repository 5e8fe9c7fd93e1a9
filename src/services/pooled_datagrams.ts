import { after } from "../base/timer.ts";
import { closed } from "../net/conduit.ts";
import { NOWHERE } from "../net/pipe.ts";
import type { Stream } from "../net/stream.ts";
import type { FrameKind, Frames } from "./frames.ts";
import type { Owner } from "./owner.ts";

/** How long a process has to say that a session is over, after which it is killed, in milliseconds. */
const GRACE_MS = 1000;

const NOTHING = new Uint8Array(0);

/** One session of a process whose client sends datagrams: each write and each read is one. */
export class PooledDatagrams implements Stream {
  readonly localAddress = NOWHERE;
  readonly remoteAddress = NOWHERE;
  readonly #frames: Frames;
  readonly #owner: Owner;
  /** The latest write. */
  #writing: Promise<unknown>;
  /** The latest read. */
  #reading: Promise<unknown> = Promise.resolve();
  /** How the answers have ended: as the process has said, or with the pipe. */
  #end: "said" | "lost" | undefined;
  #closed = false;

  /** @param port That of the client. */
  constructor(port: number, { frames, owner }: { frames: Frames; owner: Owner }) {
    this.#frames = frames;
    this.#owner = owner;
    this.#writing = frames.write("exchange", new TextEncoder().encode(String(port)));
    // If it has ended, that shows when something is read.
    this.#writing.catch(() => {});
  }

  get gone(): boolean {
    return this.#owner.isGone();
  }

  read(buffer: Uint8Array): Promise<number> {
    if (this.#closed) return Promise.reject(closed());
    const reading = this.#read(buffer);
    this.#reading = reading.catch(() => {});
    return reading;
  }

  async write(bytes: Uint8Array): Promise<number> {
    if (this.#closed) throw closed();
    await this.#send("data", bytes);
    return bytes.length;
  }

  /** There is no end that could be told. */
  closeWrite(): Promise<void> {
    return Promise.resolve();
  }

  /** The process has another session as soon as it has said that this one is over. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    void this.#finish();
  }

  /** Nothing waits in a pipe. */
  sendPromptly(): void {}

  /** There is nothing to prepare. */
  tuneForLongLife(): void {}

  async #read(buffer: Uint8Array): Promise<number> {
    const number = await this.#next(buffer);
    if (this.#closed) throw closed();
    if (number !== undefined) return number;
    throw new Deno.errors.ConnectionReset("the process has ended in the middle of a session");
  }

  /** One datagram; `undefined` at the end. */
  async #next(buffer: Uint8Array): Promise<number | undefined> {
    if (this.#end) return undefined;
    try {
      const kind = await this.#frames.next();
      const number = kind === "data" ? await this.#frames.readAll(buffer) : undefined;
      if (number === undefined) this.#end = kind === "end" ? "said" : "lost";
      return number;
    } catch (error) {
      this.#end = "lost";
      throw error;
    }
  }

  async #finish(): Promise<void> {
    const timer = after(GRACE_MS, () => this.#owner.kill());
    // If it has ended there is nobody to tell, which shows when its end is read.
    this.#send("end").catch(() => {});
    await this.#reading;
    const buffer = new Uint8Array(this.#end ? 0 : 64 * 1024);
    // Answers that come too late are nobody's.
    while (!this.#end) await this.#next(buffer).catch(() => {});
    timer.stop();
    if (this.#end === "said") return this.#owner.onOver("free");
    this.#owner.kill();
    this.#owner.onOver("killed");
  }

  /** Writes a frame after the one before. */
  #send(kind: FrameKind, bytes: Uint8Array = NOTHING): Promise<number> {
    const sending = this.#writing.then(() => this.#frames.write(kind, bytes));
    this.#writing = sending;
    sending.catch(() => {});
    return sending;
  }
}
