import { shownBytes } from "../shown_bytes.ts";
import {
  BrokenHello,
  type HelloReading,
  LONGEST_HELLO,
  type WithoutHello,
} from "./client_hello.ts";
import { readMessage } from "./message.ts";

/** What a record of TLS has to be that a ClientHello stands in. */
const HANDSHAKE = 22;
const VERSION_MAJOR = 3;
const RECORD_HEADER = 5;
/** Most bytes of a record (RFC 8446, 5.1). */
const LONGEST_RECORD = 2 ** 14;

const CLIENT_HELLO = 1;
const MESSAGE_HEADER = 4;

const MORE: HelloReading = { kind: "more" };
const TOO_LONG = none("long", "a hello of more than 64 KiB");

/**
 * Reads the ClientHello at the beginning of a connection, in however many records and reads it comes.
 *
 * It keeps where it is, so that bytes that come one by one cost no more than those that come together.
 */
export class HelloReader {
  /** Where the next record begins. */
  #at = 0;
  /** How many bytes have to have come for the next step. */
  #needed = 1;
  /** Where in the connection the pieces of the message stand, a piece a record. */
  readonly #pieces: { readonly from: number; readonly to: number }[] = [];
  /** How long these are together. */
  #length = 0;

  /**
   * Goes on, and tells what has come of it.
   *
   * @param bytes All that has come of the connection, from its first byte on.
   */
  read(bytes: Uint8Array): HelloReading {
    while (bytes.length >= this.#needed) {
      const reading = this.#step(bytes);
      if (reading) return reading;
      if (this.#needed > LONGEST_HELLO) return TOO_LONG;
    }
    return MORE;
  }

  /** Reads what is needed, and says how much is needed next, unless it is over. */
  #step(bytes: Uint8Array): HelloReading | undefined {
    if (this.#needed <= 3 && this.#at === 0) {
      const other = this.#otherThanTls(bytes);
      if (other || this.#needed > bytes.length) return other;
    }
    const at = this.#at;
    if (bytes.length < at + RECORD_HEADER) {
      this.#needed = at + RECORD_HEADER;
      return undefined;
    }
    const length = bytes[at + 3]! * 256 + bytes[at + 4]!;
    const problem = problemWithRecord(bytes, { at, length });
    if (problem) return none("broken", problem);
    const from = at + RECORD_HEADER;
    const to = from + length;
    if (bytes.length < to) {
      this.#needed = to;
      return undefined;
    }
    this.#pieces.push({ from, to });
    this.#length += length;
    this.#at = to;
    this.#needed = to + RECORD_HEADER;
    return this.#length < MESSAGE_HEADER ? undefined : this.#message(bytes);
  }

  /** Whether the first bytes are something else; it may take three of them to know that. */
  #otherThanTls(bytes: Uint8Array): HelloReading | undefined {
    const [first, , third] = bytes;
    if (first === HANDSHAKE) return undefined;
    if (first! < 0x80) return none("plain", notTls(bytes));
    this.#needed = 3;
    if (bytes.length < 3) return undefined;
    return third === CLIENT_HELLO ? none("ssl2", "a hello of SSL 2") : none("plain", notTls(bytes));
  }

  /** Reads the message, once all of it has come. */
  #message(bytes: Uint8Array): HelloReading | undefined {
    const [type, ...size] = this.#bytesOf(bytes, MESSAGE_HEADER);
    if (type !== CLIENT_HELLO) {
      return none("broken", `a message of type ${type} instead of a hello`);
    }
    const length = MESSAGE_HEADER + size.reduce((sum, byte) => sum * 256 + byte, 0);
    const missing = length - this.#length;
    if (missing > 0) {
      // How much of it comes next says the header of the next record.
      return this.#at + RECORD_HEADER + missing > LONGEST_HELLO ? TOO_LONG : undefined;
    }
    try {
      const body = this.#bytesOf(bytes, length).subarray(MESSAGE_HEADER);
      return { kind: "hello", hello: readMessage(body) };
    } catch (error) {
      if (error instanceof BrokenHello) return none("broken", error.message);
      throw error;
    }
  }

  /** So many bytes of the message: a view where they stand together. */
  #bytesOf(bytes: Uint8Array, length: number): Uint8Array {
    const [first] = this.#pieces;
    if (first!.to - first!.from >= length) {
      return bytes.subarray(first!.from, first!.from + length);
    }
    const all = new Uint8Array(length);
    let filled = 0;
    for (const { from, to } of this.#pieces) {
      const end = Math.min(to, from + length - filled);
      all.set(bytes.subarray(from, end), filled);
      filled += end - from;
      if (filled === length) break;
    }
    return all;
  }
}

/** What came in the place of TLS; the usual mistake by its name. */
function notTls(bytes: Uint8Array): string {
  const shown = shownBytes(bytes);
  const isHeader = /^"(PROXY |\\x0d\\x0a\\x0d\\x0a\\x00)/.test(shown);
  return `no TLS, it begins with ${shown}${
    isHeader ? ", a PROXY header: --accept-proxy does not name it" : ""
  }`;
}

/** What is wrong with the header of a record. */
function problemWithRecord(
  bytes: Uint8Array,
  { at, length }: { at: number; length: number },
): string | undefined {
  const [type, major] = bytes.subarray(at, at + 2);
  if (type !== HANDSHAKE) return `a record of type ${type} within the hello`;
  if (major !== VERSION_MAJOR) return `a record of version ${major}.${bytes[at + 2]}`;
  if (length === 0) return "a record without anything in it";
  if (length > LONGEST_RECORD) return `a record of ${length} bytes`;
  return undefined;
}

function none(why: WithoutHello, problem: string): HelloReading {
  return { kind: "none", why, problem };
}
