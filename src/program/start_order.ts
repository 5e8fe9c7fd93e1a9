import type { Config } from "../config/config.ts";
import { isAddress } from "../config/service_address.ts";
import { type Address, formatAddress } from "../net/address.ts";

/**
 * In which order listeners are started, as indexes: each after those that its destinations may lead
 * to, so that a new destination that is another listener of the same program is there when it is
 * tried. Where they lead to each other in a circle one has to be the first.
 */
export function startOrder(
  configs: readonly Pick<Config, "listen" | "destinations">[],
): number[] {
  const listening = Map.groupBy(configs.keys(), (index) => placeOf(configs[index]!.listen));
  const order = new Set<number>();
  const begun = new Set<number>();
  /** Those whose turn it is, each with those that come before it; a list, for it may be long. */
  const path: { index: number; before: number[] }[] = [];
  const enter = (index: number) => {
    if (begun.has(index)) return;
    begun.add(index);
    const places = new Set(configs[index]!.destinations.flatMap(({ address }) => {
      return isAddress(address) ? [placeOf(address)] : [];
    }));
    path.push({ index, before: [...places].flatMap((place) => listening.get(place) ?? []) });
  };
  for (const start of configs.keys()) {
    enter(start);
    for (let last = path.at(-1); last; last = path.at(-1)) {
      const next = last.before.shift();
      if (next !== undefined) enter(next);
      else order.add(path.pop()!.index);
    }
  }
  return [...order];
}

/** The same for addresses that may be the same place under different names of a host. */
function placeOf(address: Address): string {
  return address.transport === "unix"
    ? formatAddress(address)
    : `${address.transport}:${address.port}`;
}
