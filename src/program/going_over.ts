import { Pace } from "../async/pace.ts";
import type { Balancer } from "../balancer/balancer.ts";
import type { Config } from "../config/config.ts";
import type { DestinationConfig } from "../config/destination_text.ts";
import type { Numbers } from "./destination_numbers.ts";

/** How many destinations are replaced one by one; if more are different, all are gone over. */
const FEW = 32;

/** One server that is new, different or gone. */
export interface ServerChange {
  readonly before: DestinationConfig | undefined;
  readonly after: DestinationConfig | undefined;
}

/**
 * Has a balancer go over to other servers with the same settings: new and different ones first, so
 * that there is no moment without any. Returns what is different. What names want of clients may be
 * different, too.
 */
export async function goOver(
  { before, after }: { before: Config; after: Config },
  { balancer, numbers }: { balancer: Balancer; numbers: Numbers },
): Promise<readonly ServerChange[]> {
  const changes = changesOf(before.destinations, after.destinations);
  const wants = JSON.stringify(before.wanted) !== JSON.stringify(after.wanted);
  if (changes.length > FEW || wants) {
    numbers.apply(after);
    await balancer.reconfigure(after, { numbers: numbers.byKey });
    return changes;
  }
  const followers = followersOf(after.destinations, { old: before.destinations });
  const pace = new Pace({ begun: true });
  for (const change of changes) {
    if (pace.due) await pace.turn();
    const number = numbers.of((change.after ?? change.before)!);
    numbers.replace(change.before, change.after);
    const destination = change.after;
    const next = destination && followers.get(destination);
    await balancer.replace({ number, destination, before: next && numbers.of(next) }, after);
  }
  return changes;
}

/** Those that are new, each with the next one that was there before. */
function followersOf(
  destinations: readonly DestinationConfig[],
  { old }: { old: readonly DestinationConfig[] },
): Map<DestinationConfig, DestinationConfig | undefined> {
  const known = new Set(old.map(({ key }) => key));
  const followers = new Map<DestinationConfig, DestinationConfig | undefined>();
  let next: DestinationConfig | undefined;
  for (const one of destinations.toReversed()) {
    if (known.has(one.key)) next = one;
    else followers.set(one, next);
  }
  return followers;
}

/** What is different between two lists of servers, those that are gone at the end. */
export function changesOf(
  before: readonly DestinationConfig[],
  after: readonly DestinationConfig[],
): ServerChange[] {
  const old = new Map(before.map((one) => [one.key, one]));
  const changes: ServerChange[] = [];
  for (const one of after) {
    const known = old.get(one.key);
    old.delete(one.key);
    if (!known || !isSame(known, one)) changes.push({ before: known, after: one });
  }
  for (const one of old.values()) changes.push({ before: one, after: undefined });
  return changes;
}

/** What the operator wants of one is no part of it that another one could replace. */
function isSame(one: DestinationConfig, other: DestinationConfig): boolean {
  if (one === other) return true;
  return JSON.stringify({ ...one, admin: undefined }) ===
    JSON.stringify({ ...other, admin: undefined });
}
