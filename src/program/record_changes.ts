import type { Logger } from "@logtape/logtape";
import type { Config } from "../config/config.ts";
import { destinationDifference } from "../config/differences.ts";
import { changesOf } from "./going_over.ts";

/** Most servers that a line of the log names. */
const NAMED = 8;

/** What is different about destinations with these keys that are in both, a phrase for each. */
export function changesBetween(
  before: Config,
  after: Config,
  { of: keys }: { of: ReadonlySet<string> },
): string[] {
  if (keys.size === 0) return [];
  const old = new Map(before.destinations.map((one) => [one.key, one]));
  return after.destinations.flatMap((one) => {
    const known = keys.has(one.key) ? old.get(one.key) : undefined;
    return known ? destinationDifference(known, one, { before, after }) : [];
  });
}

/** Says in the log which records of names have come and gone. */
export function logChanges(before: Config, after: Config, log: Logger): void {
  const bySource = Map.groupBy(changesOf(before.destinations, after.destinations), (change) => {
    return (change.after ?? change.before)!.source;
  });
  for (const [source, changes] of bySource) {
    if (source === undefined) continue;
    const servers = (of: string[]) => {
      const more = of.length > NAMED ? ` and ${of.length - NAMED} more` : "";
      return of.slice(0, NAMED).map((name) => name.slice(source.length + 1)).join(", ") + more;
    };
    const joined = changes.filter((one) => !one.before).map(({ after }) => after!.name);
    const left = changes.filter((one) => !one.after).map(({ before }) => before!.name);
    const different = changes.length - joined.length - left.length;
    const parts = [
      ...joined.length > 0 ? [`joined by ${servers(joined)}`] : [],
      ...left.length > 0 ? [`left by ${servers(left)}`] : [],
      ...different > 0 ? [`${different} with another weight or tier`] : [],
    ];
    log.info("{name}: {changes}", { name: source, changes: parts.join(", ") });
  }
}
