import type { DestinationStatus } from "../operations/destination_status.ts";
import type { ShownState } from "../operations/states.ts";
import { apart, type Column, fit, rowLine, titleLine } from "./columns.ts";
import { bar, type Line, spark, type Style } from "./drawing.ts";
import { backupMark, formatBytes, formatRate, plain } from "./format.ts";
import type { DestinationRates, Rates } from "./rates.ts";
import type { Trends } from "./trends.ts";

/** The orders in which destinations can be shown. */
export const SORT_ORDERS = ["configured", "load", "sessions/s", "bytes/s", "failures"] as const;

/** One of {@linkcode SORT_ORDERS}: all but the first begin with the most. */
export type SortOrder = typeof SORT_ORDERS[number];

interface Row {
  readonly destination: DestinationStatus;
  readonly rate: DestinationRates | undefined;
  readonly trends: Trends | undefined;
  /** Makes the name of a destination shorter, so that it can be told from the others. */
  shorten(name: string, length: number): string;
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

const COLUMNS: readonly Column<Row>[] = [
  // It is what every command takes.
  { title: "ID", rank: 10, least: 2, most: 20, cell: ({ destination: { id } }) => ({ text: id }) },
  {
    title: "DESTINATION",
    rank: 9,
    least: 11,
    // As long as a name may be, with its mark: a wide terminal shows it whole.
    most: 72,
    room: "name",
    cell: ({ destination, shorten }, width) => {
      const { name, leaving } = destination;
      const marks = backupMark(destination) + (leaving ? " (leaving)" : "");
      const text = plain(name) + marks;
      if (width === 0 || text.length <= width) return { text };
      // The name is what it is told apart by: where there is no room for both, it goes first.
      const room = width - marks.length;
      const brief = briefProgram(plain(name));
      return { text: room < LEAST_NAME ? shorten(brief, width) : shorten(brief, room) + marks };
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
    room: "rest",
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
    title: "LAST 60 S",
    rank: 3.5,
    least: 15,
    most: 15,
    isWanted: ({ trends }) => trends !== undefined,
    cell: ({ destination: { id }, trends }) => ({
      text: spark(trends?.destination(id, { columns: 15, per: 4 }) ?? []),
      style: "green",
    }),
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
    isWanted: ({ destination: { limit_reason } }) => limit_reason !== "configured",
    cell: ({ destination: { limit_reason } }) => ({ text: limit_reason }),
  },
  {
    title: "SNI",
    rank: 1.65,
    least: 5,
    most: 30,
    isWanted: ({ destination: { sni, alpn } }) => Boolean(sni || alpn),
    cell: ({ destination: { sni, alpn } }) => ({
      text: plain([sni || "*", alpn].filter(Boolean).join(" ")),
    }),
  },
  {
    title: "TLS",
    rank: 1.6,
    least: 8,
    most: 8,
    isWanted: ({ destination: { tls } }) => tls !== undefined && tls !== "off",
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
    isWanted: ({ destination: { agent } }) => Boolean(agent),
    cell: ({ destination: { agent } }) => ({ text: plain(agent || "-") }),
  },
];

/** A line of the screen, and whose it is, if it is about one that can be chosen. */
export interface BodyLine {
  readonly line: Line;
  readonly id?: string;
}

/** The destinations of a listener as a table that fits: columns that matter less go first. */
export function destinationLines(
  destinations: readonly DestinationStatus[],
  between: Rates | undefined,
  options: {
    columns: number;
    sort: SortOrder;
    chosen?: string | undefined;
    trends?: Trends | undefined;
  },
): BodyLine[] {
  if (destinations.length === 0) return [{ line: [{ text: "  no destinations" }] }];
  const { columns, sort, chosen, trends } = options;
  const shorten = apart(destinations.map(({ name }) => briefProgram(plain(name))));
  const rows = destinations.map((destination): Row => ({
    ...{ destination, trends, shorten },
    rate: between?.destinations.get(destination.id),
  }));
  // Sorting keeps the order of those that are alike.
  if (sort !== "configured") rows.sort((a, b) => weightIn(sort, b) - weightIn(sort, a));
  const layout = fit(COLUMNS, rows, columns);
  const lines = rows.map((row): BodyLine => {
    const { id } = row.destination;
    return { line: rowLine(layout, row, { chosen: id === chosen }), id };
  });
  return [{ line: titleLine(layout) }, ...lines];
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

/** A program without its options and its folder, where there is no room for all; any other name as it is. */
function briefProgram(name: string): string {
  const [, program] = /^(?:[^ ]*,)?exec:(?:[^ ']*\/)?([^ /]+(?: .*)?)$/.exec(name) ?? [];
  return program === undefined ? name : `exec:${program}`;
}
