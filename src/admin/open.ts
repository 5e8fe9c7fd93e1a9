import type { Address } from "../net/address.ts";
import type { DescriptorBudget } from "../net/descriptor_budget.ts";
import type { Sharing } from "../net/sharing.ts";
import type { Logs } from "../logging/logs.ts";
import type { Operations } from "../operations/operations.ts";
import { loadPage } from "./dashboard/bundle.ts";
import { type AdminServer, serveAdmin } from "./server.ts";
import { readToken } from "../config/token_file.ts";

/** The admin API and the dashboard, as the settings say, until the signal is aborted. */
export async function openAdmin(
  operations: Operations,
  options: {
    admin: Address;
    adminTokenFile: string;
    adminReadTokenFile: string;
    logs: Pick<Logs, "log" | "events">;
    descriptors?: DescriptorBudget;
    sharing?: Sharing | undefined;
    draining?: AbortSignal;
    signal?: AbortSignal;
  },
): Promise<AdminServer> {
  const { admin: address, logs: { log, events }, descriptors, sharing, draining, signal } = options;
  const token = tokenIn(options.adminTokenFile, "--admin-token-file");
  const readerToken = tokenIn(options.adminReadTokenFile, "--admin-read-token-file");
  const page = await loadPage();
  const server = await serveAdmin(operations, {
    address,
    token,
    readerToken,
    events,
    page,
    log,
    descriptors,
    sharing,
    draining,
    signal,
  });
  log.info("admin API on {address}", { address: server.address });
  return server;
}

function tokenIn(file: string, flag: string): string | undefined {
  return file === "" ? undefined : readToken(file, flag);
}
