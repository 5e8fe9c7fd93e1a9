import type { CaseResult } from "../workload.ts";

/** What the names of the simulations begin with; what follows is the way that is simulated. */
export const SIMULATION = "simulation";

/** What is compared; times by how much they differ, shares in percentage points. */
const COMPARED = [
  { key: "goodput", title: "answered in time" },
  { key: "wasted", title: "work for nobody" },
  { key: "p50", title: "p50" },
  { key: "p99", title: "p99" },
] as const;

/** Shares are percentages already: what they differ by is in points. */
const SHARES: readonly string[] = ["goodput", "wasted"];

const OURS = /^iawlb(?:-source)?( .*)$/;

/** One way in one case: what the simulation has, and what real connections have. */
interface Pair {
  readonly at: string;
  readonly calculated: number;
  readonly measured: number;
}

/** How far the simulations are from what was measured, in words. */
export function agreement(cases: readonly CaseResult[]): string {
  const parts = COMPARED.flatMap(({ key, title }) => {
    const pairs = cases.flatMap((each) => pairsOf(each, key));
    if (pairs.length === 0) return [];
    const distance = ({ calculated, measured }: Pair) =>
      SHARES.includes(key)
        ? Math.abs(calculated - measured)
        : 100 * Math.abs(calculated - measured) / measured;
    const sorted = pairs.toSorted((a, b) => distance(a) - distance(b));
    const middle = sorted[Math.floor(sorted.length / 2)]!;
    const worst = sorted.at(-1)!;
    const unit = SHARES.includes(key) ? "points" : "%";
    const near = pairs.filter((pair) => distance(pair) <= 5).length;
    return [
      `- ${title}: ${near} of ${pairs.length} within 5 ${unit}, half within ` +
      `${distance(middle).toFixed(1)}; ${worst.calculated.toFixed(0)} instead of ` +
      `${worst.measured.toFixed(0)} for ${worst.at}`,
    ];
  });
  if (parts.length === 0) return "";
  return `Simulations beside real connections:\n\n${parts.join("\n")}`;
}

function pairsOf({ label, variants }: CaseResult, key: string): Pair[] {
  return variants.flatMap(({ name, metrics }) => {
    if (!name.startsWith(SIMULATION)) return [];
    const way = name.slice(SIMULATION.length);
    const real = variants.find((variant) => OURS.exec(variant.name)?.[1] === way);
    const calculated = metrics[key]?.median ?? NaN;
    const measured = real?.metrics[key]?.median ?? NaN;
    if (!Number.isFinite(calculated) || !Number.isFinite(measured)) return [];
    return [{ at: `${way.trim()} at ${label}`, calculated, measured }];
  });
}
