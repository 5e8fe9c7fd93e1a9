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
  /** How many bytes of the message have come. */
  #length = 0;
  /** How many it has; 0 until that has come. */
  #size = 0;

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
    const length = lengthAt(bytes, at);
    const problem = problemWithRecord(bytes, { at, length });
    if (problem) return none("broken", problem);
    const to = at + RECORD_HEADER + length;
    if (bytes.length < to) {
      this.#needed = to;
      return undefined;
    }
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
    if (this.#size === 0) {
      const [type, ...size] = payloadOf(bytes, MESSAGE_HEADER);
      if (type !== CLIENT_HELLO) {
        return none("broken", `a message of type ${type} instead of a hello`);
      }
      this.#size = MESSAGE_HEADER + size.reduce((sum, byte) => sum * 256 + byte, 0);
    }
    const missing = this.#size - this.#length;
    if (missing > 0) {
      // How much of it comes next says the header of the next record.
      return this.#at + RECORD_HEADER + missing > LONGEST_HELLO ? TOO_LONG : undefined;
    }
    try {
      const body = payloadOf(bytes, this.#size).subarray(MESSAGE_HEADER);
      return { kind: "hello", hello: readMessage(body) };
    } catch (error) {
      if (error instanceof BrokenHello) return none("broken", error.message);
      throw error;
    }
  }
}

/** The first bytes of the message, from as many records: a view where one has them all. */
function payloadOf(bytes: Uint8Array, length: number): Uint8Array {
  let all: Uint8Array | undefined;
  for (let at = 0, filled = 0;; at += RECORD_HEADER + lengthAt(bytes, at)) {
    const from = at + RECORD_HEADER;
    const here = Math.min(lengthAt(bytes, at), length - filled);
    if (here === length) return bytes.subarray(from, from + here);
    all ??= new Uint8Array(length);
    // One by one: most such records have one byte or two.
    for (let i = 0; i < here; i++) all[filled++] = bytes[from + i]!;
    if (filled === length) return all;
  }
}

/** How long the record is that begins here. */
function lengthAt(bytes: Uint8Array, at: number): number {
  return bytes[at + 3]! * 256 + bytes[at + 4]!;
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
  const type = bytes[at];
  const major = bytes[at + 1];
  if (type !== HANDSHAKE) return `a record of type ${type} within the hello`;
  if (major !== VERSION_MAJOR) return `a record of version ${major}.${bytes[at + 2]}`;
  if (length === 0) return "a record without anything in it";
  if (length > LONGEST_RECORD) return `a record of ${length} bytes`;
  return undefined;
}

function none(why: WithoutHello, problem: string): HelloReading {
  return { kind: "none", why, problem };
}
