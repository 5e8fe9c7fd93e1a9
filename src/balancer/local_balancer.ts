import type { Logger } from "@logtape/logtape";
import type { AccessLog } from "../logging/access_log.ts";
import { type Address, formatAddress } from "../net/address.ts";
import { Admission } from "./admission.ts";
import type { Balancer, Identity, Replacement } from "./balancer.ts";
import { BufferPool } from "../net/buffer_pool.ts";
import { Channel } from "../async/channel.ts";
import { atOnce, type Chunks, inTurns } from "../async/chunks.ts";
import { type Clock, monotonic } from "../base/clock.ts";
import type { Config, DestinationConfig } from "../config/config.ts";
import { WorkerPool } from "./worker_pool.ts";
import { DescriptorBudget } from "../net/descriptor_budget.ts";
import { Gate } from "./gate.ts";
import { messageOf } from "../base/errors.ts";
import { Health } from "../destinations/health.ts";
import { SessionRegistry } from "../session/registry.ts";
import { Queue } from "./queue.ts";
import { Acceptor } from "./acceptor.ts";
import { Loops } from "../session/loops.ts";
import type {
  AdminState,
  DestinationStatus,
  ListenerStatus,
  SessionInfo,
} from "../operations/operations.ts";
import type { Settings } from "../config/options.ts";
import { logDrained, logDraining, logStart } from "./report.ts";
import { type Totals } from "../operations/totals.ts";
import { DestinationSet } from "../destinations/destination_set.ts";
import type { Session } from "../session/session.ts";
import { destinationStatus, listenerStatus, liveBytes, sessionInfos } from "./status.ts";
import { Steps } from "../session/steps.ts";
import { TaskGroup } from "../async/task_group.ts";
import type { Durations } from "../telemetry/opentelemetry.ts";
import { after } from "../base/timer.ts";
import { TimeoutSweep } from "../session/timeouts.ts";
import { Timekeeper } from "../session/timings.ts";
import { Trails } from "../net/trails.ts";
import { FairReads } from "../net/fair_reads.ts";
import { StallDetector } from "./stall_detector.ts";
import { runWorker, type WorkerContext } from "./worker.ts";

/** Options of {@linkcode LocalBalancer.start}. */
export interface LocalBalancerOptions {
  /** Listener 1 with destinations from 1 on unless given. */
  identity?: Identity;
  log: Logger;
  /** Gets every session that ended. */
  access?: Pick<AccessLog, "add">;
  /** Gets the same durations as the histograms, one by one. */
  durations?: Durations | undefined;
  clock?: Clock;
  /** What all that want descriptors share; all that there are, if absent. */
  descriptors?: DescriptorBudget;
  /** Its number among threads that share the address, and how many there are; alone if absent. */
  thread?: { index: number; number: number };
  /** What listeners and threads know together of the ways of sessions; only this one's if absent. */
  trails?: Trails;
  /** Ends waiting for a name server at the start; its reason is thrown then. */
  signal?: AbortSignal | undefined;
}

/**
 * The load balancer: wires listener, line, destinations, workers and timeouts together.
 *
 * The life of a session: the listener accepts it and hands it to the line (`queue.ts`), a worker of
 * the crew takes it from the queue, connects and relays (`worker.ts`), and the ledger closes it.
 */
