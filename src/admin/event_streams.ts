import type { Logger } from "@logtape/logtape";
import type { RecentEvents } from "../logging/recent_events.ts";
import type { Mark } from "../operations/history.ts";
import type { LogEvent, Operations, Status } from "../operations/operations.ts";
import type { Pace } from "../async/pace.ts";
import { every } from "../base/timer.ts";
import { answer, HttpError } from "./responses.ts";
import { EventStream, frame } from "./event_stream.ts";
import type { Limits } from "./limits.ts";
import type { Sheets } from "./sheets.ts";

/** What the event streams are fed with. */
export interface EventSources {
  events: RecentEvents;
  history: Pick<Operations, "history" | "followMarks">;
  status(): Promise<Status>;
  sheets: Sheets;
  pace: Pace;
  log: Logger;
  limits: Limits;
}

/**
 * All event streams: each event is made once for all of them, and a status only while there is one.
 */
export class EventStreams {
  readonly #sources: EventSources;
  readonly #open = new Set<EventStream>();
  /** Answers that have not ended; a reader that was cut has its place until its connection ends. */
  #answers = 0;
  /** Whether no further one begins. */
  #closed = false;
  #stopFeeding: (() => void) | undefined;

  constructor(sources: EventSources) {
    this.#sources = sources;
  }

  /**
   * Answers with a new stream: the history, the recent log events, a status, and then what happens.
   *
   * @param completed Settles when the answer has ended.
   * @throws {HttpError} If there are too many.
   */
  answer(completed: Promise<void>): Response {
    const { limits } = this.#sources;
    if (this.#answers >= limits.streams) {
      throw new HttpError(503, `there are ${limits.streams} event streams already, which is all`, {
        headers: { "retry-after": "5" },
      });
    }
    this.#answers++;
    const leave = () => void this.#answers--;
    completed.then(leave, leave);
    const stream = new EventStream(limits, () => {
      this.#open.delete(stream);
      if (this.#open.size === 0) this.#stopFeeding?.();
    });
    this.#begin(stream);
    return answer(stream.body, { type: "text/event-stream; charset=utf-8" });
  }

  /** Ends all streams. */
  close(): void {
    this.#closed = true;
    for (const stream of this.#open) stream.close();
  }

  /** Tells a new reader the past, after which it is one of all. */
  async #begin(stream: EventStream): Promise<void> {
    const { events, limits } = this.#sources;
    await this.#sendHistory(stream);
    if (this.#closed) stream.close();
    if (stream.ended) return;
    if (this.#open.size === 0) this.#stopFeeding = this.#feed();
    this.#open.add(stream);
    for (const bytes of latestWithin(events.recent, limits.streamBacklog / 2)) stream.send(bytes);
    await this.#offerStatus([stream]);
  }

  async #sendHistory(stream: EventStream): Promise<void> {
    const { history, sheets, limits, log } = this.#sources;
    try {
      const limit = Math.min(limits.streamHistory, limits.streamBacklog / 2);
      const text = await sheets.history(history.history({ span: "5m", brief: true }), limit);
      for (const bytes of text) stream.send(bytes);
    } catch (error) {
      log.debug("no history for an event stream: {error}", { error });
    }
  }

  #feed(): () => void {
    const { events, history, limits } = this.#sources;
    const unsubscribe = events.subscribe((event) => this.#send("log", event));
    const unfollow = history.followMarks((mark) => this.#send("mark", mark));
    let asking = false;
    const timer = every(limits.eventInterval, async () => {
      if (asking) return;
      asking = true;
      // Not for who comes meanwhile, maybe after a change that it does not show yet.
      await this.#offerStatus([...this.#open]);
      asking = false;
    });
    return () => {
      unsubscribe();
      unfollow();
      timer.stop();
    };
  }

  #send(event: "log" | "mark", data: LogEvent | Mark): void {
    const bytes = frame(event, data);
    for (const stream of this.#open) stream.send(bytes);
  }

  async #offerStatus(streams: Iterable<EventStream>): Promise<void> {
    const { status, sheets, pace, log } = this.#sources;
    try {
      const text = await sheets.frame(await status());
      for (const stream of streams) {
        stream.offer(text);
        if (pace.due) await pace.turn();
      }
    } catch (error) {
      log.debug("no status for the event streams: {error}", { error });
    }
  }
}

/** The latest events that fit into so many bytes: the past must not be what cuts a reader. */
function latestWithin(recent: readonly LogEvent[], room: number): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (const event of recent.toReversed()) {
    const bytes = frame("log", event);
    room -= bytes.length;
    if (room < 0) break;
    frames.unshift(bytes);
  }
  return frames;
}
