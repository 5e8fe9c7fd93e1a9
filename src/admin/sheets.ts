import type { History } from "../operations/history.ts";
import type { Status } from "../operations/operations.ts";
import type { Pace } from "../async/pace.ts";
import { assemble, bodyAsRead, jsonPieces, type LongText } from "./long_text.ts";
import { metricsPieces } from "../telemetry/prometheus.ts";

/**
 * What is written about a status, once for all who ask while it is the latest. No piece of it keeps
 * sessions waiting for longer than a slice of the pace.
 */
export class Sheets {
  readonly #pace: Pace;
  readonly #written = new WeakMap<Status, Map<string, Promise<LongText>>>();

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  /** As JSON, with everything. */
  status(status: Status): Promise<LongText> {
    return this.#once(status, "status", () => assemble(lines(jsonPieces(status)), this.#pace));
  }

  /** The frame of the event streams. */
  frame(status: Status): Promise<LongText> {
    return this.#once(status, "frame", () => assemble(framePieces(status), this.#pace));
  }

  /** The frame of a history, without the last listeners if all of them take more than so many bytes. */
  history(history: History, limit: number): Promise<LongText> {
    return assemble(historyPieces(history, limit), this.#pace);
  }

  /** The metrics in the text format of Prometheus. */
  metrics(status: Status): Promise<LongText> {
    return this.#once(status, "metrics", () => {
      const startTime = Math.round(performance.timeOrigin) / 1000;
      const residentBytes = Deno.memoryUsage().rss;
      return assemble(metricsPieces(status, { startTime, residentBytes }), this.#pace);
    });
  }

  /** The JSON of something else that is long, for one who asks, made as that one reads. */
  json(value: unknown): ReadableStream<Uint8Array<ArrayBuffer>> {
    return bodyAsRead(lines(jsonPieces(value)), this.#pace);
  }

  #once(status: Status, what: string, write: () => Promise<LongText>): Promise<LongText> {
    let written = this.#written.get(status);
    if (!written) this.#written.set(status, written = new Map());
    let text = written.get(what);
    if (!text) written.set(what, text = write());
    return text;
  }
}

function* lines(pieces: Iterable<string>): Generator<string> {
  yield* pieces;
  yield "\n";
}

function* historyPieces(history: History, limit: number): Generator<string> {
  const { listeners, ...rest } = history;
  const head = JSON.stringify(rest).slice(0, -1);
  yield `event: history\ndata: ${head},"listeners":[`;
  let left = limit - head.length;
  let separator = "";
  for (const listener of listeners) {
    const text = separator + JSON.stringify(listener);
    left -= text.length;
    if (left < 0) break;
    yield text;
    separator = ",";
  }
  yield "]}\n\n";
}

function* framePieces(status: Status): Generator<string> {
  yield "event: status\ndata: ";
  yield* jsonPieces(withoutLatencies(status));
  yield "\n\n";
}

/** What changes too little within a second to be sent each time, and is the most of it. */
function withoutLatencies(status: Status): unknown {
  const listeners = status.listeners.map((listener) => ({
    ...listener,
    destinations: listener.destinations.map(({ latencies: _, ...rest }) => rest),
  }));
  return { ...status, listeners };
}
