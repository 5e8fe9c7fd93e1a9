import type { Logger } from "@logtape/logtape";
import type { BufferPool } from "./buffers.ts";
import { type Channel, ChannelClosedError } from "./channel.ts";
import type { Clock } from "./clock.ts";
import type { Settings } from "./options.ts";
import type { Destination } from "./destination.ts";
import { DialError } from "./dial.ts";
import type { Ledger } from "./ledger.ts";
import { relay } from "./relay.ts";
import type { EndReason, Session } from "./session.ts";
import { prepare } from "./sockets.ts";

/** What the workers of all destinations share. */
export interface Workplace {
  readonly queue: Channel<Session>;
  readonly ledger: Ledger;
  readonly buffers: BufferPool;
  readonly clock: Clock;
  readonly settings: Pick<Settings, "connectTimeout" | "retries" | "redispatch" | "keepalive">;
  readonly log: Logger;
  /** Puts a session that was taken from the line back to its front. */
  giveBack(session: Session): void;
  /** Called when a connect to a destination failed. */
  onFailure(destination: Destination, error: Error): void;
  /** Called when a destination has given an answer. */
  onServed(destination: Destination): void;
  /** Called when a connect failed for want of this machine's descriptors or memory. */
  onShortage(error: Error): void;
  /** Whether a worker that has just become idle stays for another session. */
  keeps(destination: Destination): boolean;
}

/**
 * One worker of a destination: takes sessions from the line, one at a time, and serves each to its
 * end, until it is not needed any more.
 *
 * Nothing that happens to a session ends the worker: a defect ends that session with the reason
 * `error` and is logged.
 */
export async function work(destination: Destination, place: Workplace): Promise<void> {
  destination.workers++;
  try {
    do {
      const session = await next(destination, place);
      if (!session) return;
      destination.active++;
      try {
        await serve(session, destination, place);
      } catch (error) {
        place.log.error("session {id} ended by a defect: {error}", { id: session.id, error });
        session.abort("error");
        place.ledger.finish(session);
      } finally {
        destination.active--;
      }
    } while (place.keeps(destination));
  } finally {
    destination.workers--;
  }
}

async function next(destination: Destination, place: Workplace): Promise<Session | undefined> {
  const signal = destination.standby;
  try {
    return await place.queue.receive({ signal });
  } catch (error) {
    if (signal.aborted || error instanceof ChannelClosedError) return undefined;
    throw error;
  }
}

async function serve(
  session: Session,
  destination: Destination,
  place: Workplace,
): Promise<void> {
  const server = await connect(session, destination, place);
  if (!server) return;
  destination.sessions++;
  const { redispatch } = place.settings;
  const end = await relay(session, server, { buffers: place.buffers, redispatch });
  if (session.down.bytes > 0) place.onServed(destination);
  if (end === "over") place.ledger.finish(session);
  else failOver(new Unanswered(), session, { destination, place, reason: "server-reset" });
}

/** Connects the session; otherwise finishes it or gives it back, and returns nothing. */
async function connect(
  session: Session,
  destination: Destination,
  place: Workplace,
): Promise<Deno.Conn | undefined> {
  if (session.reason !== undefined) {
    place.ledger.finish(session);
    return undefined;
  }
  const attempt = new AbortController();
  session.stage = "connecting";
  session.destination = destination.name;
  session.attempts++;
  session.connectStartedAt = place.clock();
  session.onAbort = () => attempt.abort();
  session.onConnectTimeout = () => attempt.abort(new ConnectTimeout(place.settings.connectTimeout));
  try {
    const server = await destination.dialer.dial({
      signal: attempt.signal,
      timeout: place.settings.connectTimeout,
    });
    session.onConnectTimeout = undefined;
    if (session.reason === undefined) {
      session.connectedAt = place.clock();
      prepare(server, { keepAlive: place.settings.keepalive === "on" });
      return server;
    }
    server.close();
  } catch (error) {
    if (session.reason === undefined) {
      afterFailure(error, session, destination, place);
      return undefined;
    }
  }
  place.ledger.finish(session);
  return undefined;
}

class ConnectTimeout extends Error {
  constructor(ms: number) {
    super(`no connection within ${ms} ms`);
  }
}

class Unanswered extends Error {
  constructor() {
    super("it accepted a connection and reset it before its first byte");
  }
}

function afterFailure(
  error: unknown,
  session: Session,
  destination: Destination,
  place: Workplace,
): void {
  if (error instanceof DialError && error.local) {
    session.attempts--;
    place.onShortage(error);
    place.giveBack(session);
    return;
  }
  failOver(error as Error, session, { destination, place, reason: "connect-failed" });
}

/** Enters a destination's failure and lets another one try, unless the retries are used up. */
function failOver(
  error: Error,
  session: Session,
  at: { destination: Destination; place: Workplace; reason: EndReason },
): void {
  const { destination, place, reason } = at;
  place.onFailure(destination, error);
  if (session.attempts > place.settings.retries) {
    session.conclude(reason);
    place.ledger.finish(session);
  } else {
    session.connectedAt = undefined;
    place.giveBack(session);
  }
}
