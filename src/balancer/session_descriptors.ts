import type { ListenerConfig } from "../config/config.ts";
import { PER_PROCESS_SESSION, PER_SESSION, PER_UDP_SESSION } from "../net/descriptor_budget.ts";

/** How many descriptors a session of a listener takes at most, by what it begins with. */
export function descriptorsPerSession({ listen, destinations }: ListenerConfig): number {
  if (listen.transport === "udp") return PER_UDP_SESSION;
  const forks = destinations.some(({ address }) => {
    return address.transport === "service" && address.settings.processes !== "none";
  });
  return forks ? PER_PROCESS_SESSION : PER_SESSION;
}
