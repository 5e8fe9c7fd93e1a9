import type { Logger } from "@logtape/logtape";
import { Agents } from "./agents.ts";
import type { Clock } from "../base/clock.ts";
import type { TaskGroup } from "../async/task_group.ts";
import type { DestinationConfig } from "../config/destination_text.ts";
import { formatPlace } from "../config/service_address.ts";
import { rowsFor } from "../config/health_in_force.ts";
import type { DescriptorBudget } from "../net/descriptor_budget.ts";
import type { Destination } from "./destination.ts";
import { FirstDowns } from "./first_downs.ts";
import type { LookupFailure } from "../net/dial.ts";
import { messageOf } from "../base/errors.ts";
import { LimitLog } from "./limits/limit_log.ts";
import type { HealthPolicy } from "./health_state.ts";
import { Monitor } from "./monitor.ts";
import type { NameLookups } from "../net/names.ts";
import type { Settings } from "../config/options.ts";
import type { ThreadPosition } from "../config/thread_shares.ts";
import { every, type Timer } from "../base/timer.ts";
import { Tries } from "./tries.ts";

/** How long nobody connects when this machine has no descriptors or memory for it. */
const SHORTAGE_PAUSE_MS = 100;

/** Shortages that follow each other this closely are one episode, with one line in the log. */
const SHORTAGE_EPISODE_MS = 10_000;

/** Times at which a destination is full that follow each other this closely are told once. */
const FULL_EPISODE_MS = 10_000;

/** How many steps a slow start takes, and how short a step can be, in milliseconds. */
const RAMP_STEPS = 20;
const SHORTEST_STEP_MS = 20;

type HealthSettings = Pick<
  Settings,
  "checkInterval" | "checkTimeout" | "connectTimeout" | "fall" | "rise" | "slowStart"
>;

/** Who connects to destinations, as far as their health matters to it. */
export interface Workers {
  /** The state or the limit of a destination has changed. */
  arrange(destination: Destination): void;
  /** No destination is connected for so many milliseconds. */
  rest(ms: number): void;
}

/** Options of {@linkcode Health}. */
export interface HealthOptions {
  workers: Workers;
  /** Whether nobody is up for some of the clients that a destination is for. */
  isMissed: (destination: Destination) => boolean;
  /** Those in force; see {@linkcode Health.apply}. */
  settings: HealthSettings;
  /** Ends all monitoring. */
  signal: AbortSignal;
  clock: Clock;
  /** What probes get descriptors from; without it there are always enough. */
  descriptors?: DescriptorBudget;
  log: Logger;
  /** Gets what asks the agents of destinations. */
  tasks: TaskGroup;
  /** Which of the threads this is; alone if absent. */
  position?: ThreadPosition | undefined;
  /** Whether destinations that are new are tried; they are unless given. */
  triesNew?: boolean;
  /** Looks names of agents up; the system's unless given. */
  names?: NameLookups | undefined;
}

/** The health of all destinations: a monitor for each, and what follows from their states. */
export class Health {
  /** Who is told, and by which clock. */
  readonly #options: HealthOptions;
  /** Tells of shortages. */
  readonly #log: Logger;
  /** Those in force. */
  #settings: HealthSettings;
  /** Who looks after which destination. */
  readonly #monitors = new Map<Destination, Monitor>();
  /** What lets the limits of destinations that have come back grow. */
  readonly #ramps = new Map<Destination, Timer>();
  /** When this machine was last short of descriptors or memory for a connect. */
  #shortAt = -Infinity;
  /** When destinations were last full. */
  readonly #fullAt = new WeakMap<Destination, number>();
  /** Lets new destinations be tried in turn. */
  readonly #tries = new Tries();
  /** Tells of those that are down and were never up. */
  readonly #firstDowns: FirstDowns;
  /** Tells of limits that were found. */
  readonly #limits: LimitLog;
  /** Ask the servers themselves. */
  readonly #agents: Agents;

  constructor(options: HealthOptions) {
    const { position = { index: 0, number: 1 } } = options;
    this.#options = options;
    this.#agents = new Agents({ ...options, position, observer: this });
    this.#log = options.log;
    this.#firstDowns = new FirstDowns(options.log, { isTold: position.index === 0 });
    this.#limits = new LimitLog(options.log, options.clock);
    this.#settings = options.settings;
    if (options.triesNew === false) this.#tries.close();
  }

