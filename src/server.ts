import type { Logger } from "@logtape/logtape";
import type { AccessLog } from "./access_output.ts";
import { formatAddress } from "./address.ts";
import { Admission } from "./admission.ts";
import { BufferPool } from "./buffers.ts";
import { Channel } from "./channel.ts";
import { type Clock, monotonic } from "./clock.ts";
import type { Config } from "./config.ts";
import { Crew } from "./crew.ts";
import { Destination } from "./destination.ts";
import { Entrance } from "./entrance.ts";
import { Health } from "./health.ts";
import { Ledger } from "./ledger.ts";
import { Line } from "./line.ts";
import { Listener } from "./listener.ts";
import { type Books, logDrained, logDraining, logStart, type Status } from "./report.ts";
import type { Session } from "./session.ts";
import { Tasks } from "./tasks.ts";
import { Sweep } from "./timeouts.ts";
import { Turns } from "./turns.ts";
import { Watchdog } from "./watchdog.ts";
import { work, type Workplace } from "./worker.ts";

/** Options of {@linkcode Server.start}. */
export interface ServerOptions {
  log: Logger;
  /** Gets every session that ended. */
  access?: Pick<AccessLog, "add">;
  clock?: Clock;
  /** Its number among threads that share the address, and how many there are; alone if absent. */
  thread?: { index: number; number: number };
}

/**
 * The load balancer: wires listener, line, destinations, workers and timeouts together.
 *
 * The life of a session: the listener accepts it and hands it to the line (`line.ts`), a worker of
 * the crew takes it from the queue, connects and relays (`worker.ts`), and the ledger closes it.
 */
export class Server {
  readonly #config: Config;
  readonly #log: Logger;
  readonly #thread: ServerOptions["thread"];
  readonly #clock: Clock;
  /** Every live session, and how the others ended. */
  readonly #ledger: Ledger;
  readonly #queue: Channel<Session>;
  readonly #line: Line;
  readonly #entrance: Entrance;
  readonly #destinations: readonly Destination[];
  readonly #crew: Crew;
  readonly #health: Health;
  readonly #buffers = new BufferPool();
  readonly #turns = new Turns();
  readonly #sweep: Sweep;
  readonly #watchdog: Watchdog;
  /** Aborted at the very end: stops what only serves sessions, such as probing. */
  readonly #life = new AbortController();
  /** Aborted when waiting for sessions to finish is over. */
  readonly #patience = new AbortController();
  /** Workers and probes under way: all have ended before the server has. */
  readonly #tasks: Tasks;
  #listener!: Listener<Session>;
  #drained: Promise<boolean> | undefined;

  private constructor(config: Config, options: ServerOptions) {
    const { log, access, thread, clock = monotonic } = options;
    this.#thread = thread;
    this.#config = config;
    this.#log = log;
    this.#clock = clock;
    this.#tasks = new Tasks((error) => {
      log.error("a task failed, which is a defect: {error}", { error });
    });
    const name = formatAddress(config.listen);
    this.#ledger = new Ledger({
      clock,
      onEnd: (session) => {
        admission.leave(session.client.remoteAddr);
        access?.add(session, name);
      },
    });
    this.#destinations = config.destinations.map((destination) =>
      new Destination(destination, clock)
    );
    this.#queue = new Channel(config.queue, { onWaiting: () => this.#crew.grow() });
    const admission = new Admission({
      settings: config,
      rules: config.rules,
      ledger: this.#ledger,
      destinations: config.destinations.length,
      active: () => this.#ledger.live.size - this.#queue.size,
      threads: thread?.number ?? 1,
      clock,
      log,
    });
    this.#line = new Line({ queue: this.#queue, ledger: this.#ledger, admission });
    this.#entrance = new Entrance({
      settings: config,
      line: this.#line,
      admission,
      ledger: this.#ledger,
      ids: { first: (thread?.index ?? 0) + 1, step: thread?.number ?? 1 },
      buffers: this.#buffers,
      clock,
      log,
    });
    const workplace = this.#workplace();
    this.#crew = new Crew({
      destinations: this.#destinations,
      queue: this.#queue,
      hire: (destination) => this.#tasks.add(work(destination, workplace)),
    });
    this.#health = new Health({
      destinations: this.#destinations,
      crew: this.#crew,
      settings: config,
      signal: this.#life.signal,
      clock,
      log,
    });
    this.#sweep = new Sweep(this.#ledger.live, {
      timeouts: config,
      clock,
      onSeen: (session) => session.settle({ keepAlive: config.keepalive === "on" }),
    });
    this.#watchdog = new Watchdog({ queue: this.#queue, crew: this.#crew, log });
  }

  /**
   * Begins to listen and to serve.
   *
   * @throws {FatalError} If the listen address cannot be bound.
   */
  static async start(config: Config, options: ServerOptions): Promise<Server> {
    const server = new Server(config, options);
    try {
      server.#listener = await Listener.open<Session>(config.listen, {
        settings: config,
        entrance: server.#entrance,
        handOver: (sessions) => server.#tasks.add(server.#line.join(sessions)),
        reusePort: options.thread !== undefined,
        log: server.#log,
      });
    } catch (error) {
      server.#sweep.stop();
      server.#watchdog.stop();
      throw error;
    }
    server.#crew.arrange();
    server.#tasks.add(server.#health.run());
    if (!options.thread) logStart(server.#log, server.address, config);
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

  /** What became of everything so far. */
  get books(): Books {
    const { accepted, outcomes, balanced } = this.#ledger;
    return { accepted, outcomes, balanced };
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

  #workplace(): Workplace {
    return {
      queue: this.#queue,
      ledger: this.#ledger,
      clock: this.#clock,
      settings: this.#config,
      relaying: { buffers: this.#buffers, turns: this.#turns, redispatch: this.#config.redispatch },
      log: this.#log,
      attempts: [],
      giveBack: (session) => this.#line.giveBack(session),
      onShortage: (error) => this.#health.shortage(error),
      onServed: (destination) => this.#health.served(destination),
      onFailure: (destination, error) => this.#health.failed(destination, error),
      keeps: (destination) => this.#crew.keeps(destination),
    };
  }

  /** Sessions that have a worker. */
  #active(): number {
    return this.#destinations.reduce((sum, { active }) => sum + active, 0);
  }

  async #drain(): Promise<boolean> {
    const { drainTimeout } = this.#config;
    if (!this.#thread) logDraining(this.#log, this.status(), drainTimeout);
    const timer = drainTimeout > 0
      ? setTimeout(() => this.#cut("drain-timeout"), drainTimeout)
      : undefined;
    // What the kernel has accepted joins the line, however full that is.
    this.#line.lift();
    await this.#listener.drain({ signal: this.#patience.signal });
    this.#line.close();
    await this.#ledger.below(1);
    clearTimeout(timer);
    await this.#end();
    if (!this.#thread) return logDrained(this.#log, this.books);
    return this.#ledger.outcomes.cut === 0;
  }

  #cut(reason: "drain-timeout" | "quit"): void {
    this.#patience.abort();
    this.#line.turnAway(reason);
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
    this.#watchdog.stop();
    this.#crew.stop();
    this.#entrance.close();
    for (const destination of this.#destinations) destination.dismiss();
    await this.#tasks.idle();
    await this.#turns.close();
  }
}
