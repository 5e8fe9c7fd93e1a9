import project from "../../deno.json" with { type: "json" };
import { setImmediate } from "node:timers";
import { monotonic } from "../base/clock.ts";
import type { ConfigInForce } from "../operations/config_in_force.ts";
import { configInForce } from "./config_in_force.ts";
import { inTurns } from "../async/chunks.ts";
import { DescriptorBudget } from "../net/descriptor_budget.ts";
import { assertDescriptors, warnOfDescriptors } from "../balancer/descriptor_advice.ts";
import { DrainDelay } from "./drain_delay.ts";
import { FatalError } from "../base/errors.ts";
import { noHistory, type Recorder, recorderOf } from "./history/recorder.ts";
import type { History, HistoryQuery, Mark } from "../operations/history.ts";
import { ListenerSet } from "./listener_set.ts";
import type { InstanceOptions } from "./instance_options.ts";
import type { Logs } from "../logging/logs.ts";
import {
  type Asked,
  type DestinationChange,
  type NewDestination,
  OperationError,
  type Operations,
  type ReloadResult,
  type SessionInfo,
  type Status,
  UNNAMED,
} from "../operations/operations.ts";
import type { InspectionSource, InspectionWish } from "../operations/inspection.ts";
import { inspect } from "./inspecting.ts";
import { Reloader } from "./reload.ts";
import type { DestinationStatus } from "../operations/destination_status.ts";
import type { ServiceManager } from "./systemd.ts";
import type { ManagedListener } from "./managed_listener.ts";

/** Why nothing can be changed any more. */
const DRAINING = "the program is draining";

/**
 * The running program: its listeners, and all that operators can see of them and do to them.
 *
 * What changes something happens one after the other, never two at once. What operators changed is
 * in force until the next reload, for which the configuration alone counts; only the state of a
 * destination (`ready`, `drain`, `maint`), its health and its counters outlast that.
 */
export class Instance implements Operations {
  /** Those of the program. */
  readonly #logs: Logs;
  /** By the clock, in milliseconds. */
  readonly #startedAt = monotonic();
  /** Which one it is of those that follow each other in a place. */
  readonly #generation: number;
  /** What serves. */
  readonly #listeners: ListenerSet;
  /** What all that want descriptors share. */
  readonly #descriptors: DescriptorBudget;
  /** Applies another configuration. */
  readonly #reloader: Reloader;
  /** Keeps what it does; nobody does where nobody can look. */
  #recorder: Recorder | undefined;
  /** The latest change; each waits for the one before. */
  #changing: Promise<unknown> = Promise.resolve();
  /** The drain, once it has begun. */
  #drained: Promise<boolean> | undefined;
  /** Aborted when the drain begins: what a reload still waits for is of no interest then. */
  readonly #draining = new AbortController();
  /** Before it closes anything. */
  readonly #delay: DrainDelay;
  /** Whether everything is to be cut. */
  #quitting = false;
  /** Resolves with the drain. */
  readonly #ended = Promise.withResolvers<boolean>();
  /** Who is told of reloads and of the drain, if a service manager started the program. */
  #manager: ServiceManager | undefined;

