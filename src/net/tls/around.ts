import { after } from "../../base/timer.ts";
import { Loopback } from "../loopback.ts";
import type { Stream } from "../stream.ts";
import { writeAll } from "../write_all.ts";
import { startDirect, type Verified } from "./direct.ts";
import type { TlsOutHost } from "./out_terms.ts";
import { WrappedStream } from "./wrapped.ts";

/** How many bytes are carried at once. */
const PIECE_BYTES = 16 * 1024;

/** How long what was written last may take to get on its way after a close, in milliseconds. */
const LINGER_MS = 2000;

/** Descriptors of both ends of the connection inside. */
const PER_AROUND = 2;

/**
 * Speaks TLS to a server over a connection of the process to itself, from which the bytes are carried to
 * the server's and back: closing that frees everything, also in the middle of a handshake. It costs two
 * descriptors and a copy.
 *
 * @throws What {@linkcode startDirect} throws.
 */
export async function startAround(
  stream: Stream,
  options: Verified & { signal: AbortSignal; host: TlsOutHost | undefined },
): Promise<Stream> {
  const { signal, host } = options;
  host?.enter(PER_AROUND);
  let inside: Inside | undefined;
  try {
    using loopback = new Loopback();
    const { near, far } = await loopback.connect({ signal });
    inside = new Inside(stream, far);
    return new Around(stream, {
      tls: await startDirect(near, options),
      inside,
      onClose: () => host?.leave(PER_AROUND),
    });
  } catch (error) {
    if (inside) inside.close();
    else stream.close();
    host?.leave(PER_AROUND);
    throw error;
  }
}

/** Carries what is encrypted from one to the other, both ways. */
class Inside {
  readonly #outer: Stream;
  readonly #inner: Stream;
  /** Resolves when all that was written has been carried to the server. */
  readonly #carried: Promise<void>;

  constructor(outer: Stream, inner: Stream) {
    this.#outer = outer;
    this.#inner = inner;
    outer.sendPromptly();
    inner.sendPromptly();
    this.#carried = this.#carry(inner, outer);
    this.#carry(outer, inner);
  }

  close(): void {
    this.#outer.close();
    this.#inner.close();
  }

  /** Closes it when what was written before is on its way, or after a while. */
  async finish(): Promise<void> {
    const timer = after(LINGER_MS, () => this.close());
    await this.#carried;
    timer.stop();
    this.close();
  }

  async #carry(from: Stream, to: Stream): Promise<void> {
    const buffer = new Uint8Array(PIECE_BYTES);
    try {
      for (;;) {
        const number = await from.read(buffer);
        if (number === 0) return await to.closeWrite();
        await writeAll(to, buffer.subarray(0, number));
      }
    } catch {
      this.close();
    }
  }
}

class Around extends WrappedStream {
  readonly #tls: Stream;
  readonly #inside: Inside;
  readonly #onClose: () => void;
  #closed = false;

  constructor(
    below: Stream,
    { tls, inside, onClose }: { tls: Stream; inside: Inside; onClose(): void },
  ) {
    super(below);
    this.#tls = tls;
    this.#inside = inside;
    this.#onClose = onClose;
  }

  read(buffer: Uint8Array): Promise<number> {
    return this.#tls.read(buffer);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#tls.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.#tls.closeWrite();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#tls.close();
    this.#inside.finish().then(this.#onClose);
  }
}
