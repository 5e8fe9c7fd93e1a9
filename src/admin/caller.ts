/** What the owner of a token may: everything, or look. */
export type May = "everything" | "read";

/** What `GET /whoami` answers. */
export interface Whoami {
  /** `operator` or `reader` for those with a token; otherwise how they have come here. */
  readonly name: string;
  readonly may: May;
  /** Whether a token has been shown. */
  readonly token: boolean;
}

/** Whoever sends a request that has passed the guard. */
export interface Caller extends Whoami {
  /** As the log tells it: the name, and the address that the connection is from. */
  readonly by: string;
}

/** The secrets that requests can show; without any everyone who comes may everything. */
export interface Tokens {
  readonly operator?: string | undefined;
  readonly reader?: string | undefined;
}

/** Whether requests have to show a token at all. */
export function wantsToken({ operator, reader }: Tokens): boolean {
  return operator !== undefined || reader !== undefined;
}
