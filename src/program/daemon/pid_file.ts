import { dirname } from "node:path";
import { FatalError, fileProblem } from "../../base/errors.ts";
import { quote } from "../../base/text.ts";
import { waitAtMost } from "../../async/wait_at_most.ts";
import { canWriteIn } from "./writable_folder.ts";

/** How long a lock is waited for where the runtime cannot just try, in milliseconds. */
const LOCK_MS = 500;

/** How often the path is looked at that others take and leave all the time. */
const TRIES = 10;

/** Most bytes that are looked at, more than a number has. */
const MAX_BYTES = 64;

/** What is not in order about a file with anything else in it. */
const FOREIGN = "holds something else than the number of a process, and is left alone";

/** Options of {@linkcode PidFile.take}. */
export interface TakeOptions {
  /** Who this is; `undefined` on Windows. */
  readonly uid: number | undefined;
  readonly at?: string;
  readonly explain?: (pid: number | undefined) => string;
}

/** The part of a file of Deno 2.9 and newer that older ones lack. */
type Lockable = Deno.FsFile & { tryLock?(exclusive: boolean): Promise<boolean> };

/** What tells one file from another at the same path. */
export type Mark = Pick<Deno.FileInfo, "dev" | "ino">;

/**
 * The file with the number of this process.
 *
 * That it is locked says that the process runs, which its number alone does not: numbers are used
 * again. The kernel gives the lock back however the process ends.
 */
export class PidFile {
  /** The number that a dead process has left in it. */
  readonly stale: number | undefined;
  /** Where it is. */
  #path: string;
  readonly #file: Deno.FsFile;
  readonly #mark: Mark;
  #released = false;

  private constructor(
    path: string,
    { file, stale }: { file: Deno.FsFile; stale: number | undefined },
  ) {
    this.#path = path;
    this.stale = stale;
    this.#file = file;
    this.#mark = file.statSync();
  }

  /**
   * Writes the number of this process into a file that is locked from then on, a new one or one that a
   * dead process has left behind.
   *
   * @param options.at Where the file is for the time being, before it is moved to its path.
   * @param options.explain Why it cannot be, if a process that runs has it.
   * @throws {FatalError} If a process that runs has it, if it is no regular file of this user's own or
   * has anything else in it, or cannot be made, or not removed again.
   */
  static async take(path: string, options: TakeOptions): Promise<PidFile> {
    const { uid, at = path, explain = heldBy } = options;
    return await told(path, async () => {
      for (let tries = 0; tries < TRIES; tries++) {
        const before = infoOf(at);
        if (before) assertOwn(before, uid);
        const file = open(at, before);
        const taken = file && await takeOpened(at, { file, before, explain });
        if (taken) return new PidFile(at, taken);
      }
      throw new PidFileError("others take it and leave it all the time");
    }, at);
  }

  /**
   * The number in a file that is there; nothing if there is no file, or nothing in it.
   *
   * @throws {FatalError} If it is no regular file of this user's own or has anything else in it.
   */
  static async read(
    path: string,
    { uid }: Pick<TakeOptions, "uid">,
  ): Promise<{ pid: number; mark: Mark } | undefined> {
    return await told(path, () => {
      const before = infoOf(path);
      if (!before) return undefined;
      assertOwn(before, uid);
      using file = open(path, before);
      if (!file || isBlank(file)) return undefined;
      const pid = numberIn(file);
      if (pid === undefined) throw new PidFileError(FOREIGN);
      return { pid, mark: file.statSync() };
    });
  }

