import { formatNumeric } from "../net/address.ts";
import type { Balancer, Identity } from "../balancer/balancer.ts";
import { checkDestination, commandLineReporter, type Config, nameOf } from "../config/config.ts";
import type { DestinationConfig } from "../config/destination_text.ts";
import { destinationOptionNames, fieldOfDestinationOption } from "../config/options/destination.ts";
import {
  destinationDifference,
  differences,
  optionsAfterRestart,
  settingsInForce,
} from "../config/differences.ts";
import type { DescriptorBudget } from "../net/descriptor_budget.ts";
import {
  type DestinationTexts,
  optionTextsOf,
  splitDestination,
  writeDestination,
} from "../config/destination_text.ts";
import { UsageError } from "../base/errors.ts";
import type { Logs } from "../logging/logs.ts";
import { Numbers } from "./destination_numbers.ts";
import {
  type DestinationChange,
  type DestinationValues,
  type NewDestination,
  OperationError,
} from "../operations/operations.ts";
import { type DestinationStatus } from "../operations/destination_status.ts";
import type { OptionName } from "../config/options.ts";
import { quote } from "../base/text.ts";
import { LocalBalancer } from "../balancer/local_balancer.ts";
import { openDurations } from "../telemetry/opentelemetry.ts";
import { checkThreads, threadsOf } from "../config/thread_shares.ts";
import type { Trails } from "../net/trails.ts";

