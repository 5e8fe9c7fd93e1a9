import { inTurns } from "../async/chunks.ts";
import { formatNumeric } from "../net/address.ts";
import type { Balancer } from "../balancer/balancer.ts";
import { commandLineReporter, type Config, nameOf } from "../config/config.ts";
import {
  destinationDifference,
  differences,
  optionsAfterRestart,
  settingsInForce,
} from "../config/differences.ts";
import { type ConfiguredDestination, isTemplate } from "../config/destination_text.ts";
import { Numbers } from "./destination_numbers.ts";
import {
  assertRemovable,
  type Read,
  readChanged,
  type ReadingContext,
  readNew,
  readOverride,
  replaced,
} from "./destination_reading.ts";
import { Discovery } from "./discovery.ts";
import { goOver, type ServerChange } from "./going_over.ts";
import {
  type DestinationChange,
  type NewDestination,
  OperationError,
} from "../operations/operations.ts";
import { type DestinationStatus } from "../operations/destination_status.ts";
import type { Asked } from "../operations/operations.ts";
import type { ListenerStatus } from "../operations/listener_status.ts";
import type { AdminState } from "../operations/states.ts";
import type { OptionName } from "../config/options.ts";
import { wantedOf } from "../config/hello_terms.ts";
import { checkThreads, threadsOf } from "../config/thread_shares.ts";
import { ChangeLog, changesBetween } from "./record_changes.ts";
import { type ListenerOptions, startBalancer } from "./start_balancer.ts";
import { statusOfName } from "./status_of_name.ts";

/**
 * One listener of the program as operators know it: its configuration in force, the numbers of its
 * destinations, and the balancer that does the work.
 */
export class ManagedListener {
  readonly id: number;
  /** Its name or its address, as it was written when it started. */
  readonly name: string;
  /** Its address, however it was written: what tells it from the others, also over a reload. */
  readonly address: string;
  /** What does the work. */
  readonly balancer: Balancer;
  readonly threads: number;
  /** In force, with the records that names lead to by now. */
  #config: Config;
  /** Those of its destinations and names. */
  readonly #numbers: Numbers;
  /** Where names lead. */
  readonly #discovery: Discovery;
  /** The latest change; each waits for the one before. */
  #changing: Promise<unknown> = Promise.resolve();
  /** Tells what changes by itself. */
  readonly #changeLog: ChangeLog;

