import { FatalError, UsageError } from "../base/errors.ts";
import { complain } from "../base/output.ts";
import { reportUncaughtErrors } from "../base/uncaught_errors.ts";
import { LOCAL_SYSLOG } from "../config/log_target.ts";
import type { Settings } from "../config/options.ts";
import { type Logs, openLogs } from "../logging/logs.ts";
import { Syslog } from "../logging/syslog.ts";
import { type OneClientOptions, serveOneClient } from "../program/one_client.ts";

/** How long it waits for syslog at its end, in milliseconds. */
const PATIENCE_MS = 1000;

/**
 * Serves one client to the end of its session. Returns the exit status.
 *
 * Nothing is written to the standard descriptors, whatever happens.
 *
 * @throws {UsageError} If a destination is where the client has connected to.
 */
export async function runOneClient(options: Omit<OneClientOptions, "logs">): Promise<number> {
  const logs = openQuietLogs(options.config);
  const stopReporting = reportUncaughtErrors(logs.log);
  try {
    return await serveOneClient({ ...options, logs }) ? 0 : 1;
  } catch (error) {
    if (error instanceof UsageError || error instanceof FatalError) throw error;
    logs.log.error("the program ends by an error, which is a defect: {error}", { error });
    return 1;
  } finally {
    await logs.close();
    stopReporting();
  }
}

/** Whoever is connected is served, also where there is no syslog to be told. */
function openQuietLogs(settings: Settings): Logs {
  try {
    return openLogs(settings, { quiet: true });
  } catch (error) {
    if (!(error instanceof FatalError) || settings.accessLog !== "syslog") throw error;
    return openLogs({ ...settings, log: { kind: "stderr" }, accessLog: "off" }, { quiet: true });
  }
}

/**
 * Tells syslog what keeps a client from being served, and whoever sits at a terminal: standard error
 * is the client otherwise.
 */
export async function tellQuietly(message: string): Promise<void> {
  if (Deno.stdin.isTerminal() && Deno.stderr.isTerminal()) complain(message);
  try {
    const syslog = Syslog.open(LOCAL_SYSLOG, { onTrouble() {} });
    for (const text of message.split("\n")) {
      syslog.send({ id: "log", severity: "error", time: Date.now(), text });
    }
    await syslog.close({ patience: PATIENCE_MS });
  } catch (error) {
    // There is nobody left whom this could be told.
    if (!(error instanceof FatalError)) throw error;
  }
}
