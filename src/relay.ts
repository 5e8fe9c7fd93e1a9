import { delay } from "@std/async/delay";
import type { BufferPool } from "./buffers.ts";
import type { Ahead, ReadAhead } from "./read_ahead.ts";
import type { Settings } from "./options.ts";
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

/** How a relay came to its end. */
export type RelayEnd =
  /** Both sockets are closed and the session is concluded. */
  | "over"
  /** The server failed before its first byte, and all that it was sent can be sent again. */
  | "unanswered";

/** Options of {@linkcode relay}. */
export interface RelayOptions {
  buffers: BufferPool;
  /** Under which condition a session may end as `unanswered`. */
  redispatch: Settings["redispatch"];
}

/**
 * Copies both ways between a session's client and its server until both have finished sending.
 *
 * - A side that finishes is passed on as a half-close; the other direction goes on.
 * - A side that cannot be read any more has nothing more to say: both sockets are closed at once.
 * - A side that cannot be written any more may have said something before it failed, such as an
 *   answer to a request that it did not read to the end. That is still delivered; then both close.
 * - The next read waits for the write before it: a session holds at most one buffer a direction.
 * - Until the server's first byte, what the client sends is held, as long as it fits into one small
 *   buffer. If the server fails before that byte, the session can go to another one.
 *
 * Closes both sockets in the end and concludes the session, unless an abort has done that. After
 * `unanswered` only the server's socket is closed and the session can be relayed again.
 */
export async function relay(
  session: Session,
  server: Deno.Conn,
  options: RelayOptions,
): Promise<RelayEnd> {
  const { buffers } = options;
  const { client, ahead, up, down } = session;
  const stopped = Promise.withResolvers<true>();
  const state: RelayState = { answered: false, stopped: false };
  let failure: EndReason | undefined;

  /** Whether the server's failure can be made good by another server. */
  function replaceable(): boolean {
    return failure === "server-reset" && session.reason === undefined && !state.answered &&
      !down.ended && ahead.held && !ahead.failed &&
      (options.redispatch === "held" || (options.redispatch === "unsent" && ahead.length === 0));
  }

  function stop(): void {
    state.stopped = true;
    closeQuietly(server);
    if (!replaceable()) closeQuietly(client);
    ahead.wake();
    stopped.resolve(true);
  }

  async function run(
    direction: Promise<PumpEnd>,
    reasons: { read: EndReason; write: EndReason },
  ): Promise<void> {
    const how = await direction;
    if (how === "ended") return;
    failure ??= how === "read-failed" ? reasons.read : reasons.write;
    if (how === "read-failed") stop();
  }

  session.stage = "relaying";
  session.onAbort = stop;
  const upwards = pumpUp({ ahead, from: client, to: server, flow: up, buffers, state });
  const downwards = pump({
    from: server,
    to: client,
    flow: down,
    buffers,
    onFirst() {
      state.answered = true;
      ahead.wake();
    },
    isFailure: replaceable,
  });
  const finished = Promise.all([
    run(upwards, { read: "client-reset", write: "server-reset" }),
    run(downwards, { read: "server-reset", write: "client-reset" }),
  ]);
  const wasStopped = await Promise.race([finished.then(() => false), stopped.promise]);
  if (!wasStopped) stop();
  else if (!await settle(finished)) ahead.take();
  if (replaceable()) {
    up.received = up.bytes = 0;
    up.ended = false;
    return "unanswered";
  }
  closeQuietly(client);
  session.conclude(failure ?? "done");
  return "over";
}

/**
 * Waits until the reads and writes of closed sockets have been cancelled. `false` if one lingers:
 * its buffer may still be sent from and must not be used again.
 */
async function settle(finished: Promise<unknown>): Promise<boolean> {
  const giveUp = new AbortController();
  const patience = delay(SETTLE_MS, { signal: giveUp.signal }).then(() => false, () => false);
  const settled = await Promise.race([finished.then(() => true), patience]);
  giveUp.abort();
  return settled;
}

interface RelayState {
  /** Whether the server has sent a byte. */
  answered: boolean;
  /** Whether the sockets were closed before both directions had ended. */
  stopped: boolean;
}

interface PumpOptions {
  from: Deno.Conn;
  to: Deno.Conn;
  flow: Flow;
  buffers: BufferPool;
}

/** Copies client to server: while it can be held, what is read ahead, then what comes. */
async function pumpUp(
  options: PumpOptions & { ahead: ReadAhead; state: RelayState },
): Promise<PumpEnd> {
  const { to, flow, ahead, state } = options;
  for (let sent = 0;;) {
    const { length } = ahead;
    if (state.stopped) return "write-failed";
    if (sent < length) {
      flow.received = length;
      if (!await send(to, ahead.bytes(sent, length))) return "write-failed";
      flow.bytes = sent = length;
    } else if (ahead.failed) {
      return "read-failed";
    } else if (ahead.ended) {
      return await finish(to, flow);
    } else if (ahead.full || state.answered) {
      return await pump({ ...options, begin: ahead.take() });
    } else {
      await ahead.change();
    }
  }
}

/** Copies one direction to its end and passes that on. */
async function pump(
  options: PumpOptions & {
    /** The buffer to begin with, and the read into it that is under way. */
    begin?: Ahead;
    /** Called when the first bytes have arrived. */
    onFirst?: () => void;
    /** Asked when the input ends before its first byte: whether that is a failure. */
    isFailure?: () => boolean;
  },
): Promise<PumpEnd> {
  const { from, to, flow, buffers, begin, isFailure } = options;
  let { onFirst } = options;
  let buffer = begin?.buffer ?? buffers.take();
  /** The bytes read, as a view of `buffer`: made anew only if their number or the buffer changes. */
  let view: Uint8Array = buffer;
  try {
    if (begin?.pending) {
      const received = await begin.pending;
      if (received === null) return await finish(to, flow);
      flow.received += received;
      const bytes = buffer.subarray(begin.length, begin.length + received);
      if (!await send(to, bytes)) return "write-failed";
      flow.bytes += received;
    }
    for (;;) {
      const received = await from.read(buffer);
      if (received === null) {
        return onFirst && isFailure?.() ? "read-failed" : await finish(to, flow);
      }
      if (onFirst) {
        onFirst();
        onFirst = undefined;
      }
      flow.received += received;
      if (view.buffer !== buffer.buffer || view.length !== received) {
        view = received === buffer.length ? buffer : buffer.subarray(0, received);
      }
      if (!await send(to, view)) return "write-failed";
      flow.bytes += received;
      buffer = buffers.adapt(buffer, received);
    }
  } catch {
    return "read-failed";
  } finally {
    buffers.give(buffer);
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
