import type { Logger } from "@logtape/logtape";
import { type Audience, only, without } from "../async/audience.ts";
import type { Clock } from "../base/clock.ts";
import type { Settings } from "../config/options.ts";
import type { ConnectObserver } from "./connect_observer.ts";
import type { Destination } from "../destinations/destination.ts";
import type { Queue } from "./queue.ts";
import { DialError, LoopError } from "../net/dial.ts";
import { UnansweredError } from "../base/errors.ts";
import type { SessionRegistry } from "../session/registry.ts";
import type { Loops } from "../session/loops.ts";
import { relayDatagrams } from "../session/datagram_relay.ts";
import type { ExchangeTerms } from "../session/exchange.ts";
import { DatagramClient } from "../net/udp/client.ts";
import { relay, type RelayEnd, type RelayOptions } from "../session/relay.ts";
import type { Holder, Session } from "../session/session.ts";
import type { EndReason } from "../operations/end_reasons.ts";
import type { Stream } from "../net/stream.ts";
import type { Steps } from "../session/steps.ts";
import { sleep } from "../base/timer.ts";
import { noteOf } from "../net/trails.ts";

/** Most controllers that are kept for reuse. */
const KEPT_ATTEMPTS = 64;

/**
 * How long a worker whose client has given up waits before it takes the next one: a part of that
 * client's patience, at most so many milliseconds.
 */
const REST_SHARE = 0.05;
const LONGEST_REST_MS = 50;

/** All destinations. */
const EVERYBODY: Audience = { has: () => true };

/** What the workers of all destinations share. */
export interface WorkerContext {
  readonly queue: Pick<Queue, "size" | "closed" | "receive" | "giveBack">;
  readonly registry: SessionRegistry;
  readonly clock: Clock;
  readonly settings: Pick<Settings, "connectTimeout" | "retries" | "redispatch">;
  readonly relaying: RelayOptions;
  /** What sessions of UDP share. */
  readonly datagrams: ExchangeTerms;
  readonly log: Logger;
  readonly steps: Steps;
  readonly loops: Pick<Loops, "end" | "endIfLooped" | "tell">;
  /** Controllers of connects that were not aborted, for reuse. */
  readonly attempts: AbortController[];
  /** Learns what comes of each connect. */
  readonly observer: ConnectObserver;
  /** Whether a destination of an audience serves. */
  serves(audience: Audience): boolean;
  /** Whether a session that could not be connected waits for a destination when none serves. */
  readonly waits: boolean;
  /** Whether a worker that has just become idle stays for another session. */
  keeps(destination: Destination): boolean;
}

/** What a worker does with a session that it has received. */
export type Serve<C> = (session: Session, destination: Destination, context: C) => Promise<void>;

/** What the turns of a worker need, whatever it does with a session. */
export type TurnContext = Pick<WorkerContext, "queue" | "registry" | "log" | "steps" | "keeps">;

/**
 * One worker of a destination: receives sessions from the queue, one at a time, and serves each to
 * its end, until it is not needed any more.
 *
 * Nothing that happens to a session ends the worker: a defect ends that session with the reason
 * `error` and is logged.
 */
export function runWorker(destination: Destination, context: WorkerContext): Promise<void> {
  return takeTurns(destination, context, serve);
}

/** The same, whatever serving is: simulations have no connections. */
export async function takeTurns<C extends TurnContext>(
  destination: Destination,
  context: C,
  serve: Serve<C>,
): Promise<void> {
  destination.workers++;
  const worker = destination.takeNumber();
  try {
    do {
      const signal = destination.idleSignal;
      let session: Session;
      try {
        session = await context.queue.receive(destination);
      } catch (error) {
        if (signal.aborted || context.queue.closed) return;
        throw error;
      }
      destination.active++;
      const auto = destination.auto;
      auto?.begun(session);
      if (context.steps.on) context.steps.taken(session, { destination: destination.name, worker });
      try {
        await serve(session, destination, context);
      } catch (error) {
        context.log.error("session {id} ended by a defect: {error}", { id: session.title, error });
        session.abort("error");
        context.registry.finish(session);
      } finally {
        destination.left(session);
        auto?.ended(session, context.queue.size > 0);
      }
      const rest = restAfter(session, context);
      if (rest > 0) await sleep(rest, { signal });
    } while (context.keeps(destination));
  } finally {
    destination.giveNumber(worker);
    destination.workers--;
  }
}

/**
 * Clients that came together give up together. Whoever is to leave the queue in the same moment
 * should do so, and not be connected because one of them has made room.
 */
function restAfter(session: Session, { queue }: TurnContext): number {
  const { reason, abandons, connectStartedAt, acceptedAt, endedAt } = session;
  if (reason !== "client-gone" || !abandons || queue.size === 0) return 0;
  if (connectStartedAt === undefined || endedAt === undefined) return 0;
  return Math.min((endedAt - acceptedAt) * REST_SHARE, LONGEST_REST_MS);
}

