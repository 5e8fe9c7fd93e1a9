import type { Forecast } from "../operations/forecast.ts";
import type { ListenerStatus } from "../operations/listener_status.ts";
import { formatRate, formatSpan } from "./format.ts";

/** One thing that is foreseen: what it is, and how much, in words. */
export type Foreseen = readonly [name: string, text: string];

/**
 * What is foreseen of a listener, in words: nothing of one that is idle, and nothing that does not
 * matter at the moment.
 */
export function foreseen(listener: ListenerStatus): Foreseen[] {
  // An earlier version foresees nothing.
  const forecast: Forecast | undefined = listener.forecast;
  if (!forecast) return [];
  const { load, expected_wait_ms, clears_in_ms, gave_up_per_s, turned_away_per_s } = forecast;
  const { waiting, overloaded, patience_ms } = listener;
  const waits = expected_wait_ms === null ? waiting > 0 : expected_wait_ms > 0;
  const clears: Foreseen = clears_in_ms === null
    ? ["queue", "gets no shorter"]
    : ["clears", `in ${formatSpan(clears_in_ms)}`];
  const items: (Foreseen | false)[] = [
    load !== null && load > 0 && ["load", formatShare(load)],
    waits && ["expected wait", expected_wait_ms === null ? "?" : formatSpan(expected_wait_ms)],
    waiting > 0 && clears_in_ms !== 0 && clears,
    gave_up_per_s > 0 && ["gave up/s", formatRate(gave_up_per_s)],
    turned_away_per_s > 0 && ["turned away/s", formatRate(turned_away_per_s)],
    overloaded > 0 && ["overloaded, patience", patience_ms > 0 ? formatSpan(patience_ms) : "?"],
  ];
  return items.filter((item) => item !== false);
}

/** A share of what is possible, which may be more than that. */
function formatShare(share: number): string {
  const percent = 100 * share;
  return `${percent < 9.95 ? percent.toFixed(1) : Math.round(percent)}%`;
}