  private constructor(options: ListenerOptions & { balancer: Balancer; numbers: Numbers }) {
    const { config, logs } = options;
    this.id = options.id;
    this.name = nameOf(config);
    this.address = formatNumeric(config.listen);
    this.balancer = options.balancer;
    this.threads = threadsOf(config);
    this.#config = config;
    this.#numbers = options.numbers;
    this.#changeLog = new ChangeLog(logs.log);
    this.#discovery = new Discovery(config, {
      lookUps: options.lookUps,
      log: logs.log,
      apply: () => this.#inTurn(() => this.#applyRecords()),
    });
  }

  /**
   * Starts a listener.
   *
   * @param options.signal Ends waiting for a name server; its reason is thrown then.
   * @throws {FatalError} If its address cannot be bound.
   */
  static async start(options: ListenerOptions): Promise<ManagedListener> {
    const { id, config, lookUps: _, ...shared } = options;
    const numbers = new Numbers(config);
    const identity = { id, name: nameOf(config), numbers: numbers.byKey };
    const balancer = await startBalancer(config, { identity, ...shared });
    return new ManagedListener({ ...options, balancer, numbers });
  }

  /**
   * Accepts no more and resolves when all is served or cut: whether nothing was cut. Names are looked
   * up until then, since somebody may wait for what they lead to, but no look-up is waited for.
   */
  async drain(): Promise<boolean> {
    const done = await this.balancer.drain();
    this.#discovery.stop();
    await this.#changing;
    return done;
  }

  /** Cuts everything at once. */
  quit(): Promise<boolean> {
    this.#discovery.stop();
    return this.balancer.quit();
  }

  /** The configuration in force. */
  get config(): Config {
    return this.#config;
  }

  /** What it is doing right now. */
  async status(): Promise<ListenerStatus> {
    const status = await this.balancer.status();
    return { ...status, names: this.#discovery.statuses((template) => this.idOf(template)) };
  }

  /** @throws {UsageError} If another configuration cannot be applied. */
  check(config: Config): void {
    const { texts } = config;
    checkThreads({ ...config, threads: this.threads }, commandLineReporter(texts), this.#config);
  }

  /**
   * Applies another configuration that was checked. Returns a phrase for each difference.
   *
   * @param options.force Whether there is something to apply even without any.
   */
  apply(config: Config, options: { force?: boolean } = {}): Promise<string[]> {
    return this.#inTurn(async () => {
      const reverted = this.#discovery.revert();
      const before = this.#config;
      const changes = differences(before, config);
      // Of UDP this machine's addresses are looked at again.
      const force = options.force || config.listen.transport === "udp";
      if (changes.length === 0 && reverted.size === 0 && !force) return [];
      const { address } = this.balancer;
      this.#discovery.configure(config);
      const after = await this.#withServers(config);
      changes.push(...changesBetween(before, after, { of: reverted }));
      this.#numbers.apply(after);
      await this.balancer.reconfigure(after, { numbers: this.#numbers.byKey });
      this.#config = settingsInForce({ before, after });
      const now = this.balancer.address;
      if (now !== address) changes.push(`addresses ${address} → ${now}`);
      return changes;
    });
  }

  /** Options of another configuration that would count only after a restart. */
  fixed(config: Config): OptionName[] {
    return optionsAfterRestart("listener", { before: this.#config, after: config });
  }

  /** Adds a destination. Returns its number and a phrase for each difference. */
  add(destination: NewDestination, asked?: Asked): Promise<{ number: number; changes: string[] }> {
    return this.#inTurn(async () => {
      const added = readNew(destination, this.#context);
      const changes = await this.#replace(undefined, added, asked);
      return { number: this.#numbers.of(added.destination), changes };
    });
  }

  /** Changes a destination, or all records of a name. Returns a phrase for each difference. */
  change(number: number, change: DestinationChange, asked?: Asked): Promise<string[]> {
    return this.#inTurn(async () => {
      const wanted = this.#find(number);
      const { state, ...options } = change;
      const changes: string[] = [];
      if (Object.keys(options).length > 0) {
        const isRecord = !isTemplate(wanted) && wanted.source !== undefined;
        if (isRecord) {
          const before = this.#config;
          const texts = readOverride(wanted, { ...this.#context, values: options });
          this.#discovery.override(wanted, texts);
          await this.#go(await this.#withServers(before));
          const of = new Set([wanted.key]);
          changes.push(...changesBetween(before, this.#config, { of }));
          this.#changeLog.warn(wanted, this.#numbers.find(number), asked);
        } else {
          const changed = readChanged(wanted, { ...this.#context, values: options });
          changes.push(...await this.#replace(wanted, changed, asked));
        }
      }
      if (state !== undefined && await this.#setState(this.#find(number), state)) {
        changes.push(`destination ${wanted.name}: ${state}`);
      }
      return changes;
    });
  }

  /** Removes a destination, or a name with all its records. Returns a phrase for each difference. */
  remove(number: number): Promise<string[]> {
    return this.#inTurn(async () => {
      const wanted = this.#find(number);
      assertRemovable(wanted, { config: this.#config, listener: this.name });
      return await this.#replace(wanted, undefined);
    });
  }

  /** What one of its destinations is doing; a name does what all its records do. */
  async destination(number: number): Promise<DestinationStatus> {
    const wanted = this.#numbers.find(number);
    if (wanted && isTemplate(wanted)) return statusOfName(await this.status(), wanted);
    const found = await this.balancer.destination(number);
    if (!found) throw missing(this.id, number);
    return found;
  }

  get #context(): ReadingContext {
    return { config: this.#config, numbers: this.#numbers, threads: this.threads };
  }

  /** The id of one of its destinations or names. */
  idOf(one: ConfiguredDestination): string {
    return `${this.id}.${this.#numbers.of(one)}`;
  }

  #find(number: number): ConfiguredDestination {
    const found = this.#numbers.find(number);
    if (!found) throw missing(this.id, number);
    return found;
  }

  /** Makes a change after all others of this listener are done. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#changing.then(change);
    this.#changing = result.catch(() => {});
    return result;
  }

  async #withServers(config: Config): Promise<Config> {
    const destinations = await inTurns(this.#discovery.serversOf(config.configured));
    return { ...config, destinations, wanted: wantedOf(config.configured) };
  }

  /** Puts the records that there are by now in force. */
  async #applyRecords(): Promise<void> {
    if (this.#discovery.stopped) return;
    this.#changeLog.tell(await this.#go(await this.#withServers(this.#config)));
  }

  /** Sets what the operator wants. Returns whether that is something else. */
  async #setState(wanted: ConfiguredDestination, state: AdminState): Promise<boolean> {
    const number = this.#numbers.of(wanted);
    if (!isTemplate(wanted)) {
      if (wanted.source !== undefined) this.#discovery.setState(wanted, state);
      if (state === (await this.destination(number)).admin) return false;
      await this.balancer.setAdminState(number, state);
      return true;
    }
    const different = this.#discovery.setStateOfAll(wanted, state);
    for (const record of this.#config.destinations) {
      if (record.source !== wanted.name) continue;
      await this.balancer.setAdminState(this.#numbers.of(record), state);
    }
    return different;
  }

  /**
   * Replaces one destination or name with another, adds one or removes one: like a reload with that
   * one difference, but for a server in a time that does not depend on the number of the others.
   */
  async #replace(
    before: ConfiguredDestination | undefined,
    after: Read | undefined,
    asked?: Asked,
  ): Promise<string[]> {
    const old = this.#config;
    const { destination } = after ?? {};
    const config = replaced(old, before, after);
    this.#numbers.replace(before, destination);
    if ((before && isTemplate(before)) || (destination && isTemplate(destination))) {
      this.#discovery.configure(config);
      await this.#go(await this.#withServers(config));
    } else {
      const number = this.#numbers.of((destination ?? before)!);
      this.#config = config;
      await this.balancer.replace({ number, destination }, config);
    }
    this.#changeLog.warn(before, destination, asked);
    return destinationDifference(before, destination, { before: old, after: config });
  }

  /** Goes over to other servers with the same settings. Returns what is different. */
  async #go(after: Config): Promise<readonly ServerChange[]> {
    const before = this.#config;
    this.#config = after;
    return await goOver({ before, after }, { balancer: this.balancer, numbers: this.#numbers });
  }
}

function missing(id: number, number: number): OperationError {
  return new OperationError("missing", `there is no destination ${id}.${number}`);
}
