import type { Logger } from "@logtape/logtape";
import type { Balancer } from "../../balancer/balancer.ts";
import { type Clock, monotonic } from "../../base/clock.ts";
import { plural, quote } from "../../base/text.ts";
import { after, type Timer } from "../../base/timer.ts";
import {
  type History,
  type HistoryQuery,
  type Mark,
  type Span,
  SPANS,
} from "../../operations/history.ts";
import type { DestinationStatus } from "../../operations/destination_status.ts";
import type { ListenerStatus } from "../../operations/listener_status.ts";
import { OperationError, type ReloadResult } from "../../operations/operations.ts";
import { ListenerRecord } from "./listener_record.ts";
import { Marks, type NewMark } from "./marks.ts";

/** Most listeners of which something is kept: the first ones. */
export const MOST_LISTENERS = 32;

/** Most destinations of which something is kept, of all listeners together: the first ones. */
export const MOST_DESTINATIONS = 256;

/** Milliseconds between two looks. */
const BEAT_MS = SPANS["5m"].stepMs;

/** What there is to see where nothing is kept. */
export function noHistory(span: Span): History {
  const { stepMs } = SPANS[span];
  const time = new Date().toISOString();
  return { span, step_ms: stepMs, time, uptime_ms: 0, listeners: [], marks: [] };
}

/** A listener as the recorder knows it. */
export interface RecordedListener {
  readonly id: number;
  readonly name: string;
  readonly balancer: Pick<Balancer, "sample">;
}

/** Options of {@linkcode Recorder}. */
export interface RecorderOptions {
  /** Those that there are. */
  listeners(): readonly RecordedListener[];
  /** When the program started, by the clock. */
  startedAt: number;
  clock?: Clock;
  /** Learns of a defect. */
  onError(error: unknown): void;
}

/** What keeps what the listeners do, and tells the log where it cannot. */
export function recorderOf(
  listeners: { readonly all: readonly RecordedListener[] },
  { startedAt, log }: { startedAt: number; log: Logger },
): Recorder {
  return new Recorder({
    listeners: () => listeners.all,
    startedAt,
    onError(error) {
      log.error("the history lacks a second, which is a defect: {error}", { error });
    },
  });
}

/**
 * Keeps what the program does, second by second for five minutes and minute by minute for a day, in
 * memory that is bounded.
 */
export class Recorder {
  readonly marks = new Marks();
  readonly #options: RecorderOptions;
  readonly #clock: Clock;
  /** By the listeners' numbers, in their order. */
  #records = new Map<number, ListenerRecord>();
  /** The second of the latest look, from the start of the program. */
  #second = 0;
  /** The next look. */
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? monotonic;
    this.#second = Math.floor(this.#uptime / BEAT_MS);
    this.#records = recordsOf(options.listeners());
    this.mark({ kind: "start", text: "started" });
    this.#plan();
  }

  /** Ends it. What was kept can still be seen. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.stop();
  }

  /** Looks no more by itself; for tests, whose time is their own. */
  pause(): void {
    this.#timer?.stop();
  }

  /** Enters what happened to the program, or to a listener. */
  mark(mark: NewMark & { listener?: string }): void {
    this.marks.add({
      time: new Date().toISOString(),
      uptime_ms: Math.round(this.#uptime),
      ...mark,
    });
  }

  /** Enters a reload. */
  reloaded({ changes }: ReloadResult): void {
    const different = changes.length === 0 ? "nothing is" : plural(changes.length, "thing");
    this.mark({ kind: "reload", text: `reloaded: ${different} different` });
  }

  /** @throws {OperationError} If there is no such listener. */
  history({ span, listener, brief }: HistoryQuery): History {
    const { stepMs } = SPANS[span];
    const uptime = Math.floor(this.#second * BEAT_MS / stepMs) * stepMs;
    const all = listener === undefined ? [...this.#records.values()] : [this.#find(listener)];
    const destinations = listener !== undefined || (span === "5m" && !brief);
    return {
      span,
      step_ms: stepMs,
      time: new Date(Date.now() - (this.#uptime - uptime)).toISOString(),
      uptime_ms: uptime,
      marks: [...this.marks.all],
      listeners: all.map((one) => one.history(span, { destinations })),
    };
  }

  /** The same status with what was lately. */
  completed(status: ListenerStatus): ListenerStatus {
    return this.#records.get(status.id)?.completed(status) ?? status;
  }

  /** The same status of a destination with what was lately. */
  completedOne(status: DestinationStatus): DestinationStatus {
    const record = this.#records.get(parseInt(status.id));
    return { ...status, recent: record?.destination(status.id)?.recent ?? null };
  }

  get #uptime(): number {
    return this.#clock() - this.#options.startedAt;
  }

  #find(listener: string): ListenerRecord {
    const all = [...this.#records.values()];
    const found = all.find(({ id, name }) => name === listener || String(id) === listener);
    if (found) return found;
    throw new OperationError("missing", `nothing is kept of a listener ${quote(listener)}`);
  }

  /** Looks again at the next full second. */
  #plan(): void {
    if (this.#stopped) return;
    const next = (Math.max(this.#second, Math.floor(this.#uptime / BEAT_MS)) + 1) * BEAT_MS;
    this.#timer = after(Math.max(0, next - this.#uptime), async () => {
      try {
        await this.look();
      } catch (error) {
        this.#options.onError(error);
      }
      this.#plan();
    });
  }

  /** Looks at all listeners and enters what they have done since the look before. */
  async look(): Promise<void> {
    const [before, now] = [this.#second, Math.round(this.#uptime / BEAT_MS)];
    if (now <= before) return;
    const listeners = this.#options.listeners().slice(0, MOST_LISTENERS);
    let left = MOST_DESTINATIONS;
    const limits = listeners.map(({ id }) => {
      const limit = left;
      left -= Math.min(left, this.#records.get(id)?.size ?? 0);
      return limit;
    });
    const samples = await Promise.all(
      listeners.map(({ balancer }, i) => balancer.sample(limits[i]!)),
    );
    if (this.#stopped) return;
    this.#second = now;
    this.#review(listeners);
    left = MOST_DESTINATIONS;
    for (const [i, { id, name }] of listeners.entries()) {
      const record = this.#records.get(id)!;
      const limit = Math.min(left, limits[i]!);
      const marks = record.take(samples[i], { before, now, limit });
      left -= record.size;
      for (const mark of marks) this.mark({ ...mark, listener: name });
    }
  }

  /** Goes over to the listeners that there are by now. */
  #review(listeners: readonly RecordedListener[]): void {
    const records = this.#records;
    this.#records = recordsOf(listeners, records);
    for (const { id, name } of listeners) {
      if (!records.has(id)) this.#tell({ kind: "added", name });
    }
    for (const { id, name } of records.values()) {
      if (!this.#records.has(id)) this.#tell({ kind: "removed", name });
    }
  }

  #tell({ kind, name }: { kind: Mark["kind"]; name: string }): void {
    this.mark({ kind, listener: name, text: `listener ${name} was ${kind}` });
  }
}

/** A record for each of the first listeners: the one that there is, or a new one. */
function recordsOf(
  listeners: readonly RecordedListener[],
  known: ReadonlyMap<number, ListenerRecord> = new Map(),
): Map<number, ListenerRecord> {
  return new Map(
    listeners.slice(0, MOST_LISTENERS).map((one) => {
      return [one.id, known.get(one.id) ?? new ListenerRecord(one)];
    }),
  );
}
