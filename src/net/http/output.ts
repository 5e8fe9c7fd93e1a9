import type { Pace } from "../../async/pace.ts";
import { STATUS_TEXT } from "./status.ts";

/** Most bytes that are written at a time, so that progress can be seen. */
const SLICE = 64 * 1024;

/** Writes all bytes; rejects if that takes too long or the client is gone. */
export type Write = (bytes: Uint8Array) => Promise<void>;

/** What an answer has to be sent by. */
export interface AnswerTo {
  /** Whether the request was a HEAD: everything but the body is sent. */
  readonly head: boolean;
  /** Whether the client speaks HTTP/1.0. */
  readonly old: boolean;
  /** Whether the connection is kept, as far as is known before the body. */
  readonly keepAlive: boolean;
}

/**
 * Sends an answer, its body as it comes and no faster than the client reads.
 *
 * A long one is sent in turns with whatever else goes on.
 *
 * A body whose length is not in the headers is sent in chunks, to HTTP/1.0 until the connection
 * ends.
 *
 * @returns Whether the connection can be kept.
 * @throws If the client is gone, or the body fails: then the connection has to be closed.
 */
export async function sendAnswer(
  response: Response,
  { to, write, pace }: { to: AnswerTo; write: Write; pace: Pace },
): Promise<boolean> {
  const { status, headers, body } = response;
  const bodiless = status === 204 || status === 304;
  let length = readLength(headers);
  if (body === null && length === undefined && !bodiless && !to.head) length = 0;
  const chunked = length === undefined && !bodiless && !to.old && body !== null;
  const closing = headers.get("connection")?.toLowerCase() === "close";
  const kept = to.keepAlive && !closing && (length !== undefined || chunked || bodiless || to.head);
  const head = headOf(response, { length, chunked, kept, old: to.old });
  if (body === null) {
    await write(head);
    return kept;
  }
  const reader = body.getReader();
  // A body that fails while the client does not read must not wait for that client.
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  reader.closed.catch(failed.reject);
  try {
    if (to.head || bodiless) {
      await write(head);
      return kept;
    }
    await Promise.race([sendBody(reader, { head, length, chunked, write, pace }), failed.promise]);
    return kept;
  } finally {
    // Not waited for: who makes the body may take its time.
    reader.cancel().catch(() => {});
  }
}

/** An answer of one line about a request that was not understood. */
export function refusalBytes(status: number, message: string): Uint8Array {
  const body = JSON.stringify({ error: message }) + "\n";
  const headers = { "content-type": "application/json", "content-length": String(body.length) };
  const response = new Response(null, { status, headers });
  const head = headOf(response, { length: undefined, chunked: false, kept: false, old: false });
  return concat(head, new TextEncoder().encode(body));
}

async function sendBody(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  options: {
    head: Uint8Array;
    length: number | undefined;
    chunked: boolean;
    write: Write;
    pace: Pace;
  },
): Promise<void> {
  const { length, chunked, write, pace } = options;
  // With a body of known length its beginning goes along; any other may be long in coming.
  let waiting: Uint8Array | undefined = options.head;
  if (length === undefined) {
    await write(waiting);
    waiting = undefined;
  }
  let sent = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    sent += value.length;
    if (length !== undefined && sent > length) throw new Error("the body is longer than it says");
    for (let at = 0; at < value.length; at += SLICE) {
      // As long as a fast client takes everything at once, nobody else would have a turn.
      if (sent > SLICE && pace.due) await pace.turn();
      const slice = value.subarray(at, at + SLICE);
      const bytes: Uint8Array = chunked ? chunkOf(slice) : slice;
      await write(waiting ? concat(waiting, bytes) : bytes);
      waiting = undefined;
    }
  }
  if (length !== undefined && sent < length) throw new Error("the body is shorter than it says");
  if (waiting) await write(waiting);
  if (chunked) await write(new TextEncoder().encode("0\r\n\r\n"));
}

function headOf(
  response: Response,
  how: { length: number | undefined; chunked: boolean; kept: boolean; old: boolean },
): Uint8Array {
  const { status } = response;
  const headers = new Headers(response.headers);
  headers.set("date", new Date().toUTCString());
  if (how.length !== undefined) headers.set("content-length", String(how.length));
  if (how.chunked) headers.set("transfer-encoding", "chunked");
  if (!how.kept) headers.set("connection", "close");
  else if (how.old) headers.set("connection", "keep-alive");
  const lines = [`HTTP/1.1 ${status} ${STATUS_TEXT[status] ?? "Answer"}`];
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  return bytesOf(lines.join("\r\n") + "\r\n\r\n");
}

function readLength(headers: Headers): number | undefined {
  const length = headers.get("content-length");
  return length === null ? undefined : Number(length);
}

function chunkOf(bytes: Uint8Array): Uint8Array {
  const begin = bytesOf(`${bytes.length.toString(16)}\r\n`);
  const chunk = new Uint8Array(begin.length + bytes.length + 2);
  chunk.set(begin);
  chunk.set(bytes, begin.length);
  chunk.set([13, 10], begin.length + bytes.length);
  return chunk;
}

/** One byte for each letter: headers have no others. */
function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
