import { addEnded, type Ended } from "./end_reasons.ts";
import { addFine, type FineData } from "./fine_counts.ts";
import { joinStates, type ShownState } from "./states.ts";

/** What a destination did since the look before, and how it is. */
export interface DestinationSample {
  number: number;
  name: string;
  state: ShownState;
  /** Whether it was removed and only finishes its sessions. */
  leaving: boolean;
  /** Sessions that it serves. */
  active: number;
  /** Times that it was found to be down, and why the latest time. */
  downs: number;
  reason: string;
  sessions: number;
  failures: number;
  bytes_up: number;
  bytes_down: number;
  /** How long its sessions took that have ended. */
  session: FineData;
}

/**
 * What a listener did since the look before, and how it is: what the history is made of. It is much
 * less than a status, since somebody looks each second.
 */
export interface ListenerSample {
  waiting: number;
  active: number;
  accepted: number;
  ended: Ended;
  bytes_up: number;
  bytes_down: number;
  /** How long sessions waited. */
  queue: FineData;
  destinations: DestinationSample[];
}

/** Those of several threads at the same time as one; there is at least one. */
export function addSamples(all: readonly ListenerSample[]): ListenerSample {
  const byNumber = Map.groupBy(
    all.flatMap(({ destinations }) => destinations),
    ({ number }) => number,
  );
  return {
    waiting: sum(all, ({ waiting }) => waiting),
    active: sum(all, ({ active }) => active),
    ...happened(all),
    destinations: [...byNumber.values()].map(joinDestinations),
  };
}

/** The later of two looks at one thread, with what had happened until the first. */
export function followed(before: ListenerSample, now: ListenerSample): ListenerSample {
  const earlier = new Map(before.destinations.map((one) => [one.number, one]));
  return {
    ...now,
    ...happened([before, now]),
    destinations: now.destinations.map((one) => {
      const first = earlier.get(one.number);
      return first ? { ...one, ...happenedTo([first, one]) } : one;
    }),
  };
}

/** How things are, without what has happened. */
export function unmoved(sample: ListenerSample): ListenerSample {
  return {
    ...sample,
    ...{ accepted: 0, ended: {}, bytes_up: 0, bytes_down: 0, queue: [] },
    destinations: sample.destinations.map((one) => ({
      ...one,
      ...{ downs: 0, sessions: 0, failures: 0, bytes_up: 0, bytes_down: 0, session: [] },
    })),
  };
}

function happened(all: readonly ListenerSample[]) {
  return {
    accepted: sum(all, ({ accepted }) => accepted),
    ended: addEnded(all.map(({ ended }) => ended)),
    bytes_up: sum(all, ({ bytes_up }) => bytes_up),
    bytes_down: sum(all, ({ bytes_down }) => bytes_down),
    queue: addAll(all.map(({ queue }) => queue)),
  };
}

function joinDestinations(all: readonly DestinationSample[]): DestinationSample {
  if (all.length === 1) return all[0]!;
  return {
    ...all[0]!,
    state: joinStates(all.map(({ state }) => state)),
    leaving: all.every(({ leaving }) => leaving),
    active: sum(all, ({ active }) => active),
    ...happenedTo(all),
  };
}

function happenedTo(all: readonly DestinationSample[]) {
  return {
    downs: sum(all, ({ downs }) => downs),
    reason: all.findLast(({ reason }) => reason !== "")?.reason ?? "",
    sessions: sum(all, ({ sessions }) => sessions),
    failures: sum(all, ({ failures }) => failures),
    bytes_up: sum(all, ({ bytes_up }) => bytes_up),
    bytes_down: sum(all, ({ bytes_down }) => bytes_down),
    session: addAll(all.map(({ session }) => session)),
  };
}

function addAll(all: readonly FineData[]): FineData {
  return all.reduce((total, one) => one.length === 0 ? total : addFine(total, one), []);
}

function sum<T>(all: readonly T[], value: (one: T) => number): number {
  return all.reduce((total, one) => total + value(one), 0);
}
