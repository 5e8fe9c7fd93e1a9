import project from "../../deno.json" with { type: "json" };
import { setImmediate } from "node:timers";
import { abortable } from "@std/async/abortable";
import { monotonic } from "../base/clock.ts";
import type { ProgramConfig } from "../config/config.ts";
import { optionsAfterRestart, programDifferences, settingsInForce } from "../config/differences.ts";
import { DescriptorBudget } from "../net/descriptor_budget.ts";
import { assertDescriptors, warnOfDescriptors } from "../balancer/descriptor_advice.ts";
import { FatalError, messageOf } from "../base/errors.ts";
import { ListenerSet } from "./listener_set.ts";
import type { Logs } from "../logging/logs.ts";
import {
  type DestinationChange,
  type NewDestination,
  OperationError,
  type Operations,
  type ReloadResult,
  type SessionInfo,
  type Status,
} from "../operations/operations.ts";
import { type DestinationStatus } from "../operations/destination_status.ts";
import { keyOf, type Settings } from "../config/options.ts";
import { Pace } from "../async/pace.ts";
import type { ServiceManager } from "./systemd.ts";
import type { ManagedListener } from "./managed_listener.ts";

/** Why nothing can be changed any more. */
const DRAINING = "the program is draining";

/** Options of {@linkcode Instance.start}. */
export interface InstanceOptions {
  config: ProgramConfig;
  /** Reads the configuration anew. */
  load(): ProgramConfig | Promise<ProgramConfig>;
  logs: Logs;
  /** When it is aborted no further listener starts. */
  signal?: AbortSignal;
  /** What all that want descriptors share; all that there are, if absent. */
  descriptors?: DescriptorBudget;
}

/**
 * The running program: its listeners, and all that operators can see of them and do to them.
 *
 * What changes something happens one after the other, never two at once. What operators changed is
 * in force until the next reload, for which the configuration alone counts; only the state of a
 * destination (`ready`, `drain`, `maint`), its health and its counters outlast that.
 */
export class Instance implements Operations {
  readonly #load: InstanceOptions["load"];
  /** Those of the program that are in force. */
  #settings: Settings;
  readonly #logs: Logs;
  readonly #startedAt = monotonic();
  readonly #listeners: ListenerSet;
  readonly #descriptors: DescriptorBudget;
  /** The latest change; each waits for the one before. */
  #changing: Promise<unknown> = Promise.resolve();
  #drained: Promise<boolean> | undefined;
  /** Aborted when the drain begins: what a reload still waits for is of no interest then. */
  readonly #draining = new AbortController();
  #quitting = false;
  readonly #ended = Promise.withResolvers<boolean>();
  #manager: ServiceManager | undefined;

  private constructor(options: InstanceOptions) {
    this.#load = options.load;
    this.#settings = options.config.settings;
    this.#logs = options.logs;
    const { logs, descriptors = new DescriptorBudget() } = options;
    this.#descriptors = descriptors;
    this.#listeners = new ListenerSet({ logs, descriptors });
  }

  /**
   * Starts all listeners.
   *
   * @throws {FatalError} If one of their addresses cannot be bound, or there are too few descriptors;
   * none listens then.
   */
  static async start(options: InstanceOptions): Promise<Instance> {
    const instance = new Instance(options);
    const { config: { listeners, settings }, logs: { log }, signal } = options;
    assertDescriptors(instance.#descriptors, { listeners, admin: settings.admin !== null });
    const started = await instance.#listeners.start(listeners, signal);
    instance.#listeners.add(started);
    warnOfDescriptors(instance.#descriptors, { listeners, log });
    if (started.length === 0) log.info("told to stop before it listened");
    return instance;
  }

  /** Tells the service manager that it serves, and from now on of reloads and of the drain. */
  tellTo(manager: ServiceManager): void {
    this.#manager = manager;
    if (this.#drained) manager.stopping();
    else manager.ready();
  }

  /** Resolves at the end of a drain: whether every session could finish. */
  get ended(): Promise<boolean> {
    return this.#ended.promise;
  }

  /** The addresses that are really bound. */
  get addresses(): string[] {
    return this.#listeners.all.map(({ balancer }) => balancer.address);
  }

  async status(): Promise<Status> {
    // Between two turns: a session that has just ended may still be with its worker within one.
    await new Promise((resolve) => void setImmediate(resolve));
    // Of the same moment: nobody is both there and gone.
    const { all, departed } = this.#listeners;
    return {
      version: project.version,
      pid: Deno.pid,
      time: new Date().toISOString(),
      uptime_ms: monotonic() - this.#startedAt,
      state: this.#drained ? "draining" : "running",
      log_lines_lost: { ...this.#logs.linesLost },
      listeners: await Promise.all(all.map(({ balancer }) => balancer.status())),
      departed,
    };
  }

  async sessions({ limit }: { limit: number }): Promise<SessionInfo[]> {
    const lists = this.#listeners.all.map(({ balancer }) => balancer.sessions(limit));
    return (await Promise.all(lists)).flat().sort((a, b) => b.age_ms - a.age_ms).slice(0, limit);
  }

  async endSession(id: string): Promise<void> {
    const { unit, number } = this.#listeners.locate("session", id);
    if (await unit.balancer.endSession(number)) return;
    throw new OperationError("missing", `there is no session ${id}`);
  }

  addDestination(destination: NewDestination): Promise<DestinationStatus> {
    return this.#change(async () => {
      const { listener, ...rest } = destination;
      const unit = this.#listeners.find(listener);
      const { number, changes } = await unit.add(rest);
      this.#tell(unit, changes);
      return await unit.status(number);
    });
  }

  changeDestination(id: string, change: DestinationChange): Promise<DestinationStatus> {
    return this.#change(async () => {
      const { unit, number } = this.#listeners.locate("destination", id);
      this.#tell(unit, await unit.change(number, change));
      return await unit.status(number);
    });
  }

