import { adopt, connOf } from "../socket.ts";
import type { Stream } from "../stream.ts";
import { LastWord } from "./last_word.ts";
import type { Unfinished } from "./unfinished.ts";
import { WrappedStream } from "./wrapped.ts";

/** Whom the runtime verifies a server against. */
export interface Verified {
  /** The name or IP address that its certificate has to be for. */
  readonly name: string;
  /** The authorities, in PEM. */
  readonly roots: string;
}

/**
 * Speaks TLS to a server by the runtime's own client; the stream is used up, also if that fails.
 *
 * @param options.unfinished Gets the handshake if it is given up; without it that is closed at once,
 * for streams whose other end is this process.
 * @throws What the runtime says of a handshake that has failed.
 * @throws The signal's reason, if it is aborted first.
 */
export async function startDirect(
  stream: Stream,
  { name, roots, signal, unfinished }: Verified & {
    signal: AbortSignal;
    unfinished?: Unfinished | undefined;
  },
): Promise<Stream> {
  const conn = connOf(stream) as Deno.TcpConn;
  let tls: Deno.TlsConn;
  try {
    // The connection cannot be told anything any more when it is one of TLS.
    conn.setNoDelay(true);
    conn.setKeepAlive(true);
    tls = await Deno.startTls(conn, { hostname: name, caCerts: [roots] });
  } catch (error) {
    stream.close();
    throw error;
  }
  const handshake = tls.handshake();
  const given = Promise.withResolvers<never>();
  const onAbort = () => given.reject(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([handshake, given.promise]);
  } catch (error) {
    if (signal.aborted && unfinished) unfinished.add(tls, handshake);
    else tls.close();
    handshake.catch(() => {});
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
  return new Direct(adopt(tls), unfinished);
}

/** One whose server may have stopped to read when it is closed. */
class Direct extends WrappedStream {
  readonly #unfinished: Unfinished | undefined;
  readonly #lastWord = new LastWord({ mustAnswer: true });
  /** The latest write. */
  #write: Promise<number> | undefined;
  #closed = false;
  readonly #onRead = (number: number): number => {
    if (number > 0) this.#lastWord.hear();
    return number;
  };
  readonly #onReadFailed = (error: unknown): number => {
    if (error instanceof Deno.errors.UnexpectedEof && this.#lastWord.excuses) return 0;
    throw error;
  };

  constructor(below: Stream, unfinished: Unfinished | undefined) {
    super(below);
    this.#unfinished = unfinished;
  }

  read(buffer: Uint8Array): Promise<number> {
    return this.below.read(buffer).then(this.#onRead, this.#onReadFailed);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#write = this.below.write(bytes);
  }

  closeWrite(): Promise<void> {
    this.#lastWord.tell();
    return this.below.closeWrite();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#write && this.#unfinished) this.#closeAfter(this.#write, this.#unfinished);
    else this.below.close();
  }

  async #closeAfter(write: Promise<number>, unfinished: Unfinished): Promise<void> {
    const pending = Symbol();
    const which = await Promise.race([write, pending]).catch(() => undefined);
    if (which === pending) unfinished.add(this.below, write);
    else this.below.close();
  }
}
