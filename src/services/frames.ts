import type { Stream } from "../net/stream.ts";
import { writeAll } from "../net/write_all.ts";

/**
 * What a frame says: a session begins, bytes, nothing more comes, nothing more is taken either; a
 * session of datagrams begins, of which each is a frame.
 */
export type FrameKind = "open" | "data" | "end" | "gone" | "exchange";

const KINDS: readonly FrameKind[] = ["open", "data", "end", "gone", "exchange"];

const NOTHING = new Uint8Array(0);

/** A byte for the kind, three for the length of what follows. */
const HEADER_BYTES = 4;

/** Longest piece of one frame; no datagram is longer. */
const PIECE_BYTES = 64 * 1024;

/** What frames are written to and read from. */
export type RawStream = Pick<Stream, "read" | "write">;

/**
 * Sessions that follow each other on one pair of pipes: what is sent in a session has a header before
 * it, so that its end is not that of the pipes.
 *
 * There is at most one read and one write at a time.
 */
export class Frames {
  readonly #raw: RawStream;
  readonly #header = new Uint8Array(HEADER_BYTES);
  readonly #output = new Uint8Array(HEADER_BYTES + PIECE_BYTES);
  /** Bytes of the current frame that were not read yet. */
  #left = 0;

  constructor(raw: RawStream) {
    this.#raw = raw;
  }

  /** Writes a frame with the beginning of the bytes, and tells how many these are. */
  async write(kind: FrameKind, bytes: Uint8Array = NOTHING): Promise<number> {
    const piece = bytes.subarray(0, PIECE_BYTES);
    new DataView(this.#output.buffer).setUint32(0, KINDS.indexOf(kind) * 2 ** 24 + piece.length);
    this.#output.set(piece, HEADER_BYTES);
    await writeAll(this.#raw, this.#output.subarray(0, HEADER_BYTES + piece.length));
    return piece.length;
  }

  /**
   * Reads the kind of the next frame, or what is left of the one before: then it is `data` again.
   * `undefined` at the end of the pipe.
   */
  async next(): Promise<FrameKind | undefined> {
    if (this.#left > 0) return "data";
    for (let read = 0; read < HEADER_BYTES;) {
      const number = await this.#raw.read(this.#header.subarray(read));
      if (number === 0) return undefined;
      read += number;
    }
    const word = new DataView(this.#header.buffer).getUint32(0);
    this.#left = word % 2 ** 24;
    return KINDS[Math.floor(word / 2 ** 24)];
  }

  /** Reads bytes of the current frame; 0 if there are none, or the pipe has ended. */
  async read(buffer: Uint8Array): Promise<number> {
    if (this.#left === 0) return 0;
    const number = await this.#raw.read(buffer.subarray(0, this.#left));
    this.#left -= number;
    return number;
  }

  /** Reads all that is left of the current frame; `undefined` if the pipe has ended before. */
  async readAll(buffer: Uint8Array): Promise<number | undefined> {
    let read = 0;
    while (this.#left > 0) {
      const number = await this.read(buffer.subarray(read));
      if (number === 0) return undefined;
      read += number;
    }
    return read;
  }
}
