import { sleep } from "../base/timer.ts";

/** How much is read at a time. */
const CHUNK_BYTES = 4096;

/** Most bytes that are read within a second: a process that writes more waits for that. */
const MOST_A_SECOND = 256 * 1024;

/** Most characters of a line; what is longer is several. */
const MAX_LINE = 1000;

/** What a process writes to its standard error, line by line, until it ends or is left alone. */
export class ErrorLines {
  /** Resolves when there is nothing more to come. */
  readonly over: Promise<void>;
  readonly #reader: ReadableStreamBYOBReader;
  readonly #tell: (line: string) => void;
  /** The beginning of a line. */
  #begun = "";
  /** Aborted when nobody is made to wait any more. */
  readonly #hurry = new AbortController();

  /** @param tell Takes each line, without its end; lines without anything are left out. */
  constructor(stream: ReadableStream<Uint8Array>, tell: (line: string) => void) {
    this.#reader = stream.getReader({ mode: "byob" });
    this.#tell = tell;
    this.over = this.#read();
  }

  /** Reads the rest as it comes: who has written it has ended. */
  hasten(): void {
    this.#hurry.abort();
  }

  /** Reads no more: somebody else may have what it is, and never end it. */
  leave(): void {
    this.hasten();
    this.#reader.cancel().catch(() => {});
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    const { signal } = this.#hurry;
    let memory = new ArrayBuffer(CHUNK_BYTES);
    let since = performance.now();
    let bytes = 0;
    try {
      for (;;) {
        const { value, done } = await this.#reader.read(new Uint8Array(memory));
        if (done || !value) break;
        this.#add(decoder.decode(value, { stream: true }));
        memory = value.buffer;
        bytes += value.length;
        if (bytes < MOST_A_SECOND) continue;
        // What nobody is told must not keep this program busy.
        await sleep(since + 1000 - performance.now(), { signal });
        since = performance.now();
        bytes = 0;
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
      this.#tell(this.#begun.slice(0, MAX_LINE));
      this.#begun = this.#begun.slice(MAX_LINE);
    }
  }

  #end(): void {
    this.#pass(this.#begun);
    this.#begun = "";
  }

  #pass(line: string): void {
    for (let rest = line.trimEnd(); rest !== ""; rest = rest.slice(MAX_LINE)) {
      this.#tell(rest.slice(0, MAX_LINE));
    }
  }
}
