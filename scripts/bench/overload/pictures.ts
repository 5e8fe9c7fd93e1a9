import { median } from "../statistics.ts";
import { line, picture, text } from "../svg.ts";
import type { CaseResult, VariantResult } from "../workload.ts";

/** How the line of a variant is drawn, by how its name begins; the others are not. */
const STYLES: readonly {
  readonly begins: string;
  readonly color: string;
  readonly dash?: string;
}[] = [
  { begins: "iawlb shed, workers 2", color: "#c2410c", dash: "12 3" },
  { begins: "iawlb shed", color: "#c2410c" },
  { begins: "iawlb newest", color: "#eab308" },
  { begins: "iawlb hold, queue timeout", color: "#c2410c", dash: "6 3" },
  { begins: "iawlb hold", color: "#c2410c", dash: "2 3" },
  { begins: "haproxy maxconn 1, abortonclose, queue", color: "#1d4ed8", dash: "6 3" },
  { begins: "haproxy maxconn 1, abortonclose", color: "#1d4ed8", dash: "2 3" },
  { begins: "nginx stream, max_conns", color: "#15803d", dash: "6 3" },
  { begins: "nginx stream", color: "#15803d", dash: "2 3" },
];

const PANEL = { width: 330, height: 230 };
const PLOT = { left: 40, top: 40, width: 270, height: 150 };
const LEGEND = { left: 20, height: 18, columns: 3, width: 320 };
const PLAIN = "#94a3b8";

/** A point: where, and how much. */
type Point = readonly [number, number];

interface Panel {
  readonly title: string;
  /** What stands below the axis, where, and how far it goes. */
  readonly ticks: readonly Point[];
  readonly axis: string;
  readonly lines: readonly { readonly name: string; readonly points: readonly Point[] }[];
}

/** Pictures of the workload of that name, by file name; those for which nothing was measured are not. */
export function pictures(cases: readonly CaseResult[]): Record<string, string> {
  const byLoad = loadPanels(cases);
  const byTime = cases.flatMap((each) =>
    "second 0" in (sampleOf(each) ?? {}) ? [timePanel(each)] : []
  );
  return {
    ...byLoad.length > 0 && { "overload-load.svg": draw(byLoad) },
    ...byTime.length > 0 && { "overload-recovery.svg": draw(byTime) },
  };
}

/** What is answered in time, over the load, for each kind of clients. */
function loadPanels(cases: readonly CaseResult[]): Panel[] {
  const kinds = Map.groupBy(
    cases.flatMap((each) => {
      const [, load, kind] = /^([\d.]+) ×, (.*)$/.exec(each.label) ?? [];
      return kind === undefined ? [] : [{ each, load: Number(load), kind }];
    }),
    ({ kind }) => kind,
  );
  return [...kinds].filter(([, loads]) => loads.length > 1).map(([title, loads]) => {
    const position = (load: number) => Math.log2(load);
    const least = position(loads[0]!.load);
    const most = position(loads.at(-1)!.load);
    const x = (load: number) => (position(load) - least) / (most - least);
    return {
      title,
      ticks: loads.map(({ load }) => [x(load), load]),
      axis: "offered load × what the servers can answer",
      lines: drawn(loads[0]!.each).map(({ name }) => ({
        name,
        points: loads.flatMap(({ each, load }): Point[] => {
          const variant = each.variants.find((variant) => variant.name === name);
          const value = variant?.metrics.goodput?.median ?? NaN;
          return Number.isFinite(value) ? [[x(load), value]] : [];
        }),
      })),
    };
  });
}

/** What is answered in time, second by second. */
function timePanel(each: CaseResult): Panel {
  const seconds = Object.keys(sampleOf(each)!).filter((key) => key.startsWith("second ")).length;
  return {
    title: each.label,
    ticks: Array.from({ length: Math.floor(seconds / 5) + 1 }, (_, i) => [5 * i / seconds, 5 * i]),
    axis: "seconds",
    lines: drawn(each).map(({ name, samples }) => ({
      name,
      points: Array.from({ length: seconds }, (_, i): Point => [
        (i + 0.5) / seconds,
        median(samples.flatMap((sample) => sample?.[`second ${i}`] ?? [])),
      ]),
    })),
  };
}

function sampleOf({ variants }: CaseResult) {
  return variants.flatMap(({ samples }) => samples).find((sample) => sample);
}

function drawn({ variants }: CaseResult): VariantResult[] {
  return variants.filter(({ name }) => styleOf(name));
}

function styleOf(name: string) {
  return STYLES.find(({ begins }) => name.startsWith(begins));
}

function draw(panels: readonly Panel[]): string {
  // A queue timeout is tuned to the clients of each panel.
  const names = new Set(
    panels.flatMap(({ lines }) => lines.map(({ name }) => name.replace(/ \d+ ms$/, ", tuned"))),
  );
  const columns = Math.min(3, panels.length);
  const rows = Math.ceil(panels.length / columns);
  const bodies = panels.map((panel, i) => {
    const [x, y] = [(i % columns) * PANEL.width, Math.floor(i / columns) * PANEL.height];
    return `<g transform="translate(${x} ${y})">${drawPanel(panel)}</g>`;
  });
  const width = Math.max(columns * PANEL.width, 2 * LEGEND.width);
  const across = Math.min(LEGEND.columns, Math.floor(width / LEGEND.width));
  const legend = [...names].map((name, i) => {
    const x = LEGEND.left + (i % across) * LEGEND.width;
    const y = rows * PANEL.height + 14 + Math.floor(i / across) * LEGEND.height;
    const { color, dash } = styleOf(name)!;
    return line([[x, y - 4], [x + 30, y - 4]], color, { width: 2, ...dash && { dash } }) +
      text(x + 36, y, name);
  });
  const height = rows * PANEL.height + Math.ceil(names.size / across) * LEGEND.height + 8;
  return picture({ width, height }, [...bodies, ...legend].join("\n"));
}

function drawPanel({ title, ticks, axis, lines }: Panel): string {
  const { left, top, width, height } = PLOT;
  const bottom = top + height;
  const most = Math.max(105, ...lines.flatMap(({ points }) => points.map(([, value]) => value)));
  const x = (part: number) => left + width * part;
  const y = (value: number) => bottom - height * value / most;
  return [
    text(10, 16, title, 'font-weight="bold" font-size="12"'),
    text(10, 31, "answered in time, %", 'fill="#475569"'),
    line([[left, top], [left, bottom], [left + width, bottom]], PLAIN),
    ...[0, 50, 100].map((value) => text(left - 5, y(value) + 4, `${value}`, 'text-anchor="end"')),
    line([[left, y(100)], [left + width, y(100)]], "#e2e8f0"),
    ...ticks.map(([part, label]) => text(x(part), bottom + 14, `${label}`, 'text-anchor="middle"')),
    text(left + width / 2, bottom + 29, axis, 'text-anchor="middle" fill="#475569"'),
    ...lines.map(({ name, points }) => {
      const { color, dash } = styleOf(name)!;
      const places = points.map(([part, value]) => [x(part), y(value)]);
      return line(places, color, { width: 2, ...dash && { dash } });
    }),
  ].join("\n");
}
