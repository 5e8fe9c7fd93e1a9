import type { Stream } from "../net/stream.ts";
import type { Flow } from "./flow.ts";
import type { PumpOptions } from "./pump.ts";

/** Most bytes that are thrown away while the server takes nothing of what the client has sent. */
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * Reads what a server says to a client that takes nothing any more: one that cannot get rid of its
 * answers may never read the rest of what the client had sent.
 *
 * @param up What the server takes.
 * @returns Whether the server has finished in order; otherwise there is no use in going on.
 */
export async function throwAway(
  server: Stream,
  up: Flow,
  { buffers, fairReads }: PumpOptions,
): Promise<boolean> {
  let buffer = buffers.take();
  try {
    for (let taken = up.bytes, thrown = 0; thrown < MOST_BYTES;) {
      if (!fairReads.take()) await fairReads.turn();
      const received = await server.read(buffer);
      if (received === 0) return true;
      thrown = up.bytes === taken ? thrown + received : received;
      taken = up.bytes;
      buffer = buffers.adapt(buffer, received);
    }
  } catch {
    // It has failed, or was closed because all is over.
  } finally {
    buffers.give(buffer);
  }
  return false;
}
