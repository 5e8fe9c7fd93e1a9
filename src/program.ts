import { loadPage } from "./admin/page/page.ts";
import { type AdminServer, serveAdmin } from "./admin/server.ts";
import { readToken } from "./admin/token.ts";
import type { ProgramConfig } from "./config.ts";
import { Instance } from "./instance.ts";
import type { Logs } from "./log.ts";
import type { Settings } from "./options.ts";
import { describeStatus, openServiceManager, type ServiceManager } from "./service_manager.ts";
import { serveUntilSignalled } from "./signals.ts";
import { exportMetrics } from "./telemetry.ts";

/** Options of {@linkcode runProgram}. */
export interface ProgramOptions {
  config: ProgramConfig;
  /** Reads the configuration anew. */
  load(): Promise<ProgramConfig>;
  logs: Logs;
  /** Called once everything is there; `admin` is the address of the admin API. */
  onReady?(ready: { admin: string | undefined }): void;
}

/**
 * Serves, and whatever operators look through besides, until a drain has ended.
 *
 * @returns Whether every session could finish.
 * @throws {FatalError} If an address cannot be bound.
 */
export async function runProgram(options: ProgramOptions): Promise<boolean> {
  const { config: { settings }, logs } = options;
  const instance = await Instance.start(options);
  let admin: AdminServer | undefined;
  let manager: ServiceManager | undefined;
  try {
    admin = await openAdmin(instance, { settings, logs });
  } catch (error) {
    await instance.quit();
    throw error;
  }
  try {
    await exportMetrics(instance, {
      onError: (error) => logs.log.warning("no metrics to export: {error}", { error }),
    });
    options.onReady?.({ admin: admin?.address });
    manager = openManager(instance, logs);
    return await serveUntilSignalled(instance, logs);
  } finally {
    await manager?.close();
    await admin?.close();
  }
}

/** Lets the service manager know how the program is, if one started it. */
function openManager(instance: Instance, { log }: Logs): ServiceManager | undefined {
  const manager = openServiceManager(Deno.env, {
    describe: async () => describeStatus(await instance.status()),
    onError(message) {
      log.warning("the service manager cannot be told how the program is: {message}", { message });
    },
  });
  if (manager) instance.tellTo(manager);
  return manager;
}

async function openAdmin(
  instance: Instance,
  { settings, logs }: { settings: Settings; logs: Logs },
): Promise<AdminServer | undefined> {
  const { admin: address, adminTokenFile } = settings;
  if (!address) return undefined;
  const token = adminTokenFile === "" ? undefined : readToken(adminTokenFile);
  const { log, events } = logs;
  const page = await loadPage();
  const server = await serveAdmin(instance, { address, token, events, page, log });
  log.info("admin API on {address}", { address: server.address });
  return server;
}
