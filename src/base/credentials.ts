/** Who a process is to the kernel. */
export interface Credentials {
  /** The effective user and group. */
  readonly uid: number;
  readonly gid: number;
  /** The supplementary groups, by number. */
  readonly groups: readonly number[];
  /** The effective capabilities, a bit each. */
  readonly capabilities: bigint;
}

/** Numbers of capabilities; see capabilities(7). */
export const CAPABILITIES = {
  setgid: 6,
  setuid: 7,
  setpcap: 8,
  netBindService: 10,
} as const;

/**
 * Who this process is; `undefined` where the system does not tell, which only Linux does. Of all
 * ways to ask, this one alone knows the supplementary groups.
 */
export function ownCredentials(path = "/proc/self/status"): Credentials | undefined {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
  const numbers = (name: string) => {
    const [, rest] = new RegExp(`^${name}:(.*)$`, "m").exec(text) ?? [];
    return rest?.trim().split(/\s+/).filter((one) => one !== "").map(Number);
  };
  const [, capabilities] = /^CapEff:\s*([\da-f]+)$/m.exec(text) ?? [];
  // Real, effective, saved, of the file system.
  const [uid, gid] = [numbers("Uid")?.[1], numbers("Gid")?.[1]];
  if (uid === undefined || gid === undefined || capabilities === undefined) return undefined;
  return { uid, gid, groups: numbers("Groups") ?? [], capabilities: BigInt(`0x${capabilities}`) };
}

/** Whether a process has a capability. */
export function has(
  { capabilities }: Credentials,
  capability: keyof typeof CAPABILITIES,
): boolean {
  return (capabilities >> BigInt(CAPABILITIES[capability]) & 1n) === 1n;
}
