import type { ListenerConfig } from "../config/config.ts";
import {
  PER_PROCESS,
  PER_PROGRAM,
  PER_SESSION,
  PER_UDP_SESSION,
} from "../net/descriptor_budget.ts";

/** How many descriptors a session of a listener takes at most, by what it begins with. */
export function descriptorsPerSession({ listen, destinations }: ListenerConfig): number {
  // A program has no datagrams.
  if (destinations.some(({ address }) => address.transport === "exec")) return 1 + PER_PROGRAM;
  const usual = listen.transport === "udp" ? PER_UDP_SESSION : PER_SESSION;
  const forks = destinations.some(({ address }) => {
    return address.transport === "service" && ["each", "pool"].includes(address.settings.processes);
  });
  if (!forks) return usual;
  // Of UDP a client has none of its own.
  return listen.transport === "udp" ? Math.max(usual, PER_PROCESS) : 1 + PER_PROCESS;
}
