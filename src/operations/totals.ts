import type { Outcome } from "./end_reasons.ts";

/** What became of everything that was accepted. */
export interface Totals {
  accepted: number;
  outcomes: Record<Outcome, number>;
  /** Whether the numbers, of sessions and of bytes, add up. */
  balanced: boolean;
}
