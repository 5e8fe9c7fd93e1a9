import { Socket } from "node:net";
import { sleep } from "../base/timer.ts";
import { closed } from "./conduit.ts";

/** How much is read at a time where the runtime only reads and writes descriptors. */
const CHUNK_BYTES = 64 * 1024;

/** How long it waits for a descriptor that does not, in milliseconds: at first, and at last. */
const FIRST_PAUSE_MS = 1;
const LAST_PAUSE_MS = 16;

/** What is read from. */
export interface Input {
  read(buffer: Uint8Array): Promise<number>;
  /** Nothing more is read: a read under way is the end. */
  end(): void;
  close(): void;
}

/** What is written to. */
export interface Output {
  write(bytes: Uint8Array): Promise<number>;
  /** Tells the other end that nothing more comes; `false` if that cannot be told. */
  finish(): Promise<boolean>;
  close(): void;
}

/** Takes bytes as they come, for those who read at their own pace. */
abstract class Buffered implements Input {
  /** What was read and not taken. */
  #left: Uint8Array = new Uint8Array();

  async read(buffer: Uint8Array): Promise<number> {
    if (this.#left.length === 0) this.#left = await this.next();
    const part = this.#left.subarray(0, buffer.length);
    buffer.set(part);
    this.#left = this.#left.subarray(part.length);
    return part.length;
  }

  /** The next bytes, none at the end; valid until it is called again. */
  protected abstract next(): Promise<Uint8Array>;
  abstract end(): void;
  abstract close(): void;
}

/** By a socket of the runtime. */
export class SocketInput extends Buffered {
  readonly #socket: Socket;
  #ended = false;
  /** Why nothing can be read any more. */
  #error: Error | undefined;
  /** Ends the wait for something to read. */
  #wake = () => {};

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    const wake = () => this.#wake();
    socket.on("readable", wake).on("close", wake);
    socket.on("end", () => this.end()).on("error", (error) => {
      this.#error ??= error;
      wake();
    });
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  close(): void {
    this.#error ??= closed();
    this.#socket.destroy();
    this.#wake();
  }

  protected async next(): Promise<Uint8Array> {
    for (;;) {
      if (this.#error) throw this.#error;
      if (this.#ended) return new Uint8Array();
      const chunk: Uint8Array | null = this.#socket.read();
      if (chunk) return chunk;
      if (this.#socket.destroyed) throw closed();
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}

/** Standard input by nothing but reading it. */
export class DescriptorInput extends Buffered {
  /** What is read into, also after the end: the runtime cannot take a read back. */
  readonly #memory = new Uint8Array(CHUNK_BYTES);
  readonly #ending = Promise.withResolvers<0>();
  readonly #closing = Promise.withResolvers<never>();

  constructor() {
    super();
    this.#closing.promise.catch(() => {});
  }

  end(): void {
    this.#ending.resolve(0);
  }

  close(): void {
    this.#closing.reject(closed());
  }

  protected async next(): Promise<Uint8Array> {
    const reading = patiently(async () => await Deno.stdin.read(this.#memory) ?? 0);
    reading.catch(() => {});
    const number = await Promise.race([this.#ending.promise, this.#closing.promise, reading]);
    return this.#memory.subarray(0, number);
  }
}

/**
 * Standard output, by nothing but writing to it: to Deno 2.9.6 an end that comes from the other side is
 * the end of what its sockets are writing (EPIPE), and a part of a long answer is lost.
 */
export class DescriptorOutput implements Output {
  /** The socket that it is as well, if it is one of TCP. */
  readonly #socket: Socket | undefined;
  #isClosed = false;

  constructor(socket: Socket | undefined) {
    this.#socket = socket;
  }

  async write(bytes: Uint8Array): Promise<number> {
    if (this.#isClosed) throw closed();
    return await patiently(() => Deno.stdout.write(bytes));
  }

  /** The runtime keeps standard output open to its end: only what is known to be a socket can be told. */
  finish(): Promise<boolean> {
    const socket = this.#socket;
    if (!socket) return Promise.resolve(false);
    return new Promise((resolve) => {
      socket.once("error", () => resolve(false));
      socket.end(() => resolve(true));
    });
  }

  close(): void {
    this.#isClosed = true;
  }
}

/** Standard input as a socket of the runtime; `undefined` if it is none, or the runtime has none for it. */
export function openSocket(): Socket | undefined {
  try {
    return new Socket({ fd: 0, readable: true, writable: true, allowHalfOpen: true });
  } catch {
    return undefined;
  }
}

/** Does it again where a descriptor does not wait by itself, more and more slowly. */
async function patiently(action: () => Promise<number>): Promise<number> {
  for (let pause = FIRST_PAUSE_MS;; pause = Math.min(2 * pause, LAST_PAUSE_MS)) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      await sleep(pause);
    }
  }
}
