import { Pace } from "../../async/pace.ts";
import { orderOf } from "../../net/address_order.ts";
import { askBothKinds, OTHER_KIND_MS } from "../../net/dns/both_kinds.ts";
import type { Answer, Resolver, SrvRecord } from "../../net/dns/records.ts";
import type { RecordsName } from "../../net/records_name.ts";
import type { Finding, Found } from "./found.ts";
import { type Candidate, weigh } from "./weights.ts";

/** Most servers that one name leads to. */
export const MOST_SERVERS = 1000;

/** How many targets of SRV records are looked up at a time. */
const TARGETS_AT_A_TIME = 8;

/** Options of {@linkcode find}. */
export interface FindOptions {
  resolver: Pick<Resolver, "resolve">;
  /** What the name led to before: what is not answered stays so. */
  known: readonly Found[];
  /** Gives the look-up up. */
  signal: AbortSignal;
}

/**
 * Looks a name up once.
 *
 * @throws {ResolveError} If nothing new is known of it.
 * @throws The signal's reason, if it is aborted first.
 */
export async function find(name: RecordsName, options: FindOptions): Promise<Finding> {
  return name.kind === "dns" ? await findHost(name, options) : await findService(name, options);
}

async function findHost(
  { hostname, port }: Extract<RecordsName, { kind: "dns" }>,
  options: FindOptions,
): Promise<Finding> {
  const known = options.known.map(({ hostname }) => hostname);
  const found = await findAddresses(hostname, { ...options, known });
  if (found.kind === "empty") return found;
  const servers = found.addresses.map((hostname): Found => ({ hostname, port, tier: 0 }));
  return await limited(servers, found);
}

async function findService(
  { hostname }: RecordsName,
  options: FindOptions,
): Promise<Finding> {
  const { resolver, known, signal } = options;
  const answer = await resolver.resolve(hostname, "SRV", { signal });
  if (answer.kind === "empty") return answer;
  // A target without a name says that the service is not there (RFC 2782).
  const records = answer.records.filter((record): record is SrvRecord => {
    return record.type === "SRV" && record.target !== "" && record.port > 0;
  });
  if (records.length === 0) {
    return { kind: "empty", why: "the service is not there", ttl: answer.ttl };
  }
  const targets = await findTargets(records, { ...options, known });
  signal.throwIfAborted();
  const candidates: Candidate[] = [];
  let ttl = answer.ttl;
  let trouble: unknown;
  for (const { target, port, priority, weight } of records) {
    const found = targets.get(target)!;
    trouble ??= found.trouble;
    ttl = Math.min(ttl, found.ttl);
    for (const hostname of found.addresses) {
      // What a target gets is shared by its addresses.
      const share = (weight || 1) / found.addresses.length;
      candidates.push({ hostname, port, target, priority, weight: share });
    }
  }
  if (candidates.length > 0) return await limited(weigh(candidates), { ttl, trouble });
  if (trouble !== undefined) throw trouble;
  return { kind: "empty", why: "no target has an address", ttl };
}

/** What is known of one target of SRV records. */
interface Target {
  readonly addresses: readonly string[];
  readonly ttl: number;
  readonly trouble?: unknown;
}

/**
 * The addresses of all targets: those that came along, and the others one by one. What comes along is
 * what there was room for: a target of which more is known is looked up, too.
 */
async function findTargets(
  records: readonly SrvRecord[],
  options: FindOptions,
): Promise<ReadonlyMap<string, Target>> {
  const targets = new Map<string, Target>();
  const known = new Map<string, Set<string>>();
  for (const { target = "", hostname } of options.known) {
    known.set(target, (known.get(target) ?? new Set()).add(hostname));
  }
  const uncertain: string[] = [];
  for (const { target, addresses } of records) {
    if (targets.has(target)) continue;
    targets.set(target, { addresses, ttl: Infinity });
    const isAll = addresses.length > 0 &&
      known.get(target)?.isSubsetOf(new Set(addresses)) !== false;
    if (!isAll) uncertain.push(target);
  }
  const left = uncertain.values();
  const findSome = async () => {
    for (const target of left) {
      if (options.signal.aborted) return;
      const before = [...known.get(target) ?? []];
      const found = await findTarget(target, { ...options, known: before });
      const cameAlong = targets.get(target)!.addresses.length > 0;
      const isKnown = found.addresses.length > 0 && found.trouble === undefined;
      if (isKnown || !cameAlong) targets.set(target, found);
    }
  };
  await Promise.all(Array.from({ length: TARGETS_AT_A_TIME }, findSome));
  return targets;
}

