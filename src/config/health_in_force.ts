import type { Check } from "./values/check.ts";
import type { Settings } from "./options.ts";

/** How many failures and successes in a row count for a destination with this check, or without one. */
export function rowsFor(
  { fall, rise }: Pick<Settings, "fall" | "rise">,
  check: Check | null,
): { fall: number; rise: number } {
  return { fall: fall || (check ? 3 : 1), rise: rise || (check ? 2 : 1) };
}
