import type { ListenerConfig } from "../config/config.ts";
import type { SessionRegistry } from "../session/registry.ts";
import { hasNodeTls } from "../net/tls/node_tls.ts";
import { certificatesOf } from "../config/tls_rules.ts";
import type { Unopened } from "../net/descriptor_capacity.ts";
import {
  type DescriptorBudget,
  PER_PROCESS,
  PER_PROGRAM,
  PER_SESSION,
  PER_TLS,
  PER_UDP_SESSION,
} from "../net/descriptor_budget.ts";

/** How many descriptors a session of a listener takes at most. */
function descriptorsPerSession(config: ListenerConfig): number {
  return plainDescriptors(config) + (portsOf(config) > 0 ? PER_TLS : 0);
}

/** Ports inside the program by which clients are served over TLS. */
function portsOf(config: ListenerConfig): number {
  return hasNodeTls() ? 0 : certificatesOf(config).length;
}

/** The same of one without TLS. */
function plainDescriptors({ listen, destinations }: ListenerConfig): number {
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

/**
 * The descriptors of a listener's sessions, of which each has as many as one takes at most. If that
 * becomes more, those that are there have more as well; it never becomes less, since those that are
 * served by what is gone go on.
 */
export class SessionDescriptors {
  readonly #budget: DescriptorBudget;
  #each = PER_SESSION;
  /** How many sessions there are. */
  #number = 0;
  /** How many certificates there have been at most. */
  #ports = 0;
  /** What gives back what the listener has beside its sessions. */
  readonly #reserved: (() => void)[] = [];

  constructor(budget: DescriptorBudget) {
    this.#budget = budget;
  }

  /**
   * The listener begins: what one session takes is kept free for it.
   *
   * @param unopened How many sessions have none but those of their clients.
   */
  join(config: ListenerConfig, unopened: Unopened): void {
    this.#each = descriptorsPerSession(config);
    // A client of UDP has none of its own.
    const own = config.listen.transport === "udp" ? 0 : 1;
    this.#reserved.push(this.#budget.join({
      count: () => unopened.count() * (this.#each - own),
      estimate: () => unopened.estimate() * (this.#each - own),
    }, this.#each));
    this.#reservePorts(config);
  }

  /** The listener is configured anew. */
  apply(config: ListenerConfig): void {
    this.#reservePorts(config);
    const more = descriptorsPerSession(config) - this.#each;
    if (more <= 0) return;
    this.#each += more;
    this.#budget.enter(this.#number * more);
    this.#reserved.push(this.#budget.join({ count: () => 0, estimate: () => 0 }, more));
  }

  /** Each certificate has a port inside the program, as soon as somebody is shown it. */
  #reservePorts(config: ListenerConfig): void {
    const more = portsOf(config) - this.#ports;
    if (more <= 0) return;
    this.#ports += more;
    this.#reserved.push(this.#budget.join({ count: () => 0, estimate: () => 0 }, more));
  }

  /** Whether there is room for one more. */
  get hasRoom(): boolean {
    return this.#budget.hasRoom(this.#each);
  }

  enter(): void {
    this.#number++;
    this.#budget.enter(this.#each);
  }

  leave(): void {
    this.#number--;
    this.#budget.leave(this.#each);
  }

  /** The listener has ended. */
  end(): void {
    for (const release of this.#reserved.splice(0)) release();
  }
}

/** Descriptors that sessions have a right to and not yet, or no more: those to connect with. */
export function countUnconnected({ live }: Pick<SessionRegistry, "live">): number {
  let number = 0;
  for (const { server } of live) if (server === undefined) number++;
  return number;
}
