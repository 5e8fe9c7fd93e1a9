import type { User } from "../../base/accounts.ts";
import type { Credentials } from "../../base/credentials.ts";
import { UsageError } from "../../base/errors.ts";
import type { Settings } from "../../config/options.ts";

/** Whom the program is to run as. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  /** What it is called in messages. */
  readonly name: string;
  /** The user, if it is another one by name or number. */
  readonly user: User | null;
}

/** Where setpriv(1) of util-linux is, which alone gives capabilities to another user. */
const SETPRIV = ["/usr/bin/setpriv", "/bin/setpriv"];

/**
 * Whom `--user` and `--group` want the program to become; `undefined` if it is that already, or they
 * want nothing. Supplementary groups are given up by whoever can.
 *
 * @param own Who it is; `undefined` on Windows.
 * @throws {UsageError} If it cannot become that.
 */
export function wantedIdentity(
  { user, group }: Pick<Settings, "user" | "group">,
  own: Credentials | undefined,
): Identity | undefined {
  if (!user && !group) return undefined;
  const flag = user ? `--user ${user.name}` : `--group ${group!.name}`;
  if (!own) throw new UsageError(`${flag}: there are no such users on Windows; must be none`);
  const uid = user?.uid ?? own.uid;
  const gid = group?.gid ?? user?.gid ?? own.gid;
  const isThat = own.uid === uid && own.gid === gid;
  if (isThat && groupsBesides(own).length === 0) return undefined;
  if (own.uid === 0) {
    return { uid, gid, name: user?.name ?? `group ${group!.name}`, user };
  }
  if (isThat) return undefined;
  throw new UsageError(
    `${flag}: only root can become somebody else, and this is run by user ${own.uid}, group ` +
      `${own.gid}; must be none, or started by root`,
  );
}

/** The supplementary groups, but for one that is the group itself. */
export function groupsBesides({ gid, groups }: Credentials): number[] {
  return groups.filter((one) => one !== gid);
}

/**
 * What starts a command as somebody else with the one capability to bind ports below 1024; `undefined`
 * where nothing does, or root itself has not got it to give, as in some containers. That is tried.
 *
 * The runtime can start a process as another user without supplementary groups, but not with a
 * capability: it has no call for these.
 */
export function capableStart(
  { uid, gid }: Identity,
  { paths = SETPRIV }: { paths?: readonly string[] } = {},
): string[] | undefined {
  if (uid === 0) return undefined;
  const only = "-all,+net_bind_service";
  for (const path of paths) {
    const start = [
      path,
      `--reuid=${uid}`,
      `--regid=${gid}`,
      "--clear-groups",
      `--inh-caps=${only}`,
      `--ambient-caps=${only}`,
      "--",
    ];
    if (succeeds([...start, path, "--version"])) return start;
  }
}

function succeeds([program, ...args]: string[]): boolean {
  const stdio = "null";
  try {
    return new Deno.Command(program!, { args, stdin: stdio, stdout: stdio, stderr: stdio })
      .outputSync().success;
  } catch {
    return false;
  }
}
