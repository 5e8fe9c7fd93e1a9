import type { BudgetShare } from "../async/shared_counts.ts";
import { messageOf } from "../base/errors.ts";
import { keepSpareThread } from "../base/spare_thread.ts";
import { after } from "../base/timer.ts";
import type { ThreadPosition } from "../config/thread_shares.ts";
import type { Logs } from "../logging/logs.ts";
import type { DescriptorBudget } from "../net/descriptor_budget.ts";
import { LimitBoards } from "../destinations/limits/limit_boards.ts";
import { trustNobodyElse } from "../net/tls/roots.ts";
import type { Trails } from "../net/trails.ts";
import type {
  DestinationsMessage,
  StartMessage,
  ThreadCall,
  ThreadCalls,
  ThreadWorker,
} from "./messages.ts";
import { type NoAnswer, ThreadError, ThreadHandle, type ThreadLimits } from "./thread_handle.ts";

/** Time before a thread that has crashed is started again, in milliseconds. */
const RESTART_AFTER_MS = 500;

/** What a thread begins with, beside what the group knows. */
export interface Beginning {
  readonly destinations: Iterable<DestinationsMessage>;
  readonly start: Pick<StartMessage, "config" | "identity" | "adminStates">;
}

/** Options of {@linkcode ThreadGroup}. */
export interface ThreadGroupOptions {
  /** How many threads there are. */
  number: number;
  logs: Logs;
  limits: ThreadLimits;
  /** Those of the process, which the threads share. */
  descriptors: DescriptorBudget;
  /** What threads and listeners know together of the ways of sessions. */
  trails: Trails;
  /** Whether these are processes, which others may kill as well. */
  processes?: boolean;
  /** Makes a thread, or a process in its place. */
  spawn(): ThreadWorker;
  /** What a thread begins with now. */
  beginningOf(position: ThreadPosition): Beginning;
  /** Learns that a thread is gone, which is started again. */
  onCrash(index: number): void;
}

/** The threads of one listener: starts them, again if they crash, and asks all of them. */
export class ThreadGroup {
  readonly #options: ThreadGroupOptions;
  /** By their index; one that is started again replaces the one before. */
  readonly #threads: ThreadHandle[];
  /** What each thread has of the descriptors. */
  readonly #shares: (BudgetShare | undefined)[] = [];
  /** What they share of how much destinations can take. */
  readonly #boards: SharedArrayBuffer;
  /** Whether all have listened once. */
  #started = false;
  /** Whether none is started again. */
  #ending = false;
  /** What the threads start may be so much that the one that writes their lines gets no other thread. */
  readonly #thread = keepSpareThread();

  constructor(options: ThreadGroupOptions) {
    this.#options = options;
    this.#boards = LimitBoards.memory(options.number);
    const indices = Array.from({ length: options.number }, (_, index) => index);
    this.#threads = indices.map((index) => this.#begin(index));
  }

  /** The threads of now. */
  get all(): readonly ThreadHandle[] {
    return this.#threads;
  }

  /**
   * Resolves when all of them listen.
   *
   * @throws {FatalError} If one cannot.
   */
  async listening(): Promise<string[]> {
    const addresses = await Promise.all(this.#threads.map(({ listening }) => listening));
    this.#started = true;
    return addresses;
  }

  /** Asks all threads the same, as {@linkcode askEach}. */
  ask<C extends ThreadCall>(
    call: C,
    ask: ThreadCalls[C]["ask"],
  ): Promise<ThreadCalls[C]["answer"][]> {
    return this.askEach((thread) => thread.ask(call, ask));
  }

  /**
   * Asks every thread and waits until each has answered, or is gone or silent.
   *
   * @returns The answers that came.
   * @throws {ThreadError} If it has failed in one; that of the first.
   */
  async askEach<T>(
    ask: (thread: ThreadHandle, position: ThreadPosition) => Promise<T | NoAnswer>,
  ): Promise<T[]> {
    const { number } = this.#options;
    const asked = this.#threads.map((thread, index) => ask(thread, { index, number }));
    const answers: T[] = [];
    for (const [index, one] of (await Promise.allSettled(asked)).entries()) {
      if (one.status === "rejected") {
        throw new ThreadError(`thread ${index}: ${messageOf(one.reason)}`);
      }
      if (one.value !== "gone" && one.value !== "silent") answers.push(one.value as T);
    }
    return answers;
  }

  /** Tells all of them how to end; none is started again. */
  finish(kind: "drain" | "quit"): void {
    this.#ending = true;
    for (const thread of this.#threads) thread.tell({ kind });
  }

  /** Ends all of them at once. */
  terminate(): void {
    this.#ending = true;
    this.#thread.stop();
    for (const thread of this.#threads) thread.terminate();
    for (const index of this.#shares.keys()) this.#reclaim(index);
  }

  #reclaim(index: number): void {
    const share = this.#shares[index];
    if (share) this.#options.descriptors.reclaim(share);
    this.#shares[index] = undefined;
  }

  #begin(index: number): ThreadHandle {
    const { number, logs, limits, descriptors, trails, spawn, beginningOf } = this.#options;
    const share = this.#shares[index] = descriptors.lend();
    const thread = new ThreadHandle(spawn(), {
      logs,
      limits,
      observer: {
        onCrash: (message) => this.#onCrash(index, message),
        onSilence: (ms) => this.#onSilence(index, ms),
        onRevival: () => logs.log.warning("thread {index} goes on", { index }),
      },
    });
    const position = { index, number };
    const { destinations, start } = beginningOf(position);
    for (const message of destinations) thread.prepare(message);
    thread.prepare({
      kind: "start",
      ...start,
      thread: position,
      descriptors: share,
      trustsNobodyElse: trustNobodyElse(),
      trails: trails.buffer,
      boards: this.#boards,
    });
    return thread;
  }

  #onCrash(index: number, message: string): void {
    const { logs: { log }, trails, onCrash } = this.#options;
    this.#reclaim(index);
    trails.clear();
    onCrash(index);
    // A failure at the start is the caller's to tell.
    if (!this.#started) return;
    if (this.#options.processes) {
      log.warning("process {index} has ended, its sessions are lost: {why}", {
        index,
        why: message,
      });
    } else {
      log.error(
        "thread {index} has crashed and its sessions are lost, which is a defect: {why}",
        { index, why: message },
      );
    }
    this.#restart(index);
  }

  #onSilence(index: number, ms: number): void {
    // Unlike a thread, a process can be ended, whatever it does.
    if (this.#options.processes) {
      return this.#threads[index]!.giveUp(`it has said nothing for ${ms / 1000} s, and is killed`);
    }
    this.#options.logs.log.error(
      "thread {index} has said nothing for {seconds} s, which is a defect: its sessions stand still, " +
        "and so will new ones that the kernel gives it; if it does not go on, restart the program",
      { index, seconds: ms / 1000 },
    );
  }

  #restart(index: number): void {
    if (this.#ending) return;
    const { logs: { log }, descriptors } = this.#options;
    after(RESTART_AFTER_MS, async () => {
      if (this.#ending) return;
      // The runtime would end the program if it could not open what a thread needs.
      if (!descriptors.threadFits) return this.#restart(index);
      const thread = this.#threads[index] = this.#begin(index);
      await thread.listening.then(
        () => log.info("thread {index} serves again", { index }),
        () => {},
      );
    });
  }
}
