import { delay } from "@std/async/delay";
import type { BufferPool } from "./buffers.ts";
import type { Ahead } from "./read_ahead.ts";
import type { EndReason, Flow, Session } from "./session.ts";
import { closeQuietly } from "./sockets.ts";

/**
 * How long the end of an aborted relay waits for its last reads and writes to be cancelled, in
 * milliseconds. Deno before 2.9 lets a write linger after its socket was closed, for as long as the
 * peer does not read; such a peer must not hold the worker.
 */
const SETTLE_MS = 1000;

/** How one direction came to its end: the sender finished, or one of the sockets failed. */
type PumpEnd = "ended" | "read-failed" | "write-failed";

/**
 * Copies both ways between a session's client and its server until both have finished sending.
 *
 * - A side that finishes is passed on as a half-close; the other direction goes on.
 * - A side that cannot be read any more has nothing more to say: both sockets are closed at once.
 * - A side that cannot be written any more may have said something before it failed, such as an
 *   answer to a request that it did not read to the end. That is still delivered; then both close.
 * - The next read waits for the write before it: a session holds at most one buffer a direction.
 *
 * Closes both sockets in the end and concludes the session, unless an abort has done that.
 */
export async function relay(
  session: Session,
  server: Deno.Conn,
  buffers: BufferPool,
): Promise<void> {
  const { client } = session;
  const stopped = Promise.withResolvers<true>();
  let failure: EndReason | undefined;

  function stop(): void {
    closeQuietly(server);
    closeQuietly(client);
    stopped.resolve(true);
  }

  async function run(flow: Flow, parts: Omit<PumpOptions, "flow" | "buffers">): Promise<void> {
    const how = await pump({ ...parts, flow, buffers });
    if (how === "ended") return;
    const failed = how === "read-failed" ? parts.from : parts.to;
    failure ??= failed === client ? "client-reset" : "server-reset";
    if (how === "read-failed") stop();
  }

  const ahead = session.takeAhead();
  session.stage = "relaying";
  session.onAbort = stop;
  const finished = Promise.all([
    run(session.up, { from: client, to: server, ahead }),
    run(session.down, { from: server, to: client }),
  ]);
  const wasStopped = await Promise.race([finished.then(() => false), stopped.promise]);
  if (wasStopped) await settle(finished);
  else stop();
  session.conclude(failure ?? "done");
}

/** Waits until the reads and writes of closed sockets have been cancelled. */
async function settle(finished: Promise<unknown>): Promise<void> {
  const giveUp = new AbortController();
  const patience = delay(SETTLE_MS, { signal: giveUp.signal }).catch(() => {});
  await Promise.race([finished, patience]);
  giveUp.abort();
}

interface PumpOptions {
  from: Deno.Conn;
  to: Deno.Conn;
  flow: Flow;
  buffers: BufferPool;
  /** What has been read from `from` already. */
  ahead?: Ahead;
}

/** Copies one direction to its end and passes that on. */
async function pump(options: PumpOptions): Promise<PumpEnd> {
  const { from, to, flow, buffers, ahead } = options;
  let buffer = ahead?.buffer ?? buffers.take();
  /** The bytes read, as a view of `buffer`: made anew only if their number or the buffer changes. */
  let view: Uint8Array = buffer;
  let pending: Promise<number | null> | undefined;
  try {
    if (ahead) {
      pending = ahead.pending;
      if (ahead.length > 0 && !await send(to, buffer.subarray(0, ahead.length))) {
        return "write-failed";
      }
      flow.bytes += ahead.length;
      const more = pending ? await pending : ahead.ended ? null : 0;
      pending = undefined;
      if (more === null) return await finish(to, flow);
      if (more > 0) {
        if (!await send(to, buffer.subarray(ahead.length, ahead.length + more))) {
          return "write-failed";
        }
        flow.bytes += more;
      }
    }
    for (;;) {
      const received = await from.read(buffer);
      if (received === null) return await finish(to, flow);
      if (view.buffer !== buffer.buffer || view.length !== received) {
        view = received === buffer.length ? buffer : buffer.subarray(0, received);
      }
      if (!await send(to, view)) return "write-failed";
      flow.bytes += received;
      buffer = buffers.adapt(buffer, received);
    }
  } catch {
    pending = undefined;
    return "read-failed";
  } finally {
    // A read that is still under way writes into the buffer: leave it to the garbage collector.
    if (!pending) buffers.give(buffer);
  }
}

/** Writes all of the bytes; `false` if the socket failed. */
async function send(to: Deno.Conn, bytes: Uint8Array): Promise<boolean> {
  try {
    let sent = await to.write(bytes);
    while (sent < bytes.length) sent += await to.write(bytes.subarray(sent));
    return true;
  } catch {
    return false;
  }
}

/** Passes the end of a direction on. A receiver that is gone by then did not get everything. */
async function finish(to: Deno.Conn, flow: Flow): Promise<PumpEnd> {
  flow.ended = true;
  try {
    await to.closeWrite();
    return "ended";
  } catch {
    return "write-failed";
  }
}
