import { formatDuration } from "../base/duration.ts";
import { sleep } from "../base/timer.ts";
import type { InstanceOptions } from "./instance_options.ts";

/**
 * The time before a drain in which clients are still accepted, so that whoever sends them here can
 * turn to others before the listeners close: keepalived, a load balancer or Kubernetes take seconds to
 * notice.
 */
export class DrainDelay {
  readonly #options: Pick<InstanceOptions, "logs" | "isReplaced">;
  readonly #skipping = new AbortController();

  constructor(options: Pick<InstanceOptions, "logs" | "isReplaced">) {
    this.#options = options;
  }

  /**
   * Waits so many milliseconds, or until it is skipped. There is nothing to wait for where another
   * process listens at the same addresses: clients need not go anywhere else.
   */
  async wait(delay: number): Promise<void> {
    const { signal } = this.#skipping;
    const { logs: { log }, isReplaced } = this.#options;
    if (delay === 0 || signal.aborted || isReplaced?.()) return;
    log.info("the drain begins in {delay}: /healthz answers 503, clients are still accepted", {
      delay: formatDuration(delay),
    });
    await sleep(delay, { signal });
  }

  /** There is no time. */
  skip(): void {
    this.#skipping.abort();
  }
}
