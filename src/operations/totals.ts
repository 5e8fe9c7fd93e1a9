import { noOutcomes, type Outcome } from "./end_reasons.ts";

/** What became of everything that was accepted. */
export interface Totals {
  accepted: number;
  outcomes: Record<Outcome, number>;
  /** Whether the numbers, of sessions and of bytes, add up. */
  balanced: boolean;
}

/** The totals of several as one. */
export function addTotals(all: readonly Totals[]): Totals {
  const outcomes = noOutcomes();
  let accepted = 0;
  for (const totals of all) {
    accepted += totals.accepted;
    for (const [outcome, number] of Object.entries(totals.outcomes)) {
      outcomes[outcome as Outcome] += number;
    }
  }
  return { accepted, outcomes, balanced: all.every(({ balanced }) => balanced) };
}
