import type { Stream } from "../net/stream.ts";
import { writeAll } from "../net/write_all.ts";
import { Frames, type RawStream } from "./frames.ts";

/** How much is copied at a time. */
const CHUNK_BYTES = 64 * 1024;

/** Serves the sessions that come in frames, one after the other, until nothing more can be read. */
export async function serveInTurn(raw: RawStream, connect: () => Stream): Promise<void> {
  const frames = new Frames(raw);
  const buffer = new Uint8Array(CHUNK_BYTES);
  while (await frames.next() === "open") {
    const stream = connect();
    try {
      const answering = answer(stream, frames);
      // If nothing can be written, nothing can be read for long.
      answering.catch(() => {});
      for (let kind = await frames.next(); kind !== "end"; kind = await frames.next()) {
        if (kind === undefined) return;
        const number = await frames.read(buffer);
        // What a service does not take any more is thrown away.
        if (!stream.gone) await writeAll(stream, buffer.subarray(0, number)).catch(() => {});
      }
      await stream.closeWrite();
      await answering;
    } finally {
      stream.close();
    }
  }
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
