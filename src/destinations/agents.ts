import type { Logger } from "@logtape/logtape";
import type { TaskGroup } from "../async/task_group.ts";
import type { Clock } from "../base/clock.ts";
import type { Settings } from "../config/options.ts";
import { isAddress } from "../config/service_address.ts";
import type { ThreadPosition } from "../config/thread_shares.ts";
import { agentAddress, formatAgentCheck } from "../config/values/agent_check.ts";
import type { DescriptorBudget } from "../net/descriptor_budget.ts";
import type { NameLookups } from "../net/names.ts";
import { addWords, type AgentReport, UNREPORTED } from "./agent_report.ts";
import { AgentWatch } from "./agent_watch.ts";
import { connectorTo } from "./connector.ts";
import type { Destination } from "./destination.ts";

/** Those who have to know what a server says of itself. */
export interface AgentObserver {
  /**
   * What the server of a destination says has changed, and is in force.
   *
   * @param was Whether it was looked at, and whether it took sessions as far as its agent is concerned.
   */
  onReport(destination: Destination, was: { inMaintenance: boolean; down: boolean }): void;
}

/** Options of {@linkcode Agents}. */
export interface AgentsOptions {
  observer: AgentObserver;
  settings: Pick<Settings, "checkInterval" | "checkTimeout">;
  /** Gets what asks each of them. */
  tasks: TaskGroup;
  /** Ends all of it. */
  signal: AbortSignal;
  clock: Clock;
  log: Logger;
  /** What is asked with; without it there are always enough. */
  descriptors?: DescriptorBudget | undefined;
  /** Which of the threads this is, each of which asks for itself. */
  position: ThreadPosition;
  /** Looks names up; the system's unless given. */
  names?: NameLookups | undefined;
}

/** The agents of all destinations that have one. */
export class Agents {
  /** Whom they are asked for, and how. */
  readonly #options: AgentsOptions;
  /** Those in force. */
  #settings: AgentsOptions["settings"];
  /** Who asks for which destination. */
  readonly #watches = new Map<Destination, AgentWatch>();

  constructor(options: AgentsOptions) {
    this.#options = options;
    this.#settings = options.settings;
    options.signal.addEventListener("abort", () => {
      for (const watch of this.#watches.values()) watch.stop();
    }, { once: true });
  }

  /** A destination is new. */
  add(destination: Destination): void {
    if (destination.config["agent-check"]) this.#watch(destination, { soon: false });
  }

  /** A destination is asked no more, and what its server has said does not count any more. */
  remove(destination: Destination): void {
    if (!this.#watches.has(destination)) return;
    this.#watches.get(destination)!.stop();
    this.#watches.delete(destination);
    this.#report(destination, UNREPORTED);
  }

  /** The configuration of a destination may have changed, or what the operator wants of it. */
  reconsider(destination: Destination): void {
    const watch = this.#watches.get(destination);
    const place = destination.config["agent-check"];
    if (formatAgentCheck(watch?.place ?? null) === formatAgentCheck(place)) {
      return watch?.reconsider();
    }
    this.remove(destination);
    if (place) this.#watch(destination, { soon: true });
  }

  /** Takes over other settings. */
  apply(settings: AgentsOptions["settings"], destinations: Iterable<Destination>): void {
    this.#settings = settings;
    for (const destination of destinations) this.reconsider(destination);
  }

  #watch(destination: Destination, { soon }: { soon: boolean }): void {
    const { tasks, signal, clock, log, descriptors, position, names } = this.#options;
    const place = destination.config["agent-check"]!;
    const { address } = destination.config;
    // A service of this program has none, nor has a program.
    if (signal.aborted || !isAddress(address)) return;
    const watch = new AgentWatch(destination, {
      place,
      connector: connectorTo(agentAddress(place, address), { names }),
      settings: () => this.#settings,
      claim: descriptors && ((signal) => descriptors.claimInTurn(descriptors.agents, signal)),
      soon,
      clock,
      log,
      onWords: (words) => {
        this.#report(destination, addWords(destination.agent, { words, position }));
      },
    });
    this.#watches.set(destination, watch);
    tasks.add(watch.run());
  }

  #report(destination: Destination, report: AgentReport): void {
    const { agent, inMaintenance } = destination;
    if (report === agent) return;
    destination.agent = report;
    this.#options.observer.onReport(destination, { inMaintenance, down: agent.down });
  }
}
