import { type Chunks, inTurns } from "../async/chunks.ts";
import { waitAtMost } from "../async/wait_at_most.ts";
import type { Balancer, Identity, Replacement } from "../balancer/balancer.ts";
import { assertThreads } from "../balancer/descriptor_advice.ts";
import { logChildren, logDrained, logDraining, logStart } from "../balancer/report.ts";
import type { ListenerConfig } from "../config/config.ts";
import {
  haveProcesses,
  shareOfDestination,
  type ThreadPosition,
  threadsOf,
} from "../config/thread_shares.ts";
import type { Logs } from "../logging/logs.ts";
import { assertShareable } from "../net/bind_alone.ts";
import { DescriptorBudget } from "../net/descriptor_budget.ts";
import { passedSockets } from "../net/passed/sockets.ts";
import type { Sharing } from "../net/sharing.ts";
import { Trails } from "../net/trails.ts";
import type { DestinationStatus } from "../operations/destination_status.ts";
import { addStatuses, type ListenerStatus } from "../operations/listener_status.ts";
import type { InspectionSource, ListenerWish } from "../operations/inspection.ts";
import type { ListenerSample } from "../operations/sample.ts";
import type { SessionInfo } from "../operations/operations.ts";
import type { AdminState } from "../operations/states.ts";
import { addTotals } from "../operations/totals.ts";
import { inspectThread } from "./inspect_thread.ts";
import type { ThreadWorker } from "./messages.ts";
import { ProcessWorker } from "./process_worker.ts";
import { RetiredCounters } from "./retired_counters.ts";
import { destinationsMessages, threadConfigOf } from "./thread_config.ts";
import { ThreadGroup } from "./thread_group.ts";
import { ThreadSamples } from "./thread_samples.ts";
import { THREAD_LIMITS, type ThreadHandle, type ThreadLimits } from "./thread_handle.ts";

/**
 * How long a status waits for the threads, in milliseconds: of one that does not answer in time it
 * shows the numbers that it has told last.
 */
const STATUS_PATIENCE_MS = 1000;

/** Options of {@linkcode ThreadedBalancer.start}. */
export interface ThreadedBalancerOptions {
  config: ListenerConfig;
  identity: Identity;
  logs: Logs;
  /** What all that want descriptors share; all that there are, if absent. */
  descriptors?: DescriptorBudget;
  /** What threads and listeners know together of the ways of sessions. */
  trails?: Trails;
  /** Makes a thread; one that runs `thread_main.ts`, or a process in its place, unless given. */
  spawn?: () => ThreadWorker;
  /** How long a thread may take; {@linkcode THREAD_LIMITS} unless given. */
  limits?: ThreadLimits;
  /** Ends waiting for a name server at the start; its reason is thrown then. */
  signal?: AbortSignal | undefined;
  /** Who else may listen at its port: the process that is replaced. */
  sharing?: Sharing | undefined;
}

/**
 * Several balancers that share one port, each in a thread with a queue of its own: the kernel deals
 * connections out to them.
 *
 * Their limits add up to the configured ones; they drain together, and their lines go to one log.
 * A thread that crashes takes its sessions with it and is started again. One that says nothing for
 * 10 s, caught in an endless loop for example, is left alone until it goes on, see
 * {@linkcode ThreadHandle}:
 *
 * - A change waits for every thread until it has answered, is gone or silent. One that goes on makes
 *   the change then, one that begins anew begins with it. If it fails in a thread, or is not done in
 *   time, that is an error; the thread and its sessions go on as far as they can.
 * - The status waits for a second, and shows what such a thread has told last.
 * - A drain goes on without it. Its sessions end with the program, which has not served all.
 */
