import { addHistograms } from "./histogram.ts";
import type { DestinationStatus, Latencies, ListenerStatus, ShownState } from "./operations.ts";
import type { Totals } from "./totals.ts";

/** The books of several as one. */
export function addTotals(all: readonly Totals[]): Totals {
  const outcomes = { finished: 0, cut: 0, refused: 0, "timed out": 0, aborted: 0 };
  let accepted = 0;
  for (const books of all) {
    accepted += books.accepted;
    addTo(outcomes, books.outcomes);
  }
  return { accepted, outcomes, balanced: all.every(({ balanced }) => balanced) };
}

/** The statuses of several threads of one listener as one; there is at least one. */
export function addStatuses(all: readonly ListenerStatus[]): ListenerStatus {
  const [first] = all;
  const sum = (pick: (status: ListenerStatus) => number) => total(all.map(pick));
  const ended: Record<string, number> = {};
  for (const status of all) addTo(ended, status.ended);
  return {
    id: first!.id,
    name: first!.name,
    address: first!.address,
    state: all.some(({ state }) => state === "draining") ? "draining" : "running",
    accepted: sum(({ accepted }) => accepted),
    waiting: sum(({ waiting }) => waiting),
    oldest_waiting_ms: Math.max(...all.map(({ oldest_waiting_ms }) => oldest_waiting_ms)),
    queue: sum(({ queue }) => queue),
    active: sum(({ active }) => active),
    bytes_up: sum(({ bytes_up }) => bytes_up),
    bytes_down: sum(({ bytes_down }) => bytes_down),
    ended,
    latencies: addLatencies(all.map(({ latencies }) => latencies)),
    destinations: [...groupById(all.flatMap(({ destinations }) => destinations)).values()].map(
      addDestinations,
    ),
  };
}

function groupById(all: readonly DestinationStatus[]): Map<string, DestinationStatus[]> {
  return Map.groupBy(all, ({ id }) => id);
}

/** The states from the one that counts, if any thread says so, to the one that says least. */
const BY_WEIGHT: readonly ShownState[] = ["maint", "drain", "down", "suspect", "up", "untried"];

/**
 * Several statuses of one destination as one: it is "up" if one thread has reached it and all the
 * others have, too, or have not tried it yet.
 */
export function addDestinations(all: readonly DestinationStatus[]): DestinationStatus {
  const first = all[0]!;
  const sum = (pick: (status: DestinationStatus) => number) => total(all.map(pick));
  return {
    ...first,
    state: BY_WEIGHT.find((state) => all.some((one) => one.state === state))!,
    limit: sum(({ limit }) => limit),
    workers: sum(({ workers }) => workers),
    active: sum(({ active }) => active),
    sessions: sum(({ sessions }) => sessions),
    failures: sum(({ failures }) => failures),
    lookup_failures: sum(({ lookup_failures }) => lookup_failures),
    bytes_up: sum(({ bytes_up }) => bytes_up),
    bytes_down: sum(({ bytes_down }) => bytes_down),
    latencies: addLatencies(all.map(({ latencies }) => latencies)),
  };
}

function addLatencies(all: readonly Latencies[]): Latencies {
  return {
    queue: addHistograms(all.map(({ queue }) => queue)),
    connect: addHistograms(all.map(({ connect }) => connect)),
    session: addHistograms(all.map(({ session }) => session)),
  };
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

function addTo(sums: Record<string, number>, numbers: Readonly<Record<string, number>>): void {
  for (const [name, number] of Object.entries(numbers)) sums[name] = (sums[name] ?? 0) + number;
}
