import { closed } from "../net/conduit.ts";
import { NOWHERE } from "../net/pipe.ts";
import type { Stream } from "../net/stream.ts";
import { Frames } from "./frames.ts";
import type { Outcome, Owner } from "./owner.ts";
import { PooledDatagrams } from "./pooled_datagrams.ts";

/** A process that serves one session after the other. */
export class PooledProcess {
  readonly pid: number;
  /** Sessions that it has had, the current one included. */
  sessions = 0;
  /** Whether it has one now. */
  busy = false;
  /** Whether it was told that its session is to come to an end: then it is the last one. */
  finishing = false;
  /** Its standard input and output; closing it kills it. */
  readonly #raw: Stream & { finish(): void };
  readonly #frames: Frames;

  constructor(pid: number, raw: Stream & { finish(): void }) {
    this.pid = pid;
    this.#raw = raw;
    this.#frames = new Frames(raw);
  }

  /** Begins a session. It must have none. */
  open(onOver: (outcome: Outcome) => void): Stream {
    return new PooledStream(this.#frames, this.#begin(onOver));
  }

  /** Begins one of datagrams, which come from this port. It must have none. */
  exchange(port: number, onOver: (outcome: Outcome) => void): Stream {
    return new PooledDatagrams(port, { frames: this.#frames, owner: this.#begin(onOver) });
  }

  #begin(onOver: (outcome: Outcome) => void): Owner {
    this.sessions++;
    this.busy = true;
    return {
      kill: () => this.#raw.close(),
      isGone: () => this.#raw.gone === true,
      onOver: (outcome) => {
        this.busy = false;
        onOver(outcome);
      },
    };
  }

  /** Tells it that its session is to come to an end, if it has one. */
  finish(): void {
    if (!this.busy) return;
    this.finishing = true;
    this.#raw.finish();
  }

  /** Closes the pipes to it, if it has ended; otherwise it is killed. */
  close(): void {
    this.#raw.close();
  }

  /** Lets it end, which it does as soon as it reads the end of its input. */
  end(): void {
    void this.#raw.closeWrite();
  }
}

const NOTHING = new Uint8Array(0);

/** One session of a process. */
class PooledStream implements Stream {
  readonly localAddress = NOWHERE;
  readonly remoteAddress = NOWHERE;
  readonly #frames: Frames;
  readonly #owner: Owner;
  /** The latest write. */
  #writing: Promise<unknown>;
  /** Whether the process was told that nothing more comes. */
  #finished = false;
  /** Whether the process has said all that it has to say. */
  #over = false;
  /** Whether it takes nothing more. */
  #gone = false;
  #closed = false;

  constructor(frames: Frames, owner: Owner) {
    this.#frames = frames;
    this.#owner = owner;
    this.#writing = frames.write("open");
    // If it has ended, that shows when something is read.
    this.#writing.catch(() => {});
  }

  get gone(): boolean {
    return this.#gone || this.#owner.isGone();
  }

  async read(buffer: Uint8Array): Promise<number> {
    if (this.#closed) throw closed();
    if (this.#over) return 0;
    const kind = await this.#frames.next();
    const number = kind === "data" ? await this.#frames.read(buffer) : 0;
    if (this.#closed) throw closed();
    if (number > 0) return number;
    if (kind !== "end" && kind !== "gone") {
      throw new Deno.errors.ConnectionReset("the process has ended in the middle of a session");
    }
    this.#over = true;
    this.#gone = kind === "gone";
    return 0;
  }

  async write(bytes: Uint8Array): Promise<number> {
    if (this.#closed) throw closed();
    if (this.#gone) throw new Deno.errors.BrokenPipe("the service has closed the connection");
    return await this.#send("data", bytes);
  }

  async closeWrite(): Promise<void> {
    if (this.#finished || this.#closed) return;
    this.#finished = true;
    await this.#send("end").catch(() => {});
  }

  close(): void {
    if (this.#closed) return;
    if (this.#over && !this.#owner.isGone()) {
      void this.closeWrite().then(() => this.#owner.onOver("free"));
      this.#closed = true;
      return;
    }
    this.#closed = true;
    this.#owner.kill();
    this.#owner.onOver("killed");
  }

  /** Nothing waits in a pipe. */
  sendPromptly(): void {}

  /** There is nothing to prepare. */
  tuneForLongLife(): void {}

  /** Writes a frame after the one before. */
  #send(kind: "data" | "end", bytes: Uint8Array = NOTHING): Promise<number> {
    const sending = this.#writing.then(() => this.#frames.write(kind, bytes));
    this.#writing = sending;
    sending.catch(() => {});
    return sending;
  }
}
