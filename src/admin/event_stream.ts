import type { Limits } from "./limits.ts";
import type { LongText } from "./long_text.ts";

/** The error of a stream whose reader was too slow. */
class SlowReaderError extends Error {
  override readonly name = "SlowReaderError";
}

/** One event in the form of server-sent events. */
export function frame(event: string, data: unknown): Uint8Array {
  return new TextEncoder().encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}

/** One reader of events, for whom only so much is kept. */
export class EventStream {
  readonly body: ReadableStream<Uint8Array>;
  /** How much its reader may be behind. */
  readonly #limits: Limits;
  /** Told once, when nothing more is sent. */
  readonly #onEnd: () => void;
  /** Takes what is sent, until the end. */
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  /** Statuses in a row that its reader had no room for. */
  #missed = 0;
  /** Bytes of the latest status that it was sent. */
  #statusBytes = 0;
  /** Whether nothing more is sent. */
  #ended = false;

  /** @param onEnd Called once, however the stream ends. */
  constructor(limits: Limits, onEnd: () => void) {
    this.#limits = limits;
    this.#onEnd = onEnd;
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      cancel: () => this.#end(),
    }, new ByteLengthQueuingStrategy({ highWaterMark: limits.streamBuffer }));
  }

  /** Sends what must not be missed. A reader that is too far behind for it is cut. */
  send(bytes: Uint8Array): void {
    if (this.#ended) return;
    // However much a status is, it is not what a reader is cut for.
    const most = this.#limits.streamBacklog + this.#statusBytes;
    if (this.#waiting + bytes.length > most) this.#cut();
    else this.#controller.enqueue(bytes);
  }

  /** Sends what the next one makes up for, if the reader has read the earlier ones. */
  offer(text: LongText): void {
    if (this.#ended) return;
    if (this.#waiting < this.#limits.streamBuffer) {
      this.#missed = 0;
      this.#statusBytes = text.reduce((sum, { length }) => sum + length, 0);
      for (const bytes of text) this.#controller.enqueue(bytes);
    } else if (++this.#missed >= this.#limits.missedStatuses) {
      this.#cut();
    }
  }

  /** Ends it; the reader gets what is waiting. */
  close(): void {
    if (this.#ended) return;
    this.#controller.close();
    this.#end();
  }

  /** Whether nothing more is sent. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Bytes that wait for the reader. */
  get #waiting(): number {
    return this.#limits.streamBuffer - (this.#controller.desiredSize ?? 0);
  }

  /** Ends it without what is waiting. */
  #cut(): void {
    this.#controller.error(new SlowReaderError("the reader of an event stream does not read"));
    this.#end();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
  }
}
