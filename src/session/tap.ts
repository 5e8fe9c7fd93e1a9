import type { Direction } from "../operations/inspection.ts";
import { DatagramClient } from "../net/udp/client.ts";
import type { Stream } from "../net/stream.ts";
import type { Session } from "./session.ts";

/** Learns what moves in a session. */
export interface TapListener {
  /**
   * Bytes that are being written to the receiver; the callee's only until it returns.
   *
   * @param offset How many bytes of the direction came before.
   */
  onBytes(
    session: Session,
    direction: Direction,
    piece: { offset: number; bytes: Uint8Array },
  ): void;
  /** The sender of a direction has finished, and the receiver is being told so. */
  onFinish(session: Session, direction: Direction): void;
}

/** What a tap puts in the place of a stream's own methods; the latest one first. */
const METHODS = ["closeWrite", "write"] as const;

/**
 * Sees what moves in a session that is being relayed, without the relay knowing of it: two methods of its two
 * streams are replaced in these objects alone, and put back when nobody listens any more. So a session that
 * nobody looks into has nothing to do with it.
 *
 * What is seen is what the relay writes, since a read may be under way already. It is told when the write
 * begins, in full, also if the receiver takes only a part of it at first.
 */
export class Tap {
  readonly listeners = new Set<TapListener>();
  readonly #session: Session;
  /** Puts back what was replaced. */
  readonly #undo: (() => void)[] = [];
  /** The server's stream that is seen. */
  #server: Stream | undefined;
  /** How much of each direction was told, up to where. */
  readonly #told = { up: 0, down: 0 };
  readonly #datagrams: boolean;

  constructor(session: Session) {
    this.#session = session;
    this.#datagrams = session.client instanceof DatagramClient;
    if (this.#datagrams) this.#told = { up: session.up.bytes, down: session.down.bytes };
  }

  /** Sees the streams that the session has now; again when it has another server. */
  connect(): void {
    const { client, server } = this.#session;
    if (!server || server === this.#server) return;
    if (this.#server === undefined) this.#see(client, "down");
    this.#server = server;
    this.#see(server, "up");
  }

  /** Sees nothing any more. */
  close(): void {
    for (const undo of this.#undo.splice(0)) undo();
  }

  #see(stream: Stream, direction: Direction): void {
    const { write, closeWrite } = stream;
    const own = METHODS.map((name) =>
      [name, Object.getOwnPropertyDescriptor(stream, name)] as const
    );
    stream.closeWrite = () => {
      for (const one of this.listeners) one.onFinish(this.#session, direction);
      return closeWrite.call(stream);
    };
    stream.write = (bytes) => {
      this.#tell(direction, bytes);
      return write.call(stream, bytes);
    };
    this.#undo.push(() => {
      // In this order the object is what it was before, also for the runtime.
      for (const [name, descriptor] of own.toReversed()) {
        if (descriptor) Object.defineProperty(stream, name, descriptor);
        else delete (stream as Partial<Stream>)[name];
      }
    });
  }

  #tell(direction: Direction, bytes: Uint8Array): void {
    const told = this.#told[direction];
    // The relay has counted what it writes, up to the end of it, whichever part of it this is.
    const offset = this.#datagrams ? told : this.#session[direction].received - bytes.length;
    // The rest of a write that was told, or what is sent again to another server.
    const known = Math.max(told - offset, 0);
    if (known >= bytes.length && bytes.length > 0) return;
    this.#told[direction] = offset + bytes.length;
    const piece = { offset: offset + known, bytes: known ? bytes.subarray(known) : bytes };
    for (const one of this.listeners) one.onBytes(this.#session, direction, piece);
  }
}
