import type { Logger } from "@logtape/logtape";
import { plural } from "../base/text.ts";
import type { InspectionRecord, InspectionSource } from "../operations/inspection.ts";
import { frame } from "./event_stream.ts";
import { answer, HttpError } from "./responses.ts";

/** Streams of bytes at a time. */
const MOST_STREAMS = 8;

/** Bytes that wait for a reader, beyond which nothing is fetched; what comes is kept where it is noted. */
const MOST_WAITING = 256 * 1024;

/** Tells both sides that the other one is there. */
const SIGN_OF_LIFE = frame("alive", {});

/** Who has asked for what, for the log. */
export interface Inspector {
  /** Which sessions. */
  readonly what: string;
  /** Who asks, as the log tells it. */
  readonly by: string;
  /** Settles when the answer has ended. */
  readonly completed: Promise<void>;
}

/** All streams of the bytes of sessions. Each begins and ends with a line in the log. */
export class ByteStreams {
  readonly #log: Logger;
  readonly #open = new Set<ByteStream>();
  /** Answers that have not ended. */
  #answers = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  /**
   * Answers with a new stream: what the sources tell, until all of them are over or the reader leaves.
   *
   * @param begin Begins to note; not called if there are too many streams.
   * @throws {HttpError} If there are too many.
   */
  async answer(
    begin: () => Promise<readonly InspectionSource[]>,
    { what, by, completed }: Inspector,
  ): Promise<Response> {
    if (this.#answers >= MOST_STREAMS) {
      throw new HttpError(503, `${MOST_STREAMS} streams of bytes are open already, which is all`, {
        headers: { "retry-after": "5" },
      });
    }
    // From here on it has its place: others may ask while it begins.
    this.#answers++;
    const leave = () => void this.#answers--;
    completed.then(leave, leave);
    const sources = await begin();
    const stream = new ByteStream(sources, (counts) => {
      this.#open.delete(stream);
      this.#log.info(
        "by {by}: looks no more into the bytes of {what}: {sessions}, {told} bytes; {lost} bytes " +
          "were left out",
        { by, what, ...counts, sessions: plural(counts.sessions, "session") },
      );
    });
    this.#open.add(stream);
    const close = () => stream.close();
    completed.then(close, close);
    this.#log.info("by {by}: looks into the bytes of {what}", { by, what });
    stream.run(this.#log);
    return answer(stream.body, { type: "text/event-stream; charset=utf-8" });
  }

  /** Ends all streams. */
  close(): void {
    for (const stream of this.#open) stream.close();
  }
}

/** What a stream has told, and not. */
interface Counts {
  sessions: number;
  told: number;
  lost: number;
}

/** One stream of bytes: it fetches no more than its reader reads. */
class ByteStream {
  readonly body: ReadableStream<Uint8Array>;
  readonly #sources: readonly InspectionSource[];
  /** Told once, when nothing more is sent. */
  readonly #onEnd: (counts: Counts) => void;
  readonly #counts: Counts = { sessions: 0, told: 0, lost: 0 };
  readonly #seen = new Set<string>();
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  /** Ends waits for the reader. */
  #onRoom: (() => void)[] = [];
  #ended = false;

  constructor(sources: readonly InspectionSource[], onEnd: (counts: Counts) => void) {
    this.#sources = sources;
    this.#onEnd = onEnd;
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#goOn(),
      cancel: () => this.#end(),
    }, new ByteLengthQueuingStrategy({ highWaterMark: MOST_WAITING }));
  }

  /** Sends what the sources tell, until all are over. */
  async run(log: Logger): Promise<void> {
    this.#controller.enqueue(SIGN_OF_LIFE);
    try {
      await Promise.all(this.#sources.map((source) => this.#pass(source)));
      if (!this.#ended) this.#controller.enqueue(frame("done", {}));
    } catch (error) {
      log.error("a stream of bytes has failed: {error}", { error });
    }
    this.close();
  }

  /** Ends it; the reader gets what is waiting. */
  close(): void {
    if (this.#ended) return;
    this.#controller.close();
    this.#end();
  }

  async #pass(source: InspectionSource): Promise<void> {
    for (;;) {
      const records = await source.read();
      if (this.#ended || !records) return;
      if (records.length === 0 && this.#hasRoom) this.#controller.enqueue(SIGN_OF_LIFE);
      for (const record of records) this.#send(record);
      while (!this.#hasRoom) await new Promise<void>((resolve) => this.#onRoom.push(resolve));
    }
  }

  #send(record: InspectionRecord): void {
    const { kind, ...rest } = record;
    if (record.kind === "bytes") {
      this.#counts.told += record.bytes.length;
      this.#controller.enqueue(frame(kind, { ...rest, bytes: record.bytes.toBase64() }));
      return;
    }
    if (record.kind === "session" && !this.#seen.has(record.session)) {
      this.#seen.add(record.session);
      this.#counts.sessions++;
    } else if (record.kind === "over") this.#seen.delete(record.session);
    else if (record.kind === "lost") this.#counts.lost += record.lost_bytes;
    this.#controller.enqueue(frame(kind, rest));
  }

  get #hasRoom(): boolean {
    return this.#ended || (this.#controller.desiredSize ?? 0) > 0;
  }

  #goOn(): void {
    for (const resolve of this.#onRoom.splice(0)) resolve();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#tellEnd(this.#sources.map((source) => source.end()));
    this.#goOn();
  }

  async #tellEnd(untold: readonly (number | Promise<number>)[]): Promise<void> {
    for (const bytes of await Promise.all(untold)) this.#counts.lost += bytes;
    this.#onEnd(this.#counts);
  }
}
