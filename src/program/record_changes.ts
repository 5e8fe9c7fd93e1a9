import type { Logger } from "@logtape/logtape";
import type { Config } from "../config/config.ts";
import type { ConfiguredDestination } from "../config/destination_text.ts";
import { destinationDifference } from "../config/differences.ts";
import { tlsOutWarning } from "../config/tls_out_warnings.ts";
import type { ServerChange } from "./going_over.ts";

/** Most servers that a line of the log names. */
const NAMED = 8;

/** How many lines may be written at once, and how many milliseconds make room for one more. */
const MOST_LINES = 10;
const LINE_MS = 6000;

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
  /** How many lines may be written at once; grows with the time. */
  #lines = MOST_LINES;
  /** When it was looked last. */
  #at = 0;
  /** Changes that were not told. */
  #untold = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Tells what is different now. */
  tell(changes: readonly ServerChange[]): void {
    const bySource = Map.groupBy(changes, ({ before, after }) => (after ?? before)!.source);
    const now = performance.now();
    this.#lines = Math.min(MOST_LINES, this.#lines + (now - this.#at) / LINE_MS);
    this.#at = now;
    for (const [name, changes] of bySource) {
      if (name === undefined) continue;
      if (this.#lines < 1) {
        this.#untold++;
        continue;
      }
      this.#lines--;
      const untold = this.#untold > 0 ? ` (${this.#untold} changes before were not told)` : "";
      this.#untold = 0;
      this.#log.info("{name}: {changes}", { name, changes: describe(name, changes) + untold });
    }
  }

  /** Tells what is dangerous about a destination that an operator has added or changed. */
  warn(before: ConfiguredDestination | undefined, after: ConfiguredDestination | undefined): void {
    const now = new Date();
    const warning = after && tlsOutWarning(after, now);
    if (warning === undefined || (before && tlsOutWarning(before, now) === warning)) return;
    this.#log.warning("by the operator: destination {name} {warning}", {
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