  /**
   * Moves it to where another process has had its own, or none, until now: whoever looks finds the one
   * or the other.
   *
   * @param replaced The file that is replaced; there must be none if absent.
   * @throws {FatalError} If there is another one by now, or it cannot be moved.
   */
  async moveTo(path: string, replaced: Mark | undefined): Promise<void> {
    await told(path, () => {
      const info = infoOf(path);
      if (info && !(replaced && isSame(info, replaced))) {
        throw new PidFileError("another process has taken it meanwhile, and goes on");
      }
      Deno.renameSync(this.#path, path);
      this.#path = path;
    });
  }

  /** Whether another file, or none, is in its place: somebody is about to take this one's. */
  get isMovedAway(): boolean {
    try {
      const info = infoOf(this.#path);
      return !info || !isSame(info, this.#mark);
    } catch {
      // Its folder was closed.
      return false;
    }
  }

  /**
   * Removes it if it is still that one; a second call does nothing. Never throws.
   *
   * @returns Why it could not be removed; nothing if it is gone, or is somebody else's by now.
   */
  release(): string | undefined {
    if (this.#released) return undefined;
    this.#released = true;
    try {
      removeIfSame(this.#path, this.#mark);
    } catch (error) {
      return fileProblem(error);
    } finally {
      this.#file.close();
    }
  }
}

/** Says of a pid file why something cannot be; of one under another name for the time being, which. */
async function told<T>(path: string, act: () => T | Promise<T>, at = path): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const why = error instanceof PidFileError ? error.message : fileProblem(error);
    const which = at === path || error instanceof HeldError ? "" : `${at} `;
    throw new FatalError(`--pid-file ${quote(path)}: ${which}${why}`, { cause: error });
  }
}

/** Locks a file and writes the number into it; `undefined` if it is not at the path any more. */
async function takeOpened(
  path: string,
  { file, before, explain }: {
    file: Deno.FsFile;
    before: Deno.FileInfo | undefined;
    explain: (pid: number | undefined) => string;
  },
): Promise<{ file: Deno.FsFile; stale: number | undefined } | undefined> {
  let taken = false;
  let locked = false;
  try {
    const found = file.statSync();
    if (before && !isSame(before, found)) return undefined;
    if (!await lock(file)) throw new HeldError(explain(numberIn(file)));
    locked = true;
    // Whoever had it may have removed it meanwhile.
    const now = infoOf(path);
    if (!now || !isSame(now, found)) return undefined;
    assertRemovable(path);
    const stale = numberIn(file);
    if (stale === undefined && !isBlank(file)) {
      throw new PidFileError(FOREIGN);
    }
    file.truncateSync();
    file.seekSync(0, Deno.SeekMode.Start);
    file.writeSync(new TextEncoder().encode(`${Deno.pid}\n`));
    taken = true;
    return { file, stale };
  } finally {
    if (!taken) {
      // One that was made here, for which the disk has no room, is nobody's.
      if (locked && !before) removeIfSame(path, file.statSync());
      file.close();
    }
  }
}

function removeIfSame(path: string, mark: Mark): void {
  const info = infoOf(path);
  if (info && isSame(info, mark)) Deno.removeSync(path);
}

/** The message says why, in words that follow the path. */
class PidFileError extends Error {}

/** A process that runs has it. */
class HeldError extends PidFileError {}

function infoOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function isSame(one: Mark, other: Mark): boolean {
  return one.dev === other.dev && one.ino === other.ino;
}

/** What others have put there may lead elsewhere, or be theirs. */
function assertOwn(info: Deno.FileInfo, uid: number | undefined): void {
  if (info.isSymlink) throw new PidFileError("is a symbolic link, which is not followed");
  if (!info.isFile) throw new PidFileError("is no regular file, and is left alone");
  if (uid !== undefined && info.uid !== uid) {
    throw new PidFileError(
      `belongs to user ${info.uid}, and is left alone; this is user ${uid}`,
    );
  }
  if ((info.nlink ?? 1) > 1) {
    throw new PidFileError("has another name as well (a hard link), and is left alone");
  }
}

/** Opens it, or makes it if there was none; `undefined` if that has changed by now. */
function open(path: string, before: Deno.FileInfo | undefined): Lockable | undefined {
  try {
    return Deno.openSync(path, {
      read: true,
      write: true,
      ...(!before && { createNew: true, mode: 0o644 }),
    });
  } catch (error) {
    if (before && error instanceof Deno.errors.NotFound) return undefined;
    if (!before && error instanceof Deno.errors.AlreadyExists) return undefined;
    if (error instanceof Deno.errors.NotFound) throw new PidFileError("there is no such folder");
    if (error instanceof Deno.errors.PermissionDenied && !before) throw notWritable(path);
    throw error;
  }
}

/** Whether nobody else has it locked. Before Deno 2.9 a lock can only be waited for. */
async function lock(file: Lockable): Promise<boolean> {
  if (file.tryLock) return await file.tryLock(true);
  let locked = false;
  const locking = file.lock(true).then(() => void (locked = true), () => {});
  await waitAtMost(LOCK_MS, locking);
  return locked;
}

function numberIn(file: Deno.FsFile): number | undefined {
  const [digits] = /^\d+$/.exec(textIn(file)) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** Whether there is nothing in it, as when whoever had it, or the machine, ended before it was written. */
function isBlank(file: Deno.FsFile): boolean {
  return textIn(file) === "";
}

/** What is in a file, without what surrounds a number; of a long one the beginning. */
function textIn(file: Deno.FsFile): string {
  const bytes = new Uint8Array(MAX_BYTES);
  file.seekSync(0, Deno.SeekMode.Start);
  const length = file.readSync(bytes) ?? 0;
  const text = new TextDecoder().decode(bytes.subarray(0, length)).replaceAll("\0", "");
  return length < MAX_BYTES ? text.trim() : text;
}

function heldBy(pid: number | undefined): string {
  const who = pid === undefined ? "a process that runs" : `the process ${pid}, which runs`;
  return `is locked by ${who}; stop it, or name another file`;
}

/** At its end the program removes the file, which its folder has to allow. */
function assertRemovable(path: string): void {
  if (!canWriteIn(dirname(path))) throw notWritable(path);
}

function notWritable(path: string): PidFileError {
  return new PidFileError(
    `its folder ${quote(dirname(path))} cannot be written to by whom the program runs as, who ` +
      "removes the file at the end; must be in a folder of theirs, such as /run/iawlb",
  );
}
