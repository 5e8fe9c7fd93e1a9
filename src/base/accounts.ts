import { readBoundedSync } from "./bounded_file.ts";

/** Where users and groups are looked up; see passwd(5) and group(5). */
const USERS_FILE = "/etc/passwd";
const GROUPS_FILE = "/etc/group";

/** Most bytes of each that are read. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Beyond the greatest number of a user or group: that one means "unchanged" to the kernel. */
const NUMBERS = 2 ** 32 - 1;

/** A user of this machine, or a number that none has. */
export interface User {
  /** Its name; the number as a text if it has none. */
  readonly name: string;
  readonly uid: number;
  /** Its primary group; `undefined` of a number that no user has. */
  readonly gid: number | undefined;
  /** The home folder; `/` of a number that no user has. */
  readonly home: string;
}

/**
 * A user by name or number; `undefined` if there is none of that name. The file is read anew each
 * time. Users that only a directory server knows are found by their number alone, without a group.
 *
 * @throws {FileError} If the file cannot be read.
 */
export function findUser(text: string, { path = USERS_FILE } = {}): User | undefined {
  const number = numberOf(text);
  for (const [name = "", , uid, gid, , home = "/"] of rows(path)) {
    if (!(number === undefined ? name === text : numberOf(uid) === number)) continue;
    const [own, primary] = [numberOf(uid), numberOf(gid)];
    if (own !== undefined && primary !== undefined) return { name, uid: own, gid: primary, home };
  }
  return number === undefined ? undefined : { name: text, uid: number, gid: undefined, home: "/" };
}

/**
 * The number of a group by its name or number; `undefined` if there is none of that name.
 *
 * @throws {FileError} If the file cannot be read.
 */
export function findGroup(text: string, { path = GROUPS_FILE } = {}): number | undefined {
  const number = numberOf(text);
  if (number !== undefined) return number;
  for (const [name, , gid] of rows(path)) {
    if (name === text && numberOf(gid) !== undefined) return numberOf(gid);
  }
}

/** Whether a text may be a user or group: a name as useradd(8) takes it, or a number. */
export function isAccountName(text: string): boolean {
  return numberOf(text) !== undefined || /^[a-z_][a-z\d_.-]{0,31}\$?$/i.test(text);
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  return Number(text) < NUMBERS ? Number(text) : undefined;
}

function rows(path: string): string[][] {
  const text = new TextDecoder().decode(readBoundedSync(path, MAX_BYTES));
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(":"));
}
