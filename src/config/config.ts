import type { AccessRule, Verdict } from "../net/networks.ts";
import { type Address, AddressError, formatAddress, parseAddress } from "../net/address.ts";
import { isSelf } from "../net/address_relations.ts";
import { atOnce, type Chunks } from "../async/chunks.ts";
import {
  type ConfiguredDestination,
  type DestinationConfig,
  isTemplate,
  readDestination,
} from "./destination_text.ts";
import { type HelloTerms, wantedOf } from "./hello_terms.ts";
import { checkProtocol } from "./destination_protocol.ts";
import { UsageError } from "../base/errors.ts";
import { flagOf, type OptionName, readOption, readSettings, type Settings } from "./options.ts";
import { isDestinationOption } from "./options/destination.ts";
import { isAddress } from "./service_address.ts";
import { quote } from "../base/text.ts";

/** What a listener is configured by, as it was written. */
export interface ListenerTexts {
  readonly listen: string;
  /** Each with its options, such as `10.0.0.7:9003,workers=4`. */
  readonly destinations: readonly string[];
  /** The options that were given; defaults for the rest. `allow` and `deny` are in `rules`. */
  readonly options: Readonly<Partial<Record<OptionName, string>>>;
  /** `allow` and `deny` in the order in which they were given. */
  readonly rules: readonly { readonly verdict: Verdict; readonly networks: string }[];
}

/** Everything that one listener runs by: data that can be sent to another thread. */
export interface ListenerConfig extends Settings {
  readonly listen: Address;
  /** The servers, those that records of names lead to included. */
  readonly destinations: readonly DestinationConfig[];
  /** What clients ask for whom records of names serve, whether there are records or not. */
  readonly wanted: readonly HelloTerms[];
  /** Which clients may come: `allow` and `deny` in the order in which they were given. */
  readonly rules: readonly AccessRule[];
}

/** The configuration of a listener, and what it was read from. */
export interface Config extends ListenerConfig {
  /** The servers that are configured, and the names, in the order in which they were written. */
  readonly configured: readonly ConfiguredDestination[];
  /** What all of this was read from. */
  readonly texts: ListenerTexts;
}

/** What a listener is called: its name, or its address as written. */
export function nameOf({ name, listen }: Pick<Config, "name" | "listen">): string {
  return name || formatAddress(listen);
}

/** Everything the program runs by. */
export interface ProgramConfig {
  /**
   * The options of the program as a whole; every listener has the same ones. The options of
   * listeners in it are no more than the defaults of all.
   */
  readonly settings: Settings;
  /** At least one, each with an address of its own. */
  readonly listeners: readonly Config[];
  /** What is allowed and most likely not meant, a line each: options without effect. */
  readonly warnings?: readonly string[];
  /** The file, if there is one, and the texts of those options of the program that were written. */
  readonly written?: {
    readonly file?: string | undefined;
    readonly options: Readonly<Partial<Record<OptionName, string>>>;
  };
}

/** One thing that was written: what a problem is about. */
export type Part =
  | "listen"
  | "destinations"
  | { readonly destination: number }
  | { readonly option: OptionName };

/** Takes the problems of a listener, in the words of where it was configured. */
export interface Reporter {
  /** Takes a problem with one part: what is wrong and what is allowed, without the part's name. */
  report(part: Part, problem: string): void;
  /** What a part is called in a problem with another one; `value` is that of an option. */
  mention(part: Part, value?: number): string;
}

/**
 * The configuration of a listener.
 *
 * @throws {UsageError} If an option is not allowed, or an address is malformed, given twice, or
 * would connect to itself; in the words of a command line.
 */
export function readListener(texts: ListenerTexts): Config {
  return atOnce(checkListener(texts, commandLineReporter(texts)))!;
}

/**
 * The configuration of a listener, `undefined` after a problem that the reporter has put up with.
 *
 * @throws {UsageError} If an option is not allowed.
 */
