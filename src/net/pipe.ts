import type { SocketAddress } from "./address.ts";
import { closed, Conduit } from "./conduit.ts";
import type { Stream } from "./stream.ts";

/** Where both ends of a connection inside the process are: nowhere that has a name. */
export const NOWHERE: SocketAddress = { transport: "unix", path: null };

/**
 * A stream of two directions inside the process: one that is read from, and one that is written to,
 * which may be the same.
 */
export class PipeEnd implements Stream {
  readonly localAddress = NOWHERE;
  readonly remoteAddress = NOWHERE;
  /** What it reads from. */
  readonly #input: Conduit;
  /** What it writes to. */
  readonly #output: Conduit;
  /** Told when it is closed. */
  readonly #onClose: (() => void) | undefined;
  #closed = false;

  constructor(input: Conduit, output: Conduit, onClose?: () => void) {
    this.#input = input;
    this.#output = output;
    this.#onClose = onClose;
  }

  get gone(): boolean {
    return this.#output.broken;
  }

  read(buffer: Uint8Array): Promise<number> {
    return this.#closed ? Promise.reject(closed()) : this.#input.read(buffer);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#closed ? Promise.reject(closed()) : this.#output.write(bytes);
  }

  closeWrite(): Promise<void> {
    this.#output.end();
    return Promise.resolve();
  }

  /** The other end reads what was written, then the end; what it writes fails. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#output.leave();
    this.#input.break(new Deno.errors.BrokenPipe("the other end has closed the connection"));
    this.#onClose?.();
  }

  /** Nothing waits here. */
  sendPromptly(): void {}

  /** There is nothing to prepare. */
  tuneForLongLife(): void {}
}

/** The two ends of a connection inside the process, each with what is told when it is closed. */
export function pipe(
  options: { onNearClose?: () => void; onFarClose?: () => void } = {},
): { near: PipeEnd; far: PipeEnd } {
  const [there, back] = [new Conduit(), new Conduit()];
  return {
    near: new PipeEnd(back, there, options.onNearClose),
    far: new PipeEnd(there, back, options.onFarClose),
  };
}
