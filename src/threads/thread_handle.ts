import { FatalError } from "../base/errors.ts";
import type { Logs } from "../logging/logs.ts";
import type { Totals } from "../operations/totals.ts";
import type { FromThread, ThreadCall, ThreadCalls, ToThread } from "./messages.ts";

/** One thread, from outside. */
export class ThreadHandle {
  /** The address that it listens on; rejects if it cannot. */
  readonly listening: Promise<string>;
  /** Its totals once it has drained; `undefined` if it crashed. */
  readonly drained: Promise<Totals | undefined>;
  readonly #worker: Worker;
  readonly #questions = new Map<number, (answer: unknown) => void>();
  #asked = 0;
  /** Whether it has crashed or was ended: it does not answer any more. */
  #gone = false;

  constructor(worker: Worker, options: { logs: Logs; onCrash: (message: string) => void }) {
    const { logs, onCrash } = options;
    const listening = Promise.withResolvers<string>();
    const drained = Promise.withResolvers<Totals | undefined>();
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
        case "answer":
          return this.#answer(data.number, data.answer);
        case "drained":
          return drained.resolve(data.totals);
      }
    };
    worker.onerror = (event) => {
      event.preventDefault();
      fail(event.message);
    };
    listening.promise.catch(() => {});

    const fail = (message: string) => {
      if (this.#gone) return;
      listening.reject(new FatalError(message));
      drained.resolve(undefined);
      this.terminate();
      onCrash(message);
    };
  }

  /** Starts it; everything else that it is told waits until it listens. */
  start(message: ToThread & { kind: "start" }): void {
    this.#worker.postMessage(message);
  }

  tell(message: Exclude<ToThread, { kind: "start" }>): void {
    this.listening.then(() => {
      if (!this.#gone) this.#worker.postMessage(message);
    }, () => {});
  }

  /** The answer to a question; "gone" if it has crashed or was ended before it gave one. */
  ask<C extends ThreadCall>(
    call: C,
    ask: ThreadCalls[C]["ask"],
  ): Promise<ThreadCalls[C]["answer"] | "gone"> {
    if (this.#gone) return Promise.resolve("gone");
    const number = this.#asked++;
    return new Promise((resolve) => {
      this.#questions.set(number, resolve as (answer: unknown) => void);
      this.tell({ kind: "call", number, call, ask });
    });
  }

  #answer(number: number, answer: unknown): void {
    this.#questions.get(number)?.(answer);
    this.#questions.delete(number);
  }

  /** Ends it at once; whoever waits for an answer is told. */
  terminate(): void {
    this.#gone = true;
    this.#worker.terminate();
    for (const number of [...this.#questions.keys()]) this.#answer(number, "gone");
  }
}
