import { abortable } from "@std/async/abortable";
import { Pace } from "../async/pace.ts";
import { warnOfDescriptors } from "../balancer/descriptor_advice.ts";
import { messageOf } from "../base/errors.ts";
import type { ProgramConfig } from "../config/config.ts";
import { optionsAfterRestart, programDifferences, settingsInForce } from "../config/differences.ts";
import { keyOf, type Settings } from "../config/options.ts";
import type { Logs } from "../logging/logs.ts";
import type { DescriptorBudget } from "../net/descriptor_budget.ts";
import type { ReloadResult } from "../operations/operations.ts";
import type { ListenerSet, Match } from "./listener_set.ts";
import type { ManagedListener } from "./managed_listener.ts";

/** Options of {@linkcode Reloader}. */
export interface ReloaderOptions {
  /** The configuration of the program at its start. */
  config: ProgramConfig;
  /** Reads the configuration anew. */
  load(): ProgramConfig | Promise<ProgramConfig>;
  listeners: ListenerSet;
  logs: Logs;
  descriptors: DescriptorBudget;
  /** Aborted when the drain begins: what a reload still waits for is of no interest then. */
  signal: AbortSignal;
}

/** A defect has kept a part of a reload from being applied; the next one may do so. */
export class HalfwayError extends Error {
  override readonly name = "HalfwayError";

  constructor(cause: unknown) {
    super(`the reload is in force only in part, which is a defect: ${messageOf(cause)}`, { cause });
  }
}

/** Reads the configuration again and applies what is different. */
export class Reloader {
  readonly #options: ReloaderOptions;
  /** The options of the program that are in force. */
  #settings: Settings;
  /** What was told of the configuration in force. */
  #warnings: readonly string[];
  /** What was written in it. */
  #written: ProgramConfig["written"];

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#settings = options.config.settings;
    this.#warnings = options.config.warnings ?? [];
    this.#written = options.config.written;
  }

  /** The options of the program that are in force, and what was written. */
  get inForce(): Pick<ProgramConfig, "settings" | "written"> {
    return { settings: this.#settings, written: this.#written };
  }

  /**
   * Reloads once; never call it while another one is under way.
   *
   * @throws {UsageError} If the configuration is not allowed; nothing has changed then.
   * @throws {FatalError} If a new address cannot be bound; nothing has changed then.
   * @throws {HalfwayError} If applying fails.
   */
  async reload(): Promise<ReloadResult> {
    const { load, listeners, signal } = this.#options;
    const read = await abortable(Promise.try(() => load()), signal);
    const match = listeners.match(read.listeners);
    const { kept, fresh } = match;
    for (const { listener, config } of kept) listener.check(config);
    const started = await listeners.start(fresh, signal);
    const changes = await this.#applyProgram(read.settings, started);
    try {
      return await this.#apply(read, { ...match, started, changes });
    } catch (error) {
      throw new HalfwayError(error);
    }
  }

  /** Applies what was checked. What fails here is a defect. */
  async #apply(
    read: ProgramConfig,
    options: Match & { started: readonly ManagedListener[]; changes: string[] },
  ): Promise<ReloadResult> {
    const { listeners, descriptors, logs: { log } } = this.#options;
    const { kept, removed, started, changes } = options;
    const force = changes.length > 0;
    changes.push(...started.map(({ name }) => `listener ${name} added`));
    const prefixes = kept.map(({ listener }) => listeners.prefix(listener));
    listeners.add(started);
    for (const [i, { listener, config }] of kept.entries()) {
      const applied = await listener.apply(config, { force });
      changes.push(...applied.map((change) => prefixes[i] + change));
    }
    for (const listener of removed) {
      changes.push(`listener ${listener.name} removed`);
      listeners.retire(listener);
    }
    const fixed = [
      ...optionsAfterRestart("program", { before: this.#settings, after: read.settings }),
      ...kept.flatMap(({ listener, config }) => listener.fixed(config)),
    ];
    const needsRestart = [...new Set(fixed)].map(keyOf);
    await this.#report(changes, needsRestart);
    this.#warn(read.warnings ?? []);
    this.#written = read.written;
    if (changes.length > 0) warnOfDescriptors(descriptors, { listeners: read.listeners, log });
    return { changes, needs_restart: needsRestart };
  }

  /** Says in the log why a reload was refused, a line for each reason, or has failed half-way. */
  async reportRefusal(error: unknown): Promise<void> {
    const { log } = this.#options.logs;
    if (error instanceof HalfwayError) {
      return log.error("reload failed half-way, which is a defect: {error}", {
        error: error.cause,
      });
    }
    const pace = new Pace({ begun: true });
    for (const reason of messageOf(error).split("\n")) {
      if (pace.due) await pace.turn();
      log.error("reload refused, nothing has changed: {reason}", { reason });
    }
  }

  /** Applies what concerns the whole program; listeners started for nothing are closed again. */
  async #applyProgram(settings: Settings, started: readonly ManagedListener[]): Promise<string[]> {
    const changes = programDifferences(this.#settings, settings);
    if (changes.length === 0) return [];
    try {
      this.#options.logs.apply(settings);
    } catch (error) {
      await Promise.all(started.map((listener) => listener.quit()));
      throw error;
    }
    this.#settings = settingsInForce({ before: this.#settings, after: settings });
    return changes;
  }

  /** Says in the log what was not said of the configuration before. */
  #warn(warnings: readonly string[]): void {
    const known = new Set(this.#warnings);
    this.#warnings = warnings;
    for (const warning of warnings) {
      if (!known.has(warning)) this.#options.logs.log.warning("reload: {warning}", { warning });
    }
  }

  async #report(changes: readonly string[], needsRestart: readonly string[]): Promise<void> {
    const { log } = this.#options.logs;
    const pace = new Pace({ begun: true });
    for (const change of changes) {
      if (pace.due) await pace.turn();
      log.info("reload: {change}", { change });
    }
    for (const key of needsRestart) {
      log.warning("reload: {key} has changed, which counts after a restart", { key });
    }
    if (changes.length + needsRestart.length === 0) log.info("reload: nothing has changed");
  }
}
