import { type Address, isIp, isLocalhost } from "../net/address.ts";
import { connect } from "../net/connect.ts";
import { type AskingSocket, openAskingSocket } from "../net/datagram_socket.ts";
import { Dialer, type TcpAddress } from "../net/dial.ts";
import { systemNames } from "../net/names.ts";
import type { Stream } from "../net/stream.ts";
import { writeAll } from "../net/write_all.ts";
import { within } from "../async/within.ts";
import { sleep } from "../base/timer.ts";

/** How long nothing comes after which an answer is over that does not end in a line, in milliseconds. */
const QUIET_MS = 100;

/** Longest answer in bytes: what comes after it is the next one. */
const MAX_ANSWER = 65_535;

/** One talk with one server. */
export interface Conversation {
  /** Sends a message; resolves to the answer, or to why there is none. */
  ask(message: string, timeout: number): Promise<Uint8Array | "late" | "ended">;
  /** Sends bytes as they are. */
  write(bytes: Uint8Array): Promise<void>;
  /** Nothing more is sent. */
  end(): Promise<void>;
  /** What comes next, empty at the end; it is good until the next read. */
  read(buffer: Uint8Array): Promise<Uint8Array>;
  /** Ends what is read and written; more than once is once. */
  close(): void;
}

/** Opens one; rejects if that cannot be. */
export async function openConversation(
  { address, udp, timeout }: { address: Address; udp: boolean; timeout: number },
): Promise<Conversation> {
  const { signal } = new AbortController();
  const late = () => new Error(`no answer within ${timeout} ms`);
  return await within({ ms: timeout, signal, late }, async (signal) => {
    if (address.transport === "unix") {
      return new StreamTalk(await connect({ path: address.path }, { signal }));
    }
    if (udp) return new DatagramTalk(await openUdp(address));
    return new StreamTalk(
      await new Dialer(address).dial({ signal, timeout }),
    );
  });
}

async function openUdp(
  { hostname = "localhost", port }: Pick<TcpAddress, "hostname" | "port">,
): Promise<AskingSocket> {
  if (isLocalhost(hostname)) return openAskingSocket({ hostname: "127.0.0.1", port });
  if (isIp(hostname)) return openAskingSocket({ hostname, port });
  const { addresses } = await systemNames.lookUp(hostname);
  return openAskingSocket({ hostname: addresses[0]!, port });
}

class StreamTalk implements Conversation {
  readonly #stream: Stream;
  readonly #buffer = new Uint8Array(MAX_ANSWER);
  /** The read under way. */
  #reading: Promise<number> | undefined;

  constructor(stream: Stream) {
    this.#stream = stream;
    stream.sendPromptly();
  }

  async ask(message: string, timeout: number): Promise<Uint8Array | "late" | "ended"> {
    const writing = writeAll(this.#stream, new TextEncoder().encode(`${message}\n`));
    // Whether it arrives shows in the answer.
    writing.catch(() => {});
    let answer = new Uint8Array();
    for (let patience = timeout;; patience = QUIET_MS) {
      const number = await atMost(patience, this.#read());
      if (number === "late") return answer.length > 0 ? answer : "late";
      if (number === 0) return answer.length > 0 ? answer : "ended";
      answer = new Uint8Array([...answer, ...this.#buffer.subarray(0, number)]);
      if (answer.at(-1) === 10 || answer.length >= MAX_ANSWER) return answer;
    }
  }

  write(bytes: Uint8Array): Promise<void> {
    return writeAll(this.#stream, bytes);
  }

  end(): Promise<void> {
    return this.#stream.closeWrite();
  }

  async read(buffer: Uint8Array): Promise<Uint8Array> {
    return buffer.subarray(0, await this.#stream.read(buffer));
  }

  close(): void {
    this.#stream.close();
  }

  /** The read that is under way, or a new one; the end counts as a read, a failure does, too. */
  async #read(): Promise<number> {
    this.#reading ??= this.#stream.read(this.#buffer).catch(() => 0);
    const reading = this.#reading;
    const number = await reading;
    if (this.#reading === reading) this.#reading = undefined;
    return number;
  }
}

class DatagramTalk implements Conversation {
  readonly #socket: AskingSocket;
  readonly #buffer = new Uint8Array(MAX_ANSWER);
  #closed = false;

  constructor(socket: AskingSocket) {
    this.#socket = socket;
  }

  async ask(message: string, timeout: number): Promise<Uint8Array | "late"> {
    await this.#socket.send(new TextEncoder().encode(message));
    const receiving = this.#socket.receive(this.#buffer);
    receiving.catch(() => {});
    return await atMost(timeout, receiving);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#socket.send(bytes);
  }

  /** Nobody is told: datagrams have no end. */
  end(): Promise<void> {
    return Promise.resolve();
  }

  read(buffer: Uint8Array): Promise<Uint8Array> {
    return this.#socket.receive(buffer);
  }

  close(): void {
    // A socket that is closed twice throws.
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }
}

/** What comes within so many milliseconds. */
async function atMost<T>(ms: number, promise: Promise<T>): Promise<T | "late"> {
  const over = new AbortController();
  try {
    const late = sleep(ms, { signal: over.signal }).then(() => "late" as const);
    return await Promise.race([promise, late]);
  } finally {
    over.abort();
  }
}
