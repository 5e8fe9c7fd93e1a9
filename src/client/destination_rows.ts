import type { DestinationStatus } from "../operations/destination_status.ts";
import type { ShownState } from "../operations/states.ts";
import { bar, type Line, type Span, type Style } from "./drawing.ts";
import { backupMark, formatBytes, formatRate, plain } from "./format.ts";
import type { DestinationRates, Rates } from "./rates.ts";

/** The orders in which destinations can be shown. */
export const SORT_ORDERS = ["configured", "load", "sessions/s", "bytes/s", "failures"] as const;

/** One of {@linkcode SORT_ORDERS}: all but the first begin with the most. */
export type SortOrder = typeof SORT_ORDERS[number];

interface Row {
  readonly destination: DestinationStatus;
  readonly rate: DestinationRates | undefined;
}

interface Column {
  readonly title: string;
  /** Numbers stand to the right. */
  readonly right?: true;
  /** When there is no room, the column with the lowest one goes first. */
  readonly rank: number;
  readonly least: number;
  readonly most: number;
  /** Whether a destination has anything to show there; without one that has there is no column. */
  isWanted?(destination: DestinationStatus): boolean;
  /** @param width Of the column; 0 to find out how wide the cell would be. */
  cell(row: Row, width: number): Span;
}

/** A name is not made shorter than this to have room for what else is said about it. */
const LEAST_NAME = 11;

const STATE_STYLES: Readonly<Record<ShownState, Style>> = {
  untried: "yellow",
  up: "green",
  suspect: "yellow",
  down: "red",
  drain: "yellow",
  maint: "dim",
};

const COLUMNS: readonly Column[] = [
  { title: "ID", rank: 3, least: 2, most: 9, cell: ({ destination: { id } }) => ({ text: id }) },
  {
    title: "DESTINATION",
    rank: 9,
    least: 11,
    most: 44,
    cell: ({ destination }, width) => {
      const { name, leaving } = destination;
      const marks = backupMark(destination) + (leaving ? " (leaving)" : "");
      const text = plain(name) + marks;
      if (width === 0 || text.length <= width) return { text };
      // The name is what it is told apart by: where there is no room for both, it goes first.
      const room = width - marks.length;
      const short = shorten(briefProgram(plain(name)), room);
      return { text: room < LEAST_NAME ? briefProgram(plain(name)) : short + marks };
    },
  },
  {
    title: "STATE",
    rank: 8,
    least: 5,
    most: 7,
    cell: ({ destination: { state } }) => ({ text: state, style: STATE_STYLES[state] }),
  },
  {
    title: "ACTIVE",
    right: true,
    rank: 7,
    least: 6,
    most: 13,
    cell: ({ destination: { active, limit } }) => ({ text: `${active}/${limit}` }),
  },
  {
    title: "",
    rank: 5,
    least: 8,
    most: 30,
    cell: ({ destination: { active, limit } }, width) => ({
      text: bar(active / limit, width),
      style: active >= limit ? "yellow" : "green",
    }),
  },
  {
    title: "SESS/S",
    right: true,
    rank: 6,
    least: 6,
    most: 8,
    cell: ({ rate }) => ({ text: rate ? formatRate(rate.sessions) : "-" }),
  },
  {
    title: "FAIL",
    right: true,
    rank: 5.5,
    least: 4,
    most: 10,
    cell: ({ destination: { failures }, rate }) => ({
      text: String(failures),
      style: rate && rate.failures > 0 ? "red" : undefined,
    }),
  },
  {
    title: "BYTES/S",
    right: true,
    rank: 4,
    least: 10,
    most: 10,
    cell: ({ rate }) => ({ text: rate ? formatBytes(rate.up + rate.down) : "-" }),
  },
  {
    title: "SESSIONS",
    right: true,
    rank: 2,
    least: 8,
    most: 14,
    cell: ({ destination: { sessions } }) => ({ text: String(sessions) }),
  },
  {
    title: "WEIGHT",
    right: true,
    rank: 1,
    least: 6,
    most: 6,
    cell: ({ destination: { weight } }) => ({ text: String(weight) }),
  },
  {
    title: "LIMIT",
    rank: 1.7,
    least: 5,
    most: 15,
    isWanted: ({ limit_reason }) => limit_reason !== "configured",
    cell: ({ destination: { limit_reason } }) => ({ text: limit_reason }),
  },
  {
    title: "SNI",
    rank: 1.65,
    least: 5,
    most: 30,
    isWanted: ({ sni, alpn }) => Boolean(sni || alpn),
    cell: ({ destination: { sni, alpn } }) => ({
      text: plain([sni || "*", alpn].filter(Boolean).join(" ")),
    }),
  },
  {
    title: "TLS",
    rank: 1.6,
    least: 8,
    most: 8,
    isWanted: ({ tls }) => tls !== undefined && tls !== "off",
    cell: ({ destination: { tls } }) => ({
      text: tls ?? "-",
      style: tls === "insecure" ? "red" : undefined,
    }),
  },
  {
    title: "AGENT",
    rank: 1.5,
    least: 5,
    most: 40,
    isWanted: ({ agent }) => Boolean(agent),
    cell: ({ destination: { agent } }) => ({ text: plain(agent || "-") }),
  },
];

