import { objectSchema, type OwnPoint, type Schema } from "./field.ts";

/** What comes and what goes at a listener, by its latest seconds, and what follows from that. */
export interface Forecast {
  /**
   * How long a client that comes now will wait, in milliseconds: 0 if a slot is free, `null` if
   * nothing is known yet.
   */
  expected_wait_ms: number | null;
  /**
   * How long until nobody waits, in milliseconds, if everything goes on as it does: 0 if nobody waits,
   * `null` if the queue does not become shorter.
   */
  clears_in_ms: number | null;
  /** Sessions a second that come, those that are turned away included. */
  offered_per_s: number;
  /** Sessions a second that the destinations can serve with all their slots; `null` if not known. */
  capacity_per_s: number | null;
  /** The first by the second: above 1 there is more than can be served. `null` if not known. */
  load: number | null;
  /** Clients a second that leave before they have a destination. */
  gave_up_per_s: number;
  /** Sessions a second that are turned away for want of room or time. */
  turned_away_per_s: number;
}

const AMOUNT: Schema = { type: "number", minimum: 0 };
const PERHAPS: Schema = { type: ["number", "null"], minimum: 0 };

/** The schema of {@linkcode Forecast}. */
export const FORECAST_SCHEMA: Schema = objectSchema({
  expected_wait_ms: {
    ...PERHAPS,
    description: "how long a client that comes now will wait; null = not known yet",
  },
  clears_in_ms: {
    ...PERHAPS,
    description:
      "how long until nobody waits, as things are; null = the queue does not get shorter, or only " +
      "because clients are turned away",
  },
  offered_per_s: {
    ...AMOUNT,
    description: "sessions a second that come, those that are turned away included",
  },
  capacity_per_s: {
    ...PERHAPS,
    description: "sessions a second that the slots of the destinations can serve; null = not known",
  },
  load: {
    ...PERHAPS,
    description: "offered_per_s by capacity_per_s: above 1 not everybody can be served",
  },
  gave_up_per_s: {
    ...AMOUNT,
    description: "clients a second that leave before they have a destination",
  },
  turned_away_per_s: {
    ...AMOUNT,
    description: "sessions a second that are turned away for want of room or time",
  },
});

/** Those of several threads as one; there is at least one. */
export function addForecasts(all: readonly Forecast[]): Forecast {
  const offered = sum(all.map(({ offered_per_s }) => offered_per_s));
  const capacity = capacityOf(all);
  const clears = all.map(({ clears_in_ms }) => clears_in_ms);
  return {
    // The kernel deals clients out to the threads evenly.
    expected_wait_ms: mean(all.map(({ expected_wait_ms }) => expected_wait_ms)),
    clears_in_ms: clears.includes(null) ? null : Math.max(...clears.map(Number)),
    offered_per_s: offered,
    capacity_per_s: capacity,
    load: loadOf(offered, capacity),
    gave_up_per_s: sum(all.map(({ gave_up_per_s }) => gave_up_per_s)),
    turned_away_per_s: sum(all.map(({ turned_away_per_s }) => turned_away_per_s)),
  };
}

/** Offered load by capacity; `null` if that is not known. */
export function loadOf(offered: number, capacity: number | null): number | null {
  return capacity === null || capacity === 0 ? null : offered / capacity;
}

/** A thread of which nothing is known yet counts like the others. */
function capacityOf(all: readonly Forecast[]): number | null {
  const average = mean(all.map(({ capacity_per_s }) => capacity_per_s));
  return average === null ? null : average * all.length;
}

function mean(numbers: readonly (number | null)[]): number | null {
  const known = numbers.filter((number) => number !== null);
  return known.length === 0 ? null : sum(known) / known.length;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** What a metric of a number is, in its own unit: nothing while that is not known. */
export function pointOf(number: number | null, factor = 1): number | OwnPoint[] {
  return number === null ? [] : number * factor;
}
