import { BrokenHello } from "./client_hello.ts";

/** Reads numbers and pieces with a length before them, as TLS writes them, one after the other. */
export class Cursor {
  readonly #bytes: Uint8Array;
  /** What it is, for messages. */
  readonly #what: string;
  #at = 0;

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  /** Whether nothing is left. */
  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /**
   * A number of so many bytes, the highest first.
   *
   * @throws {BrokenHello} If there are not as many.
   */
  number(size: 1 | 2 | 3): number {
    let value = 0;
    for (const byte of this.bytes(size)) value = value * 256 + byte;
    return value;
  }

  /**
   * The next bytes, as a view.
   *
   * @throws {BrokenHello} If there are not as many.
   */
  bytes(length: number): Uint8Array {
    const left = this.#bytes.length - this.#at;
    if (length > left) throw new BrokenHello(`${this.#what} ends too early`);
    return this.#bytes.subarray(this.#at, this.#at += length);
  }

  /**
   * A piece whose length stands before it, in so many bytes.
   *
   * @throws {BrokenHello} If it is not all there.
   */
  piece(size: 1 | 2 | 3): Uint8Array {
    return this.bytes(this.number(size));
  }

  /**
   * Nothing may be left.
   *
   * @throws {BrokenHello} If something is.
   */
  end(): void {
    if (!this.atEnd) throw new BrokenHello(`${this.#what} has more than it says`);
  }
}
