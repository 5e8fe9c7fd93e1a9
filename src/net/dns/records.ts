/** What can be asked for. */
export type QuestionType = "A" | "AAAA" | "SRV";

/** One record of an answer. */
export type DnsRecord = AddressRecord | SrvRecord;

/** An IP address in its canonical spelling. */
export interface AddressRecord {
  readonly type: "A" | "AAAA";
  readonly address: string;
}

/** Where a service is (RFC 2782). */
export interface SrvRecord {
  readonly type: "SRV";
  /** A host name in lower case without a dot at its end; empty = the service is not there. */
  readonly target: string;
  readonly port: number;
  /** 0–65535; lower ones go first. */
  readonly priority: number;
  /** 0–65535, in proportion to the others of the same priority. */
  readonly weight: number;
  /**
   * Addresses of the target that came with the answer; often none, and maybe not all. Their TTL has
   * been counted for the answer's.
   */
  readonly addresses: readonly string[];
}

/** What a name server said. Times are in seconds. */
export type Answer =
  /** At least one record of the type that was asked for; `ttl` is the shortest of all. */
  | { readonly kind: "records"; readonly records: readonly DnsRecord[]; readonly ttl: number }
  /** That there is none, and for how long that holds, where it was said (RFC 2308, 5). */
  | {
    readonly kind: "empty";
    readonly why: "no such name" | "no such record";
    readonly ttl: number | undefined;
  };

/** Nobody answered usably; the message names every server that was asked, and what was wrong. */
export class ResolveError extends Error {
  override readonly name = "ResolveError";
}

/** Options of one question. */
export interface QuestionOptions {
  /** Gives up waiting; the question itself goes on for others who asked the same. */
  signal: AbortSignal;
}

/** Asks name servers. */
export interface Resolver {
  /**
   * What is known of a name.
   *
   * @throws {ResolveError} If nobody said anything usable, or it is closed.
   * @throws The signal's reason, if it is aborted first.
   */
  resolve(name: string, type: QuestionType, options: QuestionOptions): Promise<Answer>;
  /** Has questions asked elsewhere from now on, those that are under way, too. */
  use(setting: ResolverSetting): void;
  /** Ends all questions; nothing stays open. */
  close(): void;
}

/** A name server's address. */
export interface NameServer {
  /** An IP address in its canonical spelling. */
  readonly hostname: string;
  /** A UDP and TCP port. */
  readonly port: number;
}

/** Who is asked: those of the system with its files, or these in this order, without any file. */
export type ResolverSetting = "system" | readonly NameServer[];

/** Whether two settings have the same servers asked in the same order. */
export function sameResolver(one: ResolverSetting, other: ResolverSetting): boolean {
  if (one === "system" || other === "system") return one === other;
  return one.length === other.length && one.every(({ hostname, port }, i) => {
    return hostname === other[i]!.hostname && port === other[i]!.port;
  });
}
