import { randomBytes, TestServer, writeAll } from "./servers.ts";

/** Bytes of the head of a message: who sends, its number, how many bytes follow, a checksum. */
const HEAD = 16;
const MAGIC = 0x1a91b;

/** Bytes without a pattern, twice, so that those from any place in the first half are in one piece. */
const PERIOD = 65_521;
const STREAM = randomBytes(2 * PERIOD);
STREAM.copyWithin(PERIOD, 0, PERIOD);

/** Which side sends a message. */
type Side = 1 | 2;

interface Head {
  id: number;
  number: number;
  length: number;
}

/** Where the bytes of a message begin in the stream: different ones begin at different places. */
function beginOf({ id, number }: Head, side: Side): number {
  return (id * 7919 + number * 104_729 + side * 31_337) % PERIOD;
}

/** A whole message: its head and the bytes that only this message has in this order. */
export function message(head: Head, side: Side): Uint8Array<ArrayBuffer> {
  const { id, number, length } = head;
  const bytes = new Uint8Array(HEAD + length);
  const view = new DataView(bytes.buffer);
  [id, number, length, id ^ number ^ length ^ MAGIC ^ side].forEach((word, i) => {
    view.setUint32(4 * i, word);
  });
  const begin = beginOf(head, side);
  for (let at = 0; at < length; at += PERIOD) {
    const piece = Math.min(PERIOD, length - at);
    bytes.set(STREAM.subarray(begin, begin + piece), HEAD + at);
  }
  return bytes;
}

/** Reads messages and checks each of their bytes. */
export class Checker {
  readonly #conn: Deno.Conn;
  readonly #side: Side;
  readonly #buffer = new Uint8Array(64 * 1024);
  #there = this.#buffer.subarray(0, 0);

  /** @param side Who sends. */
  constructor(conn: Deno.Conn, side: Side) {
    this.#conn = conn;
    this.#side = side;
  }

  /** The head of the next message, all of which was right; `null` at the end between two. */
  async next(): Promise<Head | null> {
    const bytes = new Uint8Array(HEAD);
    for (let at = 0; at < HEAD;) {
      if (!await this.#more()) {
        if (at === 0) return null;
        throw new Error(`the end after ${at} bytes of a head`);
      }
      const piece = this.#take(HEAD - at);
      bytes.set(piece, at);
      at += piece.length;
    }
    const view = new DataView(bytes.buffer);
    const [id, number, length, sum] = [0, 4, 8, 12].map((at) => view.getUint32(at)) as [
      ...[number, number, number, number],
    ];
    if ((id ^ number ^ length ^ MAGIC ^ this.#side) >>> 0 !== sum) {
      throw new WrongBytes(`this is no head: ${bytes}`);
    }
    const head = { id, number, length };
    for (let at = 0; at < length;) {
      if (!await this.#more()) throw new Error(`the end after ${at} of ${length} bytes`);
      const piece = this.#take(Math.min(length - at, PERIOD - at % PERIOD));
      const begin = beginOf(head, this.#side) + at % PERIOD;
      for (let i = 0; i < piece.length; i++) {
        if (piece[i] === STREAM[(begin + i) % PERIOD]) continue;
        throw new WrongBytes(`byte ${at + i} of message ${number} of ${id} is another`);
      }
      at += piece.length;
    }
    return head;
  }

  /** Whether there is anything to take, waiting for it. */
  async #more(): Promise<boolean> {
    if (this.#there.length > 0) return true;
    const n = await this.#conn.read(this.#buffer);
    this.#there = this.#buffer.subarray(0, n ?? 0);
    return n !== null;
  }

  #take(most: number): Uint8Array {
    const taken = this.#there.subarray(0, most);
    this.#there = this.#there.subarray(taken.length);
    return taken;
  }
}

/** Bytes came that nobody sent there. */
export class WrongBytes extends Error {
  override readonly name = "WrongBytes";
}

/** A destination that checks every byte and answers each message with one of its own. */
export class CheckingServer extends TestServer {
  /** What must not have been. */
  readonly wrong: string[] = [];
  /** Messages that came whole, by who sent them. */
  readonly received = new Map<number, number>();

  constructor() {
    super(async (conn) => {
      const checker = new Checker(conn, 1);
      let first: number | undefined;
      try {
        for (let expected = 0;; expected++) {
          const head = await checker.next();
          if (!head) break;
          first ??= head.id;
          if (head.id !== first) this.wrong.push(`${head.id} is in the session of ${first}`);
          if (head.number !== expected) {
            this.wrong.push(`message ${head.number} of ${head.id} came instead of ${expected}`);
          }
          if (expected === 0 && this.received.has(head.id)) {
            this.wrong.push(`${head.id} came again`);
          }
          this.received.set(head.id, expected + 1);
          // An answer of another length than the question, so that no echo passes for one.
          await writeAll(conn, message({ ...head, length: answerLength(head.length) }, 2));
        }
        await conn.closeWrite();
      } catch (error) {
        if (error instanceof WrongBytes) this.wrong.push(error.message);
        else throw error;
      }
    });
  }
}

/** How long the answer to a message of this length is. */
export function answerLength(length: number): number {
  return (length * 3 + 1000) % 100_000;
}
