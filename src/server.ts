import type { Logger } from "@logtape/logtape";
import { accessLogFormat } from "./access_log.ts";
import { BufferPool } from "./buffers.ts";
import { Channel } from "./channel.ts";
import { type Clock, monotonic } from "./clock.ts";
import type { Config } from "./config.ts";
import { Crew } from "./crew.ts";
import { DescriptorBudget } from "./descriptors.ts";
import { Destination } from "./destination.ts";
import { messageOf } from "./errors.ts";
import { untilReachable } from "./health.ts";
import { Ledger } from "./ledger.ts";
import type { LineWriter } from "./line_writer.ts";
import { Listener } from "./listener.ts";
import { type EndReason, Session } from "./session.ts";
import { Sweep } from "./timeouts.ts";
import { formatDuration } from "./units.ts";
import { work, type Workplace } from "./worker.ts";

/** How long nobody connects when this machine has no descriptors or memory for it. */
const SHORTAGE_PAUSE_MS = 100;

/** Options of {@linkcode Server.start}. */
export interface ServerOptions {
  log: Logger;
  /** Gets a line for each session that ended; without it there is no access log. */
  access?: LineWriter | undefined;
  clock?: Clock;
}

/** What a server is doing right now; see {@linkcode Server.status}. */
export interface Status {
  state: "running" | "draining";
  /** Sessions accepted since the start. */
  accepted: number;
  /** Sessions in the line. */
  waiting: number;
  /** Sessions that have a worker. */
  active: number;
  /** Ended sessions by reason, those reasons that occurred. */
  ended: Partial<Record<EndReason, number>>;
  destinations: {
    name: string;
    state: string;
    workers: number;
    active: number;
    sessions: number;
    failures: number;
  }[];
}

/**
 * The load balancer: wires listener, queue, destinations, workers and timeouts together.
 *
 * The life of a session: the listener opens it and hands it to {@linkcode #lineUp}, a worker takes
 * it from the queue, connects and relays (`worker.ts`), and the ledger closes it.
 */
export class Server {
  readonly #config: Config;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #queue: Channel<Session>;
  readonly #ledger: Ledger;
  readonly #destinations: readonly Destination[];
  readonly #crew: Crew;
  readonly #buffers = new BufferPool();
  readonly #sweep: Sweep;
  readonly #workplace: Workplace;
  /** Aborted at the very end: stops what only serves sessions, such as probing. */
  readonly #life = new AbortController();
  /** Aborted when waiting for sessions to finish is over. */
  readonly #patience = new AbortController();
  /** Workers and probes under way: all have ended before the server has. */
  readonly #tasks = new Set<Promise<void>>();
  /** Whether connects fail for want of descriptors or memory. */
  #short = false;
  readonly #descriptors: DescriptorBudget;
  #toldLimit = false;
  #listener!: Listener<Session>;
  #drained: Promise<boolean> | undefined;
  /** Set once what is left is cut; sessions that come in after that are, too. */
  #cutReason: "drain-timeout" | "quit" | undefined;

