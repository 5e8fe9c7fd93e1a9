import type { Comparison } from "./sample.ts";

/** What is left of the weight of earlier comparisons after each further one. */
const KEPT = 0.95;
/** Greatest difference that is believed, as a logarithm: more is another load, not another limit. */
const MOST = 1;

/** What is known of two limits: it holds wherever the search goes meanwhile. */
export class Evidence {
  /** By both steps, the lower one first: how much more the higher one serves. */
  readonly #known = new Map<string, Comparison>();

  /** How much more is served at a step than at another one. */
  of(step: number, other: number): Comparison {
    const known = this.#known.get(keyOf(step, other));
    if (!known) return { mean: 0, weight: 0 };
    return step > other ? known : { ...known, mean: -known.mean };
  }

  /** A further comparison of them; returns what is known now. */
  add(step: number, other: number, { mean, weight }: Comparison): Comparison {
    const { mean: before, weight: known } = this.of(step, other);
    const old = known * KEPT;
    const believed = Math.min(Math.max(mean, -MOST), MOST);
    const now = (before * old + believed * weight) / (old + weight);
    const sum = { mean: step > other ? now : -now, weight: old + weight };
    this.#known.set(keyOf(step, other), sum);
    return this.of(step, other);
  }

  clear(): void {
    this.#known.clear();
  }
}

function keyOf(step: number, other: number): string {
  return step < other ? `${step}-${other}` : `${other}-${step}`;
}
