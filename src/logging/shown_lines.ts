import type { ByteSink } from "../base/byte_sink.ts";
import { LineWriter, type LineWriterOptions } from "./line_writer.ts";

/** Characters that are taken until the reader has to have taken them. */
const AHEAD = 64 * 1024;

/** Lines on standard output whose source waits for whoever reads them. */
export class ShownLines {
  readonly #open: () => ByteSink;
  readonly #options: LineWriterOptions;
  /** There once there is something to show. */
  #writer: LineWriter | undefined;
  /** Characters that were taken since the reader had all. */
  #taken = 0;
  /** Until the reader has all of them. */
  #flushing: Promise<void> | undefined;

  /** @param open Where they go. */
  constructor(open: () => ByteSink, options: LineWriterOptions) {
    this.#open = open;
    this.#options = options;
  }

  /** Shows a line, or several; resolves when there is room for more. */
  async show(lines: string): Promise<void> {
    while (this.#flushing) await this.#flushing;
    const writer = this.#writer ??= new LineWriter(this.#open(), this.#options);
    writer.write(lines);
    this.#taken += lines.length;
    if (this.#taken < AHEAD) return;
    this.#taken = 0;
    this.#flushing = writer.flush().finally(() => this.#flushing = undefined);
    await this.#flushing;
  }

  async flush(): Promise<void> {
    await this.#writer?.flush();
  }

  /** Writes what is left, but waits no longer than the given time, in milliseconds. */
  async close(options: { patience: number }): Promise<void> {
    await this.#writer?.close(options);
  }
}
