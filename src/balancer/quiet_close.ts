import { after, sleep } from "../base/timer.ts";
import { FIRST_PAUSE_MS, nextTurn } from "../net/accept_failures.ts";
import { Loopback } from "../net/loopback.ts";

/** Turns of the event loop without a new connection after which the backlog counts as empty. */
const QUIET_TURNS = 3;

/**
 * How short the last look at the sockets has to be, in milliseconds: whoever the kernel connects
 * between that and the close is lost. And how long such a one is waited for, in milliseconds.
 */
const SHORT_LOOK_MS = 0.5;
const LONGEST_PAUSE_MS = 100;

/** Sockets that accept what is left in the backlog, and can be closed. */
export interface Closeable {
  /** Connections accepted so far. */
  readonly accepted: number;
  /** Whether somebody waits in the backlog for whom there are no descriptors. */
  readonly short: boolean;
  /** Whether accepting fails at the moment. */
  readonly failing: boolean;
  close(): Promise<void>;
}

/** Keeps sessions from moving for a moment. */
export interface Pause {
  hold(): void;
  release(): void;
}

/** Options of {@linkcode closeQuietly}. */
export interface QuietCloseOptions {
  /** Most connections that are accepted still, so that a flood cannot prolong this. */
  most: number;
  /** Ends the wait for free descriptors if there are none. */
  signal: AbortSignal;
  /** Holds sessions, so that the close is at a quiet moment; a few milliseconds, 100 at most. */
  pause?: Pause | undefined;
}

/** Closes sockets when nobody is in the backlog any more, for all that can be seen. */
export async function closeQuietly(sockets: Closeable, options: QuietCloseOptions): Promise<void> {
  const { signal, pause } = options;
  const limit = sockets.accepted + options.most;
  for (;;) {
    await emptyBacklog(sockets, { limit, signal });
    pause?.hold();
    try {
      await shortLook(sockets);
      // Somebody has come meanwhile for whom there are no descriptors until others are done.
      if (sockets.short && sockets.accepted < limit && !signal.aborted) continue;
      return await sockets.close();
    } finally {
      pause?.release();
    }
  }
}

/** Resolves when there is nobody in the backlog, for all that can be seen. */
async function emptyBacklog(
  sockets: Closeable,
  { limit, signal }: { limit: number; signal: AbortSignal },
): Promise<void> {
  let before: number;
  do {
    before = sockets.accepted;
    for (let turn = 0; turn < QUIET_TURNS; turn++) await nextTurn();
    const starving = (sockets.short || sockets.failing) && !signal.aborted;
    if (starving) await sleep(FIRST_PAUSE_MS);
    else if (sockets.accepted === before) break;
  } while (sockets.accepted < limit);
}

/** Resolves after a look at the sockets that was short and found no new connection, if one comes. */
async function shortLook(sockets: Closeable): Promise<void> {
  const limit = new AbortController();
  const timer = after(LONGEST_PAUSE_MS, () => limit.abort());
  try {
    using loopback = new Loopback();
    while (!limit.signal.aborted) {
      const before = sockets.accepted;
      const begin = performance.now();
      const { near, far } = await loopback.connect({ signal: limit.signal });
      near.close();
      far.close();
      const short = performance.now() - begin < SHORT_LOOK_MS;
      if (short && sockets.accepted === before) return;
    }
  } catch {
    // Without free descriptors, or without loopback, there is no way to tell.
  } finally {
    timer.stop();
  }
}
