import { formatAddress } from "./address.ts";
import type { Balancer, Identity } from "./balancer.ts";
import {
  commandLineReporter,
  type Config,
  type DestinationConfig,
  type ListenerTexts,
  readListener,
} from "./config.ts";
import { differences, FIXED } from "./config_diff.ts";
import { UsageError } from "./errors.ts";
import type { Logs } from "./log.ts";
import {
  type DestinationChange,
  type DestinationStatus,
  type NewDestination,
  OperationError,
} from "./operations.ts";
import type { OptionName } from "./options.ts";
import { Server } from "./server.ts";
import { openDurations } from "./telemetry.ts";
import { checkThreads, threadsOf } from "./thread_config.ts";

/**
 * One listener of the program as operators know it: its configuration in force, the numbers of its
 * destinations, and the balancer that does the work.
 */
export class Unit {
  readonly id: number;
  /** Its address as it was written: what tells it from the others, also over a reload. */
  readonly name: string;
  readonly balancer: Balancer;
  readonly threads: number;
  #config: Config;
  /** By the destinations' keys; numbers are not used again, so that an id always means the same. */
  readonly #numbers: Record<string, number>;

  private constructor(
    options: { id: number; config: Config; balancer: Balancer; numbers: Record<string, number> },
  ) {
    this.id = options.id;
    this.name = nameOf(options.config);
    this.balancer = options.balancer;
    this.threads = threadsOf(options.config);
    this.#config = options.config;
    this.#numbers = options.numbers;
  }

  /**
   * Starts a listener.
   *
   * @param options.signal Ends waiting for a name server; its reason is thrown then.
   * @throws {FatalError} If its address cannot be bound.
   */
  static async start(
    options: { id: number; config: Config; logs: Logs; signal?: AbortSignal | undefined },
  ): Promise<Unit> {
    const { id, config, logs, signal } = options;
    const numbers: Record<string, number> = {};
    enumerate(config, numbers);
    const identity = { id, name: nameOf(config), numbers };
    const balancer = await startBalancer(config, { identity, logs, signal });
    return new Unit({ id, config, balancer, numbers });
  }

  /**
   * Makes sure that another configuration can be applied.
   *
   * @throws {UsageError} If it cannot.
   */
  check(config: Config): void {
    checkThreads({ ...config, threads: this.threads }, commandLineReporter(config.texts));
  }

  /**
   * Applies another configuration that was checked. Returns a phrase for each difference.
   *
   * @param options.force Whether there is something to apply even without any.
   */
  async apply(config: Config, options: { force?: boolean } = {}): Promise<string[]> {
    const changes = differences(this.#config, config);
    if (changes.length === 0 && !options.force) return [];
    enumerate(config, this.#numbers);
    await this.balancer.reconfigure(config, { numbers: this.#numbers });
    const { backlog, threads } = this.#config;
    this.#config = { ...config, backlog, threads };
    return changes;
  }

  /** Options of another configuration that would count only after a restart. */
  fixed(config: Config): OptionName[] {
    return FIXED.filter((name) => config[name] !== this.#config[name]);
  }

  /** Adds a destination. Returns its number and a phrase for each difference. */
  async add(destination: NewDestination): Promise<{ number: number; changes: string[] }> {
    const { address, ...options } = destination;
    if (address.includes(",")) {
      throw new OperationError("invalid", `address ${JSON.stringify(address)}: has no options`);
    }
    const before = new Set(this.#config.destinations.map(({ key }) => key));
    const config = this.#read([...this.#texts(), write(address, options)]);
    const added = config.destinations.find(({ key }) => !before.has(key))!;
    const changes = await this.apply(config);
    return { number: this.#numbers[added.key]!, changes };
  }

  /** Changes a destination. Returns a phrase for each difference. */
  async change(number: number, change: DestinationChange): Promise<string[]> {
    const wanted = this.#find(number);
    const { workers = wanted.workers, weight = wanted.weight } = change;
    const changes: string[] = [];
    if (workers !== wanted.workers || weight !== wanted.weight) {
      const { name, backup } = wanted;
      const text = write(name, { workers, weight, backup });
      const texts = this.#texts();
      texts[this.#config.destinations.indexOf(wanted)] = text;
      changes.push(...await this.apply(this.#read(texts)));
    }
    if (change.state !== undefined && change.state !== (await this.status(number)).admin) {
      await this.balancer.setAdminState(number, change.state);
      changes.push(`destination ${wanted.name}: ${change.state}`);
    }
    return changes;
  }

  /** Lets a destination go. Returns a phrase for each difference. */
  async remove(number: number): Promise<string[]> {
    const wanted = this.#find(number);
    if (this.#config.destinations.length === 1) {
      throw new OperationError(
        "conflict",
        `${wanted.name} is the last destination of ${this.name}; it can be set to maint instead`,
      );
    }
    const texts = this.#texts();
    texts.splice(this.#config.destinations.indexOf(wanted), 1);
    return await this.apply(this.#read(texts));
  }

  /** What one of its destinations is doing. */
  async status(number: number): Promise<DestinationStatus> {
    const { destinations } = await this.balancer.status();
    const found = destinations.find(({ id }) => id === `${this.id}.${number}`);
    if (!found) throw missing(this.id, number);
    return found;
  }

  #find(number: number): DestinationConfig {
    const found = this.#config.destinations.find(({ key }) => this.#numbers[key] === number);
    if (!found) throw missing(this.id, number);
    return found;
  }

  #texts(): string[] {
    return [...this.#config.texts.destinations];
  }

  #read(destinations: readonly string[]): Config {
    try {
      const texts: ListenerTexts = { ...this.#config.texts, destinations };
      const config = readListener(texts);
      this.check(config);
      return config;
    } catch (error) {
      if (error instanceof UsageError) throw new OperationError("invalid", error.message);
      throw error;
    }
  }
}

async function startBalancer(
  config: Config,
  { identity, logs, signal }: {
    identity: Identity;
    logs: Logs;
    signal: AbortSignal | undefined;
  },
): Promise<Balancer> {
  if (threadsOf(config) === 1) {
    const durations = await openDurations();
    return await Server.start(config, { ...logs, identity, durations, signal });
  }
  const { Threads } = await import("./threads.ts");
  return await Threads.start({ config, identity, logs, signal });
}

/** The name of a listener with this configuration. */
export function nameOf(config: Config): string {
  return formatAddress(config.listen);
}

/** Gives every destination that has none a number. */
function enumerate({ destinations }: Config, numbers: Record<string, number>): void {
  for (const { key } of destinations) numbers[key] ??= Object.keys(numbers).length + 1;
}

function write(
  address: string,
  options: { workers?: number; weight?: number; backup?: boolean },
): string {
  const { workers, weight, backup } = options;
  const parts = [address];
  if (workers !== undefined) parts.push(`workers=${workers}`);
  if (weight !== undefined) parts.push(`weight=${weight}`);
  if (backup) parts.push("backup");
  return parts.join(",");
}

function missing(id: number, number: number): OperationError {
  return new OperationError("missing", `there is no destination ${id}.${number}`);
}
