import { formatNumeric } from "../net/address.ts";
import { quote } from "../base/text.ts";
import { type Config, nameOf } from "../config/config.ts";
import type { DescriptorBudget } from "../net/descriptor_budget.ts";
import { type Logs, logsOf } from "../logging/logs.ts";
import { OperationError } from "../operations/operations.ts";
import { type ListenerStatus } from "../operations/listener_status.ts";
import { addStatuses } from "../operations/listener_status.ts";
import type { LookUps } from "./discovery.ts";
import type { Sharing } from "../net/sharing.ts";
import { startOrder } from "./start_order.ts";
import { Trails } from "../net/trails.ts";
import { ManagedListener } from "./managed_listener.ts";

/** What becomes of the listeners when there is another configuration. */
export interface Match {
  readonly kept: readonly { readonly listener: ManagedListener; readonly config: Config }[];
  readonly fresh: readonly Config[];
  readonly removed: readonly ManagedListener[];
}

/** Most listeners and destinations that are gone of which it is kept what they had counted. */
const DEPARTED_LIMIT = 2000;

/** The listeners of the program: configured ones, and removed ones that finish their sessions. */
export class ListenerSet {
  /** Those of the program. */
  readonly #logs: Logs;
  /** What listeners know together of the ways of sessions. */
  readonly #trails = new Trails();
  /** What all that want descriptors share. */
  readonly #descriptors: DescriptorBudget;
  /** How names whose records are destinations are looked up; as configured if absent. */
  readonly #lookUps: LookUps | undefined;
  /** How addresses are shared with another process; not at all if absent. */
  readonly #sharing: Sharing | undefined;
  /** Also removed ones, until they are done. */
  #all: readonly ManagedListener[] = [];
  /** Removed ones, with their drains. */
  readonly #leaving = new Map<ManagedListener, Promise<boolean>>();
  /** By name, what those had counted that are gone, the latest last. */
  readonly #departed = new Map<string, ListenerStatus>();
  /** The number of the next listener. */
  #nextId = 1;
  /** Whether one that is gone had to cut sessions. */
  #cut = false;

  constructor(options: {
    logs: Logs;
    descriptors: DescriptorBudget;
    lookUps?: LookUps | undefined;
    sharing?: Sharing | undefined;
  }) {
    this.#logs = options.logs;
    this.#descriptors = options.descriptors;
    this.#lookUps = options.lookUps;
    this.#sharing = options.sharing;
  }

  /** All of them, also removed ones. */
  get all(): readonly ManagedListener[] {
    return this.#all;
  }

