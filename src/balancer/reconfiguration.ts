import { type Chunks, inTurns } from "../async/chunks.ts";
import type { ListenerConfig } from "../config/config.ts";
import type { DestinationConfig } from "../config/destination_text.ts";
import type { Settings } from "../config/options.ts";
import type { Identity, Replacement } from "./balancer.ts";
import { sameResolver } from "../net/dns/records.ts";
import { isSameMask } from "../net/masked_address.ts";
import { makePolicy } from "./policies/policies.ts";
import { isSameOrder } from "./queue_order.ts";
import type { Parts } from "./parts.ts";

/**
 * Goes over to another configuration with the same listen address. No session notices: waiting ones
 * stay where they are, and a destination that is gone finishes its sessions. What can only be
 * chosen at the start stays as it is: `backlog`, `threads`.
 *
 * @param options.draining Asked at the end, since the drain may have begun meanwhile: whether the
 * queue keeps room for everything that comes.
 */
export async function reconfigure(
  parts: Parts,
  options: { config: ListenerConfig; numbers: Identity["numbers"]; draining: () => boolean },
): Promise<void> {
  const { config, numbers, draining } = options;
  const { settings, sweep } = parts;
  const before = { ...settings };
  const { backlog, threads } = before;
  Object.assign(settings, { ...config, backlog, threads });
  if (!sameResolver(config.resolver, before.resolver)) {
    parts.resolver.use(config.resolver);
    parts.names.noteChange();
  }
  const { rules, destinations } = config;
  parts.sessionDescriptors.apply(config);
  parts.certificates.apply();
  await inTurns(exchange(parts, { destinations, numbers }));
  parts.routes.want(config.wanted);
  parts.admission.apply({ rules, before });
  parts.workerContext.relaying.redispatch = config.redispatch;
  parts.steps.on = config.logLevel === "debug";
  // At the very end there is nobody left whom it could end.
  if (!parts.ending.signal.aborted) {
    sweep.restart();
    parts.waitingTimeouts.review();
  }
  parts.health.apply(settings);
  if (!isSameOrder(config, before)) parts.queue.reorder(parts.order.lanes(config));
  parts.routes.review();
  if (!draining()) resizeQueue(parts);
  parts.gate.review();
  if (config.halfClose !== before.halfClose) {
    for (const session of parts.registry.live) session.review();
  }
  if (isSamePolicy(config, before)) parts.pool.arrange();
  else parts.pool.use(makePolicy(config.balance, config));
}

function isSamePolicy(one: Settings, other: Settings): boolean {
  if (one.balance !== other.balance) return false;
  if (one.balance !== "hash") return true;
  return isSameMask(one.hashMask, other.hashMask) && one.hashWait === other.hashWait;
}

/** Goes over to a configuration in which one destination is new, different or gone. */
export function replace(
  parts: Parts,
  { number, destination, before }: Replacement,
): void {
  const { destinations, health, pool, routes } = parts;
  const changed = destination
    ? destinations.put(destination, number, { before })
    : destinations.find(number);
  if (!changed) return;
  if (destination) health.reconsider(changed);
  else destinations.remove(changed);
  routes.review();
  if (!parts.queue.draining) resizeQueue(parts);
  pool.arrange(changed);
}

/** As many may wait as is configured, for each of what clients can ask for. */
export function resizeQueue({ queue, settings, routes }: Parts): void {
  queue.resize(settings.queue * routes.size);
}

/** Goes over to other destinations, one by one. */
export function* exchange(
  parts: Parts,
  options: { destinations: readonly DestinationConfig[]; numbers: Identity["numbers"] },
): Chunks<void> {
  const { pool, ending } = parts;
  for (const changed of parts.destinations.apply(options.destinations, options.numbers)) {
    if (ending.signal.aborted) return;
    if (changed) pool.arrange(changed);
    yield;
  }
}