  private constructor(config: Config, options: ServerOptions) {
    const { log, access, clock = monotonic } = options;
    this.#config = config;
    this.#descriptors = new DescriptorBudget(config.destinations.length);
    this.#log = log;
    this.#clock = clock;
    const format = accessLogFormat(config.logFormat);
    this.#ledger = new Ledger({
      clock,
      onEnd: (session) => access?.write(format(session, new Date())),
    });
    this.#queue = new Channel(config.queue, { onWaiting: () => this.#crew.grow() });
    this.#destinations = config.destinations.map((destination) => new Destination(destination));
    this.#crew = new Crew({
      destinations: this.#destinations,
      queue: this.#queue,
      hire: (destination) => this.#run(work(destination, this.#workplace)),
    });
    this.#workplace = {
      queue: this.#queue,
      ledger: this.#ledger,
      buffers: this.#buffers,
      clock,
      settings: config,
      log: log.getChild("worker"),
      giveBack: (session) => this.#giveBack(session),
      onFailure: (destination, error) => this.#onFailure(destination, error),
      onShortage: (error) => this.#onShortage(error),
      onSuccess: () => this.#short = false,
      keeps: (destination) => this.#crew.keeps(destination),
    };
    this.#sweep = new Sweep(this.#ledger.live, { timeouts: config, clock });
  }

  /**
   * Begins to listen and to serve.
   *
   * @throws {FatalError} If the listen address cannot be bound.
   */
  static async start(config: Config, options: ServerOptions): Promise<Server> {
    const server = new Server(config, options);
    try {
      server.#listener = await server.#listen();
    } catch (error) {
      server.#sweep.stop();
      throw error;
    }
    server.#crew.arrange();
    server.#logStart();
    return server;
  }

  /** The address that is really bound, such as `[::]:8080`. */
  get address(): string {
    return this.#listener.address;
  }

  /**
   * Stops accepting, after what the kernel has accepted already, and serves all sessions to their
   * end, or until the drain timeout, at which those that are left are cut.
   *
   * A second call waits for the same drain.
   *
   * @returns Whether every session could finish: nothing was cut.
   */
  drain(): Promise<boolean> {
    return this.#drained ??= this.#drain();
  }

  /** Cuts everything at once and ends a drain that is under way. */
  async quit(): Promise<boolean> {
    this.#cut("quit");
    return await this.drain();
  }

  /** What it is doing right now. */
  status(): Status {
    const ended = Object.entries(this.#ledger.ended).filter(([, number]) => number > 0);
    return {
      state: this.#drained ? "draining" : "running",
      accepted: this.#ledger.accepted,
      waiting: this.#queue.size,
      active: this.#active(),
      ended: Object.fromEntries(ended),
      destinations: this.#destinations.map(
        ({ name, state, workers, active, sessions, failures }) => {
          return { name, state, workers, active, sessions, failures };
        },
      ),
    };
  }

  #listen(): Promise<Listener<Session>> {
    const queue = this.#queue;
    const ledger = this.#ledger;
    return Listener.open<Session>(this.#config.listen, {
      settings: this.#config,
      line: {
        room: async (options) => {
          do {
            await ledger.below(this.#sessionLimit(), options);
            await queue.room(options);
          } while (ledger.live.size >= this.#sessionLimit());
        },
        get places() {
          return queue.capacity - queue.size + queue.receivers;
        },
        get idleWorkers() {
          return queue.receivers;
        },
      },
      open: (conn) => this.#open(conn),
      handOver: (sessions) => this.#lineUp(sessions),
      log: this.#log.getChild("listener"),
    });
  }

  /** Most sessions at a time. */
  #sessionLimit(): number {
    if (this.#config.maxConnections > 0) return this.#config.maxConnections;
    const { size } = this.#ledger.live;
    const limit = this.#descriptors.sessions(size, () => size + this.#active());
    if (this.#descriptors.final && !this.#toldLimit) {
      this.#toldLimit = true;
      this.#log.info("the limit of open files has room for {limit} sessions at a time", { limit });
    }
    return limit;
  }

  /** Sessions that have a worker. */
  #active(): number {
    return this.#destinations.reduce((sum, { active }) => sum + active, 0);
  }

  #open(conn: Deno.Conn): Session {
    const session = new Session(conn, {
      id: this.#ledger.accepted + 1,
      now: this.#clock(),
      buffers: this.#buffers,
    });
    this.#ledger.open(session);
    return session;
  }

  #lineUp(sessions: Session[]): void {
    const present = sessions.filter((session) => this.#wait(session));
    this.#run(this.#queue.sendAll(present));
  }

  #giveBack(session: Session): void {
    if (!this.#wait(session)) return;
    this.#queue.unshift(session, { behind: (waiting) => waiting.id < session.id });
  }

  /** Prepares a session for the line; `false` if it is over, its client having left, say. */
  #wait(session: Session): boolean {
    session.wait(() => {
      if (this.#queue.remove(session)) this.#ledger.finish(session);
    });
    if (this.#cutReason) session.abort(this.#cutReason);
    if (session.reason === undefined) return true;
    this.#ledger.finish(session);
    return false;
  }

  #onFailure(destination: Destination, error: Error): void {
    const { name } = destination;
    const wasUp = destination.fail();
    this.#log.debug("connect to {name} failed: {reason}", { name, reason: messageOf(error) });
    if (!wasUp) return;
    this.#log.warning("destination {name} is down: {reason}", { name, reason: messageOf(error) });
    this.#crew.arrange();
    this.#run(this.#bringBack(destination));
  }

  #onShortage(error: Error): void {
    if (!this.#short) {
      const reason = messageOf(error);
      this.#log.warning("connecting pauses, this machine is short of something: {reason}", {
        reason,
      });
    }
    this.#short = true;
    this.#crew.rest(SHORTAGE_PAUSE_MS);
  }

  async #bringBack(destination: Destination): Promise<void> {
    const { name } = destination;
    const since = this.#clock();
    try {
      await untilReachable(destination, {
        signal: this.#life.signal,
        timeout: this.#config.connectTimeout,
        onFailure: (error) => {
          destination.failures++;
          this.#log.debug("probe of {name} failed: {reason}", { name, reason: messageOf(error) });
        },
      });
    } catch (error) {
      if (this.#life.signal.aborted) return;
      throw error;
    }
    destination.recover();
    const seconds = Math.round((this.#clock() - since) / 100) / 10;
    this.#log.info("destination {name} is up again after {seconds} s", { name, seconds });
    this.#crew.arrange();
  }

  async #drain(): Promise<boolean> {
    const { waiting, active } = this.status();
    const { drainTimeout } = this.#config;
    this.#log.info("draining: {active} sessions active, {waiting} waiting, at most {limit}", {
      active,
      waiting,
      limit: drainTimeout === 0 ? "for ever" : formatDuration(drainTimeout),
    });
    const timer = drainTimeout > 0
      ? setTimeout(() => this.#cut("drain-timeout"), drainTimeout)
      : undefined;
    // What the kernel has accepted joins the line, however full that is.
    this.#queue.resize(Number.MAX_SAFE_INTEGER);
    await this.#listener.drain({ signal: this.#patience.signal });
    this.#queue.close();
    await this.#ledger.below(1);
    clearTimeout(timer);
    await this.#end();
    const { cut, accepted } = this.#ledger;
    if (cut > 0) this.#log.warning("drained, but {cut} sessions were cut", { cut });
    else this.#log.info("drained: nothing was cut, {accepted} sessions in all", { accepted });
    return cut === 0;
  }

  #cut(reason: "drain-timeout" | "quit"): void {
    this.#cutReason ??= reason;
    this.#patience.abort();
    for (const session of this.#ledger.live) {
      this.#log.warning("session {id} of {client} at {destination} is cut: {reason}", {
        id: session.id,
        client: session.clientName,
        destination: session.destination ?? "-",
        reason,
      });
      session.abort(reason);
    }
  }

  async #end(): Promise<void> {
    this.#life.abort();
    this.#sweep.stop();
    this.#crew.stop();
    for (const destination of this.#destinations) destination.dismiss();
    await Promise.all(this.#tasks);
  }

  /** Keeps track of a task; one that fails is a defect and is logged as such. */
  async #run(task: Promise<void>): Promise<void> {
    const tracked = task.catch((error) => {
      this.#log.error("a task failed, which is a defect: {error}", { error });
    });
    this.#tasks.add(tracked);
    await tracked;
    this.#tasks.delete(tracked);
  }

  #logStart(): void {
    const { address, destinations } = { address: this.address, destinations: this.#destinations };
    this.#log.info("listening on {address} for {destinations}; {limits}", {
      address,
      destinations: destinations.map(({ name, config }) => `${name} (${config.workers} workers)`)
        .join(", "),
      limits: `queue ${this.#config.queue}`,
    });
  }
}
