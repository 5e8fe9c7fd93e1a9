import type { BufferPool } from "../net/buffer_pool.ts";
import { UnansweredError } from "../base/errors.ts";
import type { Settings } from "../config/options.ts";
import type { Ahead } from "./read_ahead.ts";
import type { Flow, Holder, Session } from "./session.ts";
import type { EndReason } from "../operations/end_reasons.ts";
import type { Stream } from "../net/stream.ts";
import { after, type Timer } from "../base/timer.ts";
import type { Steps } from "./steps.ts";
import type { FairReads } from "../net/fair_reads.ts";

/**
 * How long the end of an aborted relay waits for its last reads and writes to be cancelled, in
 * milliseconds. Deno before 2.9 lets a write linger after its socket was closed, for as long as the
 * peer does not read; such a peer must not hold the worker.
 */
const SETTLE_MS = 250;

/** How one direction came to its end: the sender finished, or one of the sockets failed. */
type PumpEnd = "ended" | "read-failed" | "write-failed";

/**
 * How a relay came to its end: `over` with both sockets closed and the session concluded, or why the
 * server failed before its first byte, in which case all that it was sent can be sent again.
 */
export type RelayEnd = "over" | UnansweredError;

/** Options of {@linkcode relay}. */
export interface RelayOptions {
  buffers: BufferPool;
  fairReads: FairReads;
  /** Under which condition a session that was not answered can have another server. */
  redispatch: Settings["redispatch"];
  steps?: Steps;
}

/**
 * Copies both ways between a session's client and its server until both have finished sending.
 *
 * - A side that finishes is passed on as a half-close; the other direction goes on.
 * - A side that cannot be read any more has nothing more to say: both sockets are closed at once.
 * - A side that cannot be written any more may have said something before it failed, such as an
 *   answer to a request that it did not read to the end. That is still delivered; then both close.
 * - The next read waits for the write before it: a session holds at most one buffer a direction.
 * - With `--half-close abandon` a client that finishes while something that it has sent is unanswered
 *   has given up: both sockets are closed at once. An answer is whatever comes after its last byte.
 * - Until the server's first byte, what the client sends is held, as long as it fits into one small
 *   buffer. If the server fails before that byte, the session can go to another one, once.
 *
 * Closes both sockets in the end and concludes the session, unless an abort has done that. If the
 * server did not answer only the server's socket is closed and the session can be relayed again.
 */
export function relay(
  session: Session,
  server: Stream,
  options: RelayOptions,
): Promise<RelayEnd> {
  return new Promise((resolve, reject) => {
    new Relay(session, server, options, { resolve, reject }).start();
  });
}

interface Settlement {
  resolve(end: RelayEnd): void;
  /** For defects: what peers do never rejects. */
  reject(defect: unknown): void;
}

class Relay implements Holder {
  readonly #session: Session;
  readonly #server: Stream;
  readonly #options: RelayOptions;
  readonly #outcome: Settlement;
  /** Directions that have not come to their end. */
  #open = 2;
  /** Whether the server has sent a byte. */
  #answered = false;
  /**
   * What the server had sent when the client's latest bytes were passed on to it, or -1 if that does
   * not matter any more. The same as what it has sent by now means that these are unanswered.
   */
  #asked = -1;
  /** Whether {@linkcode #asked} is kept while the client is pumped. */
  #marks: boolean;
  /** Whether the sockets were closed before both directions had ended. */
  #stopped = false;
  #over = false;
  #failure: EndReason | undefined;
  /** Why the server could not be read before its first byte. */
  #cause: unknown;
  #patience: Timer | undefined;

  constructor(session: Session, server: Stream, options: RelayOptions, outcome: Settlement) {
    this.#session = session;
    this.#server = server;
    this.#options = options;
    this.#outcome = outcome;
    this.#marks = session.abandons;
  }

  start(): void {
    this.#session.stage = "relaying";
    this.#session.holder = this;
    this.#upwards();
    this.#downwards();
  }

  onAbort(): void {
    this.#stop();
  }

  onReview(session: Session): void {
    this.#marks = session.abandons;
    if (this.#abandoned && (session.up.ended || session.ahead.ended)) session.abort("client-gone");
  }

  /** Whether the client would have given up if it finished sending now. */
  get #abandoned(): boolean {
    const { down } = this.#session;
    return this.#marks && this.#asked >= down.received && !down.ended;
  }

