const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** What {@linkcode parseDuration} takes, in words, for an error message. */
export const DURATION_FORM = 'a number with a unit, such as "250ms", "5s", "10m" or "1h"';

/**
 * A duration in milliseconds, or `undefined` if the text is not one.
 *
 * Takes `250ms`, `1.5s`, `10m`, `1h`, `7d` and a bare `0`; any other bare number lacks its unit.
 */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  if (amount === undefined || unit === undefined) return undefined;
  return Number((Number(amount) * UNIT_MS[unit]!).toPrecision(15));
}

/** The shortest exact form that {@linkcode parseDuration} reads back, such as `10m` for 600000. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0";
  for (const unit of ["d", "h", "m", "s"]) {
    if (ms % UNIT_MS[unit]! === 0) return `${ms / UNIT_MS[unit]!}${unit}`;
  }
  return `${ms}ms`;
}
