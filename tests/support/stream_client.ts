import type { Stream } from "../../src/net/stream.ts";
import { until } from "./servers.ts";

/** Who talks over a stream in lines. */
export class StreamClient {
  /** What has come so far, unless it does not read. */
  text = "";
  /** Whether everything has come. */
  ended = false;
  readonly #stream: Stream;
  #reading: Promise<void> | undefined;
  /** There while it does not go on reading. */
  #pause: PromiseWithResolvers<void> | undefined;

  /** @param options.reads Whether it begins to read at once. */
  constructor(stream: Stream, { reads = true } = {}) {
    this.#stream = stream;
    if (reads) this.read();
  }

  /** Whole lines that have come so far. */
  get lines(): string[] {
    return this.text.split("\n").slice(0, -1);
  }

  /** Begins to read. */
  read(): void {
    this.#reading ??= this.#readAll();
  }

  /** Reads no more after the read under way, until {@linkcode resume}. */
  pause(): void {
    this.#pause ??= Promise.withResolvers();
  }

  resume(): void {
    this.#pause?.resolve();
    this.#pause = undefined;
  }

  /** Sends text; resolves when all of it was taken. */
  async send(text: string | Uint8Array): Promise<void> {
    let bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    while (bytes.length > 0) bytes = bytes.subarray(await this.#stream.write(bytes));
  }

  /** Finishes sending. */
  async end(): Promise<void> {
    await this.#stream.closeWrite();
  }

  /** Waits until a line has come. */
  async has(line: string | RegExp): Promise<void> {
    await until(() => {
      return this.lines.some((one) => typeof line === "string" ? one === line : line.test(one));
    }, `${line} has come; so far:\n${this.text.slice(-1000)}`);
  }

  /** Waits for the end of what comes. */
  async all(): Promise<string> {
    this.read();
    await this.#reading;
    return this.text;
  }

  close(): void {
    this.#stream.close();
  }

  async #readAll(): Promise<void> {
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(4096);
    try {
      for (let n = await this.#stream.read(buffer); n > 0; n = await this.#stream.read(buffer)) {
        this.text += decoder.decode(buffer.subarray(0, n), { stream: true });
        await this.#pause?.promise;
      }
    } catch {
      // It was closed.
    }
    this.ended = true;
  }
}