export class ThreadedBalancer implements Balancer {
  /** What the whole is configured by; each thread has its share. */
  #config: ListenerConfig;
  /** How operators know the listener and its destinations. */
  #identity: Identity;
  /** What operators want of destinations, for threads that are started again. */
  readonly #adminStates = new Map<number, AdminState>();
  /** Where the lines of all threads go. */
  readonly #logs: Logs;
  /** That all threads listen on. */
  readonly #port: number;
  /** What serves. */
  readonly #threads: ThreadGroup;
  /** What each thread has told last of itself. */
  readonly #statuses = new Map<number, ListenerStatus>();
  /** The sum of these. */
  #latest: ListenerStatus | undefined;
  /** Counters of destinations that only some of the threads still have. */
  readonly #retired = new RetiredCounters();
  /** What has happened in the threads since somebody has looked. */
  readonly #samples = new ThreadSamples();
  /** What is really bound. */
  #address = "";
  /** The drain, once it has begun. */
  #drained: Promise<boolean> | undefined;

  private constructor(
    options: ThreadedBalancerOptions & { descriptors: DescriptorBudget },
    port: number,
  ) {
    this.#config = options.config;
    this.#identity = options.identity;
    this.#logs = options.logs;
    this.#port = port;
    this.#threads = new ThreadGroup({
      number: threadsOf(options.config),
      logs: options.logs,
      limits: options.limits ?? THREAD_LIMITS,
      descriptors: options.descriptors,
      trails: options.trails ?? new Trails(),
      processes: haveProcesses(options.config),
      spawn: options.spawn ??
        (haveProcesses(options.config) ? () => new ProcessWorker(options.logs.log) : spawnThread),
      beginningOf: (position) => ({
        destinations: destinationsMessages(this.#config, position),
        start: {
          config: threadConfigOf(this.#config, { port, position }),
          identity: this.#identity,
          adminStates: this.#adminStates,
        },
      }),
      onCrash: (index) => this.#statuses.delete(index),
    });
  }

