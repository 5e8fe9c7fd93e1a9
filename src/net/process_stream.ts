import { closed } from "./conduit.ts";
import { NOWHERE } from "./pipe.ts";
import type { ProcessEnd, Stream } from "./stream.ts";

/** How much is read from a process at a time, as a pipe holds. */
const CHUNK_BYTES = 64 * 1024;

export type { ProcessEnd };

/** What else there is to a {@linkcode ProcessStream}. */
export interface ProcessStreamOptions {
  /** Sees to the end of the process when the stream is closed, which kills it unless this is given. */
  onClose?(): void;
  /** Resolves when that has happened. */
  settled?: Promise<ProcessEnd | undefined>;
}

/** A process with pipes for its standard input and output. */
export type PipedProcess = Pick<Deno.ChildProcess, "pid" | "status" | "stdin" | "stdout" | "kill">;

/**
 * A connection to a process: what is written is its standard input, what is read its standard output,
 * and each can end before the other. It is killed when the stream is closed, unless it has ended.
 */
export class ProcessStream implements Stream {
  readonly localAddress = NOWHERE;
  readonly remoteAddress = NOWHERE;
  readonly ended: Promise<void>;
  readonly settled?: Promise<ProcessEnd | undefined>;
  readonly #process: PipedProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamBYOBReader;
  readonly #onClose: (() => void) | undefined;
  /** What is read into; the runtime has it while it reads. */
  #memory = new ArrayBuffer(CHUNK_BYTES);
  /** What was read and not taken, within that. */
  #left = new Uint8Array(0);
  /** Whether its output has ended before it was closed: then it ends by itself. */
  #isOver = false;
  /** Whether it has said something. */
  #answered = false;
  /** Whether it is to come to an end by itself. */
  #finishing = false;
  /** Whether the process has ended. */
  #gone = false;
  #closed = false;

  /** @param onEnd Told when the process has ended; without how, if it was killed by closing the stream. */
  constructor(
    process: PipedProcess,
    onEnd: (end: ProcessEnd | undefined) => void,
    { onClose, settled }: ProcessStreamOptions = {},
  ) {
    this.#process = process;
    this.#onClose = onClose;
    if (settled) this.settled = settled;
    this.#input = process.stdin.getWriter();
    this.#output = process.stdout.getReader({ mode: "byob" });
    // Whoever writes is told.
    this.#input.closed.catch(() => {});
    this.#output.closed.catch(() => {});
    // Waiting for it is what takes it out of the system's table.
    this.ended = process.status.then((status) => {
      this.#gone = true;
      onEnd(this.#closed && !this.#isOver ? undefined : status);
    });
  }

  get gone(): boolean {
    return this.#gone;
  }

  async read(buffer: Uint8Array): Promise<number> {
    if (this.#closed) throw closed();
    if (this.#left.length === 0) {
      const view = new Uint8Array(this.#memory, 0, Math.min(buffer.length, CHUNK_BYTES));
      const { value } = await this.#output.read(view);
      if (this.#closed) throw closed();
      if (!value || value.length === 0) {
        this.#isOver = true;
        return 0;
      }
      this.#memory = value.buffer;
      if (!this.#answered && this.#finishing) this.#kill("SIGTERM");
      this.#answered = true;
      this.#left = value;
    }
    const part = this.#left.subarray(0, buffer.length);
    buffer.set(part);
    this.#left = this.#left.subarray(part.length);
    return part.length;
  }

  async write(bytes: Uint8Array): Promise<number> {
    if (this.#closed) throw closed();
    await this.#input.write(bytes);
    return bytes.length;
  }

  async closeWrite(): Promise<void> {
    // One that has ended needs no end of its input.
    await this.#input.close().catch(() => {});
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#onClose) this.#kill("SIGKILL");
    this.#input.abort().catch(() => {});
    this.#output.cancel().catch(() => {});
    this.#onClose?.();
  }

  /**
   * Tells it by SIGTERM to come to an end. One that has not said anything may not listen to that yet,
   * and would be killed by it: it is told as soon as it has.
   */
  finish(): void {
    this.#finishing = true;
    if (this.#answered) this.#kill("SIGTERM");
  }

  /** Nothing waits in a pipe. */
  sendPromptly(): void {}

  /** There is nothing to prepare. */
  tuneForLongLife(): void {}

  #kill(signal: "SIGTERM" | "SIGKILL"): void {
    if (this.#gone) return;
    try {
      this.#process.kill(signal);
    } catch {
      // It has ended in this moment.
    }
  }
}
