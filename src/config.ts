import type { AccessRule, Verdict } from "./access_rules.ts";
import { type Address, AddressError, formatAddress, isLocalhost, parseAddress } from "./address.ts";
import { UsageError } from "./errors.ts";
import {
  type OptionName,
  OPTIONS,
  readOption,
  readSettings,
  type Settings,
  WEIGHT,
} from "./options.ts";

/** One destination as configured. */
export interface DestinationConfig {
  readonly address: Address;
  /** The same text for the same destination, however it was written. */
  readonly key: string;
  /** How it is named in logs: the address as written. */
  readonly name: string;
  /** Most concurrent connections; the option `workers` unless given with the address. */
  readonly workers: number;
  /** Its share of the sessions relative to the others, from 1 to 256; 1 unless given. */
  readonly weight: number;
  /** Whether it serves only while no destination without this mark is up. */
  readonly backup: boolean;
}

/** What a listener is configured by, as it was written. Can be sent to another thread. */
export interface ListenerTexts {
  readonly listen: string;
  /** Each with its options, such as `10.0.0.7:9003,workers=4`. */
  readonly destinations: readonly string[];
  /** The options that were given; defaults for the rest. `allow` and `deny` are in `rules`. */
  readonly options: Readonly<Partial<Record<OptionName, string>>>;
  /** `allow` and `deny` in the order in which they were given. */
  readonly rules: readonly { readonly verdict: Verdict; readonly networks: string }[];
}

/** Everything that one listener, its line and its destinations run by. */
export interface Config extends Settings {
  readonly listen: Address;
  readonly destinations: readonly DestinationConfig[];
  /** Who is let in: `allow` and `deny` in the order in which they were given. */
  readonly rules: readonly AccessRule[];
  /** What all of this was read from. */
  readonly texts: ListenerTexts;
}

/** Everything the program runs by. */
export interface ProgramConfig {
  /** The options of the program as a whole; every listener has the same ones. */
  readonly settings: Settings;
  /** At least one, each with an address of its own. */
  readonly listeners: readonly Config[];
}

/**
 * The configuration of a listener.
 *
 * @throws {UsageError} If an option is not allowed, or an address is malformed, given twice, or
 * would connect to itself.
 */
export function readListener(texts: ListenerTexts): Config {
  const rules = texts.rules.flatMap(({ verdict, networks }) => readOption(verdict, networks));
  const networks = (wanted: Verdict) => {
    const given = texts.rules.filter(({ verdict }) => verdict === wanted);
    return given.map((rule) => rule.networks).join(",") || undefined;
  };
  const settings = readSettings({
    ...definedOnly(texts.options),
    ...definedOnly({ allow: networks("allow"), deny: networks("deny") }),
  });
  const listen = readAddress("LISTEN", texts.listen, 0);
  if (texts.destinations.length === 0) {
    throw new UsageError(
      "DESTINATION is missing: give one or more after LISTEN, such as: iawlb 8080 9001 9002",
    );
  }
  const names = new Map<string, string>();
  const destinations = texts.destinations.map((text) => {
    const destination = readDestination(text, settings.workers);
    const earlier = names.get(destination.key);
    if (earlier !== undefined) {
      throw new UsageError(
        `DESTINATION ${quote(text)}: is the same as ${quote(earlier)}; give each only once ` +
          "(ADDRESS,workers=N sets its number of connections)",
      );
    }
    names.set(destination.key, text);
    if (isSelf(listen, destination.address)) {
      throw new UsageError(
        `DESTINATION ${quote(text)}: is the LISTEN address, so that it would connect to itself; ` +
          "must be another port or host",
      );
    }
    return destination;
  });
  return { ...settings, listen, destinations, rules, texts };
}

function definedOnly<T extends object>(given: T): T {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as T;
}

function readAddress(what: string, text: string, minPort: 0 | 1): Address {
  try {
    return parseAddress(text, { minPort });
  } catch (error) {
    if (error instanceof AddressError) {
      throw new UsageError(`${what} ${quote(text)}: ${error.message}`);
    }
    throw error;
  }
}

function readDestination(text: string, defaultWorkers: number): DestinationConfig {
  const [addressText = "", ...optionTexts] = text.split(",");
  const address = readAddress("DESTINATION", addressText, 1);
  const given: { workers?: number; weight?: number; backup?: true } = {};
  for (const optionText of optionTexts) {
    const [, key = "", value] = /^([^=]*)(?:=(.*))?$/s.exec(optionText)!;
    const wrong = (problem: string) => new UsageError(`DESTINATION ${quote(text)}: ${problem}`);
    if (Object.hasOwn(given, key)) throw wrong(`has ${key} twice; give it once`);
    if (key === "backup" && value === undefined) {
      given.backup = true;
    } else if ((key === "workers" || key === "weight") && value !== undefined) {
      const option = key === "workers" ? OPTIONS.workers : WEIGHT;
      const number = option.parse(value);
      if (number === undefined) {
        throw wrong(`${key} ${quote(value)} must be ${option.allowed}`);
      }
      given[key] = number;
    } else {
      throw wrong(
        `has the unknown option ${quote(optionText)}; must be workers=N, weight=N or backup`,
      );
    }
  }
  return {
    address,
    key: canonicalName(address),
    name: formatAddress(address),
    workers: given.workers ?? defaultWorkers,
    weight: given.weight ?? WEIGHT.default,
    backup: given.backup ?? false,
  };
}

function canonicalName(address: Address): string {
  if (address.transport === "unix") return formatAddress(address);
  return formatAddress({ ...address, hostname: address.hostname ?? "localhost" });
}

function isSelf(listen: Address, destination: Address): boolean {
  if (listen.transport === "unix" || destination.transport === "unix") {
    return formatAddress(listen) === formatAddress(destination);
  }
  if (listen.port !== destination.port) return false;
  const targets = reachedBy(destination.hostname ?? "localhost");
  if (listen.hostname === undefined || listen.hostname === "::") return targets.some(isLoopback);
  if (listen.hostname === "0.0.0.0") return targets.some((ip) => ip.startsWith("127."));
  return reachedBy(listen.hostname).some((ip) => targets.includes(ip));
}

/** Which addresses of this machine a host stands for; any other host stands for itself. */
function reachedBy(host: string): string[] {
  if (isLocalhost(host)) return ["127.0.0.1", "::1"];
  if (host === "0.0.0.0") return ["127.0.0.1"];
  if (host === "::") return ["::1"];
  return [host];
}

function isLoopback(ip: string): boolean {
  return ip.startsWith("127.") || ip === "::1";
}

function quote(text: string): string {
  return JSON.stringify(text);
}