  /** Whether the server's failure can be made good by another server. */
  get #replaceable(): boolean {
    const { ahead, reason, down, avoided } = this.#session;
    const { redispatch } = this.#options;
    return this.#failure === "server-reset" && reason === undefined && !this.#answered &&
      avoided === undefined && !down.ended && ahead.held && !ahead.failed &&
      (redispatch === "held" || (redispatch === "unsent" && ahead.length === 0));
  }

  /** A direction has come to its end. */
  #end(flow: Flow, how: PumpEnd): void {
    this.#open--;
    if (how !== "ended") {
      const upwards = flow === this.#session.up;
      this.#failure ??= upwards === (how === "read-failed") ? "client-reset" : "server-reset";
      if (how === "read-failed") this.#stop();
    }
    if (this.#open === 0) this.#finish();
  }

  /** Closes both sockets, or only the server's if another one can take its place. */
  #close(): void {
    this.#server.close();
    if (!this.#replaceable) this.#session.client.close();
  }

  /** Ends both directions at once, and the relay soon after, also if a write lingers. */
  #stop(): void {
    if (this.#stopped || this.#over) return;
    this.#stopped = true;
    this.#close();
    const { ahead } = this.#session;
    ahead.wake();
    if (this.#open === 0) return;
    this.#patience = after(SETTLE_MS, () => {
      // The buffer may still be sent from and must not be used again.
      ahead.take();
      this.#finish();
    });
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#patience?.stop();
    this.#close();
    const { client, up } = this.#session;
    if (this.#replaceable) {
      up.received = up.bytes = 0;
      up.ended = false;
      this.#outcome.resolve(new UnansweredError(this.#cause));
      return;
    }
    client.close();
    this.#session.conclude(this.#failure ?? "done");
    this.#outcome.resolve("over");
  }

  /** Copies client to server: while it can be held, what is read ahead, then what comes. */
  async #upwards(): Promise<void> {
    const { client, ahead, up } = this.#session;
    const server = this.#server;
    try {
      for (let sent = 0;;) {
        const { length } = ahead;
        if (this.#stopped) {
          return this.#end(up, "write-failed");
        } else if (sent < length) {
          up.received = length;
          if (sent === 0) this.#tellFirstByte("up");
          if (sent > 0) server.sendPromptly();
          this.#asked = this.#session.down.received;
          if (!await send(server, ahead.bytes(sent, length))) return this.#end(up, "write-failed");
          up.bytes = sent = length;
        } else if (ahead.failed) {
          return this.#end(up, "read-failed");
        } else if (ahead.ended) {
          return this.#end(up, await this.#passEnd(server, up));
        } else if (ahead.full || this.#answered) {
          this.#pump(client, server, up, ahead.take());
          return;
        } else {
          await ahead.change();
        }
      }
    } catch (defect) {
      this.#outcome.reject(defect);
    }
  }

  #tellFirstByte(direction: "up" | "down"): void {
    const { steps } = this.#options;
    if (steps?.on) steps.firstByte(this.#session, direction);
  }

  /** Copies server to client. */
  async #downwards(): Promise<void> {
    const { client, ahead, down } = this.#session;
    const server = this.#server;
    const { buffers } = this.#options;
    const buffer = buffers.take();
    try {
      let received: number | undefined;
      try {
        received = await server.read(buffer);
      } catch (error) {
        this.#cause = error;
      }
      if (received === undefined || (received === 0 && this.#replaceable)) {
        buffers.give(buffer);
        return this.#end(down, "read-failed");
      }
      this.#answered = true;
      this.#asked = -1;
      ahead.wake();
      this.#pump(server, client, down, { buffer, length: 0, pending: received });
    } catch (defect) {
      this.#outcome.reject(defect);
    }
  }

  /** Copies one direction to its end; may begin with a read that is under way. */
  async #pump(from: Stream, to: Stream, flow: Flow, begin: Ahead): Promise<void> {
    const { buffers, fairReads } = this.#options;
    let { buffer, pending } = begin;
    /** The bytes read, as a view of `buffer`: made anew only if their number or place changes. */
    let view: Uint8Array = buffer;
    /** Whether a small write may not be delayed any more; see {@linkcode Stream.sendPromptly}. */
    let prompt = false;
    let how: PumpEnd | undefined;
    try {
      while (how === undefined) {
        let received: number;
        if (pending === undefined && !fairReads.take()) await fairReads.turn();
        try {
          received = await (pending ?? from.read(buffer));
        } catch {
          how = "read-failed";
          break;
        }
        if (received === 0) {
          how = await this.#passEnd(to, flow);
          break;
        }
        flow.received += received;
        if (pending !== undefined) {
          if (flow.received === received) this.#tellFirstByte(to === this.#server ? "up" : "down");
          view = buffer.subarray(begin.length, begin.length + received);
        } else if (view.length !== received || view.buffer !== buffer.buffer) {
          view = received === buffer.length ? buffer : buffer.subarray(0, received);
        }
        if (!prompt && flow.bytes > 0) {
          prompt = true;
          to.sendPromptly();
        }
        // Before the write: an answer may be here sooner than the write's own end.
        if (this.#marks && to === this.#server) this.#asked = this.#session.down.received;
        try {
          const sent = await to.write(view);
          if (sent < received && !await send(to, view.subarray(sent))) how = "write-failed";
        } catch {
          how = "write-failed";
        }
        if (how !== undefined) break;
        flow.bytes += received;
        if (pending !== undefined) {
          pending = undefined;
          view = buffer;
        }
        buffer = buffers.adapt(buffer, received);
      }
      this.#end(flow, how);
    } catch (defect) {
      this.#outcome.reject(defect);
    } finally {
      buffers.give(buffer);
    }
  }

  /** Passes the end of a direction on. A receiver that is gone by then did not get everything. */
  async #passEnd(to: Stream, flow: Flow): Promise<PumpEnd> {
    flow.ended = true;
    if (to === this.#server && this.#abandoned) {
      this.#session.abort("client-gone");
      return "ended";
    }
    // A server that has finished, too, is closed at once, which tells it the same.
    if (to === this.#server && this.#session.down.ended) return "ended";
    try {
      await to.closeWrite();
      return "ended";
    } catch {
      return "write-failed";
    }
  }
}

/** Writes all of the bytes; `false` if the socket failed. */
async function send(to: Stream, bytes: Uint8Array): Promise<boolean> {
  try {
    for (let sent = 0; sent < bytes.length;) {
      sent += await to.write(sent === 0 ? bytes : bytes.subarray(sent));
    }
    return true;
  } catch {
    return false;
  }
}
