import type * as NodeFs from "node:fs";
import { PIPE_BYTES, type RawSink } from "../base/whole_lines.ts";

/**
 * What the runtime keeps of bytes that standard output has not taken, at most. It buffers standard
 * output (Deno 2.7 to 2.9 at least, as Rust's `std::io::Stdout` does), reports a failure although it
 * keeps the rest of a line, and writes that before anything else.
 */
const KEPT_BYTES = 1024;

const LINE_BREAK = 0x0a;
const NOTHING = new Uint8Array();

/** Standard output, which says exactly how many bytes it has taken, whatever it is. */
export function stdoutSink(): RawSink {
  if (Deno.stdout.isTerminal()) return terminalSink();
  const fs: typeof NodeFs = process.getBuiltinModule("node:fs");
  if (fs.fstatSync(1).isFile()) return fileSink(() => fs.fstatSync(1).size);
  // A pipe takes such a piece whole or not at all, and so does a Unix-domain socket.
  return { write: (bytes) => Deno.stdout.write(bytes), most: PIPE_BYTES };
}

/** A file tells by its size how much of a piece it has taken. */
function fileSink(size: () => number): RawSink {
  let keeping = false;
  return {
    most: PIPE_BYTES,
    async write(bytes) {
      const before = size();
      try {
        return await Deno.stdout.write(bytes);
      } catch (error) {
        const taken = size() - before;
        if (taken <= 0) throw error;
        keeping = true;
        return kept(bytes, taken);
      }
    },
    async finishLine() {
      if (keeping) await Deno.stdout.write(NOTHING);
      keeping = false;
    },
  };
}

/** Where that ends which is kept when so many bytes of whole lines are written. */
function kept(lines: Uint8Array, written: number): number {
  if (lines.length - written <= KEPT_BYTES) return lines.length;
  const end = lines.lastIndexOf(LINE_BREAK, written + KEPT_BYTES - 1) + 1;
  return end > written ? end : written + KEPT_BYTES;
}

/**
 * A terminal may take a part of a line and be busy then. What has no line break is always kept, and
 * a line break alone is taken or not.
 */
function terminalSink(): RawSink {
  let keeping = false;

  async function finishLine(): Promise<void> {
    if (keeping) await Deno.stdout.write(NOTHING);
    keeping = false;
  }

  return {
    async write(bytes) {
      await finishLine();
      const lineBreak = bytes.indexOf(LINE_BREAK);
      if (lineBreak === 0) return await Deno.stdout.write(bytes.subarray(0, 1));
      const end = lineBreak < 0 ? bytes.length : lineBreak;
      const piece = bytes.subarray(0, Math.min(end, KEPT_BYTES - 1));
      try {
        return await Deno.stdout.write(piece);
      } catch {
        keeping = true;
        return piece.length;
      }
    },
    finishLine,
  };
}
