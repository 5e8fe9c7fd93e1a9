import type { AccessLog } from "./access_output.ts";
import { bind } from "./bind.ts";
import type { Config } from "./config.ts";
import { FatalError } from "./errors.ts";
import type { Logs } from "./log.ts";
import {
  type Books,
  type DestinationStatus,
  logDrained,
  logDraining,
  logStart,
  type Status,
} from "./report.ts";
import type { Serving } from "./signals.ts";
import { threadsOf } from "./thread_config.ts";
import type { FromThread, ToThread } from "./thread_messages.ts";

/** Time before a thread that has crashed is started again, in milliseconds. */
const RESTART_AFTER_MS = 500;

/** What takes the messages and lines of the threads. */
export type ThreadLogs = Pick<Logs, "log" | "emit"> & { access: Pick<AccessLog, "addLines"> };

/** Options of {@linkcode Threads.start}. */
export interface ThreadsOptions {
  config: Config;
  logs: ThreadLogs;
  /** Makes a thread; one that runs `thread.ts` unless given. */
  spawn?: () => Worker;
}

/**
 * Several balancers that share one port, each in a thread with a line of its own: the kernel deals
 * connections out to them.
 *
 * Their limits add up to the configured ones; they drain together, and their lines go to one log.
 * A thread that crashes takes its sessions with it and is started again.
 */
export class Threads implements Serving {
  readonly #config: Config;
  readonly #logs: ThreadLogs;
  readonly #spawn: () => Worker;
  readonly #port: number;
  readonly #threads: Thread[];
  #started = false;
  #drained: Promise<boolean> | undefined;

  private constructor(options: ThreadsOptions, port: number) {
    this.#config = options.config;
    this.#logs = options.logs;
    this.#spawn = options.spawn ?? spawnThread;
    this.#port = port;
    const indices = Array.from({ length: threadsOf(options.config) }, (_, index) => index);
    this.#threads = indices.map((index) => this.#begin(index));
  }

