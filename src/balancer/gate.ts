import type { Logger } from "@logtape/logtape";
import type { TaskGroup } from "../async/task_group.ts";
import type { Admission, Refusal } from "./admission.ts";
import type { BufferPool } from "../net/buffer_pool.ts";
import { type Failure, Greetings } from "./greeting/greetings.ts";
import type { Farewells } from "./farewells.ts";
import type { Forecaster } from "./forecaster.ts";
import type { Greeting } from "./greeting/greeting.ts";
import type { Begin } from "../session/read_ahead.ts";
import type { Clock } from "../base/clock.ts";
import type { SessionRegistry } from "../session/registry.ts";
import type { Queue } from "./queue.ts";
import type { Loops } from "../session/loops.ts";
import type { Settings } from "../config/options.ts";
import type { Routes } from "./routes/routes.ts";
import { RefusalLog } from "./refusal_log.ts";
import { ClientSigns } from "../session/client_signs.ts";
import { Session } from "../session/session.ts";
import type { Steps } from "../session/steps.ts";
import { DatagramClient } from "../net/udp/client.ts";
import type { Stream } from "../net/stream.ts";

/** Options of {@linkcode Gate}. */
export interface GateOptions {
  settings: Pick<Settings, "overflow" | "maxWait" | "halfClose" | "whenOverloaded" | "queue">;
  queue: Queue;
  admission: Admission;
  registry: SessionRegistry;
  /** The listener's number, that of the first session, and how much greater that of the next is. */
  ids: { listener: number; first: number; step: number };
  buffers: BufferPool;
  clock: Clock;
  log: Logger;
  steps: Steps;
  /** Recognises sessions that come back. */
  loops: Pick<Loops, "receive">;
  /** Gets what goes on beside a session. */
  tasks: Pick<TaskGroup, "add">;
  /** What may stand before the payload of a connection. */
  greetings: readonly Greeting[];
  /** Tells clients that are turned away. */
  farewells: Pick<Farewells, "concern" | "send">;
  /** Whether clients are served also if they finish before their first byte; otherwise they are gone. */
  listens?: boolean;
  /** Says which destinations a session may have, if that depends on what its client says. */
  routes: Pick<Routes, "active" | "expectedWait" | "noteRefused">;
  /** Says how long somebody who comes now will wait. */
  forecaster: Pick<Forecaster, "expectedWait">;
}

