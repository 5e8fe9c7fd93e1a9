import { sleep } from "../base/timer.ts";

/** How much is read at a time. */
const CHUNK_BYTES = 4096;

/** Most characters of a line; what is longer is several. */
const MAX_LINE = 1000;

/** Who learns what a process writes to its standard error. */
export interface ErrorReader {
  /** Takes each line, without its end; lines without anything are left out. */
  tell(line: string): void;
  /** How long nothing is read after so many bytes, in milliseconds; whoever writes more has to wait. */
  pauseAfter?(bytes: number): number;
}

/** What a process writes to its standard error, line by line, until it ends or is left alone. */
export class ErrorLines {
  /** Resolves when there is nothing more to come. */
  readonly over: Promise<void>;
  readonly #reader: ReadableStreamBYOBReader;
  readonly #to: ErrorReader;
  readonly #leaving = new AbortController();
  /** The beginning of a line. */
  #begun = "";

  constructor(stream: ReadableStream<Uint8Array>, to: ErrorReader) {
    this.#reader = stream.getReader({ mode: "byob" });
    this.#to = to;
    this.over = this.#read();
  }

  /** Reads no more: somebody else may have what it is, and never end it. */
  leave(): void {
    this.#leaving.abort();
    this.#reader.cancel().catch(() => {});
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let memory = new ArrayBuffer(CHUNK_BYTES);
    try {
      for (;;) {
        const { value, done } = await this.#reader.read(new Uint8Array(memory));
        if (done || !value) break;
        this.#add(decoder.decode(value, { stream: true }));
        memory = value.buffer;
        const pause = this.#to.pauseAfter?.(value.length) ?? 0;
        if (pause > 0) await sleep(pause, this.#leaving);
      }
    } catch {
      // Nothing more can be read of it.
    }
    this.#end();
  }

  #add(text: string): void {
    const lines = (this.#begun + text).split("\n");
    this.#begun = lines.pop()!;
    for (const line of lines) this.#pass(line);
    while (this.#begun.length > MAX_LINE) {
      this.#to.tell(this.#begun.slice(0, MAX_LINE));
      this.#begun = this.#begun.slice(MAX_LINE);
    }
  }

  #end(): void {
    this.#pass(this.#begun);
    this.#begun = "";
  }

  #pass(line: string): void {
    for (let rest = line.trimEnd(); rest !== ""; rest = rest.slice(MAX_LINE)) {
      this.#to.tell(rest.slice(0, MAX_LINE));
    }
  }
}
