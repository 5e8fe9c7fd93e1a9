import { assertAlone } from "../net/bind_alone.ts";
import type { Balancer, Identity, Replacement } from "../balancer/balancer.ts";
import type { Config } from "../config/config.ts";
import type { Logs } from "../logging/logs.ts";
import type { SessionInfo } from "../operations/operations.ts";
import type { AdminState } from "../operations/states.ts";
import type { DestinationStatus } from "../operations/destination_status.ts";
import type { ListenerStatus } from "../operations/listener_status.ts";
import { DescriptorBudget } from "../net/descriptor_budget.ts";
import type { BudgetShare } from "../async/shared_counts.ts";
import { assertThreads } from "../balancer/descriptor_advice.ts";
import { RetiredCounters } from "./retired_counters.ts";
import { logDrained, logDraining, logStart } from "../balancer/report.ts";
import { addTotals } from "../operations/totals.ts";
import { addStatuses } from "../operations/listener_status.ts";
import { ThreadHandle } from "./thread_handle.ts";
import { threadsOf } from "../config/thread_shares.ts";
import { after } from "../base/timer.ts";
import type { ThreadCall, ThreadCalls } from "./messages.ts";
import { Trails } from "../net/trails.ts";

/** Time before a thread that has crashed is started again, in milliseconds. */
const RESTART_AFTER_MS = 500;

/** Options of {@linkcode ThreadedBalancer.start}. */
export interface ThreadedBalancerOptions {
  config: Config;
  identity: Identity;
  logs: Logs;
  /** What all that want descriptors share; all that there are, if absent. */
  descriptors?: DescriptorBudget;
  /** What threads and listeners know together of the ways of sessions. */
  trails?: Trails;
  /** Makes a thread; one that runs `thread.ts` unless given. */
  spawn?: () => Worker;
  /** Ends waiting for a name server at the start; its reason is thrown then. */
  signal?: AbortSignal | undefined;
}

/**
 * Several balancers that share one port, each in a thread with a line of its own: the kernel deals
 * connections out to them.
 *
 * Their limits add up to the configured ones; they drain together, and their lines go to one log.
 * A thread that crashes takes its sessions with it and is started again.
 */
export class ThreadedBalancer implements Balancer {
  #config: Config;
  #identity: Identity;
  /** What operators want of destinations, for threads that are started again. */
  readonly #adminStates = new Map<number, AdminState>();
  readonly #logs: Logs;
  readonly #descriptors: DescriptorBudget;
  /** What each thread has of the descriptors. */
  readonly #shares: (BudgetShare | undefined)[] = [];
  readonly #spawn: () => Worker;
  readonly #trails: Trails;
  readonly #port: number;
  /** How many there are; it does not change. */
  readonly #number: number;
  readonly #threads: ThreadHandle[];
  #started = false;
  #latest: ListenerStatus | undefined;
  readonly #departed = new RetiredCounters();
  #address = "";
  #drained: Promise<boolean> | undefined;

