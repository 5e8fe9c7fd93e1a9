import type { Metric, Summary, VariantResult, WorkloadResult } from "./workload.ts";

/** What stands for a number that there is not. */
const NONE = "–";

/** The results of a workload as Markdown tables. */
export function tables({ workload, cases }: WorkloadResult, remarks = ""): string {
  const { metrics } = workload;
  const parts = [`## ${workload.name}: ${workload.title}`];
  for (const { label, ratio, variants } of cases) {
    const rows = variants.map((variant) => [
      variant.name,
      ...metrics.map((metric) => cell(metric, variant.metrics[metric.key]!)),
      variant.errors > 0 ? `${variant.errors}` : "",
      variant.disturbed > 0 ? `${variant.disturbed} of ${variant.samples.length}` : "",
    ]);
    const head = [label, ...metrics.map(({ title }) => title), "failed", "rounds disturbed"];
    const used = head.map((_, i) => rows.some((row) => row[i] !== "" && row[i] !== NONE));
    const select = (row: string[]) => row.filter((_, i) => used[i]);
    parts.push(table([head, ...rows].map(select)));
    const compares = variants.length > 1 && metrics.some(({ plain }) => !plain);
    if (ratio && compares) parts.push(`In brackets: ${ratio}.`);
    parts.push(...variants.flatMap(problems));
  }
  return [...parts, ...remarks ? [remarks] : []].join("\n\n");
}

/** Median, spread and ratio: `123 ±4% (×1.05)`. */
function cell({ digits, plain }: Metric, { median, spread, ratio }: Summary): string {
  if (Number.isNaN(median)) return NONE;
  if (median === Infinity) return "not seen";
  const isShown = spread >= 0.005 && Number(median.toFixed(digits)) !== 0;
  const variation = isShown ? ` ±${(spread * 100).toFixed(0)}%` : "";
  const relation = !plain && Number.isFinite(ratio) ? ` (×${ratio.toFixed(2)})` : "";
  return `${median.toFixed(digits)}${variation}${relation}`;
}

function problems({ name, problems }: VariantResult): string[] {
  return problems.map((problem) => `${name} FAILED, ${problem}`);
}

/** A table whose columns are as wide as their widest cell; all but the first align right. */
export function table(rows: readonly string[][]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  const rule = widths.map((width, i) => i === 0 ? "-".repeat(width) : "-".repeat(width - 1) + ":");
  const lines = [rows[0]!, rule, ...rows.slice(1)].map((row) => {
    const cells = row.map((text, i) => {
      return i === 0 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!);
    });
    return `| ${cells.join(" | ")} |`;
  });
  return lines.join("\n");
}
