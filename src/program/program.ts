import { collectWhenQuiet } from "../base/quiet_collection.ts";
import type { AdminServer } from "../admin/server.ts";
import type { ProgramConfig } from "../config/config.ts";
import { DescriptorBudget } from "../net/descriptor_budget.ts";
import { Instance } from "./instance.ts";
import type { Logs } from "../logging/logs.ts";
import { passedSockets } from "../net/passed/sockets.ts";
import type { ServiceManager } from "./systemd.ts";
import type { Signals } from "./signals.ts";
import { factsOf } from "./replace/readiness.ts";
import type { Succession } from "./replace/succession.ts";
import { trustNobodyElse } from "../net/tls/roots.ts";
import { exportMetrics } from "../telemetry/opentelemetry.ts";

/** What there is once the program serves. */
export interface Ready {
  /** The address of the admin API. */
  admin: string | undefined;
  /** Aborted when the drain begins. */
  draining: AbortSignal;
}

/** Options of {@linkcode runProgram}. */
export interface ProgramOptions {
  config: ProgramConfig;
  /** Reads the configuration anew. */
  load(): Promise<ProgramConfig>;
  logs: Logs;
  signals: Signals;
  /** Called once everything is there, unless it is to stop by then. */
  onReady?(ready: Ready): void | Promise<void>;
  /** How the place of this process goes from one to the next; it has none if absent. */
  succession?: Succession;
}

/**
 * Serves, and whatever operators look through besides, until a drain has ended.
 *
 * @returns Whether every session could finish.
 * @throws {FatalError} If an address cannot be bound.
 */
export async function runProgram(options: ProgramOptions): Promise<boolean> {
  const { config: { listeners, settings }, logs, signals, succession } = options;
  signals.holdStops();
  // Where the command line of Deno runs the sources, it may do so itself at any moment.
  if (!Deno.build.standalone) trustNobodyElse();
  const descriptors = new DescriptorBudget();
  await succession?.rehearse(listeners, signals.stopping);
  const { sharing, generation } = succession ?? {};
  const instance = await Instance.start({
    ...options,
    descriptors,
    sharing,
    generation,
    isReplaced: () => succession?.isContinued ?? false,
    signal: signals.stopping,
  });
  const served = signals.serve(instance, logs);
  const over = new AbortController();
  served.finally(() => over.abort()).catch(() => {});
  let admin: AdminServer | undefined;
  let manager: ServiceManager | undefined;
  const collecting = collectWhenQuiet();
  try {
    if (settings.admin) {
      // Who has no use for it need not wait until it is loaded.
      const { openAdmin } = await import("../admin/open.ts");
      admin = await openAdmin(instance, {
        ...settings,
        admin: settings.admin,
        logs,
        descriptors,
        sharing,
        draining: instance.draining,
        signal: over.signal,
      });
      yieldWhenReplaced(admin, { instance, options });
    }
    warnOfUnused(logs);
    await exportMetrics(instance, {
      onError: (error) => logs.log.warning("no metrics to export: {error}", { error }),
    });
    if (succession) await takePlace(instance, { admin, options, succession });
    if (!signals.stopping.aborted) {
      await options.onReady?.({ admin: admin?.address, draining: instance.draining });
    }
    manager = await openManager(instance, { logs, generation });
    return await served;
  } catch (error) {
    // What it waited for is of no use any more.
    if (over.signal.aborted) return await served;
    // Whom it has accepted who would be served by the process beside is served.
    if (sharing?.beside) await instance.drain();
    else await instance.quit();
    throw error;
  } finally {
    collecting.stop();
    await manager?.close();
    await admin?.close();
  }
}

/** Can be replaced from now on, and replaces whoever had the place. */
async function takePlace(
  instance: Instance,
  { admin, options, succession }: {
    admin: AdminServer | undefined;
    options: ProgramOptions;
    succession: Succession;
  },
): Promise<void> {
  const { logs: { log }, signals: { stopping: signal } } = options;
  const facts = async () => factsOf(await instance.status(), admin?.address);
  await succession.open({ log, facts, onReplaced: (pid) => instance.replacedBy(pid) });
  await succession.handOver({ log, facts, signal });
}

/** Whoever takes the place of this process has the same address for its admin API, and cannot wait. */
function yieldWhenReplaced(
  admin: AdminServer,
  { instance, options }: { instance: Instance; options: ProgramOptions },
): void {
  const { succession, logs: { log } } = options;
  const { draining } = instance;
  if (!succession) return;
  draining.addEventListener("abort", giveUp);
  if (draining.aborted) giveUp();

  function giveUp(): void {
    if (succession!.successor !== undefined) void admin.retire();
    else if (succession!.isMovedAway) {
      log.info("the pid file was moved away: another process takes over, the admin API closes");
      admin.close();
    }
  }
}

/** Whoever connects there would wait, and nobody would know why. */
function warnOfUnused({ log }: Logs): void {
  for (const name of passedSockets().unused) {
    log.warning(
      "{name} is a socket that was passed to the program, and no listener has that address: who " +
        "connects there waits until one has",
      { name },
    );
  }
}

/** Lets the service manager know how the program is, if one started it. */
async function openManager(
  instance: Instance,
  { logs: { log }, generation = 1 }: { logs: Logs; generation: number | undefined },
): Promise<ServiceManager | undefined> {
  if (!Deno.env.get("NOTIFY_SOCKET")) return undefined;
  const { describeStatus, openServiceManager } = await import("./systemd.ts");
  // The environment of whoever has started this one may name a process that it has replaced.
  const replaces = generation > 1;
  const env = {
    get: (name: string) => replaces && name === "WATCHDOG_PID" ? undefined : Deno.env.get(name),
  };
  const manager = openServiceManager(env, {
    describe: async () => describeStatus(await instance.status()),
    isAlive: () => instance.responsive,
    onError(message) {
      log.warning("the service manager cannot be told how the program is: {message}", { message });
    },
  });
  if (manager) instance.tellTo(manager);
  return manager;
}
