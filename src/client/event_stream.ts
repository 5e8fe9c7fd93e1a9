import { EndlessError } from "./bounded.ts";

/** One event of a `text/event-stream`. */
export interface ServerEvent {
  /** Its type; `message` unless it has one. */
  type: string;
  data: string;
}

/**
 * The events of a stream, as they come. One that is cut off by the end is dropped.
 *
 * @param limit Most characters of one event, with all that belongs to no field.
 * @throws {EndlessError} If one is longer.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export async function* readEvents(
  chunks: AsyncIterable<Uint8Array>,
  limit = Infinity,
): AsyncGenerator<ServerEvent, void> {
  let type = "";
  let data: string[] = [];
  let length = 0;
  for await (const line of readLines(chunks, limit)) {
    if (line === "") {
      if (data.length > 0) yield { type: type || "message", data: data.join("\n") };
      type = "";
      data = [];
      length = 0;
      continue;
    }
    length += line.length + 1;
    if (length > limit) throw new EndlessError(limit);
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    if (field !== "event" && field !== "data") continue;
    const value = colon === -1 ? "" : line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
    if (field === "event") type = value;
    else data.push(value);
  }
}

/** The lines that were completed, without their ends. */
async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  limit: number,
): AsyncGenerator<string, void> {
  // The runtime takes any chunk that begins with a byte order mark for the beginning (Deno 2.9).
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let first = true;
  // Of a line that comes in many chunks each character is looked at once.
  let pieces: string[] = [];
  let length = 0;
  let afterReturn = false;
  for await (const chunk of chunks) {
    let text = decoder.decode(chunk, { stream: true });
    if (text === "") continue;
    if (first && text[0] === "\ufeff") text = text.slice(1);
    first = false;
    if (afterReturn && text[0] === "\n") text = text.slice(1);
    afterReturn = text.endsWith("\r");
    const lines = text.split(/\r\n|\r|\n/);
    const rest = lines.pop()!;
    for (const line of lines) {
      yield pieces.length === 0 ? line : pieces.join("") + line;
      pieces = [];
      length = 0;
    }
    if (rest !== "") pieces.push(rest);
    length += rest.length;
    if (length > limit) throw new EndlessError(limit);
  }
}