  /**
   * Starts the threads and waits until all of them listen.
   *
   * @throws {FatalError} If the address cannot be bound.
   */
  static async start(options: ThreadsOptions): Promise<Threads> {
    const { listen, backlog } = options.config;
    // Bound alone first: sharing a port would hide that another program has it.
    const listener = await bind(listen, { tcpBacklog: backlog });
    const { port } = listener.addr as Deno.NetAddr;
    listener.close();
    const threads = new Threads(options, port);
    try {
      const addresses = await Promise.all(threads.#threads.map(({ listening }) => listening));
      threads.#started = true;
      logStart(options.logs.log, addresses[0]!, options.config);
      options.logs.log.info("{number} threads", { number: addresses.length });
    } catch (error) {
      threads.#drained = Promise.resolve(false);
      for (const thread of threads.#threads) thread.terminate();
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

  /** What all of them together are doing. */
  async status(): Promise<Status> {
    const all = await Promise.all(this.#threads.map((thread) => thread.status()));
    return addStatuses(all.filter((status) => status !== undefined));
  }

  async #drain(kind: "drain" | "quit"): Promise<boolean> {
    const { log } = this.#logs;
    if (kind === "drain") logDraining(log, await this.status(), this.#config.drainTimeout);
    for (const thread of this.#threads) thread.tell({ kind });
    const all = await Promise.all(this.#threads.map(({ drained }) => drained));
    for (const thread of this.#threads) thread.terminate();
    const books = all.filter((one) => one !== undefined);
    return logDrained(log, addBooks(books)) && books.length === all.length;
  }

  #begin(index: number): Thread {
    const thread = new Thread(this.#spawn(), {
      logs: this.#logs,
      onCrash: (message) => this.#onCrash(index, message),
    });
    const number = threadsOf(this.#config);
    thread.start({ kind: "start", texts: this.#config.texts, port: this.#port, index, number });
    return thread;
  }

  #onCrash(index: number, message: string): void {
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
    setTimeout(async () => {
      if (this.#drained) return;
      const thread = this.#threads[index] = this.#begin(index);
      await thread.listening.then(
        () => log.info("thread {index} serves again", { index }),
        () => {},
      );
    }, RESTART_AFTER_MS);
  }
}

function spawnThread(): Worker {
  return new Worker(new URL("./thread.ts", import.meta.url), { type: "module" });
}

/** One thread, from outside. */
class Thread {
  /** The address that it listens on; rejects if it cannot. */
  readonly listening: Promise<string>;
  /** Its books once it has drained; `undefined` if it crashed. */
  readonly drained: Promise<Books | undefined>;
  readonly #worker: Worker;
  readonly #statusRequests: ((status: Status | undefined) => void)[] = [];
  #crashed = false;

  constructor(worker: Worker, options: { logs: ThreadLogs; onCrash: (message: string) => void }) {
    const { logs, onCrash } = options;
    const listening = Promise.withResolvers<string>();
    const drained = Promise.withResolvers<Books | undefined>();
    this.#worker = worker;
    this.listening = listening.promise;
    this.drained = drained.promise;
    worker.onmessage = ({ data }: MessageEvent<FromThread>) => {
      switch (data.kind) {
        case "log":
          return logs.emit(data.record);
        case "access":
          return logs.access.addLines(data.lines);
        case "listening":
          return listening.resolve(data.address);
        case "failed":
          return fail(data.message);
        case "status":
          return this.#statusRequests.shift()?.(data.status);
        case "drained":
          return drained.resolve(data.books);
      }
    };
    worker.onerror = (event) => {
      event.preventDefault();
      fail(event.message);
    };
    listening.promise.catch(() => {});

    const fail = (message: string) => {
      if (this.#crashed) return;
      this.#crashed = true;
      worker.terminate();
      listening.reject(new FatalError(message));
      drained.resolve(undefined);
      for (const answer of this.#statusRequests.splice(0)) answer(undefined);
      onCrash(message);
    };
  }

  /** Starts it; everything else that it is told waits until it listens. */
  start(message: ToThread & { kind: "start" }): void {
    this.#worker.postMessage(message);
  }

  tell(message: Exclude<ToThread, { kind: "start" }>): void {
    this.listening.then(() => {
      if (!this.#crashed) this.#worker.postMessage(message);
    }, () => {});
  }

  /** What it is doing; `undefined` if it has crashed. */
  status(): Promise<Status | undefined> {
    if (this.#crashed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#statusRequests.push(resolve);
      this.tell({ kind: "status" });
    });
  }

  terminate(): void {
    this.#worker.terminate();
  }
}

function addBooks(all: readonly Books[]): Books {
  const outcomes = { finished: 0, cut: 0, refused: 0, "timed out": 0, aborted: 0 };
  let accepted = 0;
  for (const books of all) {
    accepted += books.accepted;
    addTo(outcomes, books.outcomes);
  }
  return { accepted, outcomes, balanced: all.every(({ balanced }) => balanced) };
}

function addStatuses(all: readonly Status[]): Status {
  const sum: Status = {
    state: all.some(({ state }) => state === "draining") ? "draining" : "running",
    accepted: 0,
    waiting: 0,
    active: 0,
    ended: {},
    destinations: [],
  };
  for (const status of all) {
    sum.accepted += status.accepted;
    sum.waiting += status.waiting;
    sum.active += status.active;
    addTo(sum.ended as Record<string, number>, status.ended);
    for (const [i, destination] of status.destinations.entries()) {
      const total = sum.destinations[i];
      if (total) addDestination(total, destination);
      else sum.destinations.push({ ...destination });
    }
  }
  return sum;
}

/** The state is "up" only if every thread says so. */
function addDestination(total: DestinationStatus, one: DestinationStatus): void {
  if (one.state !== "up") total.state = one.state;
  total.workers += one.workers;
  total.active += one.active;
  total.sessions += one.sessions;
  total.failures += one.failures;
}

function addTo(sums: Record<string, number>, numbers: Readonly<Record<string, number>>): void {
  for (const [name, number] of Object.entries(numbers)) sums[name] = (sums[name] ?? 0) + number;
}
