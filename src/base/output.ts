import { FatalError, messageOf } from "./errors.ts";
import { pieceOf, PIPE_BYTES } from "./whole_lines.ts";

/** How long it waits where nobody reads fast enough, in milliseconds. */
const PAUSE_MS = 5;

/**
 * Writes a text and a line break to standard output, however long a slow reader takes.
 *
 * @throws {FatalError} If it cannot be written: the disk is full, or nobody reads it any more.
 */
export function print(text: string): void {
  put(`${text}\n`);
}

/** {@linkcode print} without a line break. */
export function put(text: string): void {
  putBytes(new TextEncoder().encode(text));
}

/** The same for bytes as they are. */
export function putBytes(bytes: Uint8Array): void {
  try {
    writeAll(Deno.stdout, bytes);
  } catch (error) {
    const why = error instanceof Deno.errors.BrokenPipe ? "nobody reads it" : messageOf(error);
    throw new FatalError(`Cannot write to standard output: ${why}`, { cause: error });
  }
}

/** Writes a text and a line break to standard error, if that can be done. */
export function complain(text: string): void {
  try {
    writeAll(Deno.stderr, new TextEncoder().encode(`${text}\n`));
  } catch {
    // There is nobody left whom this could be told.
  }
}

/**
 * From now on a write beyond the limit on the size of files (`ulimit -f`) fails as it does on a full
 * disk; otherwise the signal that comes with it ends the program.
 */
export function surviveFileLimit(): void {
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGXFSZ", () => {});
}

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, all: Uint8Array): void {
  let bytes = all;
  while (bytes.length > 0) {
    try {
      // A pipe that does not wait takes such a piece either whole or not at all.
      bytes = bytes.subarray(stream.writeSync(pieceOf(bytes, PIPE_BYTES)));
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      pause();
    }
  }
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
}
