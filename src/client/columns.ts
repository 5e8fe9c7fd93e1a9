import type { Line, Span } from "./drawing.ts";

/** A column of a table that has to fit. */
export interface Column<R> {
  readonly title: string;
  /** Numbers stand to the right. */
  readonly right?: true;
  /** When there is no room, the column with the lowest one goes first. */
  readonly rank: number;
  readonly least: number;
  readonly most: number;
  /** What it does with room: `name` gives some up before a column goes, `rest` takes what is left. */
  readonly room?: "name" | "rest";
  /** Whether a row has anything to show there; without one that has there is no column. */
  isWanted?(row: R): boolean;
  /** @param width Of the column; 0 to find out how wide the cell would be. */
  cell(row: R, width: number): Span;
}

/** A column with its place. */
export interface Fitted<R> {
  readonly column: Column<R>;
  readonly width: number;
}

/** A name is made this short before a column goes. */
const SHORT_NAME = 16;

/** The lowest rank of a column that is missed where there is none. */
const MISSED = 5;

/** Those of the columns that there is room for, with their widths. */
export function fit<R>(
  all: readonly Column<R>[],
  rows: readonly R[],
  columns: number,
): readonly Fitted<R>[] {
  let layout = all.filter(({ isWanted }) => !isWanted || rows.some(isWanted)).map((column) => {
    const flexible = column.room === "rest";
    const longest = flexible
      ? 0
      : Math.max(0, ...rows.map((row) => column.cell(row, 0).text.length));
    const wanted = Math.max(longest, column.title.length, column.least);
    // Names may be long, but the numbers have to stand somewhere too.
    const most = column.room === "name"
      ? Math.max(column.least, Math.floor(columns * 0.3))
      : column.most;
    return { column, width: Math.min(wanted, column.most, most) };
  });
  const excess = () => layout.reduce((sum, { width }) => sum + 2 + width, -columns);
  const wanted = layout;
  while (excess() > 0 && layout.length > 1) {
    if (!shorten(layout, excess())) {
      const lowest = Math.min(...layout.map(({ column }) => column.rank));
      layout = layout.filter(({ column }) => column.rank !== lowest);
    }
  }
  // Where a wide one had to go, narrower ones may have room that went before it.
  const gone = wanted.filter((one) => !layout.includes(one) && one.column.rank >= MISSED);
  for (const one of gone.sort((a, b) => b.column.rank - a.column.rank)) {
    if (one.width + 2 <= -excess()) {
      layout = wanted.filter((other) => other === one || layout.includes(other));
    }
  }
  const flexible = layout.find(({ column }) => column.room === "rest");
  if (flexible) flexible.width = Math.min(flexible.column.most, flexible.width - excess());
  return layout;
}

/** Makes names shorter, the longest first, if that gives so much room. Returns whether it does. */
function shorten<R>(layout: { column: Column<R>; width: number }[], excess: number): boolean {
  const names = layout.filter(({ column, width }) => column.room === "name" && width > SHORT_NAME);
  const room = names.reduce((sum, { width }) => sum + width - SHORT_NAME, 0);
  if (room < excess) return false;
  for (; excess > 0; excess--) {
    const longest = Math.max(...names.map(({ width }) => width));
    names.find(({ width }) => width === longest)!.width--;
  }
  return true;
}

/** The titles of a table. */
export function titleLine<R>(layout: readonly Fitted<R>[]): Line {
  return spaced(layout.map(({ column, width }): Span => {
    return { text: pad(column, column.title, width), style: "dim" };
  }));
}

/** One row; the one that is chosen has a mark before it. */
export function rowLine<R>(
  layout: readonly Fitted<R>[],
  row: R,
  options: { chosen: boolean },
): Line {
  const cells = layout.map(({ column, width }): Span => {
    const { text, style } = column.cell(row, width);
    return { text: pad(column, text, width), style };
  });
  const line = spaced(cells);
  if (!options.chosen) return line;
  return [{ text: `> ${line.map(({ text }) => text).join("").slice(2)}`, style: "reverse" }];
}

function spaced(cells: readonly Span[]): Line {
  return cells.flatMap((cell) => [{ text: "  " }, cell]);
}

/** A cell of exactly this width. */
function pad<R>({ right }: Column<R>, text: string, width: number): string {
  const short = withoutMiddle(text, width);
  return right ? short.padStart(width) : short.padEnd(width);
}

/** A text of at most this length, with `~` in its middle if it is longer. */
export function withoutMiddle(text: string, length: number): string {
  if (text.length <= length) return text;
  const end = Math.max(0, Math.floor((length - 1) / 2));
  return `${text.slice(0, Math.max(0, length - 1 - end))}~${text.slice(text.length - end)}`;
}

/**
 * How names are made shorter so that they can still be told apart: all in the same way, which keeps what
 * they differ by.
 */
export function apart(names: readonly string[]): (name: string, length: number) => string {
  const ways = new Map<number, (name: string, length: number) => string>();
  return (name, length) => {
    if (name.length <= length) return name;
    let way = ways.get(length);
    if (!way) ways.set(length, way = wayFor(names, length));
    return way(name, length);
  };
}

function wayFor(
  names: readonly string[],
  length: number,
): (name: string, length: number) => string {
  const different = [...new Set(names)];
  const common = commonLength(different.filter((name) => name.length > length));
  const ways = [
    withoutMiddle,
    (text: string, length: number) => `~${text.slice(text.length - Math.max(0, length - 1))}`,
    (text: string, length: number) => `${text.slice(0, Math.max(0, length - 1))}~`,
    (text: string, length: number) => {
      // A little of what is common shows where one is.
      return withoutMiddle(`~${text.slice(Math.max(0, common - 3))}`, length);
    },
  ];
  const left = ways.map((way) => {
    return new Set(different.map((name) => name.length <= length ? name : way(name, length))).size;
  });
  return ways[left.indexOf(Math.max(...left))]!;
}

/** How many characters all of them begin with. */
function commonLength(texts: readonly string[]): number {
  const [first = "", ...rest] = texts;
  let length = first.length;
  for (const text of rest) {
    let i = 0;
    while (i < length && text[i] === first[i]) i++;
    length = i;
  }
  return length;
}
