/** What a client puts up with from the other end, which may be anything; sizes in bytes. */
export interface ClientLimits {
  /** Milliseconds for an answer to its end, and from one status of the event stream to the next. */
  readonly patience: number;
  /** Largest JSON of one answer or event. */
  readonly json: number;
  /** Largest answer to `/metrics`. */
  readonly metrics: number;
}

/**
 * The limits of the program; tests have smaller ones. 10,000 destinations need a third of the sizes:
 * each has about 2 KB in `/status` and 8 KB in `/metrics`.
 */
export const CLIENT_LIMITS: ClientLimits = {
  patience: 30_000,
  json: 64 * 1024 * 1024,
  metrics: 256 * 1024 * 1024,
};
