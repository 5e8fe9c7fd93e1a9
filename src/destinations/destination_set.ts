import type { Clock } from "../base/clock.ts";
import type { DestinationConfig } from "../config/destination_text.ts";
import type { ConnectorOptions } from "./connector.ts";
import { Destination } from "./destination.ts";
import type { Health } from "./health.ts";
import type { TaskGroup } from "../async/task_group.ts";
import type { NameLookups } from "../net/names.ts";
import type { ServiceContext } from "../services/service.ts";
import type { Trails } from "../net/trails.ts";
import type { TlsOutHost } from "../net/tls/out_terms.ts";
import type { LimitBoards } from "./limits/limit_boards.ts";

/** The worker pool, as far as the set knows it. */
export interface Pool {
  /** A destination gets workers from now on. */
  add(destination: Destination): void;
  /** It gets no more; those that are idle leave. */
  remove(destination: Destination): void;
}

/** Options of {@linkcode DestinationSet}. */
export interface DestinationSetOptions {
  pool: Pool;
  health: Health;
  /** Learns what each is going to serve, before it has other options; nothing when it leaves. */
  routes?: { note(destination: Destination, terms: DestinationConfig | undefined): void };
  /** Gets the watch over each destination. */
  tasks: TaskGroup;
  clock: Clock;
  /** Notes ways, as those of the listener with this number. */
  trails?: Trails;
  listener?: number;
  /** Looks names up; the system's unless given. */
  names?: NameLookups | undefined;
  /** What services of this program have of it. */
  services?: ServiceContext | undefined;
  /** What the listener's UDP sockets share. */
  udp?: ConnectorOptions["udp"];
  /** Where handshakes of TLS have their descriptors from. */
  tlsHost?: TlsOutHost | undefined;
  /** What threads share that have these destinations; none do unless given. */
  boards?: LimitBoards | undefined;
}

/** Of how many records that are gone it is kept what they had counted: the latest ones. */
const GONE_LIMIT = 1000;

/** How many leave until it is looked whether some of them are gone. */
const SWEEP_AT = 64;

/** The destinations: those of the configuration, and those that finish what they have. */
export class DestinationSet {
  readonly #options: DestinationSetOptions;
  /** Those of the configuration by their `key`, in its order. */
  #present = new Map<string, Destination>();
  /** Those that leave, by their numbers; some of them may be gone. */
  readonly #leaving = new Map<number, Destination>();
  /** Records of names that are gone, by their numbers: they may come back any time. */
  readonly #gone = new Map<number, Destination>();
  /** At how many that leave the next look begins. */
  #sweepAt = SWEEP_AT;
  /** The place of the last one in the configuration. */
  #lastPlace = 0;
  /** All of them by their numbers. */
  readonly #byNumber = new Map<number, Destination>();

  constructor(options: DestinationSetOptions) {
    this.#options = options;
  }

