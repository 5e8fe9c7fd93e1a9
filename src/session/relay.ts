import { UnansweredError } from "../base/errors.ts";
import type { Settings } from "../config/options.ts";
import { pump, type PumpEnd, type PumpObserver, type PumpOptions, send } from "./pump.ts";
import type { Ahead } from "./read_ahead.ts";
import type { Flow } from "./flow.ts";
import type { Holder, Session } from "./session.ts";
import type { EndReason } from "../operations/end_reasons.ts";
import type { Stream } from "../net/stream.ts";
import { after, type Timer } from "../base/timer.ts";
import type { Steps } from "./steps.ts";
import { throwAway } from "./throw_away.ts";
import { Unanswered } from "./unanswered.ts";

/**
 * How long the end of an aborted relay waits for its last reads and writes to be cancelled, in
 * milliseconds. Deno before 2.9 lets a write linger after its socket was closed, for as long as the
 * peer does not read; such a peer must not hold the worker.
 */
const CANCEL_MS = 250;

/**
 * How a relay came to its end: `over` with both sockets closed and the session concluded, or why the
 * server failed before its first byte, in which case all that it was sent can be sent again.
 */
export type RelayEnd = "over" | UnansweredError;

/** Options of {@linkcode relay}. */
export interface RelayOptions extends PumpOptions {
  /** Under which condition a session that was not answered can have another server. */
  redispatch: Settings["redispatch"];
  steps?: Steps;
  /**
   * Ends a session that was in a loop, when its server ends without a byte; returns whether it was.
   * Whoever it came from is told before that end is passed on.
   */
  endIfLooped?(session: Session, server: Stream): boolean;
  /** The server has sent its first byte. */
  onAnswer?(session: Session): void;
}

