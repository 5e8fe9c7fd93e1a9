import { every } from "../base/timer.ts";
import type { ServiceAddress } from "../config/service_address.ts";
import type { Stream } from "../net/stream.ts";
import { writeAll } from "../net/write_all.ts";
import type { RawStream } from "./frames.ts";
import { serveInTurn } from "./in_turn.ts";
import { isGone, SILENT } from "./service.ts";
import { makeService } from "./services.ts";

/** How much is copied at a time. */
const CHUNK_BYTES = 64 * 1024;

/** How often it is looked whether whoever started it is still there, in milliseconds. */
const LOOK_MS = 1000;

const STANDARD: RawStream = {
  read: async (buffer) => await Deno.stdin.read(buffer) ?? 0,
  write: (bytes) => Deno.stdout.write(bytes),
};

/**
 * Serves the one client that standard input and output are, as a program of `inetd` does, or with
 * `processes` that is `pool` one after the other. Resolves when all is served, or when whoever started
 * the program is gone.
 */
export async function serveStandardStreams({ service, settings }: ServiceAddress): Promise<void> {
  const made = makeService(service, {
    name: () => `process ${Deno.pid}`,
    settings: () => settings,
    context: SILENT,
  });
  const connect = () => made.connect({ name: "-" });
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
    const served = settings.processes === "pool"
      ? serveInTurn(STANDARD, {
        connect,
        ...(exchange && { exchange: (port) => exchange({ name: "-", port }) }),
      })
      : converse(connect());
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

/** Copies both ways until both have ended, or the service takes nothing more. */
async function converse(stream: Stream): Promise<void> {
  const input = take(stream);
  await give(stream);
  if (stream.gone) return;
  Deno.stdout.close();
  await input;
}

async function take(stream: Stream): Promise<void> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  try {
    for (;;) {
      const number = await STANDARD.read(buffer);
      if (number === 0) break;
      await writeAll(stream, buffer.subarray(0, number));
    }
  } catch {
    // The service has closed, or the client is gone: there is nothing more to come.
  }
  await stream.closeWrite();
}

async function give(stream: Stream): Promise<void> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  try {
    for (;;) {
      const number = await stream.read(buffer);
      if (number === 0) return;
      await writeAll(STANDARD, buffer.subarray(0, number));
    }
  } catch {
    // The client reads nothing more, or the service has closed.
    stream.close();
  }
}