  /** Watches over a destination until it is retired or the signal is aborted. */
  async watch(destination: Destination): Promise<void> {
    const { signal, clock, descriptors, log } = this.#options;
    const monitor = new Monitor(destination, {
      policy: () => policyOf(this.#settings, destination.config),
      tries: this.#tries,
      signal,
      clock,
      log,
      firstDowns: this.#firstDowns,
      claim: descriptors && ((signal) => descriptors.claimInTurn(descriptors.probes, signal)),
      isMissed: () => this.#options.isMissed(destination),
      onChange: (changed) => this.#onChange(changed),
    });
    this.#monitors.set(destination, monitor);
    destination.onLookupFailure = (failure) => this.#onLookupFailure(failure);
    destination.onLimit = () => {
      if (signal.aborted || this.#monitors.get(destination) !== monitor) return;
      this.#limits.note(destination);
      this.#options.workers.arrange(destination);
    };
    destination.onLocated = () => {
      if (signal.aborted || this.#monitors.get(destination) !== monitor) return;
      this.#options.workers.arrange(destination);
    };
    this.#agents.add(destination);
    await monitor.run();
  }

  /** Watches over a destination no more. */
  retire(destination: Destination): void {
    this.#monitors.get(destination)?.stop();
    this.#monitors.delete(destination);
    this.#agents.remove(destination);
    this.#endRamp(destination);
  }

  /** What the operator wants of a destination has changed. */
  review(destination: Destination): void {
    this.#agents.reconsider(destination);
    this.#look(destination);
  }

  /** What the server of a destination says has changed. */
  onReport(destination: Destination, was: { inMaintenance: boolean; down: boolean }): void {
    const { inMaintenance, agent: { down }, state } = destination;
    if (was.inMaintenance !== inMaintenance) {
      // Nobody has looked at it since.
      if (!inMaintenance) destination.forget();
      return this.#look(destination);
    }
    if (was.down && !down && state === "up") this.#startSlowly(destination);
    this.#options.workers.arrange(destination);
  }

  #look(destination: Destination): void {
    this.#monitors.get(destination)?.review();
    this.#options.workers.arrange(destination);
  }

  /** The check of one destination, its agent, or its weight, may have changed. */
  reconsider(destination: Destination): void {
    this.#agents.reconsider(destination);
    this.#monitors.get(destination)?.reconsider();
  }

  /** Takes over settings, or checks of destinations, that have changed. */
  apply(settings: HealthSettings): void {
    this.#settings = settings;
    this.#agents.apply(settings, this.#monitors.keys());
    for (const monitor of this.#monitors.values()) monitor.reconsider();
  }

  /** Ends what needs no signal to end. */
  close(): void {
    this.#tries.close();
    this.#firstDowns.close();
    for (const ramp of this.#ramps.values()) ramp.stop();
    this.#ramps.clear();
  }

  /** A session was connected to a destination that is untried. */
  reached(destination: Destination): void {
    this.#monitors.get(destination)?.reached();
  }

  /** A destination has reset a session before an answer, which any client may have caused. */
  doubt(destination: Destination): void {
    this.#monitors.get(destination)?.doubt();
  }

  /** A session could not be connected to a destination. */
  failed(destination: Destination, error: Error): void {
    this.#monitors.get(destination)?.failed(error);
  }

  /** A connect failed because this machine is short of something: nobody connects for a while. */
  shortage(error: Error): void {
    const now = this.#options.clock();
    if (now - this.#shortAt > SHORTAGE_EPISODE_MS) {
      const reason = messageOf(error);
      this.#log.warning("connecting pauses until it works again: {reason}", { reason });
    }
    this.#shortAt = now;
    this.#options.workers.rest(SHORTAGE_PAUSE_MS);
  }

  /** A destination could not take one more connection, for which it is given a moment. */
  full(destination: Destination, error: Error): void {
    const now = this.#options.clock();
    destination.standing.noteError(messageOf(error), formatPlace(destination.config.address));
    if (now - (this.#fullAt.get(destination) ?? -Infinity) > FULL_EPISODE_MS) {
      const reason = messageOf(error);
      const { name } = destination;
      this.#log.warning("{name} is full, connecting to it pauses: {reason}", { name, reason });
    }
    this.#fullAt.set(destination, now);
  }

  #onLookupFailure({ hostname, error, known, tell }: LookupFailure): void {
    if (!tell) return;
    const reason = messageOf(error);
    if (known) {
      this.#log.warning("{hostname} cannot be looked up, its addresses stay in use: {reason}", {
        hostname,
        reason,
      });
    } else this.#log.warning("{hostname} cannot be looked up: {reason}", { hostname, reason });
  }

  #onChange(destination: Destination): void {
    if (destination.state === "up") this.#startSlowly(destination);
    this.#options.workers.arrange(destination);
  }

  /** As the limit of a destination that has come back grows, waiting sessions find room. */
  #startSlowly(destination: Destination): void {
    const { slowStart } = this.#options.settings;
    if (slowStart === 0) return;
    destination.startSlowly(slowStart);
    const end = this.#options.clock() + slowStart;
    const step = Math.max(slowStart / RAMP_STEPS, SHORTEST_STEP_MS);
    const ramp = every(step, () => {
      this.#options.workers.arrange(destination);
      if (this.#options.clock() >= end) this.#endRamp(destination);
    });
    this.#endRamp(destination);
    this.#ramps.set(destination, ramp);
  }

  #endRamp(destination: Destination): void {
    this.#ramps.get(destination)?.stop();
    this.#ramps.delete(destination);
  }
}

function policyOf(
  settings: HealthSettings,
  { check }: Pick<DestinationConfig, "check">,
): HealthPolicy {
  const { checkInterval, checkTimeout, connectTimeout } = settings;
  return {
    check,
    checkInterval,
    checkTimeout: check ? checkTimeout : connectTimeout,
    ...rowsFor(settings, check),
  };
}