/**
 * Copies both ways between a session's client and its server until both have finished sending.
 *
 * - A side that finishes is passed on as a half-close; the other direction goes on.
 * - A side that cannot be read any more has nothing more to say: both sockets are closed at once.
 * - A side that cannot be written any more may have said something before it failed, such as an
 *   answer to a request that it did not read to the end. That is still delivered; then both close.
 *   What a server says meanwhile to a client that cannot be written any more is thrown away.
 * - The next read waits for the write before it: a session holds at most one buffer a direction.
 * - A server that has finished sending and is known to take nothing any more ends the session.
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

class Relay implements Holder, PumpObserver {
  /** What is relayed; owns the client's stream. */
  readonly #session: Session;
  /** The connection to the destination. */
  readonly #server: Stream;
  /** What all relays share. */
  readonly #options: RelayOptions;
  /** Whoever waits for the end. */
  readonly #settlement: Settlement;
  /** Directions that have not come to their end. */
  #open = 2;
  /** Whether the server has sent a byte. */
  #answered = false;
  /** Whether the client would be seen giving up if it finished sending now. */
  readonly #unanswered: Unanswered;
  /** Whether the sockets were closed before both directions had ended. */
  #stopped = false;
  /** Whether its end was told. */
  #over = false;
  /** Which of the sockets failed first, if one did; `done` if the server has left in order. */
  #failure: EndReason | undefined;
  /** Why the server could not be read before its first byte. */
  #cause: unknown;
  /** Runs while the end waits for reads and writes to be cancelled. */
  #cancelling: Timer | undefined;

  constructor(session: Session, server: Stream, options: RelayOptions, settlement: Settlement) {
    this.#session = session;
    this.#server = server;
    this.#options = options;
    this.#settlement = settlement;
    this.#unanswered = new Unanswered(session.down, { noted: session.abandons });
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
    this.#unanswered.noted = session.abandons;
    if (this.#unanswered.any && (session.up.ended || session.ahead.ended)) {
      session.abort("client-gone");
    }
  }

  /** Whether the server's failure can be made good by another server. */
  get #replaceable(): boolean {
    const { ahead, reason, down, moved } = this.#session;
    const { redispatch } = this.#options;
    return this.#failure === "server-reset" && reason === undefined && !this.#answered &&
      !moved && !down.ended && ahead.held && !ahead.failed &&
      (redispatch === "held" || (redispatch === "unsent" && ahead.length === 0));
  }

  /** A direction has come to its end. */
  #end(flow: Flow, how: PumpEnd): void {
    this.#open--;
    if (how !== "ended") {
      const upwards = flow === this.#session.up;
      this.#failure ??= upwards === (how === "read-failed") ? "client-reset" : "server-reset";
      if (how === "read-failed") this.#stop();
      else if (!upwards && this.#open > 0) this.#throwAway();
    } else if (flow === this.#session.down) this.#endIfGone();
    if (this.#open === 0) this.#finish();
  }

  /** Nothing reaches the client any more; what it has sent still reaches the server, if that reads. */
  async #throwAway(): Promise<void> {
    const { up, down } = this.#session;
    down.ended = true;
    if (await throwAway(this.#server, up, this.#options)) this.#endIfGone();
    else this.#stop();
  }

  /** Ends it when a server that has finished sending takes nothing any more: at once, or then. */
  #endIfGone(): void {
    const { gone, ended } = this.#server;
    if (gone) {
      this.#failure ??= "done";
      this.#stop();
    } else ended?.then(() => this.#endIfGone());
  }

  /** Closes both sockets, or only the server's if another one can replace it. */
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
    this.#cancelling = after(CANCEL_MS, () => {
      // The buffer may still be sent from and must not be used again.
      ahead.take();
      this.#finish();
    });
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelling?.stop();
    this.#close();
    const { client, up } = this.#session;
    if (this.#replaceable) {
      up.received = up.bytes = 0;
      up.ended = false;
      this.#settlement.resolve(new UnansweredError(this.#cause));
      return;
    }
    client.close();
    this.#session.conclude(this.#failure ?? "done");
    this.#settlement.resolve("over");
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
          if (sent === 0) this.onFirstByte(up);
          if (sent > 0) server.sendPromptly();
          this.#unanswered.ask();
          if (!await send(server, ahead.bytes(sent, length))) return this.#end(up, "write-failed");
          up.bytes = sent = length;
        } else if (ahead.failed) {
          return this.#end(up, "read-failed");
        } else if (ahead.ended) {
          return this.#end(up, await this.#passEnd(server, up));
        } else if (ahead.full || this.#answered) {
          this.#copy(client, server, up, ahead.take());
          return;
        } else {
          await ahead.change();
        }
      }
    } catch (defect) {
      this.#settlement.reject(defect);
    }
  }

  onFirstByte(flow: Flow): void {
    const { steps } = this.#options;
    if (steps?.on) steps.firstByte(this.#session, flow === this.#session.up ? "up" : "down");
  }

  /** Copies server to client. */
  async #downwards(): Promise<void> {
    const { client, ahead, down } = this.#session;
    const server = this.#server;
    const { buffers } = this.#options;
    // Whoever has asked for nothing yet may get a greeting, and often nothing.
    const buffer = ahead.length > 0 ? buffers.take() : buffers.takeSmall();
    try {
      let received: number | undefined;
      try {
        received = await server.read(buffer);
      } catch (error) {
        this.#cause = error;
      }
      if (!received && this.#options.endIfLooped?.(this.#session, server)) {
        buffers.give(buffer);
        return this.#end(down, "read-failed");
      }
      if (received === undefined || (received === 0 && this.#replaceable)) {
        buffers.give(buffer);
        return this.#end(down, "read-failed");
      }
      this.#answered = true;
      this.#unanswered.answer();
      if (received) this.#options.onAnswer?.(this.#session);
      ahead.wake();
      this.#copy(server, client, down, { buffer, length: 0, pending: received });
    } catch (defect) {
      this.#settlement.reject(defect);
    }
  }

  /** Copies what is left of one direction, and passes its end on. */
  async #copy(from: Stream, to: Stream, flow: Flow, begin: Ahead): Promise<void> {
    const unanswered = to === this.#server ? this.#unanswered : undefined;
    try {
      const direction = { from, to, flow, begin, unanswered, observer: this };
      const how = await pump(direction, this.#options);
      this.#end(flow, how === "ended" ? await this.#passEnd(to, flow) : how);
    } catch (defect) {
      this.#settlement.reject(defect);
    }
  }

  /** Passes the end of a direction on. A receiver that is gone by then did not get everything. */
  async #passEnd(to: Stream, flow: Flow): Promise<PumpEnd> {
    flow.ended = true;
    if (to === this.#server && this.#unanswered.any) {
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
