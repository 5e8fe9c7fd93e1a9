import type { Logger } from "@logtape/logtape";
import type { AcceptingSocket } from "../net/accepting_socket.ts";
import { type Address, formatAddress, formatSocketAddress } from "../net/address.ts";
import type { Bound } from "../net/bind.ts";
import { bindShared } from "../net/bind_alone.ts";
import type { Sharing } from "../net/sharing.ts";
import type { Settings } from "../config/options.ts";
import { AcceptFailures, nextTurn } from "../net/accept_failures.ts";
import type { Stream } from "../net/stream.ts";
import type { UdpTerms } from "../net/udp/listener.ts";
import type { TurnProbe } from "../net/turn_probe.ts";
import { messageOf } from "../base/errors.ts";
import { every, type Timer } from "../base/timer.ts";
import { Batch } from "./batch.ts";
import { type Closeable, closeQuietly, type QuietCloseOptions } from "./quiet_close.ts";

/**
 * Most connections accepted in one turn of the event loop: a flood of them must not starve the
 * sessions that are being served.
 */
const ACCEPTS_PER_TURN = 64;

/**
 * How often it is looked whether the machine has got more addresses, where each has a socket of its
 * own, in milliseconds: some 50 microseconds each time.
 */
const REVIEW_MS = 1000;

/** Options of {@linkcode Acceptor}. */
export interface AcceptorOptions<S> {
  settings:
    & Pick<Settings, "backlog" | "batchSize" | "batchDelay">
    & Partial<Pick<Settings, "socketMode" | "socketOwner">>;
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
    /**
     * Makes a session of a connection, or returns nothing: because it has closed it, or because it
     * says later whether it has.
     */
    enter(stream: Stream, later: (session: S) => void): S | undefined;
  };
  /** Takes over sessions that were accepted, in order. */
  handOver(sessions: S[]): void;
  /** Whether other sockets may be bound to the same port, which share its connections. */
  reusePort?: boolean;
  /** How its address is shared with another process; not at all if absent. */
  sharing?: Sharing | undefined;
  /** Called when accepting failed for want of descriptors. */
  onShortage?: () => void;
  log: Logger;
  /** What UDP sockets share; needed for an address of UDP. */
  udp?: UdpTerms;
  /** What is accepted from, instead of binding the address. */
  only?: AcceptingSocket | undefined;
  /** Ends waiting for a name server at the start. */
  signal?: AbortSignal | undefined;
}

/**
 * The accepting sockets of an address and their accept loops.
 *
 * Accepts only while the queue has room or a worker waits; what comes else stays in the kernel's
 * backlog. Hands sessions over in batches, and survives every error of accept.
 */
export class Acceptor<S> implements Closeable {
  /** What is really bound. */
  readonly #bound: Bound;
  /** Who decides on clients, and who takes sessions. */
  readonly #options: AcceptorOptions<S>;
  /** Aborted when only descriptors count for what is accepted still, not the queue. */
  readonly #draining = new AbortController();
  /** Aborted when nothing is accepted any more. */
  readonly #closing = new AbortController();
  /** The accept loops. */
  readonly #loops: Promise<void>[];
  /** Looks for more addresses, where each has a socket of its own. */
  readonly #reviews: Timer | undefined;
  /** What was accepted and not handed over. */
  readonly #batch: Batch<S>;
  /** Connections accepted so far. */
  #accepted = 0;
  /** Accepts that failed since the last one that succeeded. */
  readonly #failures: AcceptFailures;
  /** Sockets that wait for descriptors during a drain. */
  #short = 0;
  /** Whether the sockets are closed. */
  #closed = false;
  /** With it a socket is closed as soon as an accept says that there is nobody. */
  #probe: Pick<TurnProbe, "waits"> | undefined;
  /** Sockets that were closed so, while there are others. */
  readonly #left = new Set<AcceptingSocket>();
  /** Takes a session that the gate had to wait for. */
  readonly #later = (session: S) => this.#add(session);

