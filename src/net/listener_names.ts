import { askBothKinds, OTHER_KIND_MS } from "./dns/both_kinds.ts";
import type { Answer, Resolver, ResolverSetting } from "./dns/records.ts";
import { type Located, type NameLookups, systemNames } from "./names.ts";

/** Shortest time that addresses are used before a name is asked for again, in milliseconds. */
const MIN_LIFETIME_MS = 1000;

/** What says who is asked and how often, which a reload may change. */
interface Settings {
  readonly resolver: ResolverSetting;
  /** Longest time that addresses are used, in milliseconds. */
  readonly resolveInterval: number;
}

/**
 * Looks up the names of one listener's plain destinations: by the system's own means, as every other
 * program there does, unless name servers are given.
 */
export class ListenerNames implements NameLookups {
  readonly #settings: Settings;
  readonly #resolver: Resolver;
  #changedAt = -Infinity;

  /** @param options.settings What counts at the time of each look-up. */
  constructor(options: { settings: Settings; resolver: Resolver }) {
    this.#settings = options.settings;
    this.#resolver = options.resolver;
  }

  get changedAt(): number {
    return this.#changedAt;
  }

  /** Others are asked from now on: what is known is looked up again when it is needed. */
  noteChange(): void {
    this.#changedAt = performance.now();
  }

  lookUp(name: string): Promise<Located> {
    const { resolver, resolveInterval } = this.#settings;
    if (resolver === "system") return systemNames.lookUp(name);
    return askBoth(name, { resolver: this.#resolver, most: resolveInterval });
  }

  tells(name: string): boolean {
    return systemNames.tells(name);
  }
}

/**
 * The addresses of both kinds, those of IPv4 first, each in the order of its answer. Those of one kind
 * do if the other cannot be known, and are soon asked for again.
 *
 * @throws An error that says why there is none.
 */
async function askBoth(
  name: string,
  { resolver, most }: { resolver: Resolver; most: number },
): Promise<Located> {
  const asked = await askBothKinds(name, { resolver, patience: OTHER_KIND_MS });
  const answers: Answer[] = [];
  for (const result of asked) if (result.status === "fulfilled") answers.push(result.value);
  const failed = asked.find((result) => result.status === "rejected");
  const addresses: string[] = [];
  let ttl = failed ? 0 : Infinity;
  for (const answer of answers) {
    if (answer.kind !== "records") continue;
    for (const record of answer.records) if (record.type !== "SRV") addresses.push(record.address);
    ttl = Math.min(ttl, answer.ttl);
  }
  if (addresses.length > 0) {
    const lifetime = Math.max(MIN_LIFETIME_MS, Math.min(ttl * 1000, most));
    return { addresses, lifetime };
  }
  if (failed) throw failed.reason;
  const unknown = answers.some((answer) =>
    answer.kind === "empty" && answer.why === "no such name"
  );
  throw new Error(unknown ? "there is no such name" : "the name has no address");
}
