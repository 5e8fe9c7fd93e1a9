import type { ByteSink } from "./byte_sink.ts";

/** Something that can be written to, and may take a part of the bytes only, or none. */
export interface RawSink {
  /** Resolves to how many of the bytes are written. */
  write(bytes: Uint8Array): Promise<number>;
  /** Most bytes that may be written at once; as many as there are if absent. */
  readonly most?: number;
  /** Takes the latest bytes back, so many of them. Returns whether that could be done. */
  takeBack?(bytes: number): boolean;
  /** Writes what it has taken, but kept. */
  finishLine?(): Promise<void>;
  close?(): void;
}

/**
 * Most bytes that a pipe takes either whole or not at all, so that several writers do not cut each
 * other's lines: PIPE_BUF of Linux, see pipe(7).
 */
export const PIPE_BYTES = 4096;

const LINE_BREAK = 0x0a;

/**
 * A sink in which a line is whole or absent, also after a write that took only a part of it: that
 * part is taken back, or where this cannot be done, the line is finished before anything else.
 *
 * Several writers may share it.
 */
export function wholeLines(raw: RawSink): ByteSink {
  /** What is missing of a line that could not be taken back. */
  let rest = new Uint8Array();
  let turn: Promise<unknown> = Promise.resolve();

  /** One after the other, also for several writers. */
  function inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = turn.then(action);
    turn = result.catch(() => {});
    return result;
  }

  async function finishLine(): Promise<void> {
    await raw.finishLine?.();
    while (rest.length > 0) rest = rest.subarray(await raw.write(pieceOf(rest, raw.most)));
  }

  async function write(lines: Uint8Array): Promise<number> {
    await finishLine();
    for (let done = 0;;) {
      try {
        done += await raw.write(pieceOf(lines.subarray(done), raw.most));
        // Between two lines is the time to let another writer in.
        if (lines[done - 1] === LINE_BREAK) return done;
      } catch (error) {
        const whole = done === 0 ? 0 : lines.lastIndexOf(LINE_BREAK, done - 1) + 1;
        if (done > whole && !raw.takeBack?.(done - whole)) {
          const end = lines.indexOf(LINE_BREAK, done) + 1;
          rest = lines.slice(done, end);
          return end;
        }
        if (whole > 0) return whole;
        throw error;
      }
    }
  }

  return {
    write: (lines) => inTurn(() => write(lines)),
    finishLine: () => inTurn(finishLine),
    close: () => raw.close?.(),
  };
}

/** The first lines that have room in so many bytes; of a longer line, so many bytes. */
export function pieceOf(bytes: Uint8Array, most = bytes.length): Uint8Array {
  if (bytes.length <= most) return bytes;
  const end = bytes.lastIndexOf(LINE_BREAK, most - 1) + 1;
  return bytes.subarray(0, end || most);
}