export function* checkListener(
  texts: ListenerTexts,
  reporter: Reporter,
): Chunks<Config | undefined> {
  let fine = true;
  const { mention } = reporter;
  const report = (part: Part, problem: string) => {
    fine = false;
    reporter.report(part, problem);
  };
  const rules: AccessRule[] = [];
  for (const { verdict, networks } of texts.rules) {
    rules.push(...readOption(verdict, networks));
    yield;
  }
  const settings = {
    ...readSettings(definedOnly(texts.options)),
    allow: rules.filter(({ verdict }) => verdict === "allow"),
    deny: rules.filter(({ verdict }) => verdict === "deny"),
  };
  const listen = readListen(texts.listen, (problem) => report("listen", problem));
  if (texts.destinations.length === 0) report("destinations", "must have one or more addresses");
  const indexes = { key: new Map<string, number>(), name: new Map<string, number>() };
  const configured: ConfiguredDestination[] = [];
  for (const [index, text] of texts.destinations.entries()) {
    yield;
    const part = { destination: index };
    const indexOf: Surroundings["indexOf"] = (value, by) => indexes[by].get(value);
    const known = { settings, listen, indexOf };
    const destination = checkDestination(text, known, {
      report: (problem) => report(part, problem),
      mention,
    });
    if (destination === undefined) continue;
    for (const by of ["key", "name"] as const) {
      if (!indexes[by].has(destination[by])) indexes[by].set(destination[by], index);
    }
    configured.push(destination);
  }
  // Of names nothing is known yet.
  const destinations = configured.filter((one): one is DestinationConfig => !isTemplate(one));
  return fine
    ? {
      ...settings,
      listen: listen!,
      configured,
      destinations,
      wanted: wantedOf(configured),
      rules,
      texts,
    }
    : undefined;
}

/** What one destination of a listener is checked against. */
export interface Surroundings {
  readonly settings: Settings;
  /** `undefined` after a problem with it. */
  readonly listen: Address | undefined;
  /** The index of another destination with a `key` or name; `undefined` if there is none. */
  indexOf(value: string, by: "key" | "name"): number | undefined;
}

/** One destination of a listener, `undefined` if its address is malformed. */
export function checkDestination(
  text: string,
  { settings, listen, indexOf }: Surroundings,
  { report, mention }: { report(problem: string): void; mention: Reporter["mention"] },
): ConfiguredDestination | undefined {
  const destination = readDestination({ text, defaults: settings }, report);
  if (destination === undefined) return undefined;
  const other = indexOf(destination.key, "key");
  if (other !== undefined) {
    report(
      `is the same as ${mention({ destination: other })}; give each only once ` +
        "(its option workers=N sets its number of connections)",
    );
  }
  const namesake = indexOf(destination.name, "name");
  if (namesake !== undefined && namesake !== other) {
    report(`is called like ${mention({ destination: namesake })}; each must have another name`);
  }
  const at = isTemplate(destination) ? undefined : destination.address;
  if (listen && at && isAddress(at) && isSelf(listen, at)) {
    report(
      `is the ${mention("listen")} address, so that it would connect to itself; ` +
        "must be another port or host",
    );
  }
  if (listen) checkProtocol(destination, { listen, report });
  return destination;
}

/** Throws the first problem, in the words of a command line. */
export function commandLineReporter(texts: ListenerTexts): Reporter {
  return {
    report(part, problem) {
      if (part === "destinations") {
        throw new UsageError(
          "DESTINATION is missing: give one or more after LISTEN, such as: iawlb 8080 9001 9002",
        );
      }
      throw new UsageError(`${subject(part)}: ${problem}`);
    },
    mention(part, value) {
      if (part === "listen") return "LISTEN";
      if (part === "destinations") return "DESTINATION";
      if ("destination" in part) return quote(texts.destinations[part.destination]!);
      return value === undefined ? flagOf(part.option) : `${flagOf(part.option)} ${value}`;
    },
  };

  function subject(part: Exclude<Part, "destinations">): string {
    if (part === "listen") return `LISTEN ${quote(texts.listen)}`;
    if ("destination" in part) {
      return `DESTINATION ${quote(texts.destinations[part.destination]!)}`;
    }
    const text = texts.options[part.option];
    return text === undefined ? flagOf(part.option) : `${flagOf(part.option)} ${quote(text)}`;
  }
}

function definedOnly<T extends object>(given: T): T {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as T;
}

function readListen(text: string, report: (problem: string) => void): Address | undefined {
  try {
    return parseAddress(text, { minPort: 0, udp: true });
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    const [, option = ""] = /,([a-z-]+)(?:=|,|$)/.exec(text) ?? [];
    report(
      isDestinationOption(option)
        ? `has ${option} behind it; must stand behind a destination`
        : error.message,
    );
  }
}
