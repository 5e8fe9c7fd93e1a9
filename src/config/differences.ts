import { formatNetwork } from "../net/networks.ts";
import { formatCheck } from "./values/check.ts";
import type { Config, DestinationConfig } from "./config.ts";
import type { Option } from "./option.ts";
import {
  isProgramOption,
  keyOf,
  type OptionName,
  optionNames,
  OPTIONS,
  type Settings,
} from "./options.ts";

/** Options of a listener whose new value counts only after a restart. */
export const FIXED: readonly OptionName[] = ["backlog", "threads"];

/** Options of the program whose new value counts only after a restart. */
export const FIXED_OF_PROGRAM: readonly OptionName[] = ["log", "admin", "adminTokenFile"];

/** Options that show in the destinations or in the access rules. */
const ELSEWHERE: readonly OptionName[] = ["workers", "allow", "deny"];

/** What is different between two configurations of a listener, a phrase for each. */
export function differences(before: Config, after: Config): string[] {
  return [
    ...destinationDifferences(before, after),
    ...settingsDifferences(before, after),
    ...ruleDifferences(before, after),
  ];
}

/** What is different in the options of the program, a phrase for each. */
export function programDifferences(before: Settings, after: Settings): string[] {
  const live = optionNames().filter((name) => {
    return isProgramOption(name) && !FIXED_OF_PROGRAM.includes(name);
  });
  return phrases(live, { before, after });
}

/** Which of these options are different. */
export function changedOptions(
  names: readonly OptionName[],
  { before, after }: { before: Settings; after: Settings },
): OptionName[] {
  return names.filter((name) => write(name, before) !== write(name, after));
}

function destinationDifferences(before: Config, after: Config): string[] {
  const old = new Map(before.destinations.map((one) => [one.key, one]));
  const changes: string[] = [];
  for (const one of after.destinations) {
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
  before: DestinationConfig | undefined,
  after: DestinationConfig | undefined,
  listener: { before: Config; after: Config },
): string[] {
  if (before && after) {
    return [...destinationChanges(before, after), ...checkChanges(before, after, listener)];
  }
  if (after) return [`destination ${after.name} added`];
  return before ? [`destination ${before.name} removed`] : [];
}

function destinationChanges(before: DestinationConfig, after: DestinationConfig): string[] {
  const changes: string[] = [];
  for (const key of ["workers", "weight"] as const) {
    if (before[key] !== after[key]) {
      changes.push(`destination ${before.name}: ${key} ${before[key]} → ${after[key]}`);
    }
  }
  if (before.backup !== after.backup) {
    changes.push(`destination ${before.name}: ${after.backup ? "now a" : "no longer a"} backup`);
  }
  return changes;
}

/** A new check of one destination; where both are the listener's, its option says so already. */
function checkChanges(
  before: DestinationConfig,
  after: DestinationConfig,
  listener: { before: Config; after: Config },
): string[] {
  const [old, fresh] = [formatCheck(before.check), formatCheck(after.check)];
  const inherited = old === formatCheck(listener.before.check) &&
    fresh === formatCheck(listener.after.check);
  return old === fresh || inherited ? [] : [`destination ${before.name}: check ${old} → ${fresh}`];
}

function settingsDifferences(before: Settings, after: Settings): string[] {
  const live = optionNames().filter((name) => {
    return !isProgramOption(name) && !FIXED.includes(name) && !ELSEWHERE.includes(name);
  });
  return phrases(live, { before, after });
}

function phrases(
  names: readonly OptionName[],
  { before, after }: { before: Settings; after: Settings },
): string[] {
  return changedOptions(names, { before, after }).map((name) => {
    return `${keyOf(name)} ${write(name, before)} → ${write(name, after)}`;
  });
}

function ruleDifferences(before: Config, after: Config): string[] {
  const list = ({ rules }: Config) => {
    return rules.map((rule) => `${rule.verdict} ${formatNetwork(rule)}`).join(", ") || "none";
  };
  return list(before) === list(after) ? [] : [`access rules ${list(before)} → ${list(after)}`];
}

function write(name: OptionName, settings: Settings): string {
  return (OPTIONS[name] as Option<unknown>).format(settings[name]);
}
