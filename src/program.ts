import { type AdminServer, serveAdmin } from "./admin/server.ts";
import { readToken } from "./admin/token.ts";
import type { ProgramConfig } from "./config.ts";
import { Instance } from "./instance.ts";
import type { Logs } from "./log.ts";
import type { Settings } from "./options.ts";
import { serveUntilSignalled } from "./signals.ts";

/** Options of {@linkcode runProgram}. */
export interface ProgramOptions {
  config: ProgramConfig;
  /** Reads the configuration anew. */
  load(): Promise<ProgramConfig>;
  logs: Logs;
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
  try {
    admin = await openAdmin(instance, { settings, logs });
  } catch (error) {
    await instance.quit();
    throw error;
  }
  try {
    return await serveUntilSignalled(instance, logs);
  } finally {
    await admin?.close();
  }
}

async function openAdmin(
  instance: Instance,
  { settings, logs }: { settings: Settings; logs: Logs },
): Promise<AdminServer | undefined> {
  const { admin: address, adminTokenFile } = settings;
  if (!address) return undefined;
  const token = adminTokenFile === "" ? undefined : readToken(adminTokenFile);
  const { log, events } = logs;
  const server = await serveAdmin(instance, { address, token, events, log });
  log.info("admin API on {address}", { address: server.address });
  return server;
}
