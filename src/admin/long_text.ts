import type { Pace } from "../async/pace.ts";

/** Bytes of one chunk, about: enough that few are written, and that none takes long. */
const CHUNK = 32 * 1024;

/** A text in UTF-8, put together without holding sessions up. */
export type LongText = readonly Uint8Array<ArrayBuffer>[];

/** Puts a text together from pieces, each of which is made in well below a millisecond. */
export async function assemble(pieces: Iterable<string>, pace: Pace): Promise<LongText> {
  const encoder = new TextEncoder();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let text = "";
  await pace.turn();
  for (const piece of pieces) {
    text += piece;
    if (text.length >= CHUNK) {
      chunks.push(encoder.encode(text));
      text = "";
    }
    if (pace.due) await pace.turn();
  }
  if (text !== "") chunks.push(encoder.encode(text));
  return chunks;
}

/** A long text as the body of an answer, taken as fast as the client reads. */
export function bodyOf(text: LongText): ReadableStream<Uint8Array<ArrayBuffer>> {
  let next = 0;
  return new ReadableStream({
    pull(controller) {
      const chunk = text[next++];
      if (chunk) controller.enqueue(chunk);
      else controller.close();
    },
  }, { highWaterMark: 0 });
}

/**
 * The pieces of a text as the body of an answer, each made when the client has read those before: of one
 * who does not read, or has left, nothing is made, and nothing is kept but what the text is about.
 */
export function bodyAsRead(
  pieces: Iterable<string>,
  pace: Pace,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  const left = pieces[Symbol.iterator]();
  return new ReadableStream({
    async pull(controller) {
      let text = "";
      await pace.turn();
      while (text.length < CHUNK) {
        const { done, value } = left.next();
        if (done) {
          if (text !== "") controller.enqueue(encoder.encode(text));
          return controller.close();
        }
        text += value;
        if (pace.due) await pace.turn();
      }
      controller.enqueue(encoder.encode(text));
    },
  }, { highWaterMark: 0 });
}

/** The length of a long text in bytes. */
export function lengthOf(text: LongText): number {
  return text.reduce((sum, { length }) => sum + length, 0);
}

/** The JSON of a value that has long lists of objects, in pieces: those objects, and what is between. */
export function* jsonPieces(value: unknown): Generator<string> {
  if (isList(value)) {
    for (let i = 0; i < value.length; i++) {
      yield i === 0 ? "[" : ",";
      yield* jsonPieces(value[i]);
    }
    yield "]";
  } else if (isObject(value) && !Array.isArray(value)) {
    // Each member is looked at once: it may be made then.
    const members = Object.entries(value);
    if (!members.some(([, member]) => isList(member))) {
      return yield JSON.stringify(Object.fromEntries(members));
    }
    let separator = "{";
    for (const [key, member] of members) {
      if (member === undefined) continue;
      yield `${separator}${JSON.stringify(key)}:`;
      yield* jsonPieces(member);
      separator = ",";
    }
    yield "}";
  } else {
    yield JSON.stringify(value);
  }
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && isObject(value[0]);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
