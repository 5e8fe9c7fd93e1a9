import { FatalError } from "../base/errors.ts";
import { every, type Timer } from "../base/timer.ts";
import type { Logs } from "../logging/logs.ts";
import type { Totals } from "../operations/totals.ts";
import type {
  DestinationsMessage,
  FromThread,
  StartMessage,
  ThreadCall,
  ThreadCalls,
  ThreadWorker,
  ToThread,
} from "./messages.ts";

/**
 * How long a thread may take. Time is counted in looks, so that a program that was stopped or a
 * machine that slept does not count.
 */
export interface ThreadLimits {
  /** Milliseconds between two looks. */
  readonly lookMs: number;
  /** Looks in a row at which nothing had come from it, after which nobody waits for it any more. */
  readonly silentLooks: number;
  /** Looks that one answer may take while other things come from it. */
  readonly answerLooks: number;
}

/** A thread is silent after 10 s; one that is not may take a minute to answer. */
export const THREAD_LIMITS: ThreadLimits = { lookMs: 1000, silentLooks: 10, answerLooks: 60 };

/** A call that has failed in a thread, or was not answered in time though the thread lives. */
export class ThreadError extends Error {
  override readonly name = "ThreadError";
}

/** Why there is no answer: the thread has crashed or was ended, or it has said nothing for long. */
export type NoAnswer = "gone" | "silent";

/** Learns what becomes of a thread. */
export interface ThreadObserver {
  /** It has crashed, and its sessions are lost. */
  onCrash(message: string): void;
  /** It has said nothing for so many milliseconds. */
  onSilence(ms: number): void;
  /** It was silent and goes on. */
  onRevival(): void;
}

/** Options of {@linkcode ThreadHandle}. */
interface ThreadHandleOptions {
  logs: Logs;
  limits: ThreadLimits;
  observer: ThreadObserver;
}

/** A question that is not answered yet. */
interface OpenCall {
  readonly call: ThreadCall;
  resolve(answer: unknown): void;
  reject(error: ThreadError): void;
  /** Looks since it was asked. */
  looks: number;
}

/**
 * One thread, from outside.
 *
 * Once it listens it is pinged at every look. If it says nothing for long, caught in an endless loop
 * for example, nobody waits for it until it goes on; then it does what it was told meanwhile. It is
 * not ended: `Worker.terminate` does not end a loop (Deno 2.7.11 to 2.9.6), its socket would stay
 * open, and one that is only slow would lose its sessions.
 */
export class ThreadHandle {
  /** The address that it listens on; rejects if it cannot. */
  readonly listening: Promise<string>;
  /** Its totals once it has drained; `undefined` if it crashed, or says nothing during the drain. */
  readonly drained: Promise<Totals | undefined>;
  /** The thread. */
  readonly #worker: ThreadWorker;
  /** How long it may take. */
  readonly #limits: ThreadLimits;
  /** Learns what becomes of it. */
  readonly #observer: ThreadObserver;
  /** Questions that are not answered, by their number. */
  readonly #calls = new Map<number, OpenCall>();
  /** Questions asked so far. */
  #asked = 0;
  /** Looks in a row at which nothing had come from it. */
  #silentLooks = 0;
  /** Looks at it from time to time. */
  #watch: Timer | undefined;
  /** Whether it was told to drain. */
  #ending = false;
  /** Settles {@linkcode listening}. */
  readonly #listening = Promise.withResolvers<string>();
  /** Settles {@linkcode drained}. */
  readonly #drained = Promise.withResolvers<Totals | undefined>();
  /** Whether it has crashed or was ended: it does not answer any more. */
  #gone = false;

