import type { DestinationStatus } from "../operations/destination_status.ts";
import type { ListenerStatus } from "../operations/listener_status.ts";
import { addDestinations } from "../operations/destination_status.ts";

/**
 * What threads have counted for destinations that they have no more while other threads still have
 * them: without it the sums would become less.
 *
 * A removed destination is gone from each thread as soon as that has finished its sessions; if it
 * comes back meanwhile, those threads count anew, or go on if it is the record of a name.
 */
export class RetiredCounters {
  /** What each thread has told last. */
  readonly #latest = new Map<number, ReadonlyMap<string, DestinationStatus>>();
  /** By the destinations' ids, and then by the threads. */
  #counted = new Map<string, Map<number, DestinationStatus>>();

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
    const counted = [...this.#counted.values()].flatMap((threads) => [...threads.values()]);
    return [...all, { ...last, destinations: [...last.destinations, ...counted] }];
  }

  /** The sum of what threads tell of one destination, with what was missing when all was looked at. */
  completeOne(told: readonly DestinationStatus[]): DestinationStatus {
    const counted = this.#counted.get(told[0]!.id)?.values() ?? [];
    return addDestinations([...told, ...counted]);
  }

  /** Notes what a thread had counted and counts no more. */
  #compare(index: number, destinations: readonly DestinationStatus[]): void {
    const before = this.#latest.get(index);
    const now = new Map(destinations.map((one) => [one.id, one]));
    for (const [id, last] of before ?? []) {
      if (!goesOn(last, now.get(id))) this.#note(index, last);
    }
    for (const [id, one] of now) {
      const threads = this.#counted.get(id);
      const counted = threads?.get(index);
      const isBack = one.source !== "" && !before?.has(id);
      if (counted && isBack && goesOn(counted, one)) threads!.delete(index);
    }
    this.#latest.set(index, now);
  }

  #note(index: number, last: DestinationStatus): void {
    const gone: DestinationStatus = { ...last, state: "untried", limit: 0, workers: 0, active: 0 };
    const threads = this.#counted.get(last.id) ?? new Map<number, DestinationStatus>();
    const counted = threads.get(index);
    threads.set(index, counted ? addDestinations([counted, gone]) : gone);
    this.#counted.set(last.id, threads);
  }
}

/** Whether a thread counts on from there. */
function goesOn(before: DestinationStatus, now: DestinationStatus | undefined): boolean {
  return now !== undefined && now.sessions >= before.sessions && now.failures >= before.failures &&
    now.lookup_failures >= before.lookup_failures && now.agent_failures >= before.agent_failures;
}
