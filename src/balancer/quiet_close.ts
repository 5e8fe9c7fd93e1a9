import { after, sleep } from "../base/timer.ts";
import { FIRST_PAUSE_MS } from "../net/accept_failures.ts";
import { TurnProbe } from "../net/turn_probe.ts";

/** Turns of the event loop without a new connection after which the backlog counts as empty. */
const QUIET_TURNS = 3;

/**
 * How long nobody has to come so that it counts as quiet, and how long that is waited for, in
 * milliseconds. Clients that come again after their answer are held by the pause, all within a moment;
 * where others come all the time, it is closed between two of them, which is waited for as long again.
 */
const QUIET_MS = 5;
const PATIENCE_MS = 100;

/** How short the last turn has to be, in milliseconds: whoever the kernel connects in it is lost. */
const SHORT_TURN_MS = 0.3;

/** Sockets that accept what is left in the backlog, and can be closed. */
export interface Closeable {
  /** Connections accepted so far. */
  readonly accepted: number;
  /** Whether somebody waits in the backlog for whom there are no descriptors. */
  readonly short: boolean;
  /** Whether accepting fails at the moment. */
  readonly failing: boolean;
  /** Whether they are closed. */
  readonly closed: boolean;
  /** Lets them close by themselves, as soon as somebody has come and nobody is behind. */
  lastCall(probe: TurnProbe): void;
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
  /** Holds sessions, so that the close is at a quiet moment; a few milliseconds, 200 at most. */
  pause?: Pause | undefined;
}

/** Closes sockets when nobody is in the backlog any more, for all that can be seen. */
export async function closeQuietly(sockets: Closeable, options: QuietCloseOptions): Promise<void> {
  const { signal, pause } = options;
  const limit = sockets.accepted + options.most;
  using probe = await openProbe();
  for (;;) {
    await emptyBacklog(sockets, { limit, signal, probe });
    pause?.hold();
    try {
      await quietTime(sockets, probe);
      // Somebody has come meanwhile for whom there are no descriptors until others are done.
      if (sockets.short && sockets.accepted < limit && !signal.aborted) continue;
      return await sockets.close();
    } finally {
      pause?.release();
    }
  }
}

async function openProbe(): Promise<TurnProbe> {
  const late = new AbortController();
  const timer = after(PATIENCE_MS, () => late.abort());
  try {
    return await TurnProbe.open({ signal: late.signal });
  } finally {
    timer.stop();
  }
}

/** Resolves when there is nobody in the backlog, for all that can be seen. */
async function emptyBacklog(
  sockets: Closeable,
  { limit, signal, probe }: { limit: number; signal: AbortSignal; probe: TurnProbe },
): Promise<void> {
  let before: number;
  do {
    before = sockets.accepted;
    for (let turn = 0; turn < QUIET_TURNS; turn++) await probe.look();
    const starving = (sockets.short || sockets.failing) && !signal.aborted;
    if (starving) await sleep(FIRST_PAUSE_MS);
    else if (sockets.accepted === before) break;
  } while (sockets.accepted < limit);
}

/**
 * Resolves in a turn in which nobody has come, after some time in which nobody has, or when the
 * sockets have closed by themselves. It does not wait for that for ever.
 */
async function quietTime(sockets: Closeable, probe: TurnProbe): Promise<void> {
  const begin = performance.now();
  let since = begin;
  let called = false;
  for (let now = begin; !sockets.closed;) {
    const before = sockets.accepted;
    const last = now;
    const served = await probe.look();
    now = performance.now();
    // Without descriptors nobody is accepted, however many there are.
    if (sockets.short || now - begin >= 2 * PATIENCE_MS) return;
    if (!served || sockets.accepted !== before) since = now;
    else if (now - last < SHORT_TURN_MS && now - since >= QUIET_MS) return;
    if (called || now - begin < PATIENCE_MS) continue;
    called = true;
    sockets.lastCall(probe);
  }
}
