import process from "node:process";

/** Who a process is to the system. */
export interface Credentials {
  readonly uid: number;
  readonly gid: number;
  /** The supplementary groups, by number. */
  readonly groups: readonly number[];
}

/** Who this process is; `undefined` on Windows. */
export function ownCredentials(): Credentials | undefined {
  const [uid, gid] = [Deno.uid(), Deno.gid()];
  if (uid === null || gid === null) return undefined;
  // The runtime's own functions know no supplementary groups.
  return { uid, gid, groups: process.getgroups?.() ?? [] };
}
