import type { Logs } from "./log.ts";
import type { Status } from "./operations.ts";

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
 * Turns operating-system signals into calls of the program until it has drained.
 *
 * SIGTERM and SIGINT drain, the second one quits; SIGHUP reloads the configuration; SIGUSR1 writes
 * the status to the log; SIGUSR2 opens the file of the access log again. Windows has only the interrupt.
 *
 * @returns Whether every session could finish.
 */
export async function serveUntilSignalled(server: Serving, logs: Logs): Promise<boolean> {
  const { log } = logs;
  let stopping = false;
  let over = false;
  const handlers: Partial<Record<Deno.Signal, () => void>> = {
    SIGINT: stop,
    SIGTERM: stop,
    SIGUSR1: logStatus,
    SIGUSR2: () => over || logs.reopen(),
    SIGHUP: () => void (over || server.reload().catch(() => {})),
  };

  function stop(): void {
    if (stopping) server.quit();
    else server.drain();
    stopping = true;
  }

  async function logStatus(): Promise<void> {
    if (over) return;
    const { listeners } = await server.status();
    for (const listener of listeners) {
      const status = JSON.stringify(listener, (key, value) => {
        return key === "latencies" ? undefined : value;
      });
      log.info("status: {status}", { status });
    }
  }

  const supported = Deno.build.os === "windows" ? ["SIGINT"] : Object.keys(handlers);
  for (const signal of supported as Deno.Signal[]) {
    Deno.addSignalListener(signal, handlers[signal]!);
  }
  // Whoever reads in the log that the server listens may send a signal: handlers come first.
  await logs.flush();
  try {
    return await server.ended;
  } finally {
    over = true;
    // One that still comes before the exit may end the program only if that is its purpose.
    for (const signal of ["SIGINT", "SIGTERM"].filter((one) => supported.includes(one))) {
      Deno.removeSignalListener(signal as Deno.Signal, stop);
    }
  }
}
