import { UsageError } from "../base/errors.ts";
import { quote } from "../base/text.ts";
import { checkProtocol } from "../config/destination_protocol.ts";
import { checkDestination, commandLineReporter, type Config, type Part } from "../config/config.ts";
import {
  type ConfiguredDestination,
  type DestinationConfig,
  type DestinationTexts,
  isTemplate,
  optionTextsOf,
  splitDestination,
  writeDestination,
} from "../config/destination_text.ts";
import type { Option } from "../config/option.ts";
import {
  DESTINATION_OPTIONS,
  type DestinationOptionName,
  destinationOptionNames,
  type DestinationOptions,
  fieldOfDestinationOption,
  type WrittenOptionName,
} from "../config/options/destination.ts";
import { foreignExecOption } from "../config/exec_address.ts";
import { execOptionNames, isExecOption } from "../config/options/exec.ts";
import { isServiceOption, remoteServiceOptionNames } from "../config/options/service.ts";
import { foreignOption } from "../config/service_address.ts";
import { checkThreads } from "../config/thread_shares.ts";
import {
  type DestinationValues,
  type NewDestination,
  OperationError,
} from "../operations/operations.ts";
import type { Numbers } from "./destination_numbers.ts";

/** What a destination is read for: the listener that it is to belong to. */
export interface ReadingContext {
  readonly config: Config;
  readonly numbers: Numbers;
  readonly threads: number;
}

/** A destination or a name, with what it was read from. */
export interface Read {
  readonly destination: ConfiguredDestination;
  readonly text: string;
}

/**
 * One that is to be added.
 *
 * @throws {OperationError} If it is not allowed.
 */
export function readNew(wanted: NewDestination, context: ReadingContext): Read {
  const { address, listener: _, ...options } = wanted;
  const [plain, ...more] = splitDestination(address);
  if (more.length > 0) {
    throw new OperationError(
      "invalid",
      `address ${quote(address)}: has no options, which are fields; a comma in a path is \\,`,
    );
  }
  const text = writeDestination(plain, textsOfValues(options));
  const index = context.config.configured.length;
  return { destination: readAt({ text, index }, context), text };
}

/**
 * One that is configured, with other values of some options.
 *
 * @throws {OperationError} If they are not allowed.
 */
export function readChanged(
  one: ConfiguredDestination,
  { values, ...context }: ReadingContext & { values: DestinationValues },
): Read {
  const { configured, texts } = context.config;
  const index = configured.indexOf(one);
  const before = texts.destinations[index]!;
  const [address] = splitDestination(before);
  const text = writeDestination(address, { ...optionTextsOf(before), ...textsOfValues(values) });
  return { destination: readAt({ text, index }, context), text };
}

function textsOfValues(values: DestinationValues): DestinationTexts {
  const names: WrittenOptionName[] = [
    ...execOptionNames(),
    ...remoteServiceOptionNames(),
    ...destinationOptionNames(),
  ];
  return Object.fromEntries(names.flatMap((name) => {
    const value = values[fieldOfDestinationOption(name)];
    return value === undefined ? [] : [[name, `${value}`]];
  }));
}

/** Reads a destination that is to stand at this index of the configuration. */
function readAt(
  { text, index }: { text: string; index: number },
  { config, numbers, threads }: ReadingContext,
): ConfiguredDestination {
  const destinations = config.texts.destinations.toSpliced(index, 1, text);
  const { report, mention } = commandLineReporter({ ...config.texts, destinations });
  const part = { destination: index };
  return orInvalid(() => {
    const destination = checkDestination(text, {
      settings: config,
      listen: config.listen,
      indexOf: (value, by) => {
        const other = by === "key"
          ? numbers.withKey(value)
          : config.configured.find(({ name }) => name === value);
        const at = other ? config.configured.indexOf(other) : index;
        return at === index ? undefined : at;
      },
    }, { report: (problem) => report(part, problem), mention })!;
    const here = (subject: Part): Part => isDestination(subject) ? part : subject;
    checkThreads({ ...config, configured: [destination], threads }, {
      report: (subject, problem) => report(here(subject), problem),
      mention: (subject, value) => mention(here(subject), value),
    }, config);
    return destination;
  });
}

