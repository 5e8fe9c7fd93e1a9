import { type Line, spark } from "./drawing.ts";
import { formatRate } from "./format.ts";
import { LISTENER_TRENDS, type Steps, type Trends } from "./trends.ts";

/** Spans that a picture may show, in seconds: the longest for which it is wide enough. */
const SPANS = [{ seconds: 300, least: 50 }, { seconds: 60, least: -Infinity }] as const;

/** Narrowest picture that says something, in columns. */
const LEAST = 10;

/** The widest steps of a whole span that fit into so many columns; `undefined` if none do. */
export function stepsWithin(columns: number): Steps | undefined {
  const { seconds } = SPANS.find(({ least }) => columns >= least)!;
  for (let per = 1; seconds / per >= LEAST; per++) {
    if (seconds % per === 0 && seconds / per <= columns) return { columns: seconds / per, per };
  }
  return undefined;
}

/** The latest minutes of a listener, as many of its trends as there is room for. */
export function trendLine(id: number, trends: Trends, columns: number): Line[] {
  const names = LISTENER_TRENDS.slice(
    0,
    columns < 75 ? 1 : columns < 110 ? 2 : columns < 170 ? 3 : 4,
  );
  // A name with blanks around, and the most with its own.
  const labels = names.reduce((sum, name) => sum + name.length + 2 + " max 1234".length, 0);
  const steps = stepsWithin(Math.floor((columns - "  5 min".length - labels - 2) / names.length));
  if (!steps) return [];
  const seconds = steps.columns * steps.per;
  const line: Line[number][] = [
    { text: `  ${seconds >= 120 ? `${seconds / 60} min` : `${seconds} s`}`, style: "dim" },
  ];
  for (const name of names) {
    const values = trends.listener(id, name, steps);
    const most = Math.max(0, ...values.filter((value) => value !== null));
    line.push(
      { text: `  ${name} `, style: "dim" },
      { text: spark(values), style: name === "waiting" && most > 0 ? "yellow" : "green" },
      { text: ` max ${formatRate(most).replace(/\.0$/, "")}`.padEnd(9), style: "dim" },
    );
  }
  return [line];
}
