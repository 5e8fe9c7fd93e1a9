/** One server that a name leads to. */
export interface Found {
  /** An IP address in its canonical spelling. */
  readonly hostname: string;
  readonly port: number;
  /** The host that has the address, where a record named it. */
  readonly target?: string;
  /** Its share of the sessions; what the configuration says unless a record tells it. */
  readonly weight?: number;
  /** Backups of backups: 0 goes first, the next one only while no other is up, and so on. */
  readonly tier: number;
}

/** What a name leads to, as far as it is known by now. */
export type Finding =
  | {
    readonly kind: "found";
    /** At least one, each address with its port once; in the same order for the same records. */
    readonly servers: readonly Found[];
    /** For how long that holds, in seconds. */
    readonly ttl: number;
    /** Why a part of it is only what was known before. */
    readonly trouble?: unknown;
    /** Records that are too many to count. */
    readonly beyond: number;
  }
  /** Name servers say that there is nothing, and maybe for how long, in seconds. */
  | { readonly kind: "empty"; readonly why: string; readonly ttl: number | undefined };

/** The same text for the same address and port. */
export function placeOf({ hostname, port }: Pick<Found, "hostname" | "port">): string {
  return `${hostname} ${port}`;
}

/** Whether two lists are of the same servers in the same order, with the same weights and tiers. */
export function isSame(one: readonly Found[], other: readonly Found[]): boolean {
  return one.length === other.length && one.every((server, i) => {
    const { hostname, port, weight, tier } = other[i]!;
    return server.hostname === hostname && server.port === port &&
      server.weight === weight && server.tier === tier;
  });
}
