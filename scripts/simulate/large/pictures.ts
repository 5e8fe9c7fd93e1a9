import { line, picture, text } from "../../bench/svg.ts";
import type { Result } from "./results.ts";
import { POLICIES } from "./scenes.ts";

/** Where pictures go. */
export const PICTURES = new URL("../../../docs/images/", import.meta.url);

const PLAIN = "#94a3b8";
const FAINT = "#e2e8f0";
const GREY = 'fill="#475569"';

/** How a setup is drawn. */
const STYLES: Readonly<Record<string, { readonly color: string; readonly dash?: string }>> = {
  "one, no slots": { color: "#64748b", dash: "2 3" },
  "one": { color: "#15803d" },
  "two, all slots each": { color: "#f59e0b", dash: "6 3" },
  "two, half of the slots each": { color: "#0ea5e9", dash: "6 3" },
  "ten, all slots each": { color: "#c2410c" },
  "ten, a tenth of the slots each": { color: "#1d4ed8" },
};

/** The pictures of docs/scale.md, by file name. */
export function pictures(results: readonly Result[]): Record<string, string> {
  const of = (group: Result["group"]) => results.filter((result) => result.group === group);
  return {
    "scale-policies.svg": policies(of("policies")),
    "scale-load.svg": load(of("load")),
    "scale-rush.svg": rush(of("rush")),
  };
}

/** How long the slowest hundredth wait, a group of bars for each policy. */
function policies(results: readonly Result[]): string {
  const setups = [...new Set(results.map(({ setup }) => setup))];
  const plot = { left: 52, top: 46, width: 690, height: 190 };
  const y = logarithmic(plot, { least: 1, most: 10_000 });
  const step = plot.width / POLICIES.length;
  const wide = step / (setups.length + 1.5);
  const bars = POLICIES.flatMap((policy, i) => {
    const left = plot.left + i * step + wide * 0.75;
    const own = results.filter((result) => result.policy === policy);
    return [
      text(left + wide * setups.length / 2, plot.top + plot.height + 18, policy, MIDDLE),
      ...own.map(({ setup, wait }) => {
        const at = left + setups.indexOf(setup) * wide;
        // Who does not wait at all is seen as well.
        const top = Math.min(y(wait.p99), plot.top + plot.height - 2);
        const height = plot.top + plot.height - top;
        return `<rect x="${tenth(at)}" y="${tenth(top)}" width="${tenth(wide - 2)}" ` +
          `height="${tenth(height)}" fill="${STYLES[setup]!.color}"/>`;
      }),
    ];
  });
  return picture(
    { width: 760, height: 310 },
    [
      text(10, 18, "99 of 100 sessions wait at most so long, at 90 % load", TITLE),
      text(10, 34, "ms, in the queue and at the server", GREY),
      ...axis(plot, y, [1, 10, 100, 1000, 10_000]),
      ...bars,
      ...legend(setups, { x: 20, y: 282, bars: true }),
    ].join("\n"),
  );
}

/** The same over the load, for some policies. */
function load(results: readonly Result[]): string {
  const plot = { left: 52, top: 46, width: 400, height: 230 };
  const y = logarithmic(plot, { least: 1, most: 10_000 });
  const x = (load: number) => plot.left + plot.width * (load - 0.5) / 0.5;
  const series = Map.groupBy(results, ({ policy, setup }) => {
    return `${policy}, ${setup}`;
  });
  const colors = ["#15803d", "#c2410c", "#be185d", "#7e22ce", "#1d4ed8", "#64748b"];
  const dashes = ["", "", "8 3", "3 3", "10 5", "2 3"];
  const bottom = plot.top + plot.height;
  const ends = placed([...series.values()].map((points) => y(points.at(-1)!.wait.p99) + 4));
  const drawn = [...series].map(([name, points], i) => {
    const style = { width: 2.2, ...dashes[i] && { dash: dashes[i] } };
    const places = points.map(({ load, wait }) => [x(load!), y(wait.p99)]);
    return line(places, colors[i]!, style) +
      text(plot.left + plot.width + 8, ends[i]!, name, `fill="${colors[i]}"`);
  });
  return picture(
    { width: 760, height: 330 },
    [
      text(10, 18, "99 of 100 sessions wait at most so long", TITLE),
      text(10, 34, "ms, in the queue and at the server; on the bottom line nobody waits", GREY),
      ...axis(plot, y, [1, 10, 100, 1000, 10_000]),
      ...[50, 60, 70, 80, 90, 100].map((load) =>
        text(x(load / 100), bottom + 16, `${load} %`, MIDDLE)
      ),
      text(plot.left + plot.width / 2, bottom + 34, "load", `${MIDDLE} ${GREY}`),
      ...drawn,
    ].join("\n"),
  );
}

