import type { Stream } from "./stream.ts";

/** Writes all of the bytes, however slowly they are taken; rejects if the connection failed. */
export async function writeAll(stream: Pick<Stream, "write">, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) {
    sent += await stream.write(sent === 0 ? bytes : bytes.subarray(sent));
  }
}
