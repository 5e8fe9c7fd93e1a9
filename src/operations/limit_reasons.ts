/**
 * Why the limit of a destination is what it is: it is configured; or it is found and nothing is known
 * yet (`start`), the server finishes more sessions per second with these slots (`more-served`), it
 * finishes as many with fewer (`as-much-served`), connects have failed (`connects-failed`), sessions
 * stay for so long that they say nothing (`sessions-stay`), or the greatest limit allowed has become
 * smaller (`maximum`).
 */
export const LIMIT_REASONS = [
  "configured",
  "start",
  "more-served",
  "as-much-served",
  "connects-failed",
  "sessions-stay",
  "maximum",
] as const;

/** See {@linkcode LIMIT_REASONS}. */
export type LimitReason = (typeof LIMIT_REASONS)[number];