  constructor(worker: ThreadWorker, options: ThreadHandleOptions) {
    const { logs, limits, observer } = options;
    this.#worker = worker;
    this.#limits = limits;
    this.#observer = observer;
    this.listening = this.#listening.promise;
    this.drained = this.#drained.promise;
    this.listening.catch(() => {});
    worker.onmessage = ({ data }: MessageEvent<FromThread>) => {
      if (this.#gone) return;
      if (this.silent) observer.onRevival();
      this.#silentLooks = 0;
      this.#receive(data, logs);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(event.message);
    };
  }

  /** Whether it has said nothing for so long that nobody waits for it. */
  get silent(): boolean {
    return this.#silentLooks >= this.#limits.silentLooks;
  }

  /** Sends what it needs to start; everything else that it is told waits until it listens. */
  prepare(message: DestinationsMessage | StartMessage): void {
    if (!this.#gone) this.#worker.postMessage(message);
  }

  tell(message: Exclude<ToThread, StartMessage>): void {
    if (message.kind === "drain" || message.kind === "quit") {
      this.#ending = true;
      if (this.silent) this.#drained.resolve(undefined);
    }
    this.listening.then(() => {
      if (!this.#gone) this.#worker.postMessage(message);
    }, () => {});
  }

  /**
   * The answer to a question, which a thread that is silent gets all the same.
   *
   * @throws {ThreadError} If what was asked has failed, or it takes too long.
   */
  ask<C extends ThreadCall>(
    call: C,
    ask: ThreadCalls[C]["ask"],
  ): Promise<ThreadCalls[C]["answer"] | NoAnswer> {
    if (this.#gone) return Promise.resolve("gone");
    const number = this.#asked++;
    if (this.silent) {
      this.tell({ kind: "call", number, call, ask });
      return Promise.resolve("silent");
    }
    return new Promise((resolve, reject) => {
      this.#calls.set(number, {
        call,
        resolve: resolve as (answer: unknown) => void,
        reject,
        looks: 0,
      });
      this.tell({ kind: "call", number, call, ask });
    });
  }

  /** Takes it for crashed, and ends it. */
  giveUp(message: string): void {
    this.#fail(message);
  }

  /** Ends it at once; whoever waits for an answer is told. */
  terminate(): void {
    this.#gone = true;
    this.#watch?.stop();
    this.#worker.terminate();
    this.#giveUp("gone");
  }

  #receive(message: FromThread, logs: Logs): void {
    switch (message.kind) {
      case "log":
        return logs.emit(message.record);
      case "access":
        return logs.access.addLines(message.lines);
      case "listening":
        this.#watch = every(this.#limits.lookMs, () => this.#look());
        return this.#listening.resolve(message.address);
      case "failed":
        return this.#fail(message.message);
      case "answer":
        return this.#take(message.number)?.resolve(message.answer);
      case "error":
        return this.#take(message.number)?.reject(new ThreadError(message.message));
      case "drained":
        return this.#drained.resolve(message.totals);
    }
  }

  /** It has crashed, or could not start. */
  #fail(message: string): void {
    if (this.#gone) return;
    this.#listening.reject(new FatalError(message));
    this.#drained.resolve(undefined);
    this.terminate();
    this.#observer.onCrash(message);
  }

  #take(number: number): OpenCall | undefined {
    const call = this.#calls.get(number);
    this.#calls.delete(number);
    return call;
  }

  /** Nobody waits for answers any more. */
  #giveUp(why: NoAnswer): void {
    for (const number of [...this.#calls.keys()]) this.#take(number)!.resolve(why);
  }

  #look(): void {
    const { lookMs, silentLooks, answerLooks } = this.#limits;
    if (this.silent) return;
    if (++this.#silentLooks === silentLooks) {
      this.#giveUp("silent");
      if (this.#ending) this.#drained.resolve(undefined);
      return this.#observer.onSilence(silentLooks * lookMs);
    }
    for (const [number, open] of this.#calls) {
      if (open.looks++ < answerLooks) continue;
      this.#calls.delete(number);
      const seconds = answerLooks * lookMs / 1000;
      open.reject(new ThreadError(`${open.call} is not done after ${seconds} s`));
    }
    this.ask("ping", undefined).catch(() => {});
  }
}
