import { END_REASONS, type EndReason } from "../../operations/end_reasons.ts";
import { LISTENER_COLUMNS, type ListenerHistory, type Span } from "../../operations/history.ts";
import type { ListenerStatus } from "../../operations/listener_status.ts";
import type { ListenerSample } from "../../operations/sample.ts";
import { DestinationRecord, removed } from "./destination_record.ts";
import { quantilesOf, RecentDurations, RecentlyEnded, slotsBetween } from "./lately.ts";
import { gathered, type NewMark } from "./marks.ts";
import { minutesBetween, Track } from "./track.ts";

/** What is kept of one listener and of its destinations. */
export class ListenerRecord {
  readonly id: number;
  readonly name: string;
  readonly #track = new Track(LISTENER_COLUMNS);
  readonly #waits = new RecentDurations();
  readonly #ended = new RecentlyEnded();
  /** By number, in the order of the listener. */
  #destinations = new Map<number, DestinationRecord>();
  /** Whether the latest look had all destinations; nothing before the first. */
  #hadAll = false;

  constructor({ id, name }: { id: number; name: string }) {
    this.id = id;
    this.name = name;
  }

  /** Destinations of which something is kept. */
  get size(): number {
    return this.#destinations.size;
  }

  /**
   * Enters what was seen, if something was, by the seconds from the start of the program: of the look
   * before, and of this one.
   *
   * @param options.limit Of how many destinations something may be kept.
   * @returns What has become of its destinations.
   */
  take(
    sample: ListenerSample | undefined,
    { before, now, limit }: { before: number; now: number; limit: number },
  ): NewMark[] {
    const seconds = now - before;
    const marks = sample ? this.#enter(sample, { seconds, limit }) : [];
    if (!sample) this.#miss(seconds);
    const slots = slotsBetween(before, now);
    const minutes = minutesBetween(before, now);
    if (slots > 0) this.#ended.turn(slots);
    if (slots > 0) this.#waits.turn(slots);
    if (minutes > 0) this.#track.minute(this.#waits.takeMinute(), minutes);
    for (const { track, durations } of this.#destinations.values()) {
      if (slots > 0) durations.turn(slots);
      if (minutes > 0) track.minute(durations.takeMinute(), minutes);
    }
    return marks;
  }

  /** What is kept, with the destinations if they are wanted. */
  history(span: Span, options: { destinations: boolean }): ListenerHistory {
    const { id, name } = this;
    const series = this.#track.series(span);
    const seen = {
      id,
      name,
      get series() {
        return series();
      },
    };
    if (!options.destinations) return seen;
    const destinations = [...this.#destinations].map(([number, record]) => {
      const series = record.track.series(span);
      return {
        id: `${id}.${number}`,
        name: record.name,
        get series() {
          return series();
        },
      };
    });
    return Object.defineProperty(seen, "destinations", { value: destinations, enumerable: true });
  }

  /** The same status with what was lately. */
  completed(status: ListenerStatus): ListenerStatus {
    return {
      ...status,
      recent: { ended: this.#ended.all },
      destinations: status.destinations.map((one) => {
        const recent = this.#destinations.get(numberOf(one.id))?.recent;
        return recent ? { ...one, recent } : one;
      }),
    };
  }

  /** The record of a destination; `undefined` if nothing is kept of it. */
  destination(id: string): DestinationRecord | undefined {
    return this.#destinations.get(numberOf(id));
  }

  #enter(
    sample: ListenerSample,
    { seconds, limit }: { seconds: number; limit: number },
  ): NewMark[] {
    const { waiting, active, accepted, ended, bytes_up, bytes_down, queue } = sample;
    this.#waits.add(queue);
    this.#ended.add(ended);
    const numbers = Object.entries(ended) as [EndReason, number][];
    const failed = numbers.filter(([reason]) => END_REASONS[reason].outcome === "failed");
    const values = [waiting, active, accepted, total(numbers), total(failed), bytes_up, bytes_down];
    this.#track.second([...values, ...quantilesOf(queue)], seconds);
    return this.#enterDestinations(sample, { seconds, limit });
  }

  #enterDestinations(
    { destinations }: ListenerSample,
    { seconds, limit }: { seconds: number; limit: number },
  ): NewMark[] {
    const before = this.#destinations;
    const marks: NewMark[] = [];
    this.#destinations = new Map();
    for (const one of destinations.slice(0, limit)) {
      const known = before.get(one.number);
      const record = known ?? new DestinationRecord(one);
      if (!known && this.#hadAll) {
        marks.push({ kind: "added", text: `${one.name} was added`, destination: one.name });
      }
      marks.push(...record.changes(one));
      record.take(one, seconds);
      this.#destinations.set(one.number, record);
      before.delete(one.number);
    }
    const hasAll = destinations.length < limit;
    for (const { name, leaving } of before.values()) {
      if (hasAll && !leaving) marks.push(removed(name));
    }
    this.#hadAll = hasAll;
    return gathered(marks);
  }

  #miss(seconds: number): void {
    this.#track.miss(seconds);
    for (const { track } of this.#destinations.values()) track.miss(seconds);
  }
}

function total(numbers: readonly [EndReason, number][]): number {
  return numbers.reduce((sum, [, number]) => sum + number, 0);
}

/** The number of a destination at its listener. */
function numberOf(id: string): number {
  return Number(id.slice(id.indexOf(".") + 1));
}
