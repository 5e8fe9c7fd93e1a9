import type { AccessRule } from "./access_rules.ts";
import { type Address, AddressError, formatAddress, isLocalhost, parseAddress } from "./address.ts";
import { UsageError } from "./errors.ts";
import { OPTIONS, type Settings, WEIGHT } from "./options.ts";

/** One destination as configured. */
export interface DestinationConfig {
  readonly address: Address;
  /** How it is named in logs: the address as written. */
  readonly name: string;
  /** Most concurrent connections; the option `workers` unless given with the address. */
  readonly workers: number;
  /** Its share of the sessions relative to the others, from 1 to 256; 1 unless given. */
  readonly weight: number;
  /** Whether it serves only while no destination without this mark is up. */
  readonly backup: boolean;
}

/** Everything the program runs by. */
export interface Config extends Settings {
  readonly listen: Address;
  readonly destinations: readonly DestinationConfig[];
  /** Who is let in: `allow` and `deny` in the order in which they were given. */
  readonly rules: readonly AccessRule[];
}

/**
 * The configuration that the command line's addresses, settings and access rules make.
 *
 * @throws {UsageError} If an address is malformed, given twice, or would connect to itself.
 */
export function readConfig(
  addresses: readonly string[],
  settings: Settings,
  rules: readonly AccessRule[] = [...settings.allow, ...settings.deny],
): Config {
  const [listenText, ...destinationTexts] = addresses;
  if (listenText === undefined) {
    throw new UsageError(
      "LISTEN is missing: give the address to listen on, then one or more destinations, " +
        "such as: iawlb 8080 9001 9002",
    );
  }
  const listen = readAddress("LISTEN", listenText, 0);
  if (destinationTexts.length === 0) {
    throw new UsageError(
      "DESTINATION is missing: give one or more after LISTEN, such as: iawlb 8080 9001 9002",
    );
  }
  const names = new Map<string, string>();
  const destinations = destinationTexts.map((text) => {
    const destination = readDestination(text, settings.workers);
    const key = canonicalName(destination.address);
    const earlier = names.get(key);
    if (earlier !== undefined) {
      throw new UsageError(
        `DESTINATION ${quote(text)}: is the same as ${quote(earlier)}; give each only once ` +
          "(ADDRESS,workers=N sets its number of connections)",
      );
    }
    names.set(key, text);
    if (isSelf(listen, destination.address)) {
      throw new UsageError(
        `DESTINATION ${quote(text)}: is the LISTEN address, so that it would connect to itself; ` +
          "must be another port or host",
      );
    }
    return destination;
  });
  return { ...settings, listen, destinations, rules };
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
    name: formatAddress(address),
    workers: given.workers ?? defaultWorkers,
    weight: given.weight ?? WEIGHT.default,
    backup: given.backup ?? false,
  };
}

/** The same text for the same destination, however it was written. */
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