  private constructor(options: InstanceOptions) {
    const { config, load, logs, generation = 1, descriptors = new DescriptorBudget() } = options;
    this.#generation = generation;
    this.#logs = logs;
    this.#descriptors = descriptors;
    this.#delay = new DrainDelay(options);
    this.#listeners = new ListenerSet({ ...options, descriptors });
    this.#reloader = new Reloader({
      config,
      load,
      listeners: this.#listeners,
      logs,
      descriptors,
      signal: this.#draining.signal,
    });
  }

  /**
   * Starts all listeners.
   *
   * @throws {FatalError} If an address cannot be bound, or descriptors are too few; none listens then.
   */
  static async start(options: InstanceOptions): Promise<Instance> {
    const instance = new Instance(options);
    const { config: { listeners, settings, warnings = [] }, logs: { log }, signal } = options;
    assertDescriptors(instance.#descriptors, { listeners, admin: settings.admin !== null });
    for (const warning of warnings) log.warning("{warning}", { warning });
    const started = await instance.#listeners.start(listeners, signal);
    instance.#listeners.add(started);
    warnOfDescriptors(instance.#descriptors, { listeners, log });
    if (settings.admin !== null) {
      instance.#recorder = recorderOf(instance.#listeners, { startedAt: instance.#startedAt, log });
    }
    if (started.length === 0) log.info("told to stop before it listened");
    return instance;
  }

  /** Tells the service manager that it serves, and from now on of reloads and of the drain. */
  tellTo(manager: ServiceManager): void {
    this.#manager = manager;
    if (this.#drained) manager.stopping();
    else manager.ready();
  }

  /** Another process has replaced this one, which drains. */
  replacedBy(pid: number): void {
    this.#logs.log.info("process {pid} takes over: draining", { pid });
    this.#manager?.replacedBy(pid);
    this.#delay.skip();
    this.drain();
  }

  /** Aborted when a drain begins. */
  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  /** Resolves at the end of a drain: whether every session could finish. */
  get ended(): Promise<boolean> {
    return this.#ended.promise;
  }

  /** The addresses that are really bound. */
  get addresses(): string[] {
    return this.#listeners.all.map(({ balancer }) => balancer.address);
  }

  /** Whether all listeners go on: what a watchdog wants to know. */
  get responsive(): boolean {
    return this.#listeners.all.every(({ balancer }) => balancer.responsive);
  }

  async status(): Promise<Status> {
    // Between two turns: a session that has just ended may still be with its worker within one.
    await new Promise((resolve) => void setImmediate(resolve));
    // Of the same moment: nobody is both there and gone.
    const { all, departed } = this.#listeners;
    const listeners = await Promise.all(all.map((listener) => listener.status()));
    return {
      version: project.version,
      pid: Deno.pid,
      generation: this.#generation,
      time: new Date().toISOString(),
      uptime_ms: monotonic() - this.#startedAt,
      state: this.#drained ? "draining" : "running",
      log_lines_lost: { ...this.#logs.linesLost },
      listeners: listeners.map((one) => this.#recorder?.completed(one) ?? one),
      departed,
    };
  }

  async sessions({ limit }: { limit: number }): Promise<SessionInfo[]> {
    const lists = this.#listeners.all.map(({ balancer }) => balancer.sessions(limit));
    return (await Promise.all(lists)).flat().sort((a, b) => b.age_ms - a.age_ms).slice(0, limit);
  }

  history(query: HistoryQuery): History {
    return this.#recorder?.history(query) ?? noHistory(query.span);
  }

  followMarks(follower: (mark: Mark) => void): () => void {
    return this.#recorder?.marks.follow(follower) ?? (() => {});
  }

  config(): Promise<ConfigInForce> {
    return inTurns(configInForce(this.#reloader.inForce, this.#listeners.present));
  }

  async endSession(id: string, asked?: Asked): Promise<void> {
    const { listener, number } = this.#listeners.locate("session", id);
    if (!await listener.balancer.endSession(number)) {
      throw new OperationError("missing", `there is no session ${id}`);
    }
    this.#audit(`session ${id} ended`, asked);
  }

  async inspect(wish: InspectionWish): Promise<InspectionSource[]> {
    return await inspect(wish, { listeners: this.#listeners, status: () => this.status() });
  }

  addDestination(destination: NewDestination, asked?: Asked): Promise<DestinationStatus> {
    return this.#change(async () => {
      const { listener: wanted, ...rest } = destination;
      const listener = this.#listeners.find(wanted);
      const { number, changes } = await listener.add(rest, asked);
      this.#tell(listener, changes, asked);
      return this.#completed(await listener.destination(number));
    });
  }

  changeDestination(
    id: string,
    change: DestinationChange,
    asked?: Asked,
  ): Promise<DestinationStatus> {
    return this.#change(async () => {
      const { listener, number } = this.#listeners.locate("destination", id);
      this.#tell(listener, await listener.change(number, change, asked), asked);
      return this.#completed(await listener.destination(number));
    });
  }

  removeDestination(id: string, asked?: Asked): Promise<void> {
    return this.#change(async () => {
      const { listener, number } = this.#listeners.locate("destination", id);
      this.#tell(listener, await listener.remove(number), asked);
    });
  }

  reload(asked?: Asked): Promise<ReloadResult> {
    return this.#change(async () => {
      if (asked) this.#audit("reload", asked);
      this.#manager?.reloading();
      try {
        const result = await this.#reloader.reload();
        this.#recorder?.reloaded(result);
        return result;
      } finally {
        if (!this.#drained) this.#manager?.ready();
      }
    }).catch(async (error) => {
      await this.#reloader.reportRefusal(error);
      throw error;
    });
  }

  beginDrain(asked?: Asked): void {
    if (!this.#drained) this.#audit("drain and end", asked);
    this.drain();
  }

  /** Drains all listeners. A second call waits for the same drain. */
  drain(): Promise<boolean> {
    return this.#drained ??= this.#end();
  }

  /** Cuts everything at once and ends a drain that is under way. */
  async quit(): Promise<boolean> {
    this.#quitting = true;
    this.#delay.skip();
    this.#drained ??= this.#end();
    await this.#listeners.quit();
    return await this.#drained;
  }

  async #end(): Promise<boolean> {
    this.#draining.abort(new OperationError("conflict", DRAINING));
    // A reload under way may still start listeners.
    await this.#changing;
    this.#manager?.stopping();
    const { settings: { drainDelay } } = this.#reloader.inForce;
    if (this.#listeners.all.length > 0) await this.#delay.wait(drainDelay);
    if (this.#quitting) this.#listeners.quit();
    const complete = await this.#listeners.drain();
    this.#recorder?.stop();
    this.#ended.resolve(complete);
    return complete;
  }

  #completed(destination: DestinationStatus): DestinationStatus {
    return this.#recorder?.completedOne(destination) ?? destination;
  }

  /** Makes a change after all others are done. */
  #change<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#changing.then(async () => {
      if (this.#drained) throw new OperationError("conflict", DRAINING);
      try {
        return await change();
      } catch (error) {
        if (error instanceof FatalError) throw new OperationError("conflict", error.message);
        throw error;
      }
    });
    this.#changing = result.catch(() => {});
    return result;
  }

  #tell(listener: ManagedListener, changes: readonly string[], asked?: Asked): void {
    for (const change of changes) this.#audit(this.#listeners.prefix(listener) + change, asked);
  }

  /** The one line in the log for whatever an operator changes. */
  #audit(change: string, { by = UNNAMED }: Asked = {}): void {
    this.#logs.log.info("by {by}: {change}", { by, change });
  }
}