  /**
   * Starts the threads and waits until all of them listen.
   *
   * @throws {FatalError} If the address cannot be bound.
   */
  static async start(options: ThreadedBalancerOptions): Promise<ThreadedBalancer> {
    const { listen, backlog } = options.config;
    const { logs: { log }, signal, sharing } = options;
    if (listen.transport !== "tcp") throw new TypeError("only a port of TCP can be shared");
    const option = haveProcesses(options.config) ? "--processes" : "--threads";
    passedSockets().assertNone(listen.port, { option });
    const port = await assertShareable(listen, { tcpBacklog: backlog, log, signal, sharing });
    if (options.descriptors) assertThreads(options.descriptors, threadsOf(options.config));
    const { descriptors = new DescriptorBudget() } = options;
    const balancer = new ThreadedBalancer({ ...options, descriptors }, port);
    try {
      const addresses = await balancer.#threads.listening();
      balancer.#address = addresses[0]!;
      descriptors.fixFor(mostSessions(options.config));
      await Promise.all(balancer.#askStatuses());
      await balancer.status();
      logStart(log, balancer.address, options.config);
      const what = haveProcesses(options.config) ? "processes" : "threads";
      log.info("{number} {what}", { number: addresses.length, what });
    } catch (error) {
      balancer.#threads.terminate();
      throw error;
    }
    return balancer;
  }

  drain(): Promise<boolean> {
    return this.#drained ??= this.#drain("drain");
  }

  async quit(): Promise<boolean> {
    if (!this.#drained) return await (this.#drained = this.#drain("quit"));
    this.#threads.finish("quit");
    return await this.#drained;
  }

  get responsive(): boolean {
    return this.#threads.all.every(({ silent }) => !silent);
  }

  get address(): string {
    return this.#address;
  }

  /** What all of them together are doing. */
  async status(): Promise<ListenerStatus> {
    await waitAtMost(STATUS_PATIENCE_MS, Promise.all(this.#askStatuses()));
    // When all have crashed, or have ended, there is nothing new to tell.
    if (this.#statuses.size > 0) {
      this.#latest = addStatuses(this.#retired.complete(this.#statuses));
    }
    // It was asked for at the start. The threads are told of a drain a moment after it began.
    return this.#drained ? { ...this.#latest!, state: "draining" } : this.#latest!;
  }

  #askStatuses(): Promise<void>[] {
    return this.#threads.all.map((thread, index) => this.#askStatus(thread, index));
  }

  /** Asks one thread what it is doing. */
  async #askStatus(thread: ThreadHandle, index: number): Promise<void> {
    try {
      const status = await thread.ask("status", undefined);
      if (thread !== this.#threads.all[index]) return;
      if (status === "gone") this.#statuses.delete(index);
      else if (status !== "silent") this.#statuses.set(index, status);
    } catch (error) {
      this.#logs.log.error(
        "thread {index} cannot tell what it is doing, which is a defect: {error}",
        {
          index,
          error,
        },
      );
    }
  }

  async destination(number: number): Promise<DestinationStatus | undefined> {
    const told = (await this.#threads.ask("destination", { number })).filter((one) =>
      one !== undefined
    );
    return told.length === 0 ? undefined : this.#retired.completeOne(told);
  }

  sample(destinations: number): Promise<ListenerSample | undefined> {
    return this.#samples.take(this.#threads.all, destinations);
  }

  async sessions(limit: number): Promise<SessionInfo[]> {
    const all = (await this.#threads.ask("sessions", { limit })).flat();
    return all.sort((a, b) => b.age_ms - a.age_ms).slice(0, limit);
  }

  async endSession(id: number): Promise<boolean> {
    return (await this.#threads.ask("endSession", { id })).includes(true);
  }

  inspect(wish: ListenerWish): Promise<InspectionSource[]> {
    return this.#threads.askEach((thread) => inspectThread(thread, wish));
  }

  async setAdminState(destination: number, state: AdminState): Promise<void> {
    this.#adminStates.set(destination, state);
    await this.#threads.ask("setAdminState", { destination, state });
  }

  async reconfigure(config: ListenerConfig, { numbers }: Pick<Identity, "numbers">): Promise<void> {
    this.#config = { ...config, threads: this.#config.threads };
    this.#identity = { ...this.#identity, numbers };
    const present = new Set(config.destinations.map(({ key }) => numbers[key]));
    for (const number of this.#adminStates.keys()) {
      if (!present.has(number)) this.#adminStates.delete(number);
    }
    await this.#threads.askEach(async (thread, position) => {
      await inTurns(this.#sendDestinations(thread, position));
      const share = threadConfigOf(this.#config, { port: this.#port, position });
      return await thread.ask("reconfigure", { config: share, numbers });
    });
  }

  async replace(replacement: Replacement, config: ListenerConfig): Promise<void> {
    const { number, destination } = replacement;
    this.#config = { ...config, threads: this.#config.threads };
    if (!destination) this.#adminStates.delete(number);
    await this.#threads.askEach((thread, position) => {
      const share = destination && shareOfDestination(destination, position);
      return thread.ask("replace", { ...replacement, destination: share });
    });
  }

  *#sendDestinations(thread: ThreadHandle, position: ThreadPosition): Chunks<void> {
    for (const message of destinationsMessages(this.#config, position)) {
      thread.tell(message);
      yield;
    }
  }

  async #drain(kind: "drain" | "quit"): Promise<boolean> {
    const { log } = this.#logs;
    // Asked for before they drain, and not waited for: one that is busy keeps none of the others.
    const before = kind === "drain" ? this.status() : undefined;
    this.#threads.finish(kind);
    if (before) logDraining(log, await before, this.#config.drainTimeout);
    const all = await Promise.all(this.#threads.all.map(({ drained }) => drained));
    // Operators may look at the whole program longer than this listener lasts.
    logChildren(log, await this.status());
    this.#threads.terminate();
    const totals = all.filter((one) => one !== undefined);
    return logDrained(log, addTotals(totals)) && totals.length === all.length;
  }
}

/** As many sessions as can be there at a time, but for a drain. */
function mostSessions({ maxConnections, queue, destinations }: ListenerConfig): number {
  const served = destinations.reduce((sum, { workers }) => sum + workers, 0);
  return Math.min(maxConnections || Infinity, queue + served);
}

function spawnThread(): ThreadWorker {
  return new Worker(new URL("./thread_main.ts", import.meta.url), { type: "module" });
}
