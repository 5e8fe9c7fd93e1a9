import type { Logger } from "@logtape/logtape";
import type { TaskGroup } from "../async/task_group.ts";
import type { Admission, Refusal } from "./admission.ts";
import type { BufferPool } from "../net/buffer_pool.ts";
import type { Clock } from "../base/clock.ts";
import type { SessionRegistry } from "../session/registry.ts";
import type { Queue } from "./queue.ts";
import type { Loops } from "../session/loops.ts";
import type { Settings } from "../config/options.ts";
import { RefusalLog } from "./refusal_log.ts";
import { Session } from "../session/session.ts";
import type { Steps } from "../session/steps.ts";
import type { Stream } from "../net/stream.ts";

/** Options of {@linkcode Gate}. */
export interface GateOptions {
  settings: Pick<Settings, "overflow" | "halfClose">;
  queue: Queue;
  admission: Admission;
  registry: SessionRegistry;
  /** The number of the first session, and how much greater that of the next is. */
  ids: { first: number; step: number };
  buffers: BufferPool;
  clock: Clock;
  log: Logger;
  steps: Steps;
  /** Recognises sessions that come back. */
  loops: Pick<Loops, "receive">;
  /** Gets what goes on beside a session. */
  tasks: Pick<TaskGroup, "add">;
}

/** Where accepted connections become sessions, or are closed because they are refused. */
export class Gate {
  readonly #options: GateOptions;
  /** Tells the log who was refused. */
  readonly #refusals: RefusalLog;
  /** Connections so far, which sessions are numbered by. */
  #entered = 0;
  /** Ends a wait for room, after which it is looked whether there has to be another. */
  #wait = new AbortController();
  /** The signal that ends waiting altogether. */
  #end: AbortSignal | undefined;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#refusals = new RefusalLog(options);
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
  }

  /**
   * Makes a session of a connection, or closes it and returns nothing.
   *
   * Making a session reads nothing. A greeting, which reads what stands before the payload, has its
   * place between the two steps: see `docs/architecture.md`.
   */
  enter(stream: Stream): Session | undefined {
    const { ids, buffers, clock, settings } = this.#options;
    const session = new Session(stream, {
      id: ids.first + this.#entered++ * ids.step,
      now: clock(),
      buffers,
      settings,
    });
    if (this.#rejects && !this.#options.queue.open) {
      return this.#refuse(session, "refused-overflow");
    }
    return this.#admit(session);
  }

  /** Tells the log about the latest refusals. */
  close(): void {
    this.#refusals.flush();
  }

  get #rejects(): boolean {
    return this.#options.settings.overflow === "reject";
  }

  /** Admits a session, or refuses it and returns nothing. */
  #admit(session: Session): Session | undefined {
    const { admission, registry, steps, loops } = this.#options;
    const refusal = admission.enter(session);
    if (refusal) return this.#refuse(session, refusal);
    registry.open(session);
    session.startReading();
    if (steps.on) steps.accepted(session);
    const certain = loops.receive(session);
    if (certain) this.#options.tasks.add(certain);
    if (session.reason === undefined) return session;
    registry.finish(session);
    return undefined;
  }

  #refuse(session: Session, refusal: Refusal): undefined {
    session.client.close();
    this.#options.registry.refuse(refusal);
    this.#refusals.note(refusal, session.clientName);
  }
}
