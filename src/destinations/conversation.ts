import type { Stream } from "../net/stream.ts";

/** Most bytes of answers that are looked at in one check. */
export const ANSWER_LIMIT = 64 * 1024;

/** Thrown when a destination was connected but did not pass its check. */
export class CheckError extends Error {
  override readonly name = "CheckError";
}

/** A question and answer with a server, of which no more than {@linkcode ANSWER_LIMIT} is read. */
export class Conversation {
  readonly #conn: Stream;
  readonly #buffer = new Uint8Array(4096);
  /** What has arrived and was not asked for yet. */
  #rest = new Uint8Array();
  #read = 0;

  constructor(conn: Stream) {
    this.#conn = conn;
  }

  /** Sends all of the bytes, or a text. */
  async send(message: Uint8Array | string): Promise<void> {
    let bytes = typeof message === "string" ? new TextEncoder().encode(message) : message;
    while (bytes.length > 0) bytes = bytes.subarray(await this.#conn.write(bytes));
  }

  /**
   * Exactly so many bytes of the answer.
   *
   * @throws {CheckError} If there are fewer, or more than the limit is asked for.
   */
  async bytes(number: number): Promise<Uint8Array> {
    while (this.#rest.length < number) await this.#more();
    const bytes = this.#rest.subarray(0, number);
    this.#rest = this.#rest.subarray(number);
    return bytes;
  }

  /**
   * The next line of the answer, each byte as a character, without its end.
   *
   * @throws {CheckError} If there is no end of a line within the limit.
   */
  async line(): Promise<string> {
    for (let from = 0;;) {
      const end = this.#rest.indexOf(10, from);
      if (end !== -1) return latin1(await this.bytes(end + 1)).replace(/\r?\n$/, "");
      from = this.#rest.length;
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    if (this.#read >= ANSWER_LIMIT) throw new CheckError("its check got an answer without an end");
    const received = await this.#conn.read(this.#buffer);
    if (received === 0) {
      const what = this.#read === 0 ? "no answer" : "half an answer";
      throw new CheckError(`its check got ${what}: the connection was closed`);
    }
    this.#read += received;
    const bytes = new Uint8Array(this.#rest.length + received);
    bytes.set(this.#rest);
    bytes.set(this.#buffer.subarray(0, received), this.#rest.length);
    this.#rest = bytes;
  }
}

/** Each byte as a character. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