/**
 * Options that are to be set for one record of a name alone.
 *
 * @throws {OperationError} If they are not allowed.
 */
export function readOverride(
  record: DestinationConfig,
  { values, config, threads }: Omit<ReadingContext, "numbers"> & { values: DestinationValues },
): DestinationTexts {
  const invalid = (problem: string) => new OperationError("invalid", `${record.name}: ${problem}`);
  const texts = textsOfValues(values);
  if ("name" in texts) throw invalid("is called after its name and address");
  const parsed: Partial<Record<DestinationOptionName, unknown>> = {};
  for (const [name, text] of Object.entries(texts) as [WrittenOptionName, string][]) {
    if (isServiceOption(name)) throw invalid(foreignOption(name));
    if (isExecOption(name)) throw invalid(foreignExecOption(name));
    const { parse, allowed }: Option<unknown> = DESTINATION_OPTIONS[name];
    parsed[name] = parse(text);
    if (parsed[name] === undefined) throw invalid(`${name} ${quote(text)} must be ${allowed}`);
  }
  const changed = { ...record, ...parsed as Partial<DestinationOptions> };
  orInvalid(() => {
    const { report, mention } = commandLineReporter(config.texts);
    const fail = (problem: string) => {
      throw invalid(problem);
    };
    checkProtocol(changed, { listen: config.listen, report: fail });
    checkThreads({ ...config, configured: [changed], threads }, {
      report: (subject, problem) => {
        return isDestination(subject) ? fail(problem) : report(subject, problem);
      },
      mention: (subject, value) => isDestination(subject) ? record.name : mention(subject, value),
    }, config);
  });
  return texts;
}

/**
 * A configuration in which one destination or name is new, different or gone. The records of names
 * stay what they are in it.
 */
export function replaced(
  config: Config,
  before: ConfiguredDestination | undefined,
  after: Read | undefined,
): Config {
  const { configured, destinations } = config;
  const at = before ? configured.indexOf(before) : configured.length;
  const [gone, fresh] = [before ? 1 : 0, after ? [after] : []];
  const texts = config.texts.destinations.toSpliced(at, gone, ...fresh.map(({ text }) => text));
  const exchanged = fresh.map(({ destination }) => destination);
  return {
    ...config,
    configured: configured.toSpliced(at, gone, ...exchanged),
    destinations: withServer(destinations, before, exchanged[0]),
    texts: { ...config.texts, destinations: texts },
  };
}

function withServer(
  destinations: readonly DestinationConfig[],
  before: ConfiguredDestination | undefined,
  after: ConfiguredDestination | undefined,
): readonly DestinationConfig[] {
  const at = before && !isTemplate(before) ? destinations.indexOf(before) : destinations.length;
  const fresh = after && !isTemplate(after) ? [after] : [];
  return destinations.toSpliced(at, before && !isTemplate(before) ? 1 : 0, ...fresh);
}

/**
 * Makes sure that a destination can be removed.
 *
 * @throws {OperationError} If it is a record, or the last one.
 */
export function assertRemovable(
  one: ConfiguredDestination,
  { config, listener }: { config: Config; listener: string },
): void {
  if (!isTemplate(one) && one.source !== undefined) {
    throw new OperationError(
      "conflict",
      `${one.name} is there because ${one.source} leads to it; it can be drained, or ` +
        `${one.source} be removed`,
    );
  }
  if (config.configured.length > 1) return;
  throw new OperationError(
    "conflict",
    `${one.name} is the last destination of ${listener}; it can be set to maint instead`,
  );
}

/** Whether a problem is about the destination that is read, the only one that is looked at. */
function isDestination(subject: Part): boolean {
  return typeof subject === "object" && "destination" in subject;
}

function orInvalid<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof UsageError) throw new OperationError("invalid", error.message);
    throw error;
  }
}
