import { fileProblem } from "./errors.ts";
import { sleep } from "./timer.ts";

/** How long the contents of a file may take, in milliseconds: a file system may hang. */
const PATIENCE_MS = 10_000;

/** How often a file is read that changes meanwhile, and the pause before the next time. */
const ATTEMPTS = 10;
const PAUSE_MS = 20;

/** How much is read at once. */
const PIECE_BYTES = 64 * 1024;

/** What {@linkcode readBounded} makes sure of. */
export interface BoundedOptions {
  /** Most bytes. */
  limit: number;
  /** How long it must not have changed after it was read, in milliseconds: who writes may pause. */
  rest?: number;
}

/** A file was not read; the message says why in words that follow "cannot be read: ". */
export class FileError extends Error {
  override readonly name = "FileError";
}

/**
 * Reads a regular file of at most so many bytes.
 *
 * Nothing else is opened: opening a FIFO waits for who writes to it, and a device may have no end.
 * What is written, or takes its place, while it is read is read again.
 *
 * @throws {FileError} If it is no such file, is too large, does not come to rest, or takes too long.
 */
export async function readBounded(path: string, options: BoundedOptions): Promise<Uint8Array> {
  const ended = new AbortController();
  const late = sleep(PATIENCE_MS, { signal: ended.signal }).then(() => {
    throw new FileError(`its contents did not come within ${PATIENCE_MS / 1000} s`);
  });
  try {
    return await Promise.race([readAtRest(path, options), late]);
  } catch (error) {
    throw error instanceof FileError ? error : new FileError(fileProblem(error));
  } finally {
    late.catch(() => {});
    ended.abort();
  }
}

/**
 * The same in one step, for small files.
 *
 * @throws {FileError} If it is no such file, or is too large.
 */
export function readBoundedSync(path: string, limit: number): Uint8Array {
  try {
    checkKind(Deno.statSync(path), limit);
    using file = Deno.openSync(path);
    const pieces = new Pieces(limit);
    for (;;) {
      const piece = new Uint8Array(PIECE_BYTES);
      const n = file.readSync(piece);
      if (n === null) return pieces.joined();
      pieces.add(piece.subarray(0, n));
    }
  } catch (error) {
    throw error instanceof FileError ? error : new FileError(fileProblem(error));
  }
}

/**
 * Everything that a stream has, at most so many bytes.
 *
 * @throws {FileError} If it has more.
 */
export async function readStream(
  stream: Pick<Deno.FsFile, "read">,
  limit: number,
): Promise<Uint8Array> {
  const pieces = new Pieces(limit);
  for (;;) {
    const piece = new Uint8Array(PIECE_BYTES);
    const n = await stream.read(piece);
    if (n === null) return pieces.joined();
    pieces.add(piece.subarray(0, n));
  }
}

/** What was read so far: most files are much smaller than they may be. */
class Pieces {
  readonly #limit: number;
  readonly #all: Uint8Array[] = [];
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @throws {FileError} If it is too much. */
  add(piece: Uint8Array): void {
    this.#length += piece.length;
    if (this.#length > this.#limit) throw tooLarge(this.#limit);
    this.#all.push(piece);
  }

  joined(): Uint8Array {
    const bytes = new Uint8Array(this.#length);
    let at = 0;
    for (const piece of this.#all) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }
}

async function readAtRest(
  path: string,
  { limit, rest = 0 }: BoundedOptions,
): Promise<Uint8Array> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (attempt > 0) await sleep(PAUSE_MS * attempt);
    const before = await Deno.stat(path);
    checkKind(before, limit);
    using file = await Deno.open(path);
    const bytes = await readStream(file, limit);
    if (rest > 0) await sleep(rest);
    const after = await Deno.stat(path);
    const same = before.size === after.size && before.mtime?.getTime() === after.mtime?.getTime();
    if (same && before.ino === after.ino) return bytes;
  }
  throw new FileError("it changes all the time while it is read");
}

function checkKind(info: Deno.FileInfo, limit: number): void {
  if (!info.isFile) throw new FileError(`it is ${kindOf(info)}, not a regular file`);
  if (info.size > limit) throw tooLarge(limit, info.size);
}

function kindOf(info: Deno.FileInfo): string {
  if (info.isDirectory) return "a directory";
  if (info.isFifo) return "a FIFO";
  if (info.isSocket) return "a socket";
  return "a device";
}

function tooLarge(limit: number, size?: number): FileError {
  return new FileError(`it has ${size ?? `more than ${limit}`} bytes; must be at most ${limit}`);
}
