import type { Balancer, Identity } from "../balancer/balancer.ts";
import { LocalBalancer } from "../balancer/local_balancer.ts";
import type { Config } from "../config/config.ts";
import { threadsOf } from "../config/thread_shares.ts";
import type { Logs } from "../logging/logs.ts";
import type { DescriptorBudget } from "../net/descriptor_budget.ts";
import type { Sharing } from "../net/sharing.ts";
import type { Trails } from "../net/trails.ts";
import type { LookUps } from "./discovery.ts";
import { openDurations } from "../telemetry/opentelemetry.ts";

/** What all listeners of the program have together. */
interface Shared {
  readonly logs: Logs;
  readonly descriptors: DescriptorBudget;
  readonly trails: Trails;
  /** Ends waiting for a name server at the start. */
  readonly signal?: AbortSignal | undefined;
  /** How its address is shared with another process; not at all if absent. */
  readonly sharing?: Sharing | undefined;
}

/** What a listener is started with. */
export interface ListenerOptions extends Shared {
  readonly id: number;
  readonly config: Config;
  /** How names whose records are destinations are looked up; as configured unless given. */
  readonly lookUps?: LookUps | undefined;
}

/**
 * Starts what does the work of a listener, in this thread or in several.
 *
 * @throws {FatalError} If its address cannot be bound.
 */
export async function startBalancer(
  config: Config,
  options: { identity: Identity } & Shared,
): Promise<Balancer> {
  const { logs, ...others } = options;
  if (threadsOf(config) === 1) {
    const durations = await openDurations();
    return await LocalBalancer.start(config, { ...logs, ...others, durations });
  }
  const { ThreadedBalancer } = await import("../threads/threaded_balancer.ts");
  return await ThreadedBalancer.start({ config, ...options });
}
