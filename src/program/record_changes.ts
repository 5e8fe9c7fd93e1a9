import type { Logger } from "@logtape/logtape";
import type { Config } from "../config/config.ts";
import type { ConfiguredDestination } from "../config/destination_text.ts";
import { destinationDifference } from "../config/differences.ts";
import { tlsOutWarning } from "../config/tls_out_warnings.ts";
import { LineBudget } from "../logging/line_budget.ts";
import { type Asked, UNNAMED } from "../operations/operations.ts";
import type { ServerChange } from "./going_over.ts";

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

/**
 * Says in the log which records of names have come and gone: a name server that says something else
 * each time does not fill it. And what is dangerous about what operators make of destinations.
 */
export class ChangeLog {
  readonly #log: Logger;
  readonly #budget = new LineBudget();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Tells what is different now. */
  tell(changes: readonly ServerChange[]): void {
    const bySource = Map.groupBy(changes, ({ before, after }) => (after ?? before)!.source);
    for (const [name, changes] of bySource) {
      if (name === undefined) continue;
      const missed = this.#budget.take();
      if (missed === undefined) continue;
      const untold = missed > 0 ? ` (${missed} changes before were not told)` : "";
      this.#log.info("{name}: {changes}", { name, changes: describe(name, changes) + untold });
    }
  }

  /** Tells what is dangerous about a destination that an operator has added or changed. */
  warn(
    before: ConfiguredDestination | undefined,
    after: ConfiguredDestination | undefined,
    { by = UNNAMED }: Asked = {},
  ): void {
    const now = new Date();
    const warning = after && tlsOutWarning(after, now);
    if (warning === undefined || (before && tlsOutWarning(before, now) === warning)) return;
    this.#log.warning("by {by}: destination {name} {warning}", {
      by,
      name: after!.name,
      warning,
    });
  }
}

function describe(source: string, changes: readonly ServerChange[]): string {
  const servers = (of: readonly string[]) => {
    const more = of.length > NAMED ? ` and ${of.length - NAMED} more` : "";
    return of.slice(0, NAMED).map((name) => name.slice(source.length + 1)).join(", ") + more;
  };
  const joined = changes.filter((one) => !one.before).map(({ after }) => after!.name);
  const left = changes.filter((one) => !one.after).map(({ before }) => before!.name);
  const different = changes.length - joined.length - left.length;
  return [
    ...joined.length > 0 ? [`joined by ${servers(joined)}`] : [],
    ...left.length > 0 ? [`left by ${servers(left)}`] : [],
    ...different > 0 ? [`${different} with another weight or tier`] : [],
  ].join(", ");
}
