import type { DestinationStatus } from "../operations/destination_status.ts";
import type { ListenerStatus } from "../operations/listener_status.ts";
import { addDestinations } from "../operations/destination_status.ts";

/**
 * What threads have counted for destinations that they have no more while other threads still have
 * them: without it the sums would become less.
 *
 * A removed destination is gone from each thread as soon as that has finished its sessions; if it
 * comes back meanwhile, those threads count anew.
 */
export class RetiredCounters {
  /** What each thread has told last. */
  readonly #latest = new Map<number, readonly DestinationStatus[]>();
  /** By the destinations' ids. */
  #counted = new Map<string, DestinationStatus>();

  /** The statuses of these threads, with what is missing added to one of them. */
  complete(threads: ReadonlyMap<number, ListenerStatus>): ListenerStatus[] {
    const present = new Set<string>();
    for (const [index, { destinations }] of threads) {
      this.#compare(index, destinations);
      for (const { id } of destinations) present.add(id);
    }
    this.#counted = new Map([...this.#counted].filter(([id]) => present.has(id)));
    const all = [...threads.values()];
    const last = all.pop();
    if (!last) return [];
    return [...all, { ...last, destinations: [...last.destinations, ...this.#counted.values()] }];
  }

  /** The sum of what threads tell of one destination, with what was missing when all was looked at. */
  completeOne(told: readonly DestinationStatus[]): DestinationStatus {
    const counted = this.#counted.get(told[0]!.id);
    return addDestinations(counted ? [...told, counted] : told);
  }

  /** Notes what a thread had counted and counts no more. */
  #compare(index: number, destinations: readonly DestinationStatus[]): void {
    const now = new Map(destinations.map((one) => [one.id, one]));
    for (const before of this.#latest.get(index) ?? []) {
      const { id, sessions, failures, lookup_failures } = before;
      const same = now.get(id);
      if (
        same && same.sessions >= sessions && same.failures >= failures &&
        same.lookup_failures >= lookup_failures
      ) continue;
      const counted = this.#counted.get(id);
      const gone: DestinationStatus = {
        ...before,
        state: "untried",
        limit: 0,
        workers: 0,
        active: 0,
      };
      this.#counted.set(id, counted ? addDestinations([counted, gone]) : gone);
    }
    this.#latest.set(index, destinations);
  }
}
