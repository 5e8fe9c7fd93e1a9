import type { Stream } from "../net/stream.ts";
import { writeAll } from "../net/write_all.ts";
import { Frames, type RawStream } from "./frames.ts";

/** How much is copied at a time. */
const CHUNK_BYTES = 64 * 1024;

/** Who is served: {@linkcode Service.connect} and {@linkcode Service.exchange}, for nobody of a name. */
export interface Servant {
  connect(): Stream;
  /** For somebody who sends datagrams from this port. */
  exchange?(port: number): Stream;
}

/** Serves the sessions that come in frames, one after the other, until nothing more can be read. */
export async function serveInTurn(raw: RawStream, servant: Servant): Promise<void> {
  const frames = new Frames(raw);
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (;;) {
    const kind = await frames.next();
    if (kind === "open") {
      if (!await serve(servant.connect(), { frames, buffer })) return;
    } else if (kind === "exchange" && servant.exchange) {
      const length = await frames.readAll(buffer);
      if (length === undefined) return;
      const port = Number(new TextDecoder().decode(buffer.subarray(0, length)));
      if (!await serveDatagrams(servant.exchange(port), { frames, buffer })) return;
    } else return;
  }
}

/** What sessions come in, and what is read into. */
interface Input {
  readonly frames: Frames;
  readonly buffer: Uint8Array;
}

/** Serves one session; returns whether another one may follow. */
async function serve(stream: Stream, { frames, buffer }: Input): Promise<boolean> {
  try {
    const answering = answer(stream, frames);
    // If nothing can be written, nothing can be read for long.
    answering.catch(() => {});
    for (let kind = await frames.next(); kind !== "end"; kind = await frames.next()) {
      if (kind === undefined) return false;
      const number = await frames.read(buffer);
      // What a service does not take any more is thrown away.
      if (!stream.gone) await writeAll(stream, buffer.subarray(0, number)).catch(() => {});
    }
    await stream.closeWrite();
    await answering;
    return true;
  } finally {
    stream.close();
  }
}

/** The same for datagrams, of which there is no end before the session is over. */
async function serveDatagrams(stream: Stream, { frames, buffer }: Input): Promise<boolean> {
  const answering = answerDatagrams(stream, frames);
  answering.catch(() => {});
  try {
    for (let kind = await frames.next(); kind !== "end"; kind = await frames.next()) {
      const length = kind === undefined ? undefined : await frames.readAll(buffer);
      if (length === undefined) return false;
      await stream.write(buffer.subarray(0, length));
    }
  } finally {
    stream.close();
  }
  await answering;
  return true;
}

async function answerDatagrams(stream: Stream, frames: Frames): Promise<void> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (;;) {
    // That it is closed is how it ends.
    const number = await stream.read(buffer).catch(() => undefined);
    if (number === undefined) break;
    await frames.write("data", buffer.subarray(0, number));
  }
  await frames.write("end");
}

/** Sends what the service says, and how it ends. */
async function answer(stream: Stream, frames: Frames): Promise<void> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (;;) {
    const number = await stream.read(buffer).catch(() => 0);
    if (number === 0) break;
    for (let sent = 0; sent < number;) {
      sent += await frames.write("data", buffer.subarray(sent, number));
    }
  }
  await frames.write(stream.gone ? "gone" : "end");
}