const NAME = COLUMNS.find(({ title }) => title === "DESTINATION");
const BAR = COLUMNS.find(({ title }) => title === "");

/** The destinations of a listener as a table that fits: columns that matter less go first. */
export function destinationLines(
  destinations: readonly DestinationStatus[],
  between: Rates | undefined,
  options: { columns: number; sort: SortOrder },
): Line[] {
  if (destinations.length === 0) return [[{ text: "  no destinations" }]];
  const { columns, sort } = options;
  const rows = destinations.map((destination) => ({
    destination,
    rate: between?.destinations.get(destination.id),
  }));
  // Sorting keeps the order of those that are alike.
  if (sort !== "configured") rows.sort((a, b) => weightIn(sort, b) - weightIn(sort, a));
  const layout = fit(rows, columns);
  const titles = layout.map(({ column, width }): Span => ({
    text: pad(column, column.title, width),
    style: "dim",
  }));
  const lines = rows.map((row) =>
    layout.map(({ column, width }): Span => {
      const { text, style } = column.cell(row, width);
      return { text: pad(column, text, width), style };
    })
  );
  return [titles, ...lines].map((cells) => cells.flatMap((cell) => [{ text: "  " }, cell]));
}

function weightIn(sort: SortOrder, { destination, rate }: Row): number {
  switch (sort) {
    case "configured":
      return 0;
    case "load":
      return destination.active / destination.limit;
    case "sessions/s":
      return rate?.sessions ?? 0;
    case "bytes/s":
      return rate ? rate.up + rate.down : 0;
    case "failures":
      return destination.failures;
  }
}

function fit(rows: readonly Row[], columns: number): { column: Column; width: number }[] {
  const wantedColumns = COLUMNS.filter(({ isWanted }) => {
    return !isWanted || rows.some(({ destination }) => isWanted(destination));
  });
  let layout = wantedColumns.map((column) => {
    const longest = column === BAR
      ? 0
      : Math.max(0, ...rows.map((row) => column.cell(row, 0).text.length));
    const wanted = Math.max(longest, column.title.length, column.least);
    // Names may be long, but the numbers have to stand somewhere too.
    const most = column === NAME ? Math.max(column.least, Math.floor(columns * 0.3)) : column.most;
    return { column, width: Math.min(wanted, column.most, most) };
  });
  const total = () => layout.reduce((sum, { width }) => sum + 2 + width, 0);
  while (total() > columns && layout.length > 1) {
    const lowest = Math.min(...layout.map(({ column }) => column.rank));
    layout = layout.filter(({ column }) => column.rank !== lowest);
  }
  const flexible = layout.find(({ column }) => column === BAR);
  if (flexible) {
    flexible.width = Math.min(flexible.column.most, flexible.width + columns - total());
  }
  return layout;
}

/** A cell of exactly this width. */
function pad({ right }: Column, text: string, width: number): string {
  const short = shorten(text, width);
  return right ? short.padStart(width) : short.padEnd(width);
}

/** A program without its options and its folder, where there is no room for all; any other name as it is. */
function briefProgram(name: string): string {
  const [, program] = /^(?:[^ ]*,)?exec:(?:[^ ']*\/)?([^ /]+(?: .*)?)$/.exec(name) ?? [];
  return program === undefined ? name : `exec:${program}`;
}

/** A text of at most this length, with `~` in its middle if it is longer: names differ at their end. */
function shorten(text: string, length: number): string {
  if (text.length <= length) return text;
  const end = Math.floor((length - 1) / 2);
  return `${text.slice(0, length - 1 - end)}~${text.slice(text.length - end)}`;
}
