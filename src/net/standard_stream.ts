import { Socket } from "node:net";
import { sleep } from "../base/timer.ts";
import { type SocketAddress } from "./address.ts";
import { closed } from "./conduit.ts";
import { NOWHERE } from "./pipe.ts";
import type { Stream } from "./stream.ts";

/** How much is read at a time where the runtime only reads and writes descriptors. */
const CHUNK_BYTES = 64 * 1024;

/** How long it waits for a descriptor that does not, in milliseconds. */
const PAUSE_MS = 5;

/** Standard input and output as one connection, and when that is closed. */
export interface StandardStream {
  readonly stream: Stream;
  /** Resolves when whoever has the stream has closed it. */
  readonly closed: Promise<void>;
}

/**
 * Standard input and output as the connection to one client, as inetd, xinetd and systemd hand it over:
 * a socket of TCP or of the file system, or pipes.
 *
 * Before Deno 2.8 a descriptor is nothing but read and written: then a socket cannot be told that
 * nothing more comes before it is closed, which ends with the process, and who the client is can be
 * known only from the environment.
 *
 * @param known Who the client is, where the socket does not tell.
 */
export function openStandardStream(known: SocketAddress = NOWHERE): StandardStream {
  const { promise, resolve } = Promise.withResolvers<void>();
  const sockets = openSockets();
  const stream = sockets
    ? new DescriptorSockets(sockets, known, resolve)
    : new Descriptors(known, resolve);
  return { stream, closed: promise };
}

/** Standard input and output as sockets of the runtime; `undefined` if it has none for them. */
function openSockets(): { input: Socket; output: Socket } | undefined {
  const opened: Socket[] = [];
  try {
    // Each for one direction: both may be the same socket, and need not be.
    for (const fd of [0, 1]) {
      const how = { fd, readable: fd === 0, writable: fd === 1, allowHalfOpen: true };
      opened.push(
        new Socket({ ...how, manualStart: true } as ConstructorParameters<typeof Socket>[0]),
      );
    }
    const [input, output] = opened;
    return { input: input!, output: output! };
  } catch {
    return undefined;
  }
}

/** By the runtime's sockets. */
class DescriptorSockets implements Stream {
  readonly localAddress: SocketAddress;
  readonly remoteAddress: SocketAddress;
  readonly #input: Socket;
  readonly #output: Socket;
  readonly #onClose: () => void;
  /** What was read and not taken. */
  #left: Uint8Array = new Uint8Array();
  /** Whether the client has finished sending. */
  #ended = false;
  /** Why it cannot be used any more. */
  #error: Error | undefined;
  /** Ends the wait for something to read. */
  #wake: (() => void) | undefined;

  constructor(
    { input, output }: { input: Socket; output: Socket },
    known: SocketAddress,
    onClose: () => void,
  ) {
    this.#input = input;
    this.#output = output;
    this.#onClose = onClose;
    this.remoteAddress = endOf(input.remoteAddress, input.remotePort) ?? known;
    this.localAddress = endOf(input.localAddress, input.localPort) ?? NOWHERE;
    const wake = () => this.#wake?.();
    input.on("readable", wake).on("end", () => {
      this.#ended = true;
      wake();
    });
    for (const socket of [input, output]) {
      socket.on("error", (error) => {
        this.#error ??= error;
        wake();
      }).on("close", wake);
    }
  }

  async read(buffer: Uint8Array): Promise<number> {
    while (this.#left.length === 0) {
      if (this.#error) throw this.#error;
      const chunk: Uint8Array | null = this.#ended ? null : this.#input.read();
      if (chunk) this.#left = chunk;
      else if (this.#ended) return 0;
      else if (this.#input.destroyed) throw closed();
      else {
        await new Promise<void>((resolve) => this.#wake = resolve);
        this.#wake = undefined;
      }
    }
    const part = this.#left.subarray(0, buffer.length);
    buffer.set(part);
    this.#left = this.#left.subarray(part.length);
    return part.length;
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.#error) return Promise.reject(this.#error);
    return new Promise((resolve, reject) => {
      this.#output.write(bytes, (error) => error ? reject(error) : resolve(bytes.length));
    });
  }

  closeWrite(): Promise<void> {
    if (this.#error) return Promise.reject(this.#error);
    return new Promise((resolve) => this.#output.end(() => resolve()));
  }

  close(): void {
    this.#error ??= closed();
    this.#input.destroy();
    this.#output.destroy();
    this.#wake?.();
    this.#onClose();
  }

  sendPromptly(): void {
    this.#output.setNoDelay(true);
  }

  tuneForLongLife({ keepAlive }: { keepAlive: boolean }): void {
    this.#output.setNoDelay(true);
    if (keepAlive) this.#output.setKeepAlive(true);
  }
}

function endOf(hostname: string | undefined, port: number | undefined): SocketAddress | undefined {
  if (hostname === undefined || port === undefined) return undefined;
  return { transport: "tcp", hostname, port };
}

/** By nothing but reading and writing. */
class Descriptors implements Stream {
  readonly localAddress = NOWHERE;
  readonly remoteAddress: SocketAddress;
  readonly #onClose: () => void;
  /** What is read into, also after its end: the runtime cannot take a read back. */
  readonly #memory = new Uint8Array(CHUNK_BYTES);
  /** What was read and not taken, within that. */
  #left = this.#memory.subarray(0, 0);
  /** Resolves when nothing more is to be read. */
  readonly #finished = Promise.withResolvers<0>();
  /** Rejects when it is closed. */
  readonly #closing = Promise.withResolvers<never>();
  #isClosed = false;

  constructor(client: SocketAddress, onClose: () => void) {
    this.remoteAddress = client;
    this.#onClose = onClose;
    this.#closing.promise.catch(() => {});
  }

  async read(buffer: Uint8Array): Promise<number> {
    if (this.#left.length === 0) {
      const reading = this.#take();
      reading.catch(() => {});
      const number = await Promise.race([
        this.#finished.promise,
        this.#closing.promise,
        reading,
      ]);
      this.#left = this.#memory.subarray(0, number);
    }
    const part = this.#left.subarray(0, buffer.length);
    buffer.set(part);
    this.#left = this.#left.subarray(part.length);
    return part.length;
  }

  async write(bytes: Uint8Array): Promise<number> {
    if (this.#isClosed) throw closed();
    return await patiently(() => Deno.stdout.write(bytes));
  }

  /**
   * A socket cannot be told. Whoever is at its other end learns it when the process ends, for which the
   * session has to: nothing more is read.
   */
  closeWrite(): Promise<void> {
    if (isSocket()) this.#finished.resolve(0);
    else Deno.stdout.close();
    return Promise.resolve();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closing.reject(closed());
    this.#onClose();
  }

  /** There is nothing that could be set. */
  sendPromptly(): void {}

  /** The same. */
  tuneForLongLife(): void {}

  async #take(): Promise<number> {
    return await patiently(() => Deno.stdin.read(this.#memory)) ?? 0;
  }
}

/** Does it again where a descriptor does not wait by itself. */
async function patiently<T>(action: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      await sleep(PAUSE_MS);
    }
  }
}

/** Whether standard output is a socket; a runtime that does not tell has others for sockets. */
function isSocket(): boolean {
  try {
    return Deno.statSync("/dev/stdout").isSocket === true;
  } catch {
    return false;
  }
}