  private constructor(bound: Bound, options: AcceptorOptions<S>) {
    this.#options = options;
    const { settings, gate } = options;
    this.#batch = new Batch({
      settings,
      idleWorkers: () => gate.idleWorkers,
      handOver: (sessions) => options.handOver(sessions),
    });
    this.#failures = new AcceptFailures({ log: options.log, onShortage: options.onShortage });
    this.#bound = bound;
    this.#loops = bound.sockets.map((socket) => this.#run(socket));
    if (bound.renew) this.#reviews = every(REVIEW_MS, () => this.#review("keep"));
  }

  /**
   * Binds the address and begins to accept.
   *
   * @throws {FatalError} If the address cannot be bound.
   */
  static async open<S>(address: Address, options: AcceptorOptions<S>): Promise<Acceptor<S>> {
    const { only, settings } = options;
    if (only) {
      const where = formatAddress(address);
      const bound = { sockets: [only], address: where, port: undefined, release() {} };
      return new Acceptor(bound, options);
    }
    const bound = await bindShared(address, {
      ...options,
      tcpBacklog: settings.backlog,
      mode: settings.socketMode ?? undefined,
      owner: settings.socketOwner ?? undefined,
    });
    return new Acceptor(bound, options);
  }

  /** What is really bound, such as `[::]:8080`; several are separated by a comma and a blank. */
  get address(): string {
    return this.#bound.address;
  }

  /** How many connections may have been taken from the kernel that are not accepted. */
  get ahead(): number {
    return this.#bound.sockets.reduce((sum, { ahead = 0 }) => sum + ahead, 0);
  }

  /**
   * Accepts what is in the kernel's backlog, whether the queue has room or not, hands it over, and
   * closes the sockets at a quiet moment; a socket that others have as well is left to them. At most a backlog's worth is accepted, so that a flood
   * cannot prolong this.
   */
  async drain(options: Pick<QuietCloseOptions, "signal" | "pause">): Promise<void> {
    this.#draining.abort();
    this.#reviews?.stop();
    for (const socket of this.#bound.sockets) {
      for (const stream of socket.leave?.() ?? []) this.#enter(stream);
    }
    const most = (this.#options.settings.backlog + 1) * this.#bound.sockets.length;
    await closeQuietly(this, { ...options, most });
  }

  /**
   * Accepts at the addresses that this machine has now, where each has a socket of its own. Those that
   * it has got are found a second later also without this; those that it has lost count until then.
   */
  review(): void {
    this.#review("close");
  }

  /** Hands over what was accepted and not handed over, also once it is closed. */
  flush(): void {
    this.#batch.flush();
  }

  /** Connections accepted so far. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Whether somebody waits for whom there are no descriptors during a drain. */
  get short(): boolean {
    return this.#short > 0;
  }

  /** Whether accepting fails at the moment. */
  get failing(): boolean {
    return this.#failures.number > 0;
  }

  /** Whether the sockets are closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** From now on a socket is closed as soon as an accept, after one that has come, finds nobody. */
  lastCall(probe: Pick<TurnProbe, "waits">): void {
    this.#probe = probe;
  }

  /** Stops at once: what the kernel has accepted and nobody has taken from it is lost. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#draining.abort();
    this.#reviews?.stop();
    this.#closing.abort();
    this.#bound.release();
    for (const socket of this.#bound.sockets) if (!this.#left.has(socket)) socket.close();
    await Promise.all(this.#loops);
    this.#batch.flush();
  }

  #review(gone: "keep" | "close"): void {
    let opened: readonly AcceptingSocket[] = [];
    try {
      opened = this.#bound.renew?.(gone) ?? opened;
    } catch (error) {
      const reason = messageOf(error);
      this.#options.log.debug("the addresses of this machine are not told: {reason}", { reason });
    }
    for (const socket of opened) {
      this.#loops.push(this.#run(socket));
      const address = formatSocketAddress(socket.address);
      this.#options.log.info("listening on {address} as well, which is new", { address });
    }
  }

  async #run(socket: AcceptingSocket): Promise<void> {
    let acceptedThisTurn = 0;
    while (!this.#closed) {
      await this.#mayAccept();
      if (this.#closed) return;
      try {
        const accepting = socket.accept();
        if (this.#probe && await this.#probe.waits(accepting)) this.#leave(socket);
        const stream = await accepting;
        // Another socket may have filled the queue since this one began to wait.
        const alone = this.#bound.sockets.length === 1;
        while (!alone && !this.#closed && !this.#hasRoom()) await this.#mayAccept();
        this.#enter(stream);
      } catch (error) {
        // It may also be closed because the machine has its address no more.
        if (this.#closed || this.#left.has(socket)) return;
        if (!this.#bound.sockets.includes(socket)) return;
        await this.#failures.pause(error);
        continue;
      }
      if (++acceptedThisTurn >= ACCEPTS_PER_TURN) {
        await nextTurn();
        acceptedThisTurn = 0;
      }
    }
  }

  /** Closes a socket at which nobody waits, at once. */
  #leave(socket: AcceptingSocket): void {
    // What belongs to the address as a whole goes with the last one.
    if (this.#left.size + 1 === this.#bound.sockets.length) return void this.close();
    this.#left.add(socket);
    socket.close();
  }

  /** Whether one more may be accepted, after those of the batch have joined the queue. */
  #hasRoom(): boolean {
    const { gate } = this.#options;
    if (this.#draining.signal.aborted) return gate.affordable;
    if (this.#batch.size >= gate.freeSlots) this.#batch.flush();
    return gate.open;
  }

  /** Resolves when there is room for one more; during a drain only its descriptors count. */
  async #mayAccept(): Promise<void> {
    const { gate } = this.#options;
    const draining = this.#draining.signal;
    if (!draining.aborted && !this.#hasRoom()) await gate.room(draining);
    if (!draining.aborted || gate.affordable) return;
    this.#short++;
    // Those who wait for a batch to fill have descriptors.
    this.#batch.flush();
    await gate.afford(this.#closing.signal);
    this.#short--;
  }

  #enter(stream: Stream): void {
    this.#failures.over();
    this.#accepted++;
    const session = this.#options.gate.enter(stream, this.#later);
    if (session !== undefined) this.#add(session);
  }

  /** A batch that fills the room that there is does not wait for more: the gate asks for that room. */
  #add(session: S): void {
    this.#batch.add(session);
    if (this.#batch.size >= this.#options.gate.freeSlots) this.#batch.flush();
  }
}
