import type { Logs } from "./log.ts";
import type { Status } from "./report.ts";

/** What signals act on. */
export interface Serving {
  /** Accepts no more and resolves when all is served or cut: whether nothing was cut. */
  drain(): Promise<boolean>;
  /** Cuts everything at once. */
  quit(): Promise<boolean>;
  status(): Status | Promise<Status>;
}

/**
 * Turns operating-system signals into calls of the server until it has drained.
 *
 * SIGTERM and SIGINT drain, the second one quits; SIGUSR1 writes the status to the log; SIGUSR2 opens
 * the file of the access log again; SIGHUP is taken note of, because there is no file to read again. Windows has only the interrupt.
 *
 * @returns Whether every session could finish.
 */
export async function serveUntilSignalled(server: Serving, logs: Logs): Promise<boolean> {
  const { log } = logs;
  const drained = Promise.withResolvers<boolean>();
  let stopping = false;
  const handlers: Partial<Record<Deno.Signal, () => void>> = {
    SIGINT: stop,
    SIGTERM: stop,
    SIGUSR1: async () => {
      log.info("status: {status}", { status: JSON.stringify(await server.status()) });
    },
    SIGUSR2: () => logs.reopen(),
    SIGHUP: () => log.info("SIGHUP: there is no configuration file to read, nothing changes"),
  };

  function stop(): void {
    drained.resolve(stopping ? server.quit() : server.drain());
    stopping = true;
  }

  const supported = Deno.build.os === "windows" ? ["SIGINT"] : Object.keys(handlers);
  for (const signal of supported as Deno.Signal[]) {
    Deno.addSignalListener(signal, handlers[signal]!);
  }
  // Whoever reads in the log that the server listens may send a signal: handlers come first.
  await logs.flush();
  try {
    return await drained.promise;
  } finally {
    for (const signal of supported as Deno.Signal[]) {
      Deno.removeSignalListener(signal, handlers[signal]!);
    }
  }
}
