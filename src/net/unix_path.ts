import { MAX_UNIX_PATH } from "./address.ts";
import { connect } from "./connect.ts";
import { fileProblem } from "../base/errors.ts";

/** The beginning of a temporary name, which whoever finds one left behind can tell its origin by. */
const PREFIX = ".iawlb-";

/** Characters of a temporary name after that, as many as there are or as have room. */
const RANDOM_LENGTH = 8;
const ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/** How often another temporary name is tried: a long path has room for one character only. */
const NAME_TRIES = 500;

/** How often a path is looked at that others take and leave all the time. */
const PATH_TRIES = 10;

/** What tells one socket file from another at the same path. */
export interface Mark {
  readonly dev: number;
  readonly ino: number | null;
  /** When it was made, in milliseconds; inode numbers are used again. Not looked at if absent. */
  readonly made?: number | undefined;
}

/**
 * Binds a path, replacing a socket file that a dead process has left behind.
 *
 * The socket is bound under a temporary name in the same folder and gets its own by a link: the
 * runtime removes the path that it has bound when it closes, whoever has that by then. Whatever
 * `open` does to the file is done before anybody finds it. Of several programs that replace the same
 * file at the same moment one succeeds. A process that is killed between the two calls leaves the
 * temporary name behind.
 *
 * @throws {Deno.errors.AddrInUse} If somebody answers there, or it is not a socket.
 */
export async function bindPath<T>(
  path: string,
  { open, close }: { open(path: string): T; close(socket: T): unknown },
): Promise<{ socket: T; mark: Mark }> {
  let dead = await lookAt(path);
  const { socket, temporary } = openTemporarily(path, open);
  try {
    const { dev, ino } = Deno.lstatSync(temporary);
    for (let tries = 0; tries < PATH_TRIES; tries++) {
      if (dead) takeAway(path, dead);
      if (link(temporary, path)) return { socket, mark: { dev, ino } };
      dead = await lookAt(path);
    }
    throw new Deno.errors.AddrInUse(path);
  } catch (error) {
    await close(socket);
    throw error;
  } finally {
    removeQuietly(temporary);
  }
}

/** A socket that is bound, and has its path when it takes it. */
export interface LatePath<T> {
  readonly socket: T;
  readonly mark: Mark;
  /** @throws {Deno.errors.AddrInUse} If there is something at the path that is not a socket. */
  check(): void;
  /**
   * Gives the path to the socket: whoever connects reaches the one that had it, or this one.
   *
   * @throws {Deno.errors.AddrInUse} If there is something that is not a socket.
   */
  take(): void;
  /** Removes what a socket has that has not taken its path; does nothing else. Never throws. */
  leave(): void;
}

/**
 * Binds a socket in the folder of a path that another process serves still. A process that is killed
 * before it takes the path leaves the temporary name behind.
 *
 * @throws {Deno.errors.AddrInUse} If there is something at the path that is not a socket.
 */
export function bindLater<T>(path: string, open: (path: string) => T): LatePath<T> {
  const check = () => assertSocket(path, infoOf(path));
  check();
  const { socket, temporary } = openTemporarily(path, open);
  const { dev, ino } = Deno.lstatSync(temporary);
  let taken = false;
  return {
    socket,
    mark: { dev, ino },
    check,
    take() {
      check();
      Deno.renameSync(temporary, path);
      taken = true;
    },
    leave() {
      if (!taken) removeQuietly(temporary);
    },
  };
}

/**
 * Removes a socket file if it is still that one. Never throws.
 *
 * @returns Why it could not be removed; nothing if it is gone, or is somebody else's by now.
 */
export function releasePath(path: string, mark: Mark): string | undefined {
  try {
    takeAway(path, mark);
  } catch (error) {
    const gone = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (!gone) return fileProblem(error);
  }
}

/** What a dead process has left at a path; nothing if nothing is there. Throws if it is in use. */
async function lookAt(path: string): Promise<Mark | undefined> {
  const info = infoOf(path);
  if (info === undefined) return undefined;
  assertSocket(path, info);
  if (!await isAbandoned(path)) throw new Deno.errors.AddrInUse(path);
  return { dev: info.dev, ino: info.ino, made: madeAt(info) };
}

function assertSocket(path: string, info: Deno.FileInfo | undefined): void {
  if (!info || info.isSocket) return;
  throw new Deno.errors.AddrInUse(
    `there is something at ${path} that is not a socket, and is left alone`,
  );
}

/** Whether nobody answers at a socket file, or it is gone. */
async function isAbandoned(path: string): Promise<boolean> {
  try {
    (await connect({ path })).close();
    return false;
  } catch (error) {
    return error instanceof Deno.errors.ConnectionRefused ||
      error instanceof Deno.errors.NotFound;
  }
}

function openTemporarily<T>(
  path: string,
  open: (path: string) => T,
): { socket: T; temporary: string } {
  for (let tries = 1;; tries++) {
    const temporary = temporaryName(path);
    try {
      return { socket: open(temporary), temporary };
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse) || tries === NAME_TRIES) throw error;
    }
  }
}

/** A name that is free at the moment, in the same folder and not too long for a socket. */
function temporaryName(path: string): string {
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  const room = MAX_UNIX_PATH - new TextEncoder().encode(folder).length;
  for (let tries = 1;; tries++) {
    const random = Array.from(crypto.getRandomValues(new Uint8Array(RANDOM_LENGTH)));
    const text = PREFIX + random.map((byte) => ALPHABET[byte % ALPHABET.length]).join("");
    const name = folder + text.slice(-room);
    if (name !== path && infoOf(name) === undefined) return name;
    if (tries === NAME_TRIES) throw new Error("its folder has no room for a temporary name");
  }
}

/** Gives a file a second name; `false` if something has that name. */
function link(from: string, to: string): boolean {
  try {
    Deno.linkSync(from, to);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists || infoOf(to) !== undefined) return false;
  }
  // Not every file system has hard links.
  Deno.renameSync(from, to);
  return true;
}

/**
 * Removes a file if it is that one. It is moved aside first and looked at there: what somebody has put
 * in its place at the last moment gets its name back.
 */
function takeAway(path: string, mark: Mark): void {
  if (!isMarked(path, mark)) return;
  const aside = temporaryName(path);
  Deno.renameSync(path, aside);
  if (!isMarked(aside, mark)) link(aside, path);
  removeQuietly(aside);
}

function isMarked(path: string, { dev, ino, made }: Mark): boolean {
  const info = infoOf(path);
  if (info === undefined || info.dev !== dev || info.ino !== ino) return false;
  return made === undefined || madeAt(info) === made;
}

function madeAt({ birthtime, mtime }: Deno.FileInfo): number | undefined {
  return (birthtime ?? mtime)?.getTime();
}

function infoOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It is gone, or its folder cannot be written to any more.
  }
}