  /** Those of the configuration in its order, then those that leave and are not gone yet. */
  get all(): readonly Destination[] {
    this.#sweep();
    return [...this.#present.values(), ...this.#leaving.values()];
  }

  /** The one with a number, also if it leaves; `undefined` if there is none. */
  find(number: number): Destination | undefined {
    const found = this.#byNumber.get(number);
    return found && this.#isGone(found) ? undefined : found;
  }

  /**
   * Goes over to other destinations. One that is not wanted any more takes no new sessions. Gives each
   * that came or went, for which the worker pool has to be arranged at once; and as a whole after it.
   *
   * Those who may serve come first, so that no backup does for the moment in between.
   *
   * @param numbers The numbers of the destinations by their `key`.
   */
  *apply(
    configs: readonly DestinationConfig[],
    numbers: Readonly<Record<string, number>>,
  ): Generator<Destination | undefined, void> {
    const before = [...this.#present];
    this.#lastPlace = configs.length;
    const places = configs.map((config, i) => ({ config, place: i + 1 }));
    const all = new Map<string, Destination>();
    for (const { config, place } of places.sort((a, b) => lateness(a) - lateness(b))) {
      const { key } = config;
      const known = this.#present.has(key);
      const one = this.put(config, numbers[key]!, { place });
      all.set(key, one);
      yield known ? undefined : one;
    }
    for (const [key, one] of before) {
      if (all.has(key)) continue;
      this.remove(one);
      yield one;
    }
    this.#present = new Map(configs.map(({ key }) => [key, all.get(key)!]));
  }

  /**
   * Takes a destination in. One that is still there, maybe leaving, stays what it is, with its
   * sessions, health and counters, and with its place unless another one is given; a record of a name
   * that comes back has its counters. The worker pool has to be arranged after it.
   *
   * @param options.before The number of the one that a new one has its place before; behind all others
   * unless that is there.
   */
  put(
    config: DestinationConfig,
    number: number,
    { place, before }: { place?: number; before?: number | undefined } = {},
  ): Destination {
    const { key } = config;
    const leaving = this.#leaving.get(number);
    if (leaving && this.#isGone(leaving)) this.#forget(leaving);
    const known = this.#present.get(key) ?? this.#leaving.get(number) ?? this.#gone.get(number);
    const one = known ?? new Destination(config, this.#options.clock, number, this.#options);
    this.#options.routes?.note(one, config);
    one.config = config;
    const isNew = !known || known.leaving;
    if (place !== undefined || isNew) one.place = place ?? this.#placeBefore(before);
    if (isNew) this.#add(one);
    return one;
  }

  /** A destination only finishes what it has. The worker pool has to be arranged after it. */
  remove(one: Destination): void {
    if (one.leaving) return;
    one.leaving = true;
    one.connector.finish?.(true);
    one.admin = "ready";
    this.#present.delete(one.config.key);
    this.#leaving.set(one.number, one);
    this.#options.routes?.note(one, undefined);
    this.#options.pool.remove(one);
    this.#options.health.retire(one);
    if (this.#leaving.size < this.#sweepAt) return;
    this.#sweep();
    this.#sweepAt = Math.max(SWEEP_AT, 2 * this.#leaving.size);
  }

  /** Has sessions come to their end where that is up to this program. */
  finish(): void {
    for (const { connector } of this.all) connector.finish?.(true);
  }

  /** Dismisses all idle workers, and what waits for sessions that will not come. */
  dismiss(): void {
    for (const one of this.all) {
      one.dismiss();
      one.connector.close?.();
    }
  }

  #placeBefore(number: number | undefined): number {
    const next = number === undefined ? undefined : this.#byNumber.get(number);
    if (!next || next.leaving) return ++this.#lastPlace;
    const all = [...this.#present.values()].sort((a, b) => a.place - b.place);
    const previous = all[all.indexOf(next) - 1]?.place ?? 0;
    const between = (previous + next.place) / 2;
    if (previous < between && between < next.place) return between;
    // There is no number in between any more.
    all.forEach((one, i) => one.place = i + 1);
    this.#lastPlace = all.length;
    return next.place - 0.5;
  }

  #add(one: Destination): void {
    const { pool, health, tasks } = this.#options;
    one.leaving = false;
    one.connector.finish?.(false);
    one.admin = one.config.admin ?? "ready";
    one.forget();
    this.#leaving.delete(one.number);
    this.#gone.delete(one.number);
    this.#present.set(one.config.key, one);
    this.#byNumber.set(one.number, one);
    pool.add(one);
    tasks.add(health.watch(one));
  }

  #isGone(one: Destination): boolean {
    return one.leaving && one.workers === 0;
  }

  #sweep(): void {
    for (const one of this.#leaving.values()) if (one.workers === 0) this.#forget(one);
  }

  #forget(one: Destination): void {
    const { number, config } = one;
    this.#leaving.delete(number);
    if (this.#byNumber.get(number) === one) this.#byNumber.delete(number);
    if (config.source === undefined) return one.connector.close?.();
    this.#gone.set(number, one);
    for (const oldest of this.#gone.keys()) {
      if (this.#gone.size <= GONE_LIMIT) break;
      this.#gone.delete(oldest);
    }
  }
}

/** The later it serves, the greater: backups by their tier, then those that get nobody. */
function lateness({ config: { backup, weight } }: { config: DestinationConfig }): number {
  return weight === 0 ? Number.MAX_SAFE_INTEGER : backup;
}
