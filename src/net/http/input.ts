import { BadRequest, type Framing, MAX_HEAD } from "./head.ts";

const CR = 13;
const LF = 10;

/** Longest line before a chunk, and all fields after the last one, in bytes. */
const MAX_CHUNK_LINE = 256;
const MAX_TRAILER = 4096;

/** Reads into the buffer; 0 at the end. */
export type Read = (buffer: Uint8Array) => Promise<number>;

/** What a connection brings, of which only so much is kept. */
export class HttpInput {
  readonly #source: Read;
  readonly #buffer = new Uint8Array(MAX_HEAD);
  #start = 0;
  #end = 0;
  /** The read under way: there is never more than one. */
  #reading: Promise<number> | undefined;

  constructor(source: Read) {
    this.#source = source;
  }

  /** Bytes that were read and not used. */
  get buffered(): number {
    return this.#end - this.#start;
  }

  /**
   * The head of the next request, with its empty line; it is good until the next read. `undefined`
   * if the input ends before it.
   *
   * @param options.onBegin Called when there is something of it.
   * @throws {BadRequest} If it is too large or has a line that ends without CR.
   */
  async head({ onBegin }: { onBegin(): void }): Promise<Uint8Array | undefined> {
    if (!await this.#skipEmptyLine(onBegin)) return undefined;
    let length = 0;
    let line = 0;
    for (;;) {
      for (; length < this.buffered; length++) {
        const at = this.#start + length;
        if (this.#buffer[at] !== LF) continue;
        if (length === 0 || this.#buffer[at - 1] !== CR) throw lineWithoutCr();
        if (length - line === 1) return this.#take(length + 1);
        line = length + 1;
      }
      if (length === MAX_HEAD) throw new BadRequest("the head is too large", 431);
      if (!await this.#fill()) return undefined;
    }
  }

  /** Some bytes, at most so many; `undefined` at the end. */
  async some(most: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.buffered === 0 && !await this.#fill()) return undefined;
    return this.#take(Math.min(most, this.buffered)).slice();
  }

  /**
   * A line without its end.
   *
   * @throws {BadRequest} If it is longer, ends without CR, or the input ends before it.
   */
  async line(most: number): Promise<string> {
    let length = 0;
    for (;;) {
      for (; length < this.buffered; length++) {
        const at = this.#start + length;
        if (this.#buffer[at] !== LF) continue;
        if (length === 0 || this.#buffer[at - 1] !== CR) throw lineWithoutCr();
        if (length - 1 > most) break;
        return String.fromCharCode(...this.#take(length + 1).subarray(0, -2));
      }
      // Its end may still be missing.
      if (length >= most + 2) throw new BadRequest("a line of the body is too long");
      if (!await this.#fill()) throw new BadRequest("the body has no end");
    }
  }

  /** Reads and forgets, at most so many bytes, until the input ends. */
  async discard(most: number): Promise<void> {
    // A read may be under way for a body that nobody wants any more.
    await this.#reading?.catch(() => {});
    for (let left = most; left > 0;) {
      left -= this.buffered;
      this.#start = this.#end = 0;
      if (!await this.#fill()) return;
    }
  }

  /** A client may send an empty line after the body of the request before. */
  async #skipEmptyLine(onBegin: () => void): Promise<boolean> {
    while (this.buffered === 0) if (!await this.#fill()) return false;
    onBegin();
    if (this.#buffer[this.#start] !== CR) return true;
    while (this.buffered < 2) if (!await this.#fill()) return false;
    if (this.#buffer[this.#start + 1] === LF) this.#take(2);
    while (this.buffered === 0) if (!await this.#fill()) return false;
    return true;
  }

  #take(length: number): Uint8Array {
    this.#start += length;
    return this.#buffer.subarray(this.#start - length, this.#start);
  }

  /** Reads more; `false` at the end. There has to be room. */
  async #fill(): Promise<boolean> {
    if (this.#start > 0) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    this.#reading = this.#source(this.#buffer.subarray(this.#end));
    try {
      const number = await this.#reading;
      this.#end += number;
      return number > 0;
    } finally {
      this.#reading = undefined;
    }
  }
}

/** The body of a request, read only when somebody wants it. */
export class HttpBody {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #input: HttpInput;
  readonly #chunked: boolean;
  /** Bytes left of the body, or of the chunk. */
  #left: number;
  #ended: boolean;
  #firstChunk = true;

  /** @param onWanted Called once, before the first read. */
  constructor(
    input: HttpInput,
    { framing, onWanted }: { framing: Framing; onWanted(): Promise<void> },
  ) {
    this.#input = input;
    this.#chunked = framing.kind === "chunked";
    this.#left = framing.kind === "length" ? framing.length : 0;
    this.#ended = !this.#chunked && this.#left === 0;
    let wanted = false;
    this.stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: async (controller) => {
        if (!wanted) await onWanted();
        wanted = true;
        const bytes = await this.#next();
        if (bytes) controller.enqueue(bytes);
        else controller.close();
      },
    }, { highWaterMark: 0 });
  }

  /** Whether all of it was read, so that what follows is the next request. */
  get ended(): boolean {
    return this.#ended;
  }

  async #next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#chunked && this.#left === 0 && !this.#ended) await this.#beginChunk();
    if (this.#ended) return undefined;
    const bytes = await this.#input.some(this.#left);
    if (!bytes) throw new BadRequest("the body has no end");
    this.#left -= bytes.length;
    if (this.#left === 0 && !this.#chunked) this.#ended = true;
    return bytes;
  }

  async #beginChunk(): Promise<void> {
    if (!this.#firstChunk && await this.#input.line(0) !== "") {
      throw new BadRequest("a chunk of the body is longer than it says");
    }
    this.#firstChunk = false;
    const line = await this.#input.line(MAX_CHUNK_LINE);
    const [, size] = /^([\dA-Fa-f]{1,8})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?$/.exec(line) ?? [];
    if (size === undefined) throw new BadRequest("the length of a chunk is malformed");
    this.#left = parseInt(size, 16);
    if (this.#left > 0) return;
    for (let left = MAX_TRAILER;;) {
      const field = await this.#input.line(left);
      if (field === "") break;
      left -= field.length + 2;
      if (left < 0) throw new BadRequest("the trailer is too large", 431);
    }
    this.#ended = true;
  }
}

function lineWithoutCr(): BadRequest {
  return new BadRequest("a line ends without CR");
}