  /** What those had counted that are gone, for each name that one of {@linkcode all} has. */
  get departed(): ListenerStatus[] {
    const names = new Set(this.#all.map(({ name }) => name));
    return [...this.#departed.values()].filter(({ name }) => names.has(name));
  }

  /** Those of the configuration. */
  get present(): readonly ManagedListener[] {
    return this.#all.filter((listener) => !this.#leaving.has(listener));
  }

  /**
   * Starts further ones, for {@linkcode add}. If the signal is aborted it starts no more.
   *
   * @throws {FatalError} If one of their addresses cannot be bound; none of them listens then.
   */
  async start(configs: readonly Config[], signal?: AbortSignal): Promise<ManagedListener[]> {
    const several = this.present.length + configs.length > 1;
    const started = new Map<number, ManagedListener>();
    const firstId = this.#nextId;
    this.#nextId += configs.length;
    /** In the order of the configuration. */
    const all = () => [...started].sort(([a], [b]) => a - b).map(([, listener]) => listener);
    try {
      for (const index of startOrder(configs)) {
        if (signal?.aborted) break;
        const config = configs[index]!;
        const logs = several ? logsOf(nameOf(config), this.#logs) : this.#logs;
        started.set(
          index,
          await ManagedListener.start({
            id: firstId + index,
            config,
            logs,
            descriptors: this.#descriptors,
            trails: this.#trails,
            lookUps: this.#lookUps,
            sharing: this.#sharing,
            signal,
          }),
        );
      }
      return all();
    } catch (error) {
      // The ones that listen may have accepted sessions already, which a drain finishes.
      if (signal?.aborted && error === signal.reason) return all();
      // Whom one of them has accepted who would be served by the process beside is served.
      const beside = this.#sharing?.beside ?? false;
      await Promise.all(all().map((one) => beside ? one.drain() : one.quit()));
      throw error;
    }
  }

  /** Adds listeners that were started. */
  add(listeners: readonly ManagedListener[]): void {
    this.#all = [...this.#all, ...listeners];
  }

  /** Lets a listener finish its sessions; it is shown until then. */
  retire(listener: ManagedListener): void {
    const drained = listener.drain();
    this.#leaving.set(listener, drained);
    drained.then(async (complete) => {
      if (!complete) this.#cut = true;
      const last = await listener.status();
      this.#leaving.delete(listener);
      this.#all = this.#all.filter((one) => one !== listener);
      this.#remember(last);
    });
  }

  #remember(last: ListenerStatus): void {
    const { name } = last;
    const before = this.#departed.get(name);
    this.#departed.delete(name);
    this.#departed.set(name, before ? addStatuses([before, last]) : last);
    this.#forgetSome();
  }

  /** Forgets what those had counted that are gone for longest, where it is too much to keep. */
  #forgetSome(): void {
    const names = new Set(this.#all.map(({ name }) => name));
    let kept = 0;
    for (const { name, destinations } of [...this.#departed.values()].reverse()) {
      kept += 1 + destinations.length;
      if (kept > DEPARTED_LIMIT && !names.has(name)) this.#departed.delete(name);
    }
  }

  /**
   * Which of those that are present a configuration has, which are new in it, which are gone. What
   * tells them apart is the address: a name counts from the start of a listener to its end.
   *
   * @throws {OperationError} If a new one is called like one that stays.
   */
  match(configs: readonly Config[]): Match {
    const others = new Set(this.present);
    const byAddress = Map.groupBy(this.present, ({ address }) => address);
    const kept: { listener: ManagedListener; config: Config }[] = [];
    const fresh: Config[] = [];
    for (const config of configs) {
      // Several may have port 0.
      const listener = byAddress.get(formatNumeric(config.listen))?.shift();
      if (!listener) fresh.push(config);
      else {
        others.delete(listener);
        kept.push({ listener, config });
      }
    }
    for (const config of fresh) {
      const other = kept.find(({ listener: { name } }) => name === nameOf(config))?.listener;
      if (!other || other.address === formatNumeric(config.listen)) continue;
      throw new OperationError(
        "conflict",
        `listener ${
          quote(nameOf(config))
        }: the one at ${other.address} is called so until a restart`,
      );
    }
    return { kept, fresh, removed: [...others] };
  }

  /** What stands before a message about one of them: its name, if there are several. */
  prefix({ name }: ManagedListener): string {
    return this.#all.length > 1 ? `listener ${name}: ` : "";
  }

  /**
   * The listener of a session or destination, and its number there.
   *
   * @throws {OperationError} If there is none with the listener's part of the id.
   */
  locate(
    what: "session" | "destination",
    id: string,
  ): { listener: ManagedListener; number: number } {
    const [, listenerId, number] = /^(\d+)\.(\d+)$/.exec(id) ?? [];
    const listener = this.#all.find((one) => String(one.id) === listenerId);
    if (!listener) throw new OperationError("missing", `there is no ${what} ${id}`);
    return { listener, number: Number(number) };
  }

  /**
   * The listener with a name or number, the only one if none is wanted.
   *
   * @throws {OperationError} If there is none, or there are several and none is wanted.
   */
  find(wanted: string | undefined): ManagedListener {
    const [only, ...others] = this.present;
    if (wanted === undefined && others.length === 0) return only!;
    const names = this.present.map(({ name }) => name).join(", ");
    if (wanted === undefined) {
      throw new OperationError("invalid", `listener is missing; must be one of ${names}`);
    }
    const found = this.present.find(({ id, name }) => name === wanted || String(id) === wanted);
    if (found) return found;
    throw new OperationError(
      "invalid",
      `listener ${JSON.stringify(wanted)}: must be one of ${names}`,
    );
  }

  /** Drains all. Resolves at the end: whether every session could finish. */
  async drain(): Promise<boolean> {
    const drains = this.#all.map((listener) => listener.drain());
    return (await Promise.all(drains)).every((complete) => complete) && !this.#cut;
  }

  /** Cuts everything at once. */
  async quit(): Promise<void> {
    await Promise.all(this.#all.map((listener) => listener.quit()));
  }
}