/** Connects a session and relays it to its end, or gives it back if that cannot be. */
async function serve(
  session: Session,
  destination: Destination,
  context: WorkerContext,
): Promise<void> {
  if (session.certain) await session.certain;
  if (session.reason !== undefined) return context.registry.finish(session);
  const attempt = context.attempts.pop() ?? new AbortController();
  session.stage = "connecting";
  session.holder = CONNECTING;
  session.attempt = attempt;
  session.destination = destination;
  session.exit = undefined;
  session.attempts++;
  session.connectStartedAt = context.clock();
  session.leaveQueue(session.connectStartedAt);
  let server: Stream;
  try {
    server = await destination.connector.connect({
      signal: attempt.signal,
      timeout: context.settings.connectTimeout,
      trail: session.trail,
      caller: session,
    });
  } catch (error) {
    if (session.reason !== undefined) context.registry.finish(session);
    else afterFailure(error, session, destination, context);
    return;
  } finally {
    session.attempt = undefined;
    const reusable = !attempt.signal.aborted && context.attempts.length < KEPT_ATTEMPTS;
    if (reusable) context.attempts.push(attempt);
  }
  const note = noteOf(server);
  if (session.reason !== undefined) {
    server.close();
    if (server.settled) session.exit = await server.settled;
    context.registry.finish(session);
    return;
  }
  session.connectedAt = context.clock();
  session.server = server;
  destination.sessions++;
  destination.established++;
  context.observer.onConnected(session, destination);
  let end: RelayEnd;
  const { client } = session;
  try {
    end = client instanceof DatagramClient
      ? await exchange(session, { client, server, destination }, context)
      : await relay(session, server, context.relaying);
  } finally {
    destination.established--;
  }
  session.server = undefined;
  note?.forget();
  if (context.loops.endIfLooped(session, note)) return context.registry.finish(session);
  // Its slot is free once the process is gone, and how that has ended is a part of the session.
  if (server.settled) session.exit = await server.settled;
  if (end === "over" || session.reason !== undefined) context.registry.finish(session);
  else moveOn(end, session, destination, context);
}

/** Passes datagrams on, until the session is over. */
async function exchange(
  session: Session,
  { destination, ...sockets }: { client: DatagramClient; server: Stream; destination: Destination },
  { datagrams, steps, observer, serves }: WorkerContext,
): Promise<RelayEnd> {
  const audience = only(destination);
  const note = noteOf(sockets.server);
  await relayDatagrams(session, sockets, {
    terms: datagrams,
    steps,
    now: session.connectedAt!,
    destination: {
      get isDown() {
        return destination.state === "down" && !serves(audience);
      },
      get isLeaving() {
        return ["drain", "maint"].includes(destination.standing.shown);
      },
      isSilent: destination.connector.isSilent ?? false,
      get isLooped() {
        return note?.looped ?? false;
      },
    },
  });
  if (session.exchange?.silent) observer.onSilence(destination);
  return "over";
}

/** Holds a session while it is being connected. */
const CONNECTING: Holder = {
  onAbort: (session) => session.attempt?.abort(),
};

function afterFailure(
  error: unknown,
  session: Session,
  destination: Destination,
  context: WorkerContext,
): void {
  if (error instanceof LoopError) {
    context.loops.tell(session, destination.name);
    context.loops.end(session);
    context.registry.finish(session);
    return;
  }
  const fault = error instanceof DialError ? error.fault : "gone";
  if (fault === "full" || fault === "gone") destination.auto?.failed();
  if (fault === "machine" || fault === "full") {
    session.attempts--;
    if (fault === "machine") context.observer.onShortage(error as Error);
    else context.observer.onFull(destination, error as Error);
    context.queue.giveBack(session);
  } else if (fault === "reset") {
    moveOn(new UnansweredError((error as Error).cause), session, destination, context);
  } else {
    context.observer.onFailure(destination, error as Error);
    // One that was reset once has begun that connect for nothing; it is no retry.
    const connects = session.attempts - (session.moved ? 1 : 0);
    const hopeless = !context.waits && !context.serves(session.audience ?? EVERYBODY);
    if (hopeless || connects > context.settings.retries) end(session, "connect-failed", context);
    else context.queue.giveBack(session);
  }
}

/**
 * Lets another destination serve a session that was reset before the first byte of an answer: one
 * other, and never the same one again, since it may be the session that makes servers reset it.
 */
function moveOn(
  error: UnansweredError,
  session: Session,
  destination: Destination,
  context: WorkerContext,
): void {
  context.observer.onReset(session, destination, error);
  const others = without(session.audience, destination);
  const moves = !session.moved && context.settings.redispatch !== "off" && context.serves(others);
  if (!moves) return end(session, "server-reset", context);
  session.audience = others;
  session.moved = true;
  session.connectedAt = undefined;
  context.queue.giveBack(session);
}

function end(session: Session, reason: EndReason, context: WorkerContext): void {
  session.conclude(reason);
  context.registry.finish(session);
}
