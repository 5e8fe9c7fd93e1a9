import { assertAlone } from "../net/bind_alone.ts";
import type { Balancer, Identity, Replacement } from "../balancer/balancer.ts";
import { atOnce, type Chunks, inTurns } from "../async/chunks.ts";
import { waitAtMost } from "../async/wait_at_most.ts";
import type { ListenerConfig } from "../config/config.ts";
import type { Logs } from "../logging/logs.ts";
import type { SessionInfo } from "../operations/operations.ts";
import type { AdminState } from "../operations/states.ts";
import type { DestinationStatus } from "../operations/destination_status.ts";
import type { ListenerStatus } from "../operations/listener_status.ts";
import { messageOf } from "../base/errors.ts";
import { DescriptorBudget } from "../net/descriptor_budget.ts";
import type { BudgetShare } from "../async/shared_counts.ts";
import { assertThreads } from "../balancer/descriptor_advice.ts";
import { RetiredCounters } from "./retired_counters.ts";
import { logDrained, logDraining, logStart } from "../balancer/report.ts";
import { addTotals } from "../operations/totals.ts";
import { addStatuses } from "../operations/listener_status.ts";
import {
  type NoAnswer,
  THREAD_LIMITS,
  ThreadError,
  ThreadHandle,
  type ThreadLimits,
} from "./thread_handle.ts";
import { shareOfDestination, shareOfLimits, threadsOf } from "../config/thread_shares.ts";
import { after } from "../base/timer.ts";
import type { ThreadCall, ThreadCalls, ThreadConfig, ToThread } from "./messages.ts";
import { Trails } from "../net/trails.ts";

/** Time before a thread that has crashed is started again, in milliseconds. */
const RESTART_AFTER_MS = 500;

/**
 * How long a status waits for the threads, in milliseconds: of one that does not answer in time it
 * shows the numbers that it has told last.
 */
const STATUS_PATIENCE_MS = 1000;

/** Most destinations in one message: a millisecond or two for the thread that sends them. */
const DESTINATIONS_A_MESSAGE = 500;

/** Options of {@linkcode ThreadedBalancer.start}. */
export interface ThreadedBalancerOptions {
  config: ListenerConfig;
  identity: Identity;
  logs: Logs;
  /** What all that want descriptors share; all that there are, if absent. */
  descriptors?: DescriptorBudget;
  /** What threads and listeners know together of the ways of sessions. */
  trails?: Trails;
  /** Makes a thread; one that runs `thread_main.ts` unless given. */
  spawn?: () => Worker;
  /** How long a thread may take; {@linkcode THREAD_LIMITS} unless given. */
  limits?: ThreadLimits;
  /** Ends waiting for a name server at the start; its reason is thrown then. */
  signal?: AbortSignal | undefined;
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
  readonly #logs: Logs;
  readonly #limits: ThreadLimits;
  /** Those of the process, which the threads share. */
  readonly #descriptors: DescriptorBudget;
  /** What each thread has of the descriptors. */
  readonly #shares: (BudgetShare | undefined)[] = [];
  /** Makes a thread. */
  readonly #spawn: () => Worker;
  /** What threads and listeners know together of the ways of sessions. */
  readonly #trails: Trails;
  /** That all threads listen on. */
  readonly #port: number;
  /** How many there are; it does not change. */
  readonly #number: number;
  /** By their index; one that is started again takes the place of the one before. */
  readonly #threads: ThreadHandle[];
  /** Whether all have listened once. */
  #started = false;
  /** What each thread has told last of itself. */
  readonly #statuses = new Map<number, ListenerStatus>();
  /** The sum of these. */
  #latest: ListenerStatus | undefined;
  /** Counters of destinations that only some of the threads still have. */
  readonly #retired = new RetiredCounters();
  /** What is really bound. */
  #address = "";
  /** The drain, once it has begun. */
  #drained: Promise<boolean> | undefined;

