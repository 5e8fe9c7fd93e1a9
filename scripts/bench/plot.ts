import { at, line, picture, text } from "./svg.ts";
import type { CaseResult, Metric, WorkloadResult } from "./workload.ts";

const COLUMNS = 3;
const PANEL = { width: 400, height: 190 };
const PLOT = { left: 170, top: 44, width: 160, height: 122 };
const LONGEST_NAME = 27;
const COLORS = ["#c2410c", "#1d4ed8", "#15803d", "#7e22ce"];
const PLAIN = "#94a3b8";

/** One panel per case, with a bar per variant; workloads over a number are lines in one panel. */
export function plot(results: readonly WorkloadResult[]): string {
  const panels = results.flatMap(({ workload, cases }) => {
    const metric = workload.metrics.find(({ key }) => key === workload.plotted)!;
    const title = (label: string) => `${workload.name}: ${label}`;
    return workload.line
      ? [panel(title("cost by number"), metric, lines(metric, cases))]
      : cases.map((each) => panel(title(each.label), metric, bars(metric, each)));
  });
  const placed = panels.map((body, i) => {
    const x = (i % COLUMNS) * PANEL.width;
    return `<g transform="translate(${x} ${Math.floor(i / COLUMNS) * PANEL.height})">${body}</g>`;
  });
  const width = COLUMNS * PANEL.width;
  const height = Math.ceil(panels.length / COLUMNS) * PANEL.height;
  return picture({ width, height }, placed.join("\n"));
}

function panel(title: string, metric: Metric, body: string): string {
  return text(10, 18, title, 'font-weight="bold" font-size="13"') +
    text(10, 33, metric.title, 'fill="#475569"') + body;
}

/** Medians as bars, half of the interquartile range to each side as whiskers. */
function bars({ key, digits }: Metric, { variants }: CaseResult): string {
  const shown = variants.filter((variant) => Number.isFinite(variant.metrics[key]!.median));
  const most = Math.max(...shown.map((variant) => variant.metrics[key]!.median));
  const step = Math.min(22, PLOT.height / shown.length);
  return shown.map(({ name, metrics }, i) => {
    const { median, spread } = metrics[key]!;
    const scale = (value: number) => PLOT.width * Math.max(0, value) / most;
    const y = PLOT.top + i * step;
    const middle = y + step * 0.4;
    const color = name.startsWith("iawlb") ? COLORS[0] : PLAIN;
    const end = PLOT.left + scale(median);
    const reach = scale(median * Math.min(spread, 1));
    return text(PLOT.left - 6, middle + 4, shorten(name), 'text-anchor="end"') +
      `<rect x="${PLOT.left}" y="${at(y)}" width="${at(end - PLOT.left)}" ` +
      `height="${at(step * 0.8)}" fill="${color}"/>` +
      line([[end - reach, middle], [end + reach, middle]], "#0f172a") +
      text(end + reach + 4, middle + 4, median.toFixed(digits));
  }).join("");
}

/** A line per case over the numbers with which the variants' names begin, on a logarithmic axis. */
function lines({ key, digits }: Metric, cases: readonly CaseResult[]): string {
  const numbers = (cases[0]?.variants ?? []).map(({ name }) => parseInt(name));
  const medians = cases.flatMap(({ variants }) =>
    variants.map(({ metrics }) => metrics[key]!.median).filter(Number.isFinite)
  );
  const most = Math.max(...medians) * 1.1;
  const [first, last] = [Math.log(numbers[0]!), Math.log(numbers.at(-1)!)];
  const bottom = PLOT.top + PLOT.height;
  const left = 50;
  const x = (number: number) => left + 250 * (Math.log(number) - first) / (last - first || 1);
  const y = (value: number) => bottom - PLOT.height * value / most;
  const axes = line([[left, PLOT.top], [left, bottom], [left + 250, bottom]], PLAIN) +
    numbers.map((number) => text(x(number), bottom + 14, `${number}`, 'text-anchor="middle"'))
      .join("") +
    text(left - 5, bottom, "0", 'text-anchor="end"') +
    text(left - 5, PLOT.top + 8, most.toFixed(digits), 'text-anchor="end"');
  return axes + cases.map(({ label, variants }, i) => {
    const color = COLORS[i % COLORS.length]!;
    const points = variants.flatMap(({ name, metrics }) => {
      const { median } = metrics[key]!;
      return Number.isFinite(median) ? [[x(parseInt(name)), y(median)]] : [];
    });
    const [endX = 0, endY = 0] = points.at(-1) ?? [];
    return line(points, color, { width: 2 }) + text(endX + 6, endY + 4, label, `fill="${color}"`);
  }).join("");
}

function shorten(name: string): string {
  return name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name;
}
