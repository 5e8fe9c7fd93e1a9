import { SPANS } from "../operations/history.ts";
import { spark } from "./drawing.ts";
import { formatBytes, formatLatency, formatRate, plain } from "./format.ts";
import type { ToldHistory, ToldSeries } from "./shapes.ts";

/** Columns of a picture: five seconds each, or 24 minutes. */
const COLUMNS = 60;

/** Most destinations that are shown; those that did the most. */
const MOST_DESTINATIONS = 50;

/** Most marks that are shown. */
const MOST_MARKS = 20;

/** A line of a listener: the name of a column, what it is called, and how its values are written. */
type Row = readonly [column: string, label: string, format: (value: number) => string];

const bytes = (value: number) => `${formatBytes(value)}/s`;

const LISTENER_ROWS: readonly Row[] = [
  ["waiting", "waiting", String],
  ["active", "in service", String],
  ["accepted_per_s", "accepted/s", formatRate],
  ["ended_per_s", "ended/s", formatRate],
  ["failed_per_s", "failed/s", formatRate],
  ["bytes_up_per_s", "up", bytes],
  ["bytes_down_per_s", "down", bytes],
  ["wait_p50_ms", "wait p50", formatLatency],
  ["wait_p99_ms", "wait p99", formatLatency],
];

/** A history for people. */
export function historyLines(history: ToldHistory): string[] {
  const { listeners, marks, time } = history;
  if (listeners.length === 0) return ["nothing is kept yet"];
  const day = history.span === "24h";
  const until = `${day ? "24 hours" : "5 minutes"} until ${plain(time.slice(0, 19))}Z`;
  const each = day ? "a column has 24 minutes" : "a column has 5 seconds";
  const lines = [`The last ${until}; ${each}, the highest of them`];
  const { steps } = day ? SPANS["24h"] : SPANS["5m"];
  for (const { id, name, series, destinations = [] } of listeners) {
    lines.push("", `Listener ${id}: ${plain(name)}`);
    if (series.waiting?.length === 0) {
      lines.push(
        `  nothing is kept yet: it has not been there for ${day ? "a minute" : "a second"}`,
      );
      continue;
    }
    lines.push(...table(LISTENER_ROWS.map((row) => listenerRow(row, series, steps))));
    if (destinations.length > 0) lines.push("", ...destinationLines(destinations, steps));
  }
  const shown = marks.slice(-MOST_MARKS);
  if (shown.length === 0) return lines;
  lines.push("", "What happened");
  return [...lines, ...shown.map(({ time, text }) => `  ${plain(time.slice(0, 19))}Z  ${text}`)];
}

/** One line: a label, a picture, and what there is to read. */
interface Drawn {
  readonly cells: readonly string[];
  readonly picture: string;
}

function listenerRow([column, label, format]: Row, series: ToldSeries, steps: number): Drawn {
  const values = series[column] ?? [];
  const known = values.filter((value) => value !== null);
  const now = values.at(-1);
  return {
    cells: [
      label,
      `now ${now === null || now === undefined ? "-" : format(now)}`,
      `most ${known.length === 0 ? "-" : format(Math.max(...known))}`,
    ],
    picture: picture(values, steps),
  };
}

function destinationLines(
  destinations: NonNullable<ToldHistory["listeners"][number]["destinations"]>,
  steps: number,
): string[] {
  const all = destinations.map((one) => ({ ...one, rates: one.series.sessions_per_s ?? [] }));
  const busiest = all.toSorted((a, b) => total(b.rates) - total(a.rates)).slice(
    0,
    MOST_DESTINATIONS,
  );
  const kept = new Set(busiest.map(({ id }) => id));
  const rows = all.filter(({ id }) => kept.has(id)).map(({ id, name, series, rates }) => {
    const slowest = highest(series.session_p99_ms ?? []);
    return {
      cells: [
        `${id} ${plain(name)}`,
        `sessions/s most ${formatRate(highest(rates) ?? 0)}`,
        `failures ${total(series.failures ?? [])}`,
        `p99 most ${slowest === null ? "-" : formatLatency(slowest)}`,
      ],
      picture: picture(rates, steps),
    };
  });
  const left = all.length - rows.length;
  return [...table(rows), ...left > 0 ? [`  and ${left} that did less`] : []];
}

/** The rows, each column as wide as it must be. */
function table(rows: readonly Drawn[]): string[] {
  const width = (i: number) => Math.max(...rows.map(({ cells }) => cells[i]!.length));
  return rows.map(({ cells: [label, ...cells], picture }) => {
    const read = cells.map((cell, i) => cell.padEnd(width(i + 1))).join("  ");
    return `  ${label!.padEnd(width(0))}  ${picture}  ${read}`.trimEnd();
  });
}

/** Values as columns up to now, the highest of each step; blank before there were any. */
function picture(values: readonly (number | null)[], steps: number): string {
  const per = steps / COLUMNS;
  return spark(Array.from({ length: COLUMNS }, (_, i) => {
    const end = values.length - (COLUMNS - 1 - i) * per;
    return end <= 0 ? null : highest(values.slice(Math.max(0, end - per), end));
  }));
}

function highest(values: readonly (number | null)[]): number | null {
  return values.reduce<number | null>((most, value) => {
    return value === null ? most : Math.max(most ?? 0, value);
  }, null);
}

function total(values: readonly (number | null)[]): number {
  return values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
}
