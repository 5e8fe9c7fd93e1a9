import { waitAtMost } from "./patience.ts";
import { after, type Timer } from "./timer.ts";

/** Where lines go in the end: a file, or a standard stream of the process. */
export interface ByteSink {
  write(bytes: Uint8Array): Promise<number>;
  /** Absent for the standard streams, which stay open to the end of the process. */
  close?(): void;
}

/** How long a line may wait for others before it is written, in milliseconds. */
const FLUSH_AFTER_MS = 50;

/** Buffered characters at which they are written without waiting. */
const FLUSH_AT = 64 * 1024;

/** Most buffered characters; further lines are dropped and counted. */
const LIMIT = 8 * 1024 * 1024;

/**
 * Writes lines to a file or stream in the background.
 *
 * `write` never waits and never throws: whoever logs must not be slowed down by a full disk or a
 * reader that has stopped. What cannot be written is dropped and counted.
 */
export class LineWriter {
  /** Lines that were dropped because the sink failed or did not keep up. */
  dropped = 0;
  readonly #sink: ByteSink;
  readonly #encoder = new TextEncoder();
  #lines: string[] = [];
  #chars = 0;
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /** Takes a line, without its line break. */
  write(line: string): void {
    if (this.#chars + line.length > LIMIT) {
      this.dropped++;
      return;
    }
    this.#lines.push(line);
    this.#chars += line.length + 1;
    if (this.#chars >= FLUSH_AT) this.#startWriting();
    else this.#timer ??= after(FLUSH_AFTER_MS, () => this.#startWriting());
  }

  /** Resolves when everything taken so far has been written or dropped. */
  async flush(): Promise<void> {
    while (this.#lines.length > 0 || this.#writing) {
      this.#startWriting();
      await this.#writing;
    }
  }

  /** Writes what is left, but waits no longer than the given time, and closes the sink. */
  async close(options: { patience: number }): Promise<void> {
    await waitAtMost(options.patience, this.flush());
    this.#timer?.stop();
    this.#sink.close?.();
  }

  #startWriting(): void {
    this.#timer?.stop();
    this.#timer = undefined;
    this.#writing ??= this.#writeAll().finally(() => this.#writing = undefined);
  }

  async #writeAll(): Promise<void> {
    while (this.#lines.length > 0) {
      const lines = this.#lines;
      this.#lines = [];
      this.#chars = 0;
      try {
        let bytes = this.#encoder.encode(lines.join("\n") + "\n");
        while (bytes.length > 0) bytes = bytes.subarray(await this.#sink.write(bytes));
      } catch {
        this.dropped += lines.length;
      }
    }
  }
}