async function findTarget(
  target: string,
  options: Omit<FindOptions, "known"> & { known: readonly string[] },
): Promise<Target> {
  try {
    // It is a whole name, to which no search domain belongs.
    const found = await findAddresses(`${target}.`, options);
    return found.kind === "empty" ? { addresses: [], ttl: found.ttl ?? Infinity } : found;
  } catch (trouble) {
    return { addresses: options.known, ttl: 0, trouble };
  }
}

/** The addresses of a host, at least one; or that it has none. */
type Addresses = Target & { readonly kind: "found" } | Extract<Finding, { kind: "empty" }>;

/**
 * Asks for both kinds of addresses at once. If one kind is not answered, those that are known stay.
 * While none is known, there is somebody who waits, and one kind is enough for the beginning.
 *
 * @throws {ResolveError} If that leaves nothing.
 */
async function findAddresses(
  hostname: string,
  options: Omit<FindOptions, "known"> & { known: readonly string[] },
): Promise<Addresses> {
  const { resolver, known, signal } = options;
  const patience = known.length === 0 ? OTHER_KIND_MS : Infinity;
  const [v4, v6] = await askBothKinds(hostname, { resolver, patience, signal });
  signal.throwIfAborted();
  const failed = [v4, v6].find(({ status }) => status === "rejected");
  const trouble = failed?.status === "rejected" ? failed.reason : undefined;
  if (v4.status === "rejected" && v6.status === "rejected") throw trouble;
  const addresses = [
    ...v4.status === "fulfilled" ? addressesIn(v4.value) : known.filter((one) => !isV6(one)),
    ...v6.status === "fulfilled" ? addressesIn(v6.value) : known.filter(isV6),
  ];
  const answers = [v4, v6].filter((one) => one.status === "fulfilled").map(({ value }) => value);
  const ttl = Math.min(...answers.map(({ kind, ttl }) => kind === "records" ? ttl : Infinity));
  if (addresses.length > 0) {
    return { kind: "found", addresses: [...new Set(addresses)], ttl, trouble };
  }
  if (trouble !== undefined) throw trouble;
  const empty = answers.filter((answer) => answer.kind === "empty");
  const { why } = empty.find(({ why }) => why === "no such name") ?? empty[0]!;
  const until = Math.min(...empty.map(({ ttl = Infinity }) => ttl));
  return { kind: "empty", why, ttl: until === Infinity ? undefined : until };
}

function addressesIn(answer: Answer): string[] {
  if (answer.kind === "empty") return [];
  return answer.records.flatMap((record) => record.type === "SRV" ? [] : [record.address]);
}

function isV6(hostname: string): boolean {
  return hostname.includes(":");
}

/** The first ones of the first tiers, with a turn for sessions where they are many. */
async function limited(
  servers: readonly Found[],
  { ttl, trouble }: Pick<Target, "ttl" | "trouble">,
): Promise<Finding> {
  const pace = new Pace({ begun: true });
  const ordered: { server: Found; order: string }[] = [];
  for (const server of servers) {
    if (pace.due) await pace.turn();
    ordered.push({ server, order: orderOf(server.hostname) });
  }
  ordered.sort(({ server: a, order: one }, { server: b, order: other }) => {
    return a.tier - b.tier || (one < other ? -1 : one > other ? 1 : a.port - b.port);
  });
  return {
    kind: "found",
    servers: ordered.slice(0, MOST_SERVERS).map(({ server }) => server),
    ttl,
    beyond: Math.max(0, servers.length - MOST_SERVERS),
    ...(trouble !== undefined && { trouble }),
  };
}
