import type { Logs } from "../logging/logs.ts";
import type { Status } from "../operations/operations.ts";

/** What signals act on. */
export interface Serving {
  /** Resolves at the end of a drain, whoever began it: whether nothing was cut. */
  readonly ended: Promise<boolean>;
  /** Accepts no more and serves what was accepted. */
  drain(): void | Promise<unknown>;
  /** Cuts everything at once. */
  quit(): void | Promise<unknown>;
  /** Applies the configuration as it is now; logs by itself what came of it. */
  reload(): Promise<unknown>;
  status(): Promise<Status>;
}

/**
 * Signals that end the program, and signals that only tell it something, of which Windows has none:
 * `iawlb ctl reload` and `status` do the same. SIGBREAK is Control and Break there.
 */
export function signalsOf(os: typeof Deno.build.os): {
  stops: readonly Deno.Signal[];
  notices: readonly Deno.Signal[];
} {
  return os === "windows"
    ? { stops: ["SIGINT", "SIGBREAK"], notices: [] }
    : { stops: ["SIGINT", "SIGTERM"], notices: ["SIGHUP", "SIGUSR1", "SIGUSR2"] };
}

const { stops: STOPS, notices: NOTICES } = signalsOf(Deno.build.os);

/**
 * Turns operating-system signals into calls of the program until it has drained.
 *
 * SIGTERM, SIGINT and SIGBREAK drain, the second one quits; SIGHUP reloads the configuration; SIGUSR1 writes
 * the status to the log; SIGUSR2 opens the file of the access log again.
 *
 * Whoever was connected must not be cut because a signal came early: from the beginning none of the
 * last three ends the program, from {@linkcode Signals.holdStops} on no signal does. What comes before
 * the program serves is done as soon as it does. All are held to the end of the process: one that
 * comes last must not change its exit status, nor cost the last lines of the logs.
 */
export class Signals {
  /** The signals that are handled. */
  readonly #handled = new Set<Deno.Signal>();
  readonly #stopping = new AbortController();
  /** What came before there was anything that it could act on. */
  #early: Deno.Signal[] = [];
  #act: ((signal: Deno.Signal) => void) | undefined;

  constructor() {
    this.#handle(NOTICES);
  }

  /**
   * From now on signals that stop abort `stopping`, and end nothing by themselves. To be called before
   * the first address is bound; again if another attempt follows one that has ended.
   */
  holdStops(): void {
    this.#act = undefined;
    this.#handle(STOPS);
  }

  /** Aborted by the first signal to stop. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Acts on the program, also for what came before. Returns whether every session could finish. */
  async serve(server: Serving, logs: Logs): Promise<boolean> {
    const { log } = logs;
    let stopped = false;
    const actions: Partial<Record<Deno.Signal, () => void>> = {
      SIGINT: stop,
      SIGTERM: stop,
      SIGBREAK: stop,
      SIGUSR1: logStatus,
      SIGUSR2: () => logs.reopen(),
      SIGHUP: () => void server.reload().catch(() => {}),
    };

    function stop(): void {
      if (stopped) server.quit();
      else server.drain();
      stopped = true;
    }

    async function logStatus(): Promise<void> {
      const { listeners } = await server.status();
      for (const listener of listeners) {
        const status = JSON.stringify(listener, (key, value) => {
          return key === "latencies" ? undefined : value;
        });
        log.info("status: {status}", { status });
      }
    }

    this.#act = (signal) => actions[signal]!();
    for (const signal of this.#early) this.#act(signal);
    this.#early = [];
    // Whoever reads in the log that the server listens may send a signal.
    await logs.flush();
    try {
      return await server.ended;
    } finally {
      // What is left is bounded in time, and there are lines that are still to be written.
      this.#act = () => {};
    }
  }

  /** From now on another process gets them all, also what came before: it is who serves. */
  passOn(pass: (signal: Deno.Signal) => void): void {
    this.holdStops();
    this.#act = pass;
    for (const signal of this.#early) pass(signal);
    this.#early = [];
  }

  #handle(signals: readonly Deno.Signal[]): void {
    for (const signal of signals) {
      if (this.#handled.has(signal)) continue;
      this.#handled.add(signal);
      Deno.addSignalListener(signal, () => this.#receive(signal));
    }
  }

  #receive(signal: Deno.Signal): void {
    const isStop = STOPS.includes(signal);
    if (isStop) this.#stopping.abort();
    if (this.#act) this.#act(signal);
    else if (isStop || !this.#early.includes(signal)) this.#early.push(signal);
  }
}
