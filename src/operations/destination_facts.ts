import { objectSchema, type Schema } from "./field.ts";
import type { ShownState } from "./states.ts";

/** What failed last of a destination: a connect, a probe or a check. */
export interface ErrorSeen {
  readonly text: string;
  readonly age_ms: number;
}

/** What the latest check of a destination found, or the latest probe of one that is not up. */
export interface CheckSeen {
  readonly ok: boolean;
  /** Milliseconds since its end. */
  readonly age_ms: number;
  readonly took_ms: number;
}

const amount = { type: "number", minimum: 0 };

export const ERROR_SCHEMA: Schema = {
  ...objectSchema({ text: { type: "string" }, age_ms: amount }),
  type: ["object", "null"],
  description: "the latest connect, probe or check that failed; null if none has",
};

export const CHECK_SCHEMA: Schema = {
  ...objectSchema({ ok: { type: "boolean" }, age_ms: amount, took_ms: amount }),
  type: ["object", "null"],
  description:
    "the latest check, or probe of one that is new, suspect or down: whether it passed, how long ago, " +
    "and how long it took; null if there was none",
};

/** The latest of what several threads have seen. */
export function latest<T extends { readonly age_ms: number }>(
  all: readonly (T | null)[],
): T | null {
  return all.reduce((a, b) => a && b ? (b.age_ms < a.age_ms ? b : a) : a ?? b);
}

/** Who is in which state, and since when. */
interface Aged {
  readonly state: ShownState;
  readonly state_age_ms: number;
}

/**
 * For how long several together have been in a state that they have together: it counts from the first
 * that is down or the like, and from the last that is up, since one that is not is what they show.
 */
export function ageOfAll(all: readonly Aged[], state: ShownState): number {
  const ages = all.filter((one) => one.state === state).map((one) => one.state_age_ms);
  if (ages.length === 0) return Math.min(...all.map((one) => one.state_age_ms));
  return state === "up" ? Math.min(...ages) : Math.max(...ages);
}

/** The same of a name, which shows the best of its records: it is down since the last one is. */
export function ageOfAny(all: readonly Aged[], state: ShownState): number {
  const ages = all.filter((one) => one.state === state).map((one) => one.state_age_ms);
  return state === "up" ? Math.max(...ages) : Math.min(...ages);
}
