import { atOnce } from "../async/chunks.ts";
import type { ListenerConfig } from "../config/config.ts";
import type { Sharing } from "../net/sharing.ts";
import type { InspectionSource, ListenerWish } from "../operations/inspection.ts";
import type { SessionInfo } from "../operations/operations.ts";
import type { AdminState } from "../operations/states.ts";
import type { DestinationStatus } from "../operations/destination_status.ts";
import type { ListenerStatus } from "../operations/listener_status.ts";
import type { ListenerSample } from "../operations/sample.ts";
import type { Balancer, Identity, Replacement } from "./balancer.ts";
import { LifeCycle } from "./life_cycle.ts";
import { OperatorView } from "./operator_view.ts";
import { exchange, reconfigure, replace, resizeQueue } from "./reconfiguration.ts";
import type { Totals } from "../operations/totals.ts";
import { logStart } from "./report.ts";
import type { Inspections } from "./inspections.ts";
import type { Parts } from "./parts.ts";
import { Sampler } from "./sampler.ts";
import { wire, type WiringOptions } from "./wiring.ts";

/** Options of {@linkcode LocalBalancer.start}. */
export interface LocalBalancerOptions extends WiringOptions {
  /** Ends waiting for a name server at the start; its reason is thrown then. */
  signal?: AbortSignal | undefined;
  /** How the address is shared with another process; not at all if absent. */
  sharing?: Sharing | undefined;
}

/** A balancer in this thread. */
export class LocalBalancer implements Balancer {
  /** Whoever asks is in the same thread. */
  readonly responsive = true;
  readonly #parts: Parts;
  readonly #lifeCycle: LifeCycle;
  readonly #view: OperatorView;
  readonly #sampler: Sampler;

  private constructor(parts: Parts, lifeCycle: LifeCycle) {
    this.#parts = parts;
    this.#lifeCycle = lifeCycle;
    this.#view = new OperatorView(parts, lifeCycle);
    this.#sampler = new Sampler(parts);
  }

  /**
   * Begins to listen and to serve.
   *
   * @throws {FatalError} If the listen address cannot be bound.
   */
  static async start(
    config: ListenerConfig,
    options: LocalBalancerOptions,
  ): Promise<LocalBalancer> {
    const { identity, signal, sharing } = options;
    const parts = wire(config, options);
    const lifeCycle = await LifeCycle.start(parts, {
      listen: config.listen,
      only: options.only?.socket,
      sharing,
      signal,
    });
    const { destinations, wanted } = config;
    atOnce(exchange(parts, { destinations, numbers: identity.numbers }));
    parts.routes.want(wanted);
    parts.routes.review();
    resizeQueue(parts);
    parts.pool.arrange();
    if (parts.thread === undefined && !options.only) logStart(parts.log, lifeCycle.address, config);
    return new LocalBalancer(parts, lifeCycle);
  }

  get address(): string {
    return this.#lifeCycle.address;
  }

  /** What became of everything so far. */
  get totals(): Totals {
    return this.#lifeCycle.totals;
  }

  drain(): Promise<boolean> {
    return this.#lifeCycle.drain();
  }

  quit(): Promise<boolean> {
    return this.#lifeCycle.quit();
  }

  status(): ListenerStatus {
    return this.#view.status();
  }

  destination(number: number): DestinationStatus | undefined {
    return this.#view.destination(number);
  }

  sample(destinations: number): ListenerSample {
    return this.#sampler.take(destinations);
  }

  sessions(limit: number): SessionInfo[] {
    return this.#view.sessions(limit);
  }

  endSession(id: number): boolean {
    return this.#view.endSession(id);
  }

  /** Who looks into its sessions. */
  get inspections(): Inspections {
    return this.#parts.inspections;
  }

  inspect(wish: ListenerWish): InspectionSource[] {
    const { inspections } = this.#parts;
    const { number, found } = inspections.begin(wish);
    const read = () => inspections.read(number);
    return [{ found, read, end: () => inspections.end(number) }];
  }

  setAdminState(number: number, state: AdminState): void {
    this.#view.setAdminState(number, state);
  }

  async reconfigure(
    config: ListenerConfig,
    { numbers }: Pick<Identity, "numbers">,
  ): Promise<void> {
    const draining = () => this.#lifeCycle.draining;
    await reconfigure(this.#parts, { config, numbers, draining });
    this.#lifeCycle.review();
  }

  replace(replacement: Replacement): void {
    replace(this.#parts, replacement);
  }
}
