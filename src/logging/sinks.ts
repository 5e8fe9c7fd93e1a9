import type * as NodeFs from "node:fs";
import { dirname, resolve } from "node:path";
import { FatalError, fileProblem } from "../base/errors.ts";
import { AwayError, type ByteSink } from "../base/byte_sink.ts";
import { stdoutSink } from "./stdout_sink.ts";
import { PIPE_BYTES, type RawSink, wholeLines } from "../base/whole_lines.ts";

/** The standard streams by the names that a log may be given. */
const STREAMS: Readonly<Record<string, StreamName>> = {
  "on": "stdout",
  "-": "stdout",
  "/dev/stdout": "stdout",
  "/dev/fd/1": "stdout",
  "/proc/self/fd/1": "stdout",
  "/dev/stderr": "stderr",
  "/dev/fd/2": "stderr",
  "/proc/self/fd/2": "stderr",
};

/** A standard stream that can be written to. */
export type StreamName = "stdout" | "stderr";

/** Most symbolic links one behind the other; Linux follows no more, either. */
const LINKS = 40;

/**
 * The standard stream that a name means, or a symbolic link as containers have it: these are there
 * already, and cannot be opened by path.
 */
export function streamOf(where: string): StreamName | undefined {
  let path = where;
  for (let i = 0; i < LINKS && !Object.hasOwn(STREAMS, path); i++) {
    try {
      path = resolve(dirname(path), Deno.readLinkSync(path));
    } catch {
      return undefined;
    }
  }
  return STREAMS[path];
}

/** A log that is there by its path. */
export interface PathSink extends ByteSink {
  /** Opens what the path names now, if it is there; absent if that has to be another sink. */
  reopen?(): boolean;
}

/** A standard stream as a place for lines, of one writer or of several. */
export function streamSink(name: StreamName): ByteSink {
  return wholeLines(
    name === "stdout"
      ? stdoutSink()
      : { write: (bytes) => Deno.stderr.write(bytes), most: PIPE_BYTES },
  );
}

/**
 * Opens a file to append to, or a FIFO; never waits for whoever is to read it.
 *
 * @throws {FatalError} If it cannot be opened, or is nothing to write lines to.
 */
export function openPath(path: string): PathSink {
  try {
    return kindOf(path) === "file" ? openFile(path) : openPipe(path);
  } catch (error) {
    const why = error instanceof Deno.errors.NotFound
      ? "there is no such folder"
      : error instanceof Deno.errors.NotCapable
      ? "must be a file, a FIFO, -, /dev/stdout or /dev/stderr"
      : fileProblem(error);
    const message = `Cannot open the access log ${JSON.stringify(path)}: ${why}`;
    throw new FatalError(message, { cause: error });
  }
}

/** What a path names, as far as a log is concerned; a file if there is nothing. */
function kindOf(path: string): "file" | "pipe" {
  let info: Deno.FileInfo;
  try {
    info = Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "file";
    throw error;
  }
  if (info.isDirectory) throw new Error("it is a folder");
  if (info.isSocket) throw new Error("it is a socket; must be a file or a FIFO");
  if (info.isBlockDevice) throw new Error("it is a disk; must be a file or a FIFO");
  return info.isFifo || info.isCharDevice ? "pipe" : "file";
}

function openFile(path: string): PathSink {
  const file = openRegular(path);
  // Between the look and the opening somebody may have put a FIFO there.
  if (!file.statSync().isFile) {
    file.close();
    return openPipe(path);
  }
  /** Where the latest write has ended, if nobody else writes. */
  let end = 0;
  return wholeLines({
    async write(bytes) {
      end = (await file.stat()).size;
      const written = await file.write(bytes);
      end += written;
      return written;
    },
    takeBack(bytes) {
      try {
        // Where another program writes, too, the latest bytes may not be ours.
        if (file.statSync().size !== end) return false;
        file.truncateSync(end - bytes);
        end -= bytes;
        return true;
      } catch {
        return false;
      }
    },
    close: () => file.close(),
  });
}

/** Opens for reading, too, if that is allowed: this does not wait, even if it is a FIFO after all. */
function openRegular(path: string): Deno.FsFile {
  const options = { create: true, append: true };
  try {
    return Deno.openSync(path, { ...options, read: true });
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) return Deno.openSync(path, options);
    throw error;
  }
}

/**
 * A FIFO, or a device that behaves like one. It is opened when there are lines, again after its
 * reader has left, and in a way in which neither opening nor writing ever waits.
 */
function openPipe(path: string): PathSink {
  const fs = nodeFs();
  const { O_WRONLY, O_APPEND, O_NONBLOCK, O_NOCTTY } = fs.constants;
  let descriptor: number | undefined;
  let writing = false;
  /** Whether it is to be closed as soon as nothing is written to it. */
  let unwanted = false;

  function open(): number {
    return fs.openSync(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY);
  }

  function close(): void {
    unwanted = writing;
    if (writing || descriptor === undefined) return;
    fs.closeSync(descriptor);
    descriptor = undefined;
  }

  const raw: RawSink = {
    async write(bytes) {
      try {
        descriptor ??= open();
        writing = true;
        return await writeTo(fs, { descriptor, bytes });
      } catch (error) {
        if (!isAway(error)) throw error;
        unwanted = true;
        throw new AwayError("nobody reads it", { cause: error });
      } finally {
        writing = false;
        if (unwanted) close();
      }
    },
    most: PIPE_BYTES,
    // What a reader who has left has got of a line is gone with it.
    takeBack: () => descriptor === undefined,
    close,
  };
  try {
    descriptor = open();
  } catch (error) {
    if (!isAway(error)) throw error;
  }
  return {
    ...wholeLines(raw),
    reopen() {
      if (kindOf(path) !== "pipe") return false;
      close();
      return true;
    },
  };
}

/** Whether a FIFO has no reader, or is being replaced. */
function isAway(error: unknown): boolean {
  if (error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.NotFound) return true;
  const { code } = error as { code?: unknown };
  return code === "ENXIO" || code === "EPIPE" || code === "ENOENT";
}

function writeTo(
  fs: typeof NodeFs,
  { descriptor, bytes }: { descriptor: number; bytes: Uint8Array },
): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(descriptor, bytes, 0, bytes.length, null, (error, written) => {
      if (error) reject(error);
      else resolve(written);
    });
  });
}

/** Loaded only where it is needed, as it takes a while: the runtime itself cannot open this way. */
function nodeFs(): typeof NodeFs {
  return process.getBuiltinModule("node:fs");
}