  removeDestination(id: string): Promise<void> {
    return this.#change(async () => {
      const { unit, number } = this.#listeners.locate("destination", id);
      this.#tell(unit, await unit.remove(number));
    });
  }

  reload(): Promise<ReloadResult> {
    return this.#change(async () => {
      this.#manager?.reloading();
      try {
        return await this.#reload();
      } finally {
        if (!this.#drained) this.#manager?.ready();
      }
    }).catch(async (error) => {
      const { log } = this.#logs;
      const pace = new Pace();
      for (const reason of messageOf(error).split("\n")) {
        if (pace.due) await pace.turn();
        log.error("reload refused, nothing has changed: {reason}", { reason });
      }
      throw error;
    });
  }

  beginDrain(): void {
    this.drain();
  }

  /** Drains all listeners. A second call waits for the same drain. */
  drain(): Promise<boolean> {
    return this.#drained ??= this.#end();
  }

  /** Cuts everything at once and ends a drain that is under way. */
  async quit(): Promise<boolean> {
    this.#quitting = true;
    this.#drained ??= this.#end();
    await this.#listeners.quit();
    return await this.#drained;
  }

  async #end(): Promise<boolean> {
    this.#draining.abort(new OperationError("conflict", DRAINING));
    // A reload under way may still start listeners.
    await this.#changing;
    this.#manager?.stopping();
    if (this.#quitting) this.#listeners.quit();
    const complete = await this.#listeners.drain();
    this.#ended.resolve(complete);
    return complete;
  }

  async #reload(): Promise<ReloadResult> {
    const load = Promise.try(() => this.#load());
    const { listeners, settings } = await abortable(load, this.#draining.signal);
    const { kept, fresh, removed } = this.#listeners.match(listeners);
    for (const { unit, config } of kept) unit.check(config);
    const started = await this.#listeners.start(fresh, this.#draining.signal);
    const changes = await this.#applyProgram(settings, started);
    // From here on nothing fails any more.
    const force = changes.length > 0;
    changes.push(...started.map(({ name }) => `listener ${name} added`));
    for (const { unit, config } of kept) {
      const prefix = this.#listeners.prefix(unit);
      changes.push(...(await unit.apply(config, { force })).map((change) => prefix + change));
    }
    this.#listeners.add(started);
    for (const unit of removed) {
      changes.push(`listener ${unit.name} removed`);
      this.#listeners.retire(unit);
    }
    const fixed = [
      ...optionsAfterRestart("program", { before: this.#settings, after: settings }),
      ...kept.flatMap(({ unit, config }) => unit.fixed(config)),
    ];
    const needsRestart = [...new Set(fixed)].map(keyOf);
    await this.#report(changes, needsRestart);
    if (changes.length > 0) {
      warnOfDescriptors(this.#descriptors, { listeners, log: this.#logs.log });
    }
    return { changes, needs_restart: needsRestart };
  }

  /** Applies what concerns the whole program; listeners started for nothing are closed again. */
  async #applyProgram(settings: Settings, started: readonly ManagedListener[]): Promise<string[]> {
    const changes = programDifferences(this.#settings, settings);
    if (changes.length === 0) return [];
    try {
      this.#logs.apply(settings);
    } catch (error) {
      await Promise.all(started.map(({ balancer }) => balancer.quit()));
      throw error;
    }
    this.#settings = settingsInForce({ before: this.#settings, after: settings });
    return changes;
  }

  async #report(changes: readonly string[], needsRestart: readonly string[]): Promise<void> {
    const { log } = this.#logs;
    const pace = new Pace();
    for (const change of changes) {
      if (pace.due) await pace.turn();
      log.info("reload: {change}", { change });
    }
    for (const key of needsRestart) {
      log.warning("reload: {key} has changed, which counts after a restart", { key });
    }
    if (changes.length + needsRestart.length === 0) log.info("reload: nothing has changed");
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

  #tell(unit: ManagedListener, changes: readonly string[]): void {
    for (const change of changes) {
      const told = this.#listeners.prefix(unit) + change;
      this.#logs.log.info("by the operator: {change}", { change: told });
    }
  }
}