  private constructor(options: ThreadedBalancerOptions, port: number) {
    this.#config = options.config;
    this.#identity = options.identity;
    this.#logs = options.logs;
    this.#descriptors = options.descriptors ?? new DescriptorBudget();
    this.#spawn = options.spawn ?? spawnThread;
    this.#trails = options.trails ?? new Trails();
    this.#port = port;
    this.#number = threadsOf(options.config);
    const indices = Array.from({ length: this.#number }, (_, index) => index);
    this.#threads = indices.map((index) => this.#begin(index));
  }

  /**
   * Starts the threads and waits until all of them listen.
   *
   * @throws {FatalError} If the address cannot be bound.
   */
  static async start(options: ThreadedBalancerOptions): Promise<ThreadedBalancer> {
    const { listen, backlog } = options.config;
    const { logs: { log }, signal } = options;
    if (listen.transport === "unix") throw new TypeError("a path cannot be shared");
    const port = await assertAlone(listen, { tcpBacklog: backlog, log, signal });
    if (options.descriptors) assertThreads(options.descriptors, threadsOf(options.config));
    const threads = new ThreadedBalancer(options, port);
    try {
      const addresses = await Promise.all(threads.#threads.map(({ listening }) => listening));
      threads.#started = true;
      threads.#address = addresses[0]!;
      threads.#descriptors.fixFor(mostSessions(options.config));
      await threads.status();
      logStart(options.logs.log, threads.address, options.config);
      options.logs.log.info("{number} threads", { number: addresses.length });
    } catch (error) {
      threads.#drained = Promise.resolve(false);
      for (const thread of threads.#threads) thread.terminate();
      threads.#reclaimAll();
      throw error;
    }
    return threads;
  }

  drain(): Promise<boolean> {
    return this.#drained ??= this.#drain("drain");
  }

  async quit(): Promise<boolean> {
    if (!this.#drained) return await (this.#drained = this.#drain("quit"));
    for (const thread of this.#threads) thread.tell({ kind: "quit" });
    return await this.#drained;
  }

  get address(): string {
    return this.#address;
  }

  /** What all of them together are doing. */
  async status(): Promise<ListenerStatus> {
    const answers = await Promise.all(
      this.#threads.map((thread) => thread.ask("status", undefined)),
    );
    const told = new Map<number, ListenerStatus>();
    for (const [index, status] of answers.entries()) if (status !== "gone") told.set(index, status);
    // When all have crashed, or have ended, there is nothing new to tell.
    if (told.size > 0) this.#latest = addStatuses(this.#departed.complete(told));
    // It was asked for at the start. The threads are told of a drain a moment after it began.
    return this.#drained ? { ...this.#latest!, state: "draining" } : this.#latest!;
  }

  async destination(number: number): Promise<DestinationStatus | undefined> {
    const told = (await this.#ask("destination", { number })).filter((one) => one !== undefined);
    return told.length === 0 ? undefined : this.#departed.completeOne(told);
  }

  async sessions(limit: number): Promise<SessionInfo[]> {
    const all = (await this.#ask("sessions", { limit })).flat();
    return all.sort((a, b) => b.age_ms - a.age_ms).slice(0, limit);
  }

  async endSession(id: number): Promise<boolean> {
    return (await this.#ask("endSession", { id })).includes(true);
  }

  async setAdminState(destination: number, state: AdminState): Promise<void> {
    this.#adminStates.set(destination, state);
    await this.#ask("setAdminState", { destination, state });
  }

  async reconfigure(config: Config, { numbers }: Pick<Identity, "numbers">): Promise<void> {
    this.#config = { ...config, threads: this.#config.threads };
    this.#identity = { ...this.#identity, numbers };
    const present = new Set(config.destinations.map(({ key }) => numbers[key]));
    for (const number of this.#adminStates.keys()) {
      if (!present.has(number)) this.#adminStates.delete(number);
    }
    await this.#ask("reconfigure", { texts: config.texts, numbers });
  }

  async replace(config: Config, { number, destination }: Replacement): Promise<void> {
    this.#config = { ...config, threads: this.#config.threads };
    if (!destination) this.#adminStates.delete(number);
    const place = destination ? config.destinations.indexOf(destination) : -1;
    await this.#ask("replace", { number, text: config.texts.destinations[place] });
  }

  /** Asks all threads; those that have crashed or have ended do not answer. */
  async #ask<C extends ThreadCall>(
    call: C,
    ask: ThreadCalls[C]["ask"],
  ): Promise<ThreadCalls[C]["answer"][]> {
    const all = await Promise.all(this.#threads.map((thread) => thread.ask(call, ask)));
    return all.filter((one) => one !== "gone") as ThreadCalls[C]["answer"][];
  }

  async #drain(kind: "drain" | "quit"): Promise<boolean> {
    const { log } = this.#logs;
    if (kind === "drain") logDraining(log, await this.status(), this.#config.drainTimeout);
    for (const thread of this.#threads) thread.tell({ kind });
    const all = await Promise.all(this.#threads.map(({ drained }) => drained));
    // Operators may look at the whole program longer than this listener lasts.
    await this.status();
    for (const thread of this.#threads) thread.terminate();
    this.#reclaimAll();
    const books = all.filter((one) => one !== undefined);
    return logDrained(log, addTotals(books)) && books.length === all.length;
  }

  #reclaimAll(): void {
    for (const index of this.#shares.keys()) this.#reclaim(index);
  }

  #reclaim(index: number): void {
    const share = this.#shares[index];
    if (share) this.#descriptors.reclaim(share);
    this.#shares[index] = undefined;
  }

  #begin(index: number): ThreadHandle {
    const descriptors = this.#shares[index] = this.#descriptors.lend();
    const thread = new ThreadHandle(this.#spawn(), {
      logs: this.#logs,
      onCrash: (message) => this.#onCrash(index, message),
    });
    thread.start({
      kind: "start",
      texts: this.#config.texts,
      identity: this.#identity,
      port: this.#port,
      index,
      number: this.#number,
      descriptors,
      trails: this.#trails.buffer,
    });
    for (const [destination, state] of this.#adminStates) {
      thread.ask("setAdminState", { destination, state });
    }
    return thread;
  }

  #onCrash(index: number, message: string): void {
    this.#reclaim(index);
    this.#trails.clear();
    // A failure at the start is the caller's to tell.
    if (!this.#started) return;
    const { log } = this.#logs;
    log.error(
      "thread {index} has crashed and its sessions are lost, which is a defect: {message}",
      {
        index,
        message,
      },
    );
    if (this.#drained) return;
    this.#restart(index);
  }

  #restart(index: number): void {
    const { log } = this.#logs;
    after(RESTART_AFTER_MS, async () => {
      if (this.#drained) return;
      // The runtime would end the program if it could not open what a thread needs.
      if (!this.#descriptors.threadFits) return this.#restart(index);
      const thread = this.#threads[index] = this.#begin(index);
      await thread.listening.then(
        () => log.info("thread {index} serves again", { index }),
        () => {},
      );
    });
  }
}

/** As many sessions as can be there at a time, but for a drain. */
function mostSessions({ maxConnections, queue, destinations }: Config): number {
  const served = destinations.reduce((sum, { workers }) => sum + workers, 0);
  return Math.min(maxConnections || Infinity, queue + served);
}

function spawnThread(): Worker {
  return new Worker(new URL("./thread_main.ts", import.meta.url), { type: "module" });
}
