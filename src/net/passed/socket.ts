import { every, type Timer } from "../../base/timer.ts";
import type { AcceptingSocket } from "../accepting_socket.ts";
import type { SocketAddress } from "../address.ts";
import { closed } from "../conduit.ts";
import type { Stream } from "../stream.ts";
import type { Source } from "./sources.ts";

/**
 * How often somebody who waits for a connection looks anew, in milliseconds: the runtime does not say that
 * it could not accept one, for want of descriptors for instance, and looks no more then (Deno 2.9.6).
 */
const LOOK_AGAIN_MS = 250;

/**
 * Most connections that the runtime takes from the kernel at once, before anybody wants them: it does no
 * more of anything in one look at the sockets.
 */
export const LOT = 128;

/**
 * A socket that was passed to the program. Others have it as well: what waits in the kernel is not lost when
 * it is closed here.
 *
 * The runtime takes connections from the kernel in lots, of as many as wait, {@linkcode LOT} at most. Only
 * whoever waits for a connection makes it look for the next lot, and it does not while one is left.
 */
export class PassedSocket implements AcceptingSocket {
  readonly address: SocketAddress;
  readonly ahead = LOT;
  /** Where its connections come from. */
  readonly #source: Source;
  /** Told once that it is closed. */
  readonly #onClose: () => void;
  /** Who waits for a connection. */
  #waiting: PromiseWithResolvers<Stream> | undefined;
  /** Whether the runtime goes on looking by itself. */
  #looking = false;
  /** Looks anew for whoever waits. */
  readonly #timer: Timer;
  /** Whether it is closed, or left to others. */
  #closed = false;

  constructor(source: Source, options: { address: SocketAddress; onClose(): void }) {
    this.address = options.address;
    this.#onClose = options.onClose;
    this.#source = source;
    source.onArrival = () => this.#serve();
    this.#timer = every(LOOK_AGAIN_MS, () => this.#waiting && source.look());
  }

  async accept(): Promise<Stream> {
    if (!this.#closed) {
      const stream = this.#source.take();
      if (stream) return stream;
    }
    this.#waiting = Promise.withResolvers();
    if (this.#closed) this.#waiting.reject(closed());
    else if (!this.#looking) {
      this.#looking = true;
      this.#source.look();
    }
    return await this.#waiting.promise;
  }

  leave(): Stream[] {
    const streams: Stream[] = [];
    if (this.#closed) return streams;
    try {
      for (let next = this.#source.take(); next; next = this.#source.take()) streams.push(next);
    } catch {
      // What there is no descriptor for cannot be served.
    }
    this.#end();
    return streams;
  }

  close(): void {
    if (!this.#closed) this.#end();
    this.#waiting?.reject(closed());
  }

  #end(): void {
    this.#closed = true;
    this.#timer.stop();
    this.#source.close();
    this.#onClose();
  }

  /** Some have come. What nobody waits for is left, and ends the look. */
  #serve(): void {
    const waiting = this.#waiting;
    if (!waiting || this.#closed) {
      this.#looking = false;
      return;
    }
    try {
      const stream = this.#source.take();
      if (!stream) return;
      this.#waiting = undefined;
      waiting.resolve(stream);
    } catch (error) {
      this.#waiting = undefined;
      this.#looking = false;
      waiting.reject(error);
    }
  }
}