export class LocalBalancer implements Balancer {
  readonly #id: number;
  readonly #name: string;
  /** The settings in force: everybody here looks at these, and a reload changes them in place. */
  readonly #settings: Settings;
  readonly #log: Logger;
  readonly #steps: Steps;
  readonly #thread: LocalBalancerOptions["thread"];
  readonly #clock: Clock;
  readonly #descriptors: DescriptorBudget;
  readonly #leaveBudget: () => void;
  /** Every live session, and how the others ended. */
  readonly #registry: SessionRegistry;
  readonly #queue: Channel<Session>;
  readonly #line: Queue;
  readonly #gate: Gate;
  readonly #destinationSet: DestinationSet;
  readonly #admission: Admission;
  readonly #pool: WorkerPool;
  readonly #health: Health;
  readonly #buffers = new BufferPool();
  readonly #fairReads = new FairReads();
  readonly #sweep: TimeoutSweep;
  readonly #stallDetector: StallDetector;
  readonly #workplace: WorkerContext;
  readonly #timekeeper: Timekeeper;
  /** Aborted at the very end: stops what only serves sessions, such as probing. */
  readonly #life = new AbortController();
  /** Aborted when waiting for sessions to finish is over. */
  readonly #patience = new AbortController();
  /** Workers and probes under way: all have ended before the server has. */
  readonly #tasks: TaskGroup;
  readonly #trails: Trails;
  readonly #loops: Loops;
  /** What has to be taken back at the end. */
  readonly #undo: (() => void)[] = [];
  #listener!: Acceptor<Session>;
  #drained: Promise<boolean> | undefined;