/** Where accepted connections become sessions, or are closed because they are refused. */
export class Gate {
  readonly #options: GateOptions;
  /** Tells the log who was refused. */
  readonly #refusals: RefusalLog;
  /** Tells the log whose greeting failed. */
  readonly #failures: RefusalLog;
  /** Connections of which it is not known yet who the client is. */
  readonly #greetings: Greetings;
  /** Connections so far, which sessions are numbered by. */
  #entered = 0;
  /** Ends a wait for room, after which it is looked whether there has to be another. */
  #wait = new AbortController();
  /** The signal that ends waiting altogether. */
  #end: AbortSignal | undefined;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#refusals = new RefusalLog({ ...options, what: "refused" });
    this.#failures = new RefusalLog({ ...options, what: "not greeted" });
    this.#greetings = new Greetings({
      ...options,
      onEnd: (session, failure) => this.#endUngreeted(session, failure),
      onDefect: ({ title: id }, error) => {
        options.log.error("session {id} ended by a defect: {error}", { id, error });
      },
    });
  }

  /** Sessions of which it is being read what stands before their payload. */
  get greeting(): number {
    return this.#greetings.size;
  }

  /** Resolves once there are none of these, when nobody new comes. */
  greeted(): Promise<void> {
    return this.#greetings.idle();
  }

  /** How many more sessions may be held before they are handed over to the queue. */
  get freeSlots(): number {
    return this.#options.queue.freeSlots;
  }

  /** Workers that wait for a session. */
  get idleWorkers(): number {
    return this.#options.queue.idleWorkers;
  }

  /** Whether a connection may be accepted now. */
  get open(): boolean {
    return this.#rejects || this.#options.queue.open;
  }

  /**
   * Resolves once a connection may be accepted, or the signal is aborted. With `--overflow reject`
   * that is always, since one that has no slot is closed.
   */
  async room(signal: AbortSignal): Promise<void> {
    if (this.#end !== signal) {
      this.#end = signal;
      signal.addEventListener("abort", () => this.#wait.abort(), { once: true });
    }
    while (!signal.aborted && !this.open) await this.#options.queue.room(this.#wait.signal);
  }

  /** Whether there are descriptors for one more session, be there room in the queue or not. */
  get affordable(): boolean {
    return this.#options.queue.affordable;
  }

  /** Resolves once there are descriptors for one more session, or the signal is aborted. */
  afford(signal: AbortSignal): Promise<void> {
    return this.#options.queue.afford(signal);
  }

  /** Limits or the settings have changed: whoever waits for room looks again. */
  review(): void {
    this.#wait.abort();
    this.#wait = new AbortController();
    this.#greetings.review();
  }

  /**
   * Makes a session of a connection and admits it, or closes it and returns nothing.
   *
   * If something stands before its payload, that is read between the two steps, beside whatever goes
   * on: then it returns nothing either.
   *
   * @param later Gets the session if it is admitted after its greeting.
   */
  enter(stream: Stream, later: (session: Session) => void): Session | undefined {
    const { ids, buffers, clock, settings, listens } = this.#options;
    const session = new Session(stream, {
      id: ids.first + this.#entered++ * ids.step,
      listener: ids.listener,
      now: clock(),
      buffers,
      settings,
      signs: settings.whenOverloaded === "hold" ? undefined : new ClientSigns(clock),
    });
    if (listens) session.listens = true;
    const greets = this.#greetings.concern(session);
    if (this.#rejects) {
      const full = this.#mayHaveRoom(greets) ? undefined : "refused-overflow";
      // How long it waits depends on who the client is, which is not known before its greeting.
      const surplus = full ?? (greets ? undefined : this.#late(session));
      if (surplus) return this.#refuseSurplus(session, surplus, { unread: greets });
    }
    if (!greets) return this.#admit(session);
    this.#options.admission.reserve();
    this.#options.registry.open(session);
    this.#greetings.begin(session, (greeted, begin) => {
      if (this.#admitGreeted(greeted, begin)) later(greeted);
    });
    return undefined;
  }

  /** Tells the log about the latest refusals; nobody enters any more. */
  close(): void {
    this.#greetings.close();
    this.#refusals.flush();
    this.#failures.flush();
  }

  get #rejects(): boolean {
    return this.#options.settings.overflow === "reject";
  }

  /** Whether a session would not be served in time, for all that is known. */
  #late(session: Session): Refusal | undefined {
    const { settings: { maxWait }, forecaster } = this.#options;
    if (maxWait === 0) return undefined;
    const expected = session.route
      ? this.#options.routes.expectedWait(session)
      : forecaster.expectedWait(session);
    return (expected ?? 0) > maxWait ? "refused-wait" : undefined;
  }

  /** Whether there may be room: for which destinations one waits that is greeted is not known yet. */
  #mayHaveRoom(greets: boolean): boolean {
    const { queue, routes, admission } = this.#options;
    return queue.open || (greets && routes.active && admission.open);
  }

  /** Whether there is room for a session that was greeted: where there are routes, in its own. */
  #hasRoom({ route }: Session): boolean {
    const { queue, settings } = this.#options;
    return route ? route.waiting < settings.queue : queue.freeSlots > 0;
  }

  /** Admits a session, or refuses it and returns nothing. */
  #admit(session: Session): Session | undefined {
    const { admission, registry } = this.#options;
    const refusal = admission.enter(session);
    if (refusal) return this.#refuse(session, refusal);
    registry.open(session);
    if (!(session.client instanceof DatagramClient)) session.startReading();
    return this.#receive(session) ? session : undefined;
  }

  /** Admits a session whose greeting has ended, or refuses it; returns whether it is admitted. */
  #admitGreeted(session: Session, begin: Begin): boolean {
    const { admission, registry, clock, farewells, routes } = this.#options;
    // There was room when it was accepted.
    const full = this.#hasRoom(session) ? undefined : "refused-overflow";
    const surplus = this.#rejects ? full ?? this.#late(session) : undefined;
    const unwanted = surplus ? admission.refusalOf(session) : admission.decide(session);
    const refusal = unwanted ?? surplus;
    if (refusal) {
      // Somebody may still read into the buffer, and it is given back after that.
      session.startReading(begin);
      session.conclude(refusal);
      admission.forget();
      registry.dismiss(session, { silent: !farewells.concern(refusal) });
      routes.noteRefused(session);
      this.#refusals.note(refusal, { session });
      return false;
    }
    registry.admit(session);
    session.greeted(clock());
    session.startReading(begin);
    return this.#receive(session);
  }

  /** Looks where a session that is admitted comes from; `false` if that has ended it. */
  #receive(session: Session): boolean {
    const { registry, steps, loops, tasks } = this.#options;
    if (steps.on) steps.accepted(session);
    const certain = loops.receive(session);
    if (certain) tasks.add(certain);
    if (session.reason === undefined) return true;
    registry.finish(session);
    return false;
  }

  /** A session has ended before the payload began. */
  #endUngreeted(session: Session, { reason, problem, quiet = false }: Failure): void {
    const { admission, registry, steps, routes } = this.#options;
    registry.dismiss(session);
    routes.noteRefused(session);
    admission.forget();
    if (steps.on) steps.ungreeted(session, problem);
    if (problem !== undefined && !quiet) this.#failures.note(reason, { session, problem });
  }

  /**
   * Refuses a session that there is no room or no time for. Whom its address alone turns away is told
   * nothing, and is not counted among those who could have been served.
   *
   * @param options.unread Whether what says who the client is has not been read.
   */
  #refuseSurplus(session: Session, surplus: Refusal, { unread }: { unread: boolean }): undefined {
    const unwanted = unread ? undefined : this.#options.admission.refusalOf(session);
    return this.#refuse(session, unwanted ?? surplus, { silent: unread });
  }

  #refuse(session: Session, refusal: Refusal, { silent = false } = {}): undefined {
    const { farewells, registry } = this.#options;
    if (!silent && farewells.concern(refusal)) farewells.send(session.client);
    else session.client.close();
    registry.refuse(refusal);
    this.#refusals.note(refusal, { session });
  }
}
