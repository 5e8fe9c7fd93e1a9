import type { Config, ListenerConfig, Reporter } from "./config.ts";
import type { DestinationConfig } from "./destination_text.ts";
import { sharesPorts } from "./platform_rules.ts";
import type { Place } from "./service_address.ts";

/** What is divided; names count with what each of their records gets. */
type Divided = ListenerConfig & Partial<Pick<Config, "configured">>;

/** What counts all sessions, or those of a client, in one thread. */
const COUNTED = ["maxPerIp", "ratePerIp", "rateGuard"] as const;

function isCounted(config: Divided, option: (typeof COUNTED)[number]): boolean {
  return option === "rateGuard" ? config.rateGuard !== null : config[option] > 0;
}

/** How many threads a configuration asks for; "auto" is never more than can share its limits. */
export function threadsOf(config: Divided): number {
  const { threads, queue, maxConnections, listen } = config;
  if (threads > 0) return threads;
  if (!sharesPorts()) return 1;
  if (dividedOf(config).some((one) => onceFor(one) !== undefined)) return 1;
  if (listen.transport !== "tcp" || COUNTED.some((option) => isCounted(config, option))) return 1;
  const limits = [
    queue,
    maxConnections || Infinity,
    ...dividedOf(config).map(mostSlots),
  ];
  return Math.min(navigator.hardwareConcurrency, ...limits);
}

/**
 * Reports limits that cannot be divided among the threads.
 *
 * @param before What they were started with, after which they stay threads, or processes.
 */
export function checkThreads(
  config: Divided,
  { report, mention }: Reporter,
  before: Divided = config,
): void {
  checkProcesses(config, { report, before });
  if (config.threads <= 1) return;
  const number = threadsOf(config);
  const fail = (problem: string) => report({ option: "threads" }, problem);
  if (config.listen.transport === "unix") fail("a Unix-domain socket cannot be shared; must be 1");
  for (const option of COUNTED) {
    if (isCounted(config, option)) {
      fail(`${mention({ option })} counts in one thread only; must be 1`);
    }
  }
  for (const [destination, one] of dividedOf(config).entries()) {
    const why = onceFor(one);
    if (why !== undefined) fail(`${mention({ destination })} ${why}; must be 1`);
  }
  const undivided = (what: string, limit: number) => {
    if (limit < number) fail(`${what} cannot be divided by it; must be at most ${limit}`);
  };
  const { queue, maxConnections } = config;
  undivided(mention({ option: "queue" }, queue), queue);
  if (maxConnections > 0) {
    undivided(mention({ option: "maxConnections" }, maxConnections), maxConnections);
  }
  for (const [destination, one] of dividedOf(config).entries()) {
    undivided(`the workers of ${mention({ destination })}`, mostSlots(one));
  }
}

/** Whether each thread is a process of its own. */
export function haveProcesses(config: Pick<Divided, "destinations" | "configured">): boolean {
  return dividedOf(config).some(accepts);
}

/** Reports processes that do not accept for themselves, or have nothing that they could share. */
function checkProcesses(
  config: Divided,
  { report, before }: Pick<Reporter, "report"> & { before: Divided },
): void {
  const began = haveProcesses(before);
  const later = before === config ? "" : ", which only a restart changes";
  for (const [destination, one] of dividedOf(config).entries()) {
    const fail = (problem: string) => report({ destination }, problem);
    if (!accepts(one)) {
      if (began) fail(`has no processes=accept, as others of this listener have${later}`);
    } else if (!began) fail(`has processes=accept, which others of this listener have not${later}`);
    else if (one.workers === 0) {
      fail("processes cannot find out together how many workers there should be");
    }
  }
  if (began && threadsOf(config) === 1) {
    report({ option: "threads" }, "says how many processes accept; must be above 1");
  }
}

function accepts({ address }: Slots): boolean {
  return address?.transport === "service" && address.settings.processes === "accept";
}

/** Why a destination can be there only once for all clients; `undefined` if it need not be. */
function onceFor({ address }: Slots): string | undefined {
  if (address?.transport !== "service") return undefined;
  if (address.service === "chat") return "is one room for all clients";
  return address.service === "syslog"
    ? "shows its messages in the order of their coming"
    : undefined;
}

function dividedOf(
  { configured, destinations }: Pick<Divided, "destinations" | "configured">,
): readonly Slots[] {
  return configured ?? destinations;
}

/** What a destination has of slots. */
type Slots = Pick<DestinationConfig, "workers" | "workers-max"> & {
  /** Absent of a name. */
  readonly address?: Place;
};

/** Most slots that a destination can ever have. */
export function mostSlots({ workers, "workers-max": most }: Slots): number {
  return workers || most;
}

/** Which of so many threads one is, counted from 0. */
export interface ThreadPosition {
  readonly index: number;
  readonly number: number;
}

/** The part of the limits of a listener that one thread has. */
export function shareOfLimits<
  L extends Pick<ListenerConfig, "queue" | "maxConnections" | "tlsHandshakes">,
>(
  limits: L,
  position: ThreadPosition,
): L {
  return {
    ...limits,
    queue: share(limits.queue, position),
    maxConnections: share(limits.maxConnections, position),
    tlsHandshakes: Math.max(1, share(limits.tlsHandshakes, position)),
  };
}

/** The part of a destination that one thread has. */
export function shareOfDestination(
  destination: DestinationConfig,
  position: ThreadPosition,
): DestinationConfig {
  return {
    ...destination,
    workers: share(destination.workers, position),
    "workers-max": shareOfSlots(destination["workers-max"], position),
  };
}

/**
 * The part of the slots that a server allows: at least one for each thread, since nobody who waits in
 * a thread without any could ever be served.
 */
export function shareOfSlots(slots: number, position: ThreadPosition): number {
  return Math.max(1, share(slots, position));
}

function share(limit: number, { index, number }: ThreadPosition): number {
  return Math.floor(limit / number) + (index < limit % number ? 1 : 0);
}