  private constructor(config: Config, options: LocalBalancerOptions & { identity: Identity }) {
    const { log, access, thread, clock = monotonic } = options;
    this.#descriptors = options.descriptors ?? new DescriptorBudget();
    this.#leaveBudget = this.#descriptors.join({
      count: () => this.#unopened(),
      estimate: () => this.#queue.size,
    });
    const { id, name } = options.identity;
    this.#id = id;
    this.#name = name;
    this.#thread = thread;
    const settings = this.#settings = { ...config };
    this.#log = log;
    const steps = this.#steps = new Steps(log, { on: settings.logLevel === "debug" });
    this.#trails = options.trails ?? new Trails();
    this.#loops = new Loops({
      trails: this.#trails,
      listener: { id, name },
      nameOf: (number) => this.#destinationSet.find(number)?.name,
      clock,
      log,
    });
    const timekeeper = new Timekeeper({ listener: name, durations: options.durations });
    this.#timekeeper = timekeeper;
    this.#clock = clock;
    this.#tasks = new TaskGroup((error) => {
      log.error("a task failed, which is a defect: {error}", { error });
    });
    this.#registry = new SessionRegistry({
      clock,
      onEnd: (session) => {
        this.#admission.leave(session);
        timekeeper.ended(session);
        if (steps.on) steps.closed(session);
        access?.add(session, name);
      },
    });
    this.#queue = new Channel(config.queue, { onWaiting: () => this.#pool.grow() });
    const admission = this.#admission = new Admission({
      settings,
      rules: config.rules,
      registry: this.#registry,
      descriptors: this.#descriptors,
      clock,
      log,
    });
    this.#line = new Queue({ queue: this.#queue, registry: this.#registry, admission, clock });
    this.#gate = new Gate({
      settings,
      line: this.#line,
      admission,
      registry: this.#registry,
      ids: { first: (thread?.index ?? 0) + 1, step: thread?.number ?? 1 },
      buffers: this.#buffers,
      clock,
      log,
      steps,
      loops: this.#loops,
      onTask: (task) => this.#tasks.add(task),
    });
    const workplace = this.#workplace = this.#arrangeWorkplace();
    this.#pool = new WorkerPool({
      destinations: [],
      queue: this.#queue,
      hire: (destination) => this.#tasks.add(runWorker(destination, workplace)),
      onStranded: (session) => session.abort("server-reset"),
    });
    this.#health = new Health({
      workers: this.#pool,
      settings,
      signal: this.#life.signal,
      clock,
      descriptors: this.#descriptors,
      log,
    });
    this.#destinationSet = new DestinationSet({
      pool: this.#pool,
      health: this.#health,
      tasks: this.#tasks,
      clock,
      trails: this.#trails,
      listener: id,
    });
    this.#sweep = new TimeoutSweep(this.#registry.live, {
      timeouts: settings,
      clock,
      onSeen: (session) => session.settle({ keepAlive: settings.keepalive === "on" }),
    });
    this.#stallDetector = new StallDetector({ queue: this.#queue, pool: this.#pool, log });
  }

  /**
   * Begins to listen and to serve.
   *
   * @throws {FatalError} If the listen address cannot be bound.
   */
  static async start(config: Config, options: LocalBalancerOptions): Promise<LocalBalancer> {
    const { identity = soleIdentity(config) } = options;
    const server = new LocalBalancer(config, { ...options, identity });
    try {
      server.#listener = await Acceptor.open<Session>(config.listen, {
        settings: server.#settings,
        gate: server.#gate,
        handOver: (sessions) => server.#tasks.add(server.#line.join(sessions)),
        reusePort: options.thread !== undefined,
        onShortage: () => server.#descriptors.noteShortage(),
        log: server.#log,
        signal: options.signal,
      });
    } catch (error) {
      server.#sweep.stop();
      server.#stallDetector.stop();
      server.#leaveBudget();
      throw error;
    }
    server.#noteAddress(config.listen);
    atOnce(server.#exchange(config.destinations, identity.numbers));
    server.#pool.arrange();
    if (!options.thread) logStart(server.#log, server.address, config);
    return server;
  }

  /** What is really bound, such as `[::]:8080`; several addresses are separated by a comma. */
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
  get books(): Totals {
    const { accepted, outcomes, balanced } = this.#registry;
    return { accepted, outcomes, balanced };
  }

  /** What it is doing right now. */
  status(): ListenerStatus {
    return listenerStatus({
      id: this.#id,
      name: this.#name,
      address: this.address,
      draining: this.#drained !== undefined,
      registry: this.#registry,
      queue: this.#queue,
      capacity: this.#settings.queue,
      timings: this.#timekeeper.timings,
      destinations: this.#destinationSet.all,
      now: this.#clock(),
    });
  }

  /** What one of its destinations is doing; `undefined` if it is not there. */
  destination(number: number): DestinationStatus | undefined {
    const found = this.#destinationSet.find(number);
    return found &&
      destinationStatus(found, { id: this.#id, live: liveBytes(this.#registry.live) });
  }

  /** The oldest live sessions, at most so many. */
  sessions(limit: number): SessionInfo[] {
    return sessionInfos(this.#registry.live, {
      listener: { id: this.#id, name: this.#name },
      limit,
      now: this.#clock(),
    });
  }

  /** Ends a session at once. Returns whether it was there. */
  endSession(id: number): boolean {
    for (const session of this.#registry.live) {
      if (session.id !== id) continue;
      session.abort("killed");
      return true;
    }
    return false;
  }

  /** Sets what the operator wants of a destination; nothing if it is not there. */
  setAdminState(number: number, state: AdminState): void {
    const destination = this.#destinationSet.find(number);
    if (!destination || destination.admin === state) return;
    // Nobody has looked at it since.
    if (destination.admin === "maint") destination.forget();
    destination.admin = state;
    this.#health.review(destination);
  }

  /**
   * Goes over to another configuration with the same listen address. No session notices: those that
   * wait keep their place, and a destination that is gone finishes those that it has. What can only
   * be chosen at the start stays as it is: `backlog`, `threads`.
   */
  async reconfigure(config: Config, { numbers }: Pick<Identity, "numbers">): Promise<void> {
    const before = { ...this.#settings };
    const { backlog, threads } = before;
    Object.assign(this.#settings, { ...config, backlog, threads });
    const { rules, destinations } = config;
    await inTurns(this.#exchange(destinations, numbers));
    this.#admission.apply({ rules, before });
    this.#workplace.relaying.redispatch = config.redispatch;
    this.#steps.on = config.logLevel === "debug";
    // At the very end there is nobody left whom it could end.
    if (!this.#life.signal.aborted) this.#sweep.restart();
    this.#health.apply(this.#settings);
    if (!this.#drained) this.#queue.resize(config.queue);
    this.#gate.review();
    if (config.halfClose !== before.halfClose) this.#reviewSessions();
    this.#pool.arrange();
  }

  /** Goes over to a configuration in which one destination is new, different or gone. */
  /** Goes over to other destinations, one by one. */
  *#exchange(
    destinations: readonly DestinationConfig[],
    numbers: Identity["numbers"],
  ): Chunks<void> {
    for (const changed of this.#destinationSet.apply(destinations, numbers)) {
      if (this.#life.signal.aborted) return;
      if (changed) this.#pool.arrange(changed);
      yield;
    }
  }

  replace({ rules }: Config, { number, destination }: Replacement): void {
    const changed = destination
      ? this.#destinationSet.put(destination, number)
      : this.#destinationSet.find(number);
    if (!changed) return;
    if (destination) this.#health.reconsider(changed);
    else this.#destinationSet.remove(changed);
    this.#admission.apply({ rules, before: this.#settings });
    this.#gate.review();
    this.#pool.arrange(changed);
  }

  /** Lets others know that a connect to this address leads here. */
  #noteAddress(listen: Address): void {
    if (listen.transport === "unix") {
      this.#undo.push(this.#trails.listenAt(listen.path, this.#id));
      return;
    }
    const port = Number(/\d+$/.exec(this.address)![0]);
    this.#trails.listen(port);
    this.#undo.push(() => this.#trails.unlisten(port));
  }

  #arrangeWorkplace(): WorkerContext {
    return {
      queue: this.#queue,
      registry: this.#registry,
      clock: this.#clock,
      settings: this.#settings,
      relaying: {
        buffers: this.#buffers,
        fairReads: this.#fairReads,
        redispatch: this.#settings.redispatch,
        steps: this.#steps,
      },
      log: this.#log,
      steps: this.#steps,
      loops: this.#loops,
      attempts: [],
      giveBack: (session) => this.#line.giveBack(session),
      onFull: (destination, error) => {
        this.#health.full(destination, error);
        this.#pool.onFull(destination);
      },
      onShortage: (error) => {
        this.#descriptors.noteShortage();
        this.#health.shortage(error);
      },
      onConnected: (session, destination) => {
        if (destination.state === "untried") this.#health.reached(destination);
        this.#timekeeper.connected(session, destination);
        if (destination.wary) this.#pool.onConnected(destination);
      },
      onReset: (session, destination, error) => {
        const { name } = destination;
        const reason = messageOf(error);
        this.#log.debug("session {id} at {name}: {reason}", { id: session.id, name, reason });
        this.#health.doubt(destination);
      },
      onFailure: (destination, error) => this.#health.failed(destination, error),
      servesBeside: (destination) => this.#pool.servesBeside(destination),
      keeps: (destination) => this.#pool.keeps(destination),
    };
  }

  #reviewSessions(): void {
    for (const session of this.#registry.live) session.review();
  }

  async #drain(): Promise<boolean> {
    const { drainTimeout } = this.#settings;
    if (!this.#thread) logDraining(this.#log, this.status(), drainTimeout);
    const timer = drainTimeout > 0
      ? after(drainTimeout, () => this.#cut("drain-timeout"))
      : undefined;
    // What the kernel has accepted joins the line, however full that is.
    this.#line.lift();
    await this.#listener.drain({ signal: this.#patience.signal, pause: this.#fairReads });
    this.#line.close();
    await this.#registry.below(1);
    timer?.stop();
    await this.#end();
    if (!this.#thread) return logDrained(this.#log, this.books);
    return this.#registry.outcomes.cut === 0;
  }

  #cut(reason: "drain-timeout" | "quit"): void {
    this.#patience.abort();
    this.#line.turnAway(reason);
    for (const session of this.#registry.live) {
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
    this.#stallDetector.stop();
    this.#pool.stop();
    this.#health.close();
    this.#gate.close();
    this.#destinationSet.dismiss();
    await this.#tasks.idle();
    await this.#fairReads.close();
    for (const undo of this.#undo) undo();
    this.#leaveBudget();
  }

  /** Descriptors that sessions have a right to and not yet, or no more: those to connect with. */
  #unopened(): number {
    let number = 0;
    for (const { server } of this.#registry.live) if (server === undefined) number++;
    return number;
  }
}

function soleIdentity({ listen, destinations }: Config): Identity {
  return {
    id: 1,
    name: formatAddress(listen),
    numbers: Object.fromEntries(destinations.map(({ key }, index) => [key, index + 1])),
  };
}