  private constructor(options: ThreadedBalancerOptions, port: number) {
    this.#config = options.config;
    this.#identity = options.identity;
    this.#logs = options.logs;
    this.#limits = options.limits ?? THREAD_LIMITS;
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
      await Promise.all(threads.#threads.map((_, index) => threads.#askStatus(index)));
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

  get responsive(): boolean {
    return this.#threads.every(({ silent }) => !silent);
  }

  get address(): string {
    return this.#address;
  }

  /** What all of them together are doing. */
  async status(): Promise<ListenerStatus> {
    const asked = this.#threads.map((_, index) => this.#askStatus(index));
    await waitAtMost(STATUS_PATIENCE_MS, Promise.all(asked));
    // When all have crashed, or have ended, there is nothing new to tell.
    if (this.#statuses.size > 0) {
      this.#latest = addStatuses(this.#retired.complete(this.#statuses));
    }
    // It was asked for at the start. The threads are told of a drain a moment after it began.
    return this.#drained ? { ...this.#latest!, state: "draining" } : this.#latest!;
  }

  /** Asks one thread what it is doing. */
  async #askStatus(index: number): Promise<void> {
    const thread = this.#threads[index]!;
    try {
      const status = await thread.ask("status", undefined);
      if (thread !== this.#threads[index]) return;
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
    const told = (await this.#ask("destination", { number })).filter((one) => one !== undefined);
    return told.length === 0 ? undefined : this.#retired.completeOne(told);
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

  async reconfigure(config: ListenerConfig, { numbers }: Pick<Identity, "numbers">): Promise<void> {
    this.#config = { ...config, threads: this.#config.threads };
    this.#identity = { ...this.#identity, numbers };
    const present = new Set(config.destinations.map(({ key }) => numbers[key]));
    for (const number of this.#adminStates.keys()) {
      if (!present.has(number)) this.#adminStates.delete(number);
    }
    await this.#askEach(async (thread, index) => {
      await inTurns(this.#sendDestinations(index, (message) => thread.tell(message)));
      return await thread.ask("reconfigure", { config: this.#shareOf(index), numbers });
    });
  }

  async replace({ number, destination }: Replacement, config: ListenerConfig): Promise<void> {
    this.#config = { ...config, threads: this.#config.threads };
    if (!destination) this.#adminStates.delete(number);
    await this.#askEach((thread, index) => {
      const position = { index, number: this.#number };
      const share = destination && shareOfDestination(destination, position);
      return thread.ask("replace", { number, destination: share });
    });
  }

  /** The share of one thread of all that is configured, beside the destinations. */
  #shareOf(index: number): ThreadConfig {
    // What it was read from is of no use there.
    const { destinations: _, texts: __, ...others }: ListenerConfig & { texts?: unknown } =
      this.#config;
    const listen = { ...others.listen, port: this.#port };
    return shareOfLimits({ ...others, listen }, { index, number: this.#number });
  }

  /** Sends a thread its share of all destinations. */
  *#sendDestinations(
    index: number,
    send: (message: ToThread & { kind: "destinations" }) => void,
  ): Chunks<void> {
    const { destinations } = this.#config;
    const position = { index, number: this.#number };
    for (let from = 0; from < destinations.length; from += DESTINATIONS_A_MESSAGE) {
      const part = destinations.slice(from, from + DESTINATIONS_A_MESSAGE);
      send({
        kind: "destinations",
        destinations: part.map((one) => shareOfDestination(one, position)),
      });
      yield;
    }
  }

  /** Asks all threads the same. */
  #ask<C extends ThreadCall>(
    call: C,
    ask: ThreadCalls[C]["ask"],
  ): Promise<ThreadCalls[C]["answer"][]> {
    return this.#askEach((thread) => thread.ask(call, ask));
  }

  /**
   * Asks every thread and waits until each has answered, or is gone or silent.
   *
   * @returns The answers of those that have answered.
   * @throws {ThreadError} If it has failed in one; that of the first.
   */
  async #askEach<T>(
    ask: (thread: ThreadHandle, index: number) => Promise<T | NoAnswer>,
  ): Promise<T[]> {
    const all = await Promise.allSettled(this.#threads.map(ask));
    const answers: T[] = [];
    for (const [index, one] of all.entries()) {
      if (one.status === "rejected") {
        throw new ThreadError(`thread ${index}: ${messageOf(one.reason)}`);
      }
      if (one.value !== "gone" && one.value !== "silent") answers.push(one.value as T);
    }
    return answers;
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
    const totals = all.filter((one) => one !== undefined);
    return logDrained(log, addTotals(totals)) && totals.length === all.length;
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
      limits: this.#limits,
      observer: {
        onCrash: (message) => this.#onCrash(index, message),
        onSilence: (ms) => this.#onSilence(index, ms),
        onRevival: () => this.#logs.log.warning("thread {index} goes on", { index }),
      },
    });
    atOnce(this.#sendDestinations(index, (message) => thread.prepare(message)));
    thread.prepare({
      kind: "start",
      config: this.#shareOf(index),
      identity: this.#identity,
      adminStates: this.#adminStates,
      thread: { index, number: this.#number },
      descriptors,
      trails: this.#trails.buffer,
    });
    return thread;
  }

  #onCrash(index: number, message: string): void {
    this.#reclaim(index);
    this.#statuses.delete(index);
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

  #onSilence(index: number, ms: number): void {
    this.#logs.log.error(
      "thread {index} has said nothing for {seconds} s, which is a defect: its sessions stand still, " +
        "and so will new ones that the kernel gives it; if it does not go on, restart the program",
      { index, seconds: ms / 1000 },
    );
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
function mostSessions({ maxConnections, queue, destinations }: ListenerConfig): number {
  const served = destinations.reduce((sum, { workers }) => sum + workers, 0);
  return Math.min(maxConnections || Infinity, queue + served);
}

function spawnThread(): Worker {
  return new Worker(new URL("./thread_main.ts", import.meta.url), { type: "module" });
}
