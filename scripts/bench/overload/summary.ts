import { table } from "../report.ts";
import type { CaseResult, VariantResult } from "../workload.ts";
import { SIMULATION } from "./agreement.ts";

/** A load and a kind of clients, as the titles of cases have them. */
const STEADY = /^([\d.]+) ×, (.*)$/;

/** How much of a variant is shown in a cell. */
type Cell = (variant: VariantResult) => string;

const TABLES: readonly { readonly title: string; readonly cell: Cell }[] = [
  { title: "answered in time, and p50/p99 of these in ms", cell: answered },
  { title: "work for clients that had left", cell: (variant) => percentage(variant, "wasted") },
];

/** What was measured under loads that do not change, a table for each kind of clients. */
export function summary(cases: readonly CaseResult[]): string {
  const kinds = Map.groupBy(cases, ({ label }) => STEADY.exec(label)?.[2]);
  return [...kinds].flatMap(([kind, loads]) => {
    if (kind === undefined || loads.length < 2) return [];
    return TABLES.map(({ title, cell }) => tableOf(`${kind}: ${title}`, loads, cell));
  }).join("\n\n");
}

function tableOf(title: string, cases: readonly CaseResult[], cell: Cell): string {
  const head = [title, ...cases.map(({ label }) => `${STEADY.exec(label)![1]} ×`)];
  const names = new Set(cases.flatMap(({ variants }) => variants.map(({ name }) => name)));
  const shown = [...names].filter((name) => !name.startsWith(SIMULATION));
  const rows = shown.map((name) => [
    name,
    ...cases.map(({ variants }) => {
      const variant = variants.find((variant) => variant.name === name);
      return variant ? cell(variant) : "";
    }),
  ]);
  return table([head, ...rows]);
}

function answered(variant: VariantResult): string {
  const [p50, p99] = ["p50", "p99"].map((key) => variant.metrics[key]!.median);
  const times = Number.isFinite(p50) ? `, ${p50!.toFixed(0)}/${p99!.toFixed(0)}` : "";
  return percentage(variant, "goodput") + times;
}

function percentage({ metrics }: VariantResult, key: string): string {
  const value = metrics[key]!.median;
  return Number.isFinite(value) ? `${value.toFixed(0)} %` : "–";
}
