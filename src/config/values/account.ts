import { findGroup, findUser, isAccountName, type User } from "../../base/accounts.ts";
import { FileError } from "../../base/bounded_file.ts";
import type { Option } from "../option.ts";

const NONE = "none";

/** How a configuration file may write a user or group. */
const PATTERN = "([A-Za-z_][A-Za-z0-9_.-]*[$]?|[0-9]{1,10})";

/** A group of this machine, or a number that none has. */
export interface Group {
  /** As it was written. */
  readonly name: string;
  readonly gid: number;
}

/** Whom a file belongs to; what is absent stays as it is. */
export interface Owner {
  readonly user: User | undefined;
  readonly group: Group | undefined;
}

/** A user of this machine by name or number. */
export function user(spec: { help: string }): Option<User | null> {
  return account({
    ...spec,
    form: `${NONE}|USER`,
    allowed: "none, the name of a user, or a number",
    pattern: `^${PATTERN}$`,
    read: readUser,
    write: ({ name }) => name,
  });
}

/** A group of this machine by name or number. */
export function group(spec: { help: string }): Option<Group | null> {
  return account({
    ...spec,
    form: `${NONE}|GROUP`,
    allowed: "none, the name of a group, or a number",
    pattern: `^${PATTERN}$`,
    read: readGroup,
    write: ({ name }) => name,
  });
}

/** A user, a group, or both. */
export function owner(spec: { help: string }): Option<Owner | null> {
  return account({
    ...spec,
    form: `${NONE}|[USER][:GROUP]`,
    allowed: "none, USER, USER:GROUP or :GROUP, each a name or a number",
    pattern: `^(${PATTERN}(:${PATTERN})?|:${PATTERN})$`,
    read(text) {
      const [, name, , groupName] = /^([^:]*)(:(.+))?$/.exec(text) ?? [];
      if (name === undefined || (name === "" && groupName === undefined)) return undefined;
      const user = name === "" ? undefined : readUser(name);
      const group = groupName === undefined ? undefined : readGroup(groupName);
      if (typeof user === "string") return user;
      if (typeof group === "string") return group;
      if ((name !== "" && !user) || (groupName !== undefined && !group)) return undefined;
      return { user, group };
    },
    write: ({ user, group }) => (user?.name ?? "") + (group ? `:${group.name}` : ""),
  });
}

/** The user; or what is wrong, if it may be one and is none. */
function readUser(text: string): User | string | undefined {
  return isAccountName(text) ? found(findUser, { text, what: "user" }) : undefined;
}

function readGroup(text: string): Group | string | undefined {
  if (!isAccountName(text)) return undefined;
  const gid = found(findGroup, { text, what: "group" });
  return typeof gid === "number" ? { name: text, gid } : gid;
}

function found<T>(
  find: (text: string) => T | undefined,
  { text, what }: { text: string; what: string },
): T | string {
  try {
    return find(text) ?? `this machine has no such ${what}; must be one, or a number`;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return `the ${what}s of this machine cannot be read: ${error.message}; must be a number`;
  }
}

/** What such options have together; `read` gives what is wrong as a text. */
function account<T extends object>(
  spec: {
    form: string;
    help: string;
    allowed: string;
    pattern: string;
    read(text: string): T | string | undefined;
    write(value: T): string;
  },
): Option<T | null> {
  const { form, help, allowed, pattern, read, write } = spec;
  return {
    form,
    default: null,
    help,
    allowed,
    parse(text) {
      if (text === NONE) return null;
      const value = read(text);
      return typeof value === "string" ? undefined : value;
    },
    problem(text) {
      const value = text === NONE ? undefined : read(text);
      return typeof value === "string" ? value : undefined;
    },
    format: (value) => value === null ? NONE : write(value),
    notation: { words: [NONE], pattern },
  };
}
