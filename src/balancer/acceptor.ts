import type { Logger } from "@logtape/logtape";
import { clearImmediate, setImmediate } from "node:timers";
import type { AcceptingSocket } from "../net/accepting_socket.ts";
import type { Address } from "../net/address.ts";
import { bind, type Bound } from "../net/bind.ts";
import { Loopback } from "../net/loopback.ts";
import type { Settings } from "../config/options.ts";
import { AcceptFailures, FIRST_PAUSE_MS, nextTurn } from "../net/accept_failures.ts";
import type { Stream } from "../net/stream.ts";
import { after, sleep } from "../base/timer.ts";

/**
 * Most connections accepted in one turn of the event loop: a flood of them must not starve the
 * sessions that are being served.
 */
const ACCEPTS_PER_TURN = 64;

/** Turns of the event loop without a new connection after which the backlog counts as empty. */
const QUIET_TURNS = 3;

/**
 * How short the last look at the sockets has to be, in milliseconds: whoever the kernel connects
 * between that and the close is lost. And how long such a one is waited for, in milliseconds.
 */
const SHORT_LOOK_MS = 0.5;
const LONGEST_PAUSE_MS = 100;

/** Options of {@linkcode Acceptor}. */
export interface AcceptorOptions<S> {
  settings: Pick<Settings, "backlog" | "batchSize" | "batchDelay">;
  gate: {
    /** How many more sessions may be held before they are handed over. */
    readonly freeSlots: number;
    /** How many workers wait for a session. */
    readonly idleWorkers: number;
    /** Whether a connection may be accepted now. */
    readonly open: boolean;
    /** Resolves once a connection may be accepted, or the signal is aborted. */
    room(signal: AbortSignal): Promise<void>;
    /** Whether a connection may be accepted during a drain, when only descriptors count. */
    readonly affordable: boolean;
    /** Resolves once there are descriptors for one more, or the signal is aborted. */
    afford(signal: AbortSignal): Promise<void>;
    /** Makes a session of a connection, or closes it and returns nothing. */
    enter(stream: Stream): S | undefined;
  };
  /** Takes over sessions that were accepted, in order. */
  handOver(sessions: S[]): void;
  /** Whether other sockets may be bound to the same port, which share its connections. */
  reusePort?: boolean;
  /** Called when accepting failed for want of descriptors. */
  onShortage?: () => void;
  log: Logger;
  /** Ends waiting for a name server at the start. */
  signal?: AbortSignal | undefined;
}

/**
 * The accepting sockets of an address and their accept loops.
 *
 * Accepts only what has a place in the line; what has none waits in the kernel's backlog. Hands
 * sessions over in batches: when the batch has one for every idle worker (or `batchSize`), and at
 * the latest at the end of the same turn of the event loop (or `batchDelay` after the first).
 * Survives every error of accept: it pauses, longer each time up to a second, logs the first of a
 * row, and goes on.
 */
export class Acceptor<S> {
  /** What is really bound. */
  readonly #bound: Bound<AcceptingSocket>;
  readonly #options: AcceptorOptions<S>;
  readonly #draining = new AbortController();
  readonly #closing = new AbortController();
  readonly #loops: Promise<unknown>;
  #batch: S[] = [];
  #cancelFlush: (() => void) | undefined;
  #accepted = 0;
  /** Accepts that failed since the last one that succeeded. */
  readonly #failures: AcceptFailures;
  /** Sockets that wait for descriptors during a drain. */
  #short = 0;
  #closed = false;

  private constructor(bound: Bound<AcceptingSocket>, options: AcceptorOptions<S>) {
    this.#options = options;
    this.#failures = new AcceptFailures({ log: options.log, onShortage: options.onShortage });
    this.#bound = bound;
    this.#loops = Promise.all(bound.sockets.map((socket) => this.#run(socket)));
  }

  /**
   * Binds the address and begins to accept.
   *
   * @throws {FatalError} If the address cannot be bound.
   */
  static async open<S>(address: Address, options: AcceptorOptions<S>): Promise<Acceptor<S>> {
    const bound = await bind(address, { ...options, tcpBacklog: options.settings.backlog });
    return new Acceptor(bound, options);
  }

  /** What is really bound, such as `[::]:8080`; several are separated by a comma and a blank. */
  get address(): string {
    return this.#bound.address;
  }

