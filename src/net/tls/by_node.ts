import { isIP } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { after, type Timer } from "../../base/timer.ts";
import type { Stream } from "../stream.ts";
import type { TlsOutTerms } from "./out_terms.ts";
import { LastWord } from "./last_word.ts";
import { PIECE_BYTES, StreamDuplex } from "./stream_duplex.ts";
import { trust } from "./trust.ts";
import { WrappedStream } from "./wrapped.ts";

/** How long what was written last may take to get on its way after a close, in milliseconds. */
const LINGER_MS = 2000;

/**
 * How often it is looked for the end that a peer has told, once the connection has ended and all was
 * read, and how many milliseconds lie between: nothing but turns of the event loop is waited for.
 */
const LOOKS = 10;
const LOOK_MS = 5;

/**
 * Speaks TLS to a server by the client of Node.js, which can show a certificate and can leave out the
 * verification, needs Deno 2.8 and costs twice as much as the runtime's own. It frees everything when a
 * handshake is given up. The stream is used up, also if that fails.
 *
 * A server is verified once the handshake is over, before anything else is said: see {@linkcode trust}.
 *
 * @throws What it says of a handshake that has failed, or what is wrong with the server.
 * @throws The signal's reason, if it is aborted first.
 */
export function startByNode(
  stream: Stream,
  { name, own, insecure, roots, from, signal }: Omit<TlsOutTerms, "roots"> & {
    roots: string;
    from: string;
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
      rejectUnauthorized: false,
      allowHalfOpen: true,
    };
    const socket = connect(options as ConnectionOptions);
    const over = new NodeTls(stream, socket, { duplex, mustAnswer: true });
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
      try {
        if (!insecure) trust(socket, { name, roots, from });
        settle(() => resolve(over));
      } catch (error) {
        fail(error);
      }
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
  /** The connection below, as the socket has it. */
  readonly #duplex: StreamDuplex;
  readonly #lastWord: LastWord;
  /** How many bytes were read. */
  #read = 0;
  /** Who waits for something to read. */
  #reader: Reader | undefined;
  /** Whether the peer has said that nothing more comes. */
  #ended = false;
  /** Why nothing can be read or written any more. */
  #failure: Error | undefined;
  /** Ends the latest write, if it still waits. */
  #reject: ((error: Error) => void) | undefined;
  /** Whether the connection below has ended, which is to be looked at after what is there to be read. */
  #isCut = false;
  /** Whether it was closed here. */
  #closed = false;
  /** Runs while what was written last is on its way after a close. */
  #linger: Timer | undefined;
  /** Whether the peer was told that nothing more comes. */
  #finished = false;

  constructor(
    below: Stream,
    socket: TLSSocket,
    { duplex, mustAnswer }: { duplex: StreamDuplex; mustAnswer: boolean },
  ) {
    super(below);
    this.#lastWord = new LastWord({ mustAnswer });
    this.#socket = socket;
    this.#duplex = duplex;
    duplex.isFull = () => {
      const { readableLength } = socket;
      return readableLength > 0 && readableLength + PIECE_BYTES >= socket.readableHighWaterMark;
    };
    duplex.said = () => this.#read + socket.readableLength;
    socket.on("readable", () => this.#serve());
    socket.on("end", () => {
      this.#ended = true;
      this.#serve();
    });
    socket.on("error", (error: Error) => this.#fail(error));
    // What is wrong with TLS after the handshake is said by this alone where there is no server around it:
    // whatever came from then on would be kept, and nobody would know.
    socket.on("_tlsError" as "error", (error: Error) => this.#fail(error));
    duplex.on("error", (error: Error) => this.#fail(error));
    socket.on("close", () => {
      this.#fail(closed());
      this.#linger?.stop();
    });
  }

  read(buffer: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#reader = { buffer, resolve, reject };
      this.#serve();
    });
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#told((done) => this.#socket.write(bytes, done)).then(() => bytes.length);
  }

  async closeWrite(): Promise<void> {
    this.#finished = true;
    this.#lastWord.tell();
    await this.#told((done) => this.#socket.end(done));
    await this.#duplex.flushed();
  }

  /** What the peer is told; rejects when nothing can be any more, also if nobody says so. */
  #told(tell: (done: (error?: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      this.#reject = reject;
      tell((error) => error ? reject(error) : resolve());
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const wasWhole = this.#failure === undefined;
    this.#fail(closed());
    if (!wasWhole || this.#finished) return this.abort();
    // The server is told that this is the end, unless it does not even read that.
    this.#linger = after(LINGER_MS, () => this.abort());
    const end = () => this.abort();
    this.#socket.end(() => this.#duplex.flushed().then(end, end));
  }

  /** Closes it without a word. */
  abort(): void {
    this.#linger?.stop();
    this.#socket.destroy();
    this.#duplex.destroy();
    this.below.close();
  }

  /** The connection below has ended: in order only if the peer has said so before. */
  cut(): void {
    this.#lookForEnd(LOOKS);
  }

  /** What the peer has said last is heard some turns later if the reader was slower than the peer. */
  #lookForEnd(looks: number): void {
    if (this.#failure || this.#ended) return;
    after(LOOK_MS, () => {
      if (this.#failure || this.#ended) return;
      // Of an end that was told is heard only when all before it was read.
      if (!this.onFailure && (!this.#reader || this.#socket.readableLength > 0)) this.#isCut = true;
      else if (this.#lastWord.excuses) {
        this.#ended = true;
        this.#serve();
      } else if (looks > 1) this.#lookForEnd(looks - 1);
      else this.#fail(new Deno.errors.UnexpectedEof("unexpected end of file"));
    });
  }

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
      this.#read += chunk.length;
      this.#lastWord.hear();
      reader.resolve(chunk.length);
      this.#duplex.goOn();
    } else if (this.#ended) {
      this.#reader = undefined;
      reader.resolve(0);
    } else if (this.#failure) {
      this.#reader = undefined;
      reader.reject(this.#failure);
    } else if (this.#isCut) {
      this.#isCut = false;
      this.cut();
    }
  }

  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#reject?.(error);
    this.onFailure?.(error);
    this.#serve();
  }
}

function closed(): Error {
  return new Deno.errors.BadResource("the connection was closed");
}
