import { formatNetwork } from "../net/networks.ts";
import type { Config } from "./config.ts";
import { type ConfiguredDestination, isTemplate } from "./destination_text.ts";
import type { Option, Scope } from "./option.ts";
import {
  DESTINATION_OPTIONS,
  type DestinationOptionName,
  destinationOptionNames,
  listenerOptionFor,
} from "./options/destination.ts";
import { SERVICE_OPTIONS, serviceOptionNames } from "./options/service.ts";
import { keyOf, type OptionName, optionNames, rowOf, type Settings } from "./options.ts";

/** What is different between two configurations of a listener, a phrase for each. */
export function differences(before: Config, after: Config): string[] {
  return [
    ...destinationDifferences(before, after),
    ...optionDifferences("listener", { before, after }),
    ...ruleDifferences(before, after),
  ];
}

/** What is different in the options of the program, a phrase for each. */
export function programDifferences(before: Settings, after: Settings): string[] {
  return optionDifferences("program", { before, after });
}

/** Two states of the same settings. */
interface Change<S extends Settings = Settings> {
  readonly before: S;
  readonly after: S;
}

/** Which options are different that a reload does not apply. */
export function optionsAfterRestart(scope: Scope, { before, after }: Change): OptionName[] {
  return fixedOptions().filter((name) => {
    return rowOf(name).scope === scope && write(name, before) !== write(name, after);
  });
}

/** Other settings as a reload puts them in force: what needs a restart stays. */
export function settingsInForce<S extends Settings>({ before, after }: Change<S>): S {
  const fixed = fixedOptions().map((name) => [name, before[name]]);
  return { ...after, ...Object.fromEntries(fixed) };
}

function fixedOptions(): OptionName[] {
  return optionNames().filter((name) => rowOf(name).needsRestart);
}

function destinationDifferences(before: Config, after: Config): string[] {
  const old = new Map(before.configured.map((one) => [one.key, one]));
  const changes: string[] = [];
  for (const one of after.configured) {
    changes.push(...destinationDifference(old.get(one.key), one, { before, after }));
    old.delete(one.key);
  }
  for (const one of old.values()) {
    changes.push(...destinationDifference(one, undefined, { before, after }));
  }
  return changes;
}

/** What is different about one destination that is new, different or gone, a phrase for each. */
export function destinationDifference(
  before: ConfiguredDestination | undefined,
  after: ConfiguredDestination | undefined,
  listener: Change<Config>,
): string[] {
  if (!before) {
    if (!after) return [];
    const unverified = after["tls-insecure"] ? ", NOT VERIFIED (tls-insecure)" : "";
    return [`destination ${after.name} added${unverified}`];
  }
  if (!after) return [`destination ${before.name} removed`];
  const own = serviceDifferences(before, after).map((one) => `destination ${before.name}: ${one}`);
  return own.concat(
    destinationOptionNames().flatMap((name) => {
      const old = writeOfDestination(name, before);
      const fresh = writeOfDestination(name, after);
      // Where both are the listener's, its option says so already.
      const told = isInherited(name, old, listener.before) &&
        isInherited(name, fresh, listener.after);
      return old === fresh || told ? [] : [`destination ${before.name}: ${name} ${old} → ${fresh}`];
    }),
  );
}

/** What is different about a service that has the same options: what is in the files that they name. */
function serviceDifferences(before: ConfiguredDestination, after: ConfiguredDestination): string[] {
  if (isTemplate(before) || isTemplate(after)) return [];
  const [{ address: old }, { address: fresh }] = [before, after];
  if (old.transport !== "service" || fresh.transport !== "service") return [];
  return serviceOptionNames().flatMap((name) => {
    const { format, tell = format }: Option<unknown> = SERVICE_OPTIONS[name];
    const [was, is] = [tell(old.settings[name]), tell(fresh.settings[name])];
    return was === is ? [] : [`${name} ${was} → ${is}`];
  });
}

function isInherited(name: DestinationOptionName, text: string, listener: Config): boolean {
  const { inherited, format }: Option<unknown> = DESTINATION_OPTIONS[name];
  return inherited === true && format(listener[listenerOptionFor(name)]) === text;
}

function optionDifferences(scope: Scope, { before, after }: Change): string[] {
  return optionNames(scope).flatMap((name) => {
    const { needsRestart, rule } = rowOf(name);
    if (needsRestart || rule) return [];
    const [old, fresh] = [write(name, before), write(name, after)];
    return old === fresh ? [] : [`${keyOf(name)} ${old} → ${fresh}`];
  });
}

function ruleDifferences(before: Config, after: Config): string[] {
  const list = ({ rules }: Config) => {
    return rules.map((rule) => `${rule.verdict} ${formatNetwork(rule)}`).join(", ") || "none";
  };
  return list(before) === list(after) ? [] : [`access rules ${list(before)} → ${list(after)}`];
}

function write(name: OptionName, settings: Settings): string {
  const row = rowOf(name);
  return row.tell ? row.tell(settings[name]) : row.format(settings[name]);
}

function writeOfDestination(name: DestinationOptionName, options: ConfiguredDestination): string {
  const { format, tell = format }: Option<unknown> = DESTINATION_OPTIONS[name];
  return tell(options[name]);
}
