import { isIP } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { after } from "../../base/timer.ts";
import type { Stream } from "../stream.ts";
import type { TlsOutTerms } from "./out_terms.ts";
import { StreamDuplex } from "./stream_duplex.ts";
import { WrappedStream } from "./wrapped.ts";

/** How long what was written last may take to get on its way after a close, in milliseconds. */
const LINGER_MS = 2000;

/**
 * Speaks TLS to a server by the client of Node.js, which can show a certificate and can leave out the
 * verification, needs Deno 2.8 and costs twice as much as the runtime's own. It frees everything when a
 * handshake is given up. The stream is used up, also if that fails.
 *
 * Whether a server was verified is left to it altogether: without a verification it does not even look
 * whether the server has the key of its certificate.
 *
 * @throws What it says of a handshake that has failed.
 * @throws The signal's reason, if it is aborted first.
 */
export function startByNode(
  stream: Stream,
  { name, own, insecure, roots, signal }: Omit<TlsOutTerms, "roots"> & {
    roots: string;
    signal: AbortSignal;
  },
): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const duplex = new StreamDuplex(stream, () => over.cut());
    const options = {
      socket: duplex,
      host: name,
      ...(isIP(name) === 0 && name !== "" && { servername: name }),
      ...(!insecure && { ca: roots }),
      ...own,
      rejectUnauthorized: !insecure,
      allowHalfOpen: true,
    };
    const socket = connect(options as ConnectionOptions);
    const over = new NodeTls(stream, socket, duplex);
    const settle = (how: () => void) => {
      signal.removeEventListener("abort", onAbort);
      over.onFailure = undefined;
      how();
    };
    const fail = (error: unknown) =>
      settle(() => {
        over.abort();
        reject(error);
      });
    const onAbort = () => fail(signal.reason);
    over.onFailure = fail;
    socket.once("secureConnect", () => {
      // It says so itself by an error; this is for a runtime that forgets to.
      if (!insecure && !socket.authorized) {
        fail(socket.authorizationError ?? new Error("not verified"));
      } else settle(() => resolve(over));
    });
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** A read that waits for something to read. */
interface Reader {
  readonly buffer: Uint8Array;
  resolve(number: number): void;
  reject(error: Error): void;
}

/** What is said over a socket of TLS of Node.js, after its handshake. */
export class NodeTls extends WrappedStream {
  /** Told of a failure as long as there is nobody who reads. */
  onFailure: ((error: Error) => void) | undefined;
  readonly #socket: TLSSocket;
  readonly #duplex: StreamDuplex;
  #reader: Reader | undefined;
  /** Whether the peer has said that nothing more comes. */
  #ended = false;
  /** Why nothing can be read or written any more. */
  #failure: Error | undefined;
  /** Ends writes that wait when it is closed. */
  readonly #broken = Promise.withResolvers<never>();
  #closed = false;
  #finished = false;

  constructor(below: Stream, socket: TLSSocket, duplex: StreamDuplex) {
    super(below);
    this.#socket = socket;
    this.#duplex = duplex;
    this.#broken.promise.catch(() => {});
    socket.on("readable", () => this.#serve());
    socket.on("end", () => {
      this.#ended = true;
      this.#serve();
    });
    socket.on("error", (error: Error) => this.#fail(error));
    duplex.on("error", (error: Error) => this.#fail(error));
    socket.on("close", () => this.#fail(closed()));
  }

  read(buffer: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#reader = { buffer, resolve, reject };
      this.#serve();
    });
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.#failure) return Promise.reject(this.#failure);
    const written = new Promise<number>((resolve, reject) => {
      this.#socket.write(bytes, (error) => error ? reject(error) : resolve(bytes.length));
    });
    return Promise.race([written, this.#broken.promise]);
  }

  closeWrite(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    this.#finished = true;
    const finished = new Promise<void>((resolve) => void this.#socket.end(() => resolve()));
    return Promise.race([finished, this.#broken.promise]);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const wasWhole = this.#failure === undefined;
    this.#fail(closed());
    if (!wasWhole || this.#finished) return this.abort();
    // The server is told that this is the end, unless it does not even read that.
    const timer = after(LINGER_MS, () => this.abort());
    this.#socket.end(() => {
      timer.stop();
      this.abort();
    });
  }

  /** Closes it without a word. */
  abort(): void {
    this.#socket.destroy();
    this.#duplex.destroy();
    this.below.close();
  }

  /** The connection below has ended: in order only if the peer has said so before. */
  cut(): void {
    setTimeout(() => {
      if (this.#ended || this.#socket.readableLength > 0) this.#cutLater = true;
      else this.#fail(new Deno.errors.UnexpectedEof("unexpected end of file"));
    }, 0);
  }

  /** Whether the end of the connection below is to be told after what is there to be read. */
  #cutLater = false;

  #serve(): void {
    const reader = this.#reader;
    if (!reader) return;
    const { buffer } = reader;
    const { readableLength } = this.#socket;
    const chunk: Uint8Array | null = readableLength > 0
      ? this.#socket.read(Math.min(buffer.length, readableLength))
      : this.#socket.read(0);
    if (chunk !== null && chunk.length > 0) {
      this.#reader = undefined;
      buffer.set(chunk);
      reader.resolve(chunk.length);
    } else if (this.#ended) {
      this.#reader = undefined;
      reader.resolve(0);
    } else if (this.#failure) {
      this.#reader = undefined;
      reader.reject(this.#failure);
    } else if (this.#cutLater) {
      this.#cutLater = false;
      this.cut();
    }
  }

  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#broken.reject(error);
    this.onFailure?.(error);
    this.#serve();
  }
}

function closed(): Error {
  return new Deno.errors.BadResource("the connection was closed");
}
