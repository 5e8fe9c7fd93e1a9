import type { Clock } from "./clock.ts";
import type { DestinationConfig } from "./config.ts";
import type { Crew } from "./crew.ts";
import { Destination } from "./destination.ts";
import type { Health } from "./health.ts";
import type { Tasks } from "./tasks.ts";

/** Options of {@linkcode Roster}. */
export interface RosterOptions {
  crew: Crew;
  health: Health;
  /** Gets the watch over each destination. */
  tasks: Tasks;
  clock: Clock;
}

/** The destinations: those of the configuration, and those that finish what they have. */
export class Roster {
  readonly #options: RosterOptions;
  #destinations: Destination[] = [];

  constructor(options: RosterOptions) {
    this.#options = options;
  }

  /** Those of the configuration in its order, then those that leave and are not gone yet. */
  get all(): readonly Destination[] {
    this.#destinations = this.#destinations.filter(({ leaving, workers }) => {
      return !leaving || workers > 0;
    });
    return this.#destinations;
  }

  /**
   * Goes over to other destinations. One that is still there stays what it is, with its sessions, health
   * and counters; one that is not wanted any more takes no new sessions. The crew has to be arranged
   * after it.
   *
   * @param numbers The numbers of the destinations by their `key`.
   */
  apply(configs: readonly DestinationConfig[], numbers: Readonly<Record<string, number>>): void {
    const others = new Map(this.all.map((one) => [one.config.key, one]));
    const present = configs.map((config) => {
      const { key } = config;
      const known = others.get(key);
      others.delete(key);
      const one = known ?? new Destination(config, this.#options.clock, numbers[key]);
      one.config = config;
      if (!known || known.leaving) this.#takeIn(one);
      return one;
    });
    for (const one of others.values()) this.#letGo(one);
    this.#destinations = [...present, ...others.values()];
  }

  /** Sends all waiting workers away. */
  dismiss(): void {
    for (const one of this.#destinations) one.dismiss();
  }

  #takeIn(one: Destination): void {
    const { crew, health, tasks } = this.#options;
    one.leaving = false;
    one.forget();
    crew.add(one);
    tasks.add(health.watch(one));
  }

  #letGo(one: Destination): void {
    if (one.leaving) return;
    one.leaving = true;
    one.admin = "ready";
    this.#options.crew.remove(one);
    this.#options.health.letGo(one);
  }
}