/** What all listeners of the program have together. */
interface Shared {
  readonly logs: Logs;
  readonly descriptors: DescriptorBudget;
  readonly trails: Trails;
  /** Ends waiting for a name server at the start. */
  readonly signal?: AbortSignal | undefined;
}

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
  readonly balancer: Balancer;
  readonly threads: number;
  #config: Config;
  readonly #numbers: Numbers;

  private constructor(
    options: { id: number; config: Config; balancer: Balancer; numbers: Numbers },
  ) {
    this.id = options.id;
    this.name = nameOf(options.config);
    this.address = formatNumeric(options.config.listen);
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
    options: { id: number; config: Config } & Shared,
  ): Promise<ManagedListener> {
    const { id, config, ...shared } = options;
    const numbers = new Numbers(config);
    const identity = { id, name: nameOf(config), numbers: numbers.byKey };
    const balancer = await startBalancer(config, { identity, ...shared });
    return new ManagedListener({ id, config, balancer, numbers });
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
    this.#numbers.apply(config);
    await this.balancer.reconfigure(config, { numbers: this.#numbers.byKey });
    this.#config = settingsInForce({ before: this.#config, after: config });
    return changes;
  }

  /** Options of another configuration that would count only after a restart. */
  fixed(config: Config): OptionName[] {
    return optionsAfterRestart("listener", { before: this.#config, after: config });
  }

  /** Adds a destination. Returns its number and a phrase for each difference. */
  async add(destination: NewDestination): Promise<{ number: number; changes: string[] }> {
    const { address, listener: _, ...options } = destination;
    const [plain, ...more] = splitDestination(address);
    if (more.length > 0) {
      throw new OperationError(
        "invalid",
        `address ${quote(address)}: has no options, which are fields; a comma in a path is \\,`,
      );
    }
    const text = writeDestination(plain, textsOfValues(options));
    const added = this.#read(text, this.#config.destinations.length);
    const number = this.#numbers.of(added);
    return {
      number,
      changes: await this.#replace({ number, after: { destination: added, text } }),
    };
  }

  /** Changes a destination. Returns a phrase for each difference. */
  async change(number: number, change: DestinationChange): Promise<string[]> {
    const wanted = this.#find(number);
    const { state: _, ...options } = change;
    const changes: string[] = [];
    if (Object.keys(options).length > 0) {
      const index = this.#indexOf(wanted);
      const before = this.#config.texts.destinations[index]!;
      const [address] = splitDestination(before);
      const all = { ...optionTextsOf(before), ...textsOfValues(options) };
      const text = writeDestination(address, all);
      const destination = this.#read(text, index);
      changes.push(
        ...await this.#replace({ number, before: wanted, after: { destination, text } }),
      );
    }
    if (change.state !== undefined && change.state !== (await this.status(number)).admin) {
      await this.balancer.setAdminState(number, change.state);
      changes.push(`destination ${wanted.name}: ${change.state}`);
    }
    return changes;
  }

  /** Removes a destination. Returns a phrase for each difference. */
  async remove(number: number): Promise<string[]> {
    const wanted = this.#find(number);
    if (this.#config.destinations.length === 1) {
      throw new OperationError(
        "conflict",
        `${wanted.name} is the last destination of ${this.name}; it can be set to maint instead`,
      );
    }
    return await this.#replace({ number, before: wanted });
  }

  /** What one of its destinations is doing. */
  async status(number: number): Promise<DestinationStatus> {
    const found = await this.balancer.destination(number);
    if (!found) throw missing(this.id, number);
    return found;
  }

  #find(number: number): DestinationConfig {
    const found = this.#numbers.destination(number);
    if (!found) throw missing(this.id, number);
    return found;
  }

  #indexOf(destination: DestinationConfig): number {
    return this.#config.destinations.indexOf(destination);
  }

  /**
   * Replaces one destination with another, adds one or removes one: like a reload with
   * that one difference, but in a time that does not depend on the number of the others.
   */
  async #replace(
    { number, before, after }: {
      number: number;
      before?: DestinationConfig;
      after?: { destination: DestinationConfig; text: string };
    },
  ): Promise<string[]> {
    const old = this.#config;
    const at = before ? this.#indexOf(before) : old.destinations.length;
    const [gone, fresh] = [before ? 1 : 0, after ? [after] : []];
    const texts = old.texts.destinations.toSpliced(at, gone, ...fresh.map(({ text }) => text));
    const config: Config = {
      ...old,
      destinations: old.destinations.toSpliced(
        at,
        gone,
        ...fresh.map(({ destination }) => destination),
      ),
      texts: { ...old.texts, destinations: texts },
    };
    const destination = after?.destination;
    this.#numbers.replace(before, destination);
    this.#config = config;
    await this.balancer.replace({ number, destination }, config);
    return destinationDifference(before, destination, { before: old, after: config });
  }

  /**
   * Reads a destination that is to stand at this index of the configuration.
   *
   * @throws {OperationError} If it is not allowed.
   */
  #read(text: string, index: number): DestinationConfig {
    const config = this.#config;
    const destinations = config.texts.destinations.toSpliced(index, 1, text);
    const { report, mention } = commandLineReporter({ ...config.texts, destinations });
    const part = { destination: index };
    try {
      const destination = checkDestination(text, {
        settings: config,
        listen: config.listen,
        indexOf: (value, by) => {
          const other = by === "key"
            ? this.#numbers.withKey(value)
            : config.destinations.find(({ name }) => name === value);
          const at = other ? this.#indexOf(other) : index;
          return at === index ? undefined : at;
        },
      }, { report: (problem) => report(part, problem), mention })!;
      checkThreads({ ...config, destinations: [destination], threads: this.threads }, {
        report,
        mention: (subject, value) => {
          return mention(
            typeof subject === "object" && "destination" in subject ? part : subject,
            value,
          );
        },
      });
      return destination;
    } catch (error) {
      if (error instanceof UsageError) throw new OperationError("invalid", error.message);
      throw error;
    }
  }
}

async function startBalancer(
  config: Config,
  options: { identity: Identity } & Shared,
): Promise<Balancer> {
  const { logs, ...others } = options;
  if (threadsOf(config) === 1) {
    const durations = await openDurations();
    return await LocalBalancer.start(config, { ...logs, ...others, durations });
  }
  const { ThreadedBalancer } = await import("../threads/threaded_balancer.ts");
  return await ThreadedBalancer.start({ config, ...options });
}

function textsOfValues(values: DestinationValues): DestinationTexts {
  const names = destinationOptionNames();
  return Object.fromEntries(names.flatMap((name) => {
    const value = values[fieldOfDestinationOption(name)];
    return value === undefined ? [] : [[name, `${value}`]];
  }));
}

function missing(id: number, number: number): OperationError {
  return new OperationError("missing", `there is no destination ${id}.${number}`);
}