/** What those wait who come at a moment, during a rush: the middle one, and one of hundred. */
function rush(results: readonly Result[]): string {
  const most = 320;
  const panels = (["p50", "p99"] as const).map((key, i) => {
    const plot = { left: 52 + i * 375, top: 46, width: 310, height: 190 };
    const end = Math.max(...results.flatMap(({ timeline }) => timeline.at(-1)!.until));
    const x = (at: number) => plot.left + plot.width * at / end;
    const y = (ms: number) => plot.top + plot.height * (1 - ms / most);
    const bottom = plot.top + plot.height;
    const title = key === "p50" ? "Half of the sessions wait" : "One of hundred waits longer than";
    return [
      `<rect x="${tenth(x(500))}" y="${plot.top}" width="${tenth(x(1000) - x(500))}" ` +
      `height="${plot.height}" fill="#fef3c7"/>`,
      text(x(750), plot.top + 13, "130 %", `${MIDDLE} ${GREY}`),
      text(plot.left - 42, 18, title, TITLE),
      text(plot.left - 42, 34, "ms, by when they came", GREY),
      ...axis(plot, y, [0, 100, 200, 300]),
      ...[0, 500, 1000, 1500, 2000].map((at) => text(x(at), bottom + 16, `${at / 1000} s`, MIDDLE)),
      ...results.map(({ setup, timeline }) => {
        const { color, dash } = STYLES[setup]!;
        const places = timeline.map((part) => [x(part.until), y(part[key])]);
        return line(places, color, { width: 2, ...dash && { dash } });
      }),
    ].join("\n");
  });
  const setups = results.map(({ setup }) => setup);
  return picture(
    { width: 760, height: 310 },
    [
      ...panels,
      ...legend(setups, { x: 20, y: 282 }),
    ].join("\n"),
  );
}

const TITLE = 'font-weight="bold" font-size="13"';
const MIDDLE = 'text-anchor="middle"';

interface Plot {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Where a value stands on a logarithmic axis; whatever is less than the least on its bottom. */
function logarithmic(
  { top, height }: Plot,
  { least, most }: { least: number; most: number },
): (value: number) => number {
  const length = Math.log(most / least);
  return (value) => top + height * (1 - Math.log(Math.max(value, least) / least) / length);
}

/** The axis of values on the left and a faint line at each of these. */
function axis(
  { left, top, width, height }: Plot,
  y: (value: number) => number,
  values: readonly number[],
): string[] {
  return [
    ...values.map((value) => line([[left, y(value)], [left + width, y(value)]], FAINT)),
    ...values.map((value) =>
      text(left - 6, y(value) + 4, value.toLocaleString("en"), 'text-anchor="end"')
    ),
    line([[left, top], [left, top + height], [left + width, top + height]], PLAIN),
  ];
}

/** What each setup looks like, three in a row. */
function legend(
  setups: readonly string[],
  { x, y, bars = false }: { x: number; y: number; bars?: boolean },
): string[] {
  return setups.map((setup, i) => {
    const [left, top] = [x + (i % 3) * 245, y + Math.floor(i / 3) * 18];
    const { color, dash } = STYLES[setup]!;
    const sign = bars
      ? `<rect x="${left}" y="${top - 9}" width="26" height="9" fill="${color}"/>`
      : line([[left, top - 4], [left + 26, top - 4]], color, { width: 2, ...dash && { dash } });
    return sign + text(left + 32, top, setup);
  });
}

/** Heights of words that are to stand there, or as near as they can without being on each other. */
function placed(heights: readonly number[]): number[] {
  const order = heights.map((_, i) => i).sort((a, b) => heights[b]! - heights[a]!);
  const result: number[] = [];
  let free = Infinity;
  for (const i of order) {
    result[i] = Math.min(heights[i]!, free);
    free = result[i]! - 15;
  }
  return result;
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}
