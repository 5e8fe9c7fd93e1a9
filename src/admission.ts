import type { Logger } from "@logtape/logtape";
import { DescriptorBudget } from "./descriptors.ts";
import type { Ledger } from "./ledger.ts";

/** Options of {@linkcode Admission}. */
export interface AdmissionOptions {
  /** Most sessions at a time; 0 = as many as there are descriptors for. */
  maxConnections: number;
  ledger: Ledger;
  /** How many destinations there are: each may need a descriptor for probing. */
  destinations: number;
  /** Tells how many sessions have a worker, and so a second descriptor. */
  active: () => number;
  log: Logger;
}

/** How many sessions there may be at a time. What is beyond that waits in the kernel's backlog. */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #descriptors: DescriptorBudget;
  #toldLimit = false;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#descriptors = new DescriptorBudget(options.destinations);
  }

  /** Whether one more session may be accepted. */
  get open(): boolean {
    return this.#options.ledger.live.size < this.limit;
  }

  /** Most sessions at a time, as far as is known; it grows while more descriptors are found. */
  get limit(): number {
    const { maxConnections, ledger, active, log } = this.#options;
    if (maxConnections > 0) return maxConnections;
    const { size } = ledger.live;
    const limit = this.#descriptors.sessions(size, () => size + active());
    if (this.#descriptors.final && !this.#toldLimit) {
      this.#toldLimit = true;
      log.info("the limit of open files has room for {limit} sessions at a time", { limit });
    }
    return limit;
  }

  /**
   * Resolves once one more session may be accepted.
   *
   * @throws The signal's reason, if it is aborted first.
   */
  below(options: { signal: AbortSignal }): Promise<void> {
    return this.#options.ledger.below(this.limit, options);
  }
}
