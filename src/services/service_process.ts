import { every } from "../base/timer.ts";
import type { ServiceAddress } from "../config/service_address.ts";
import type { RawStream } from "./frames.ts";
import { serveInTurn } from "./in_turn.ts";
import { isGone, SILENT } from "./service.ts";
import { makeService } from "./services.ts";

/** How often it is looked whether whoever started it is still there, in milliseconds. */
const LOOK_MS = 1000;

const STANDARD: RawStream = {
  read: async (buffer) => await Deno.stdin.read(buffer) ?? 0,
  write: (bytes) => Deno.stdout.write(bytes),
};

/**
 * Serves, as a process of a service, the clients that come over standard input one after the other.
 * Resolves when all is served, or when whoever started the program is gone.
 */
export async function serveAsService({ service, settings }: ServiceAddress): Promise<void> {
  const made = makeService(service, {
    name: () => `process ${Deno.pid}`,
    settings: () => settings,
    context: SILENT,
  });
  const { exchange } = made;
  const ended = Promise.withResolvers<void>();
  const parent = Deno.ppid;
  const watch = every(LOOK_MS, () => {
    if (Deno.ppid !== parent) ended.resolve();
  });
  // Where nothing can be finished, the signal ends it as any program.
  let finishing = false;
  if (made.finish) Deno.addSignalListener("SIGTERM", finish);
  try {
    const served = serveInTurn(STANDARD, {
      connect: () => made.connect({ name: "-" }),
      ...(exchange && { exchange: (port) => exchange({ name: "-", port }) }),
    });
    // A client that is gone is no defect of a service.
    await Promise.race([served, ended.promise]).catch((error) => {
      if (!isGone(error)) throw error;
    });
  } finally {
    watch.stop();
    if (made.finish) Deno.removeSignalListener("SIGTERM", finish);
  }

  function finish(): void {
    if (finishing) ended.resolve();
    finishing = true;
    made.finish!(true);
  }
}