  /**
   * Takes what the kernel has accepted already, whether the line has room or not, hands it over,
   * and closes the socket. At most a backlog's worth is taken, so that a flood cannot prolong this.
   *
   * @param options.signal Ends the wait for free descriptors if there are none.
   * @param options.pause Keeps sessions from moving until `release`, so that the socket is closed at a
   * quiet moment; a few milliseconds, 100 at most.
   */
  async drain(
    options: { signal: AbortSignal; pause?: { hold(): void; release(): void } },
  ): Promise<void> {
    this.#draining.abort();
    const { signal, pause } = options;
    const { sockets } = this.#bound;
    const limit = this.#accepted + (this.#options.settings.backlog + 1) * sockets.length;
    for (;;) {
      await this.#takeBacklog({ limit, signal });
      pause?.hold();
      try {
        await this.#awaitShortLook();
        // Somebody has come meanwhile for whom there are no descriptors until others are done.
        if (this.#short > 0 && this.#accepted < limit && !signal.aborted) continue;
        return await this.close();
      } finally {
        pause?.release();
      }
    }
  }

  /** Resolves when there is nobody in the backlog, for all that can be seen. */
  async #takeBacklog({ limit, signal }: { limit: number; signal: AbortSignal }): Promise<void> {
    let before: number;
    do {
      before = this.#accepted;
      for (let turn = 0; turn < QUIET_TURNS; turn++) await nextTurn();
      const starving = (this.#short > 0 || this.#failures.number > 0) && !signal.aborted;
      if (starving) await sleep(FIRST_PAUSE_MS);
      else if (this.#accepted === before) break;
    } while (this.#accepted < limit);
  }

  /** Resolves after a look at the sockets that was short and found no new connection, if one comes. */
  async #awaitShortLook(): Promise<void> {
    const limit = new AbortController();
    const timer = after(LONGEST_PAUSE_MS, () => limit.abort());
    try {
      using loopback = new Loopback();
      while (!limit.signal.aborted) {
        const before = this.#accepted;
        const begin = performance.now();
        const { near, far } = await loopback.connect({ signal: limit.signal });
        near.close();
        far.close();
        const short = performance.now() - begin < SHORT_LOOK_MS;
        if (short && this.#accepted === before) return;
      }
    } catch {
      // Without free descriptors, or without loopback, there is no way to tell.
    } finally {
      timer.stop();
    }
  }

  /** Stops at once: what the kernel has accepted but the listener has not is lost. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#draining.abort();
    this.#closing.abort();
    this.#bound.release();
    for (const socket of this.#bound.sockets) socket.close();
    await this.#loops;
    this.#flush();
  }

  async #run(socket: AcceptingSocket): Promise<void> {
    const alone = this.#bound.sockets.length === 1;
    let acceptedThisTurn = 0;
    while (!this.#closed) {
      await this.#mayAccept();
      if (this.#closed) return;
      try {
        const stream = await socket.accept();
        // Another socket may have filled the last place since this one began to wait.
        while (!alone && !this.#closed && !this.#findPlace()) await this.#mayAccept();
        this.#take(stream);
      } catch (error) {
        if (this.#closed) return;
        await this.#failures.pause(error);
        continue;
      }
      if (++acceptedThisTurn >= ACCEPTS_PER_TURN) {
        await nextTurn();
        acceptedThisTurn = 0;
      }
    }
  }

  /** Whether one more may be accepted, after those of the batch have got their places. */
  #findPlace(): boolean {
    const { gate } = this.#options;
    if (this.#draining.signal.aborted) return gate.affordable;
    if (this.#batch.length >= gate.freeSlots) this.#flush();
    return gate.open;
  }

  /** Resolves when there is room for one more; during a drain only its descriptors count. */
  async #mayAccept(): Promise<void> {
    const { gate } = this.#options;
    const draining = this.#draining.signal;
    if (!draining.aborted && !this.#findPlace()) await gate.room(draining);
    if (!draining.aborted || gate.affordable) return;
    this.#short++;
    // Those who wait for a batch to fill have descriptors.
    this.#flush();
    await gate.afford(this.#closing.signal);
    this.#short--;
  }

  #take(stream: Stream): void {
    this.#failures.over();
    this.#accepted++;
    const session = this.#options.gate.enter(stream);
    if (session === undefined) return;
    this.#batch.push(session);
    const { gate, settings } = this.#options;
    if (this.#batch.length >= (settings.batchSize || gate.idleWorkers)) this.#flush();
    else if (this.#batch.length === 1) this.#flushLater(settings.batchDelay);
  }

  #flushLater(delayMs: number): void {
    if (delayMs > 0) {
      const timer = after(delayMs, () => this.#flush());
      this.#cancelFlush = () => timer.stop();
    } else {
      const immediate = setImmediate(() => this.#flush());
      this.#cancelFlush = () => clearImmediate(immediate);
    }
  }

  #flush(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#options.handOver(batch);
  }
}
