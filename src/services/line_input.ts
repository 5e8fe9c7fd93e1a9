import type { Stream } from "../net/stream.ts";

const LF = 10;
const CR = 13;

/** A line without its end. */
export interface Line {
  /** Good until the next read. */
  readonly bytes: Uint8Array;
  /** Whether it was longer, and only its beginning is there. */
  readonly cut: boolean;
}

/** What a client sends, as lines of which only so much is kept. */
export class LineInput {
  readonly #stream: Pick<Stream, "read">;
  readonly #most: number;
  readonly #buffer: Uint8Array;
  #start = 0;
  #end = 0;

  /** @param most Longest line in bytes. */
  constructor(stream: Pick<Stream, "read">, most: number) {
    this.#stream = stream;
    this.#most = most;
    // A line may end in CR LF.
    this.#buffer = new Uint8Array(most + 2);
  }

  /** How much has come of what is not read yet. */
  get buffered(): number {
    return this.#end - this.#start;
  }

  /** The next line; `undefined` at the end. What comes after the last line break is a line, too. */
  async line(): Promise<Line | undefined> {
    for (let seen = 0;;) {
      const at = this.#buffer.subarray(this.#start + seen, this.#end).indexOf(LF);
      if (at >= 0) return this.#take(seen + at, 1);
      seen = this.buffered;
      if (seen === this.#buffer.length) return await this.#takeCut();
      if (await this.#fill()) continue;
      return seen === 0 ? undefined : this.#take(seen, 0);
    }
  }

  /**
   * So many bytes that are next, without reading them; fewer at the end. Good until the next read.
   *
   * @param number At most what a line may have.
   */
  async peek(number: number): Promise<Uint8Array> {
    while (this.buffered < number) if (!await this.#fill()) break;
    return this.#buffer.subarray(this.#start, Math.min(this.#start + number, this.#end));
  }

  /** As many bytes, or the first of them if they are more than a line may have. */
  async exactly(number: number): Promise<Line | undefined> {
    const kept = Math.min(number, this.#most);
    while (this.buffered < kept) if (!await this.#fill()) return undefined;
    const bytes = this.#buffer.slice(this.#start, this.#start + kept);
    this.#start += kept;
    for (let left = number - kept; left > 0;) {
      if (this.buffered === 0 && !await this.#fill()) return undefined;
      const skipped = Math.min(left, this.buffered);
      this.#start += skipped;
      left -= skipped;
    }
    return { bytes, cut: number > kept };
  }

  #take(length: number, end: number): Line {
    const bytes = this.#buffer.subarray(this.#start, this.#start + length);
    this.#start += length + end;
    const line = bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes;
    return { bytes: line.subarray(0, this.#most), cut: line.length > this.#most };
  }

  /** The beginning of a line that is too long; the rest of it is skipped. */
  async #takeCut(): Promise<Line> {
    const bytes = this.#buffer.slice(this.#start, this.#start + this.#most);
    for (;;) {
      const at = this.#buffer.subarray(this.#start, this.#end).indexOf(LF);
      this.#start = at < 0 ? this.#end : this.#start + at + 1;
      if (at >= 0 || !await this.#fill()) return { bytes, cut: true };
    }
  }

  /** Reads more; `false` at the end. There has to be room. */
  async #fill(): Promise<boolean> {
    if (this.#start > 0) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    const number = await this.#stream.read(this.#buffer.subarray(this.#end));
    this.#end += number;
    return number > 0;
  }
}
