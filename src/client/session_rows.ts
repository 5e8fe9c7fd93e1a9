import type { SessionInfo } from "../operations/operations.ts";
import { plural } from "../base/text.ts";
import { apart, type Column, fit, rowLine, titleLine } from "./columns.ts";
import type { BodyLine } from "./destination_rows.ts";
import { formatBytes, formatSpan, plain } from "./format.ts";
import type { Sessions } from "./shapes.ts";

interface Row {
  readonly session: SessionInfo;
  /** Makes the name of a destination shorter, so that it can be told from the others. */
  shorten(name: string, length: number): string;
}

const COLUMNS: readonly Column<Row>[] = [
  // It is what every command takes.
  { title: "ID", rank: 10, least: 4, most: 20, cell: ({ session: { id } }) => ({ text: id }) },
  {
    title: "CLIENT",
    rank: 9,
    least: 11,
    most: 47,
    room: "name",
    cell: ({ session: { client } }) => ({ text: plain(client) }),
  },
  {
    title: "STAGE",
    rank: 8,
    least: 8,
    most: 10,
    cell: ({ session: { stage } }) => ({
      text: stage,
      style: stage === "relaying" ? "green" : stage === "waiting" ? "yellow" : undefined,
    }),
  },
  {
    title: "PLACE",
    right: true,
    rank: 5,
    least: 5,
    most: 8,
    isWanted: ({ session: { place } }) => place !== null,
    cell: ({ session: { place } }) => ({ text: place === null ? "-" : String(place) }),
  },
  {
    title: "DESTINATION",
    rank: 7,
    least: 11,
    most: 44,
    room: "name",
    cell: ({ session: { destination }, shorten }, width) => {
      const name = plain(destination ?? "-");
      return { text: width === 0 ? name : shorten(name, width) };
    },
  },
  {
    title: "AGE",
    right: true,
    rank: 7.5,
    least: 7,
    most: 8,
    cell: ({ session: { age_ms } }) => ({ text: formatSpan(age_ms) }),
  },
  {
    title: "UP",
    right: true,
    rank: 6,
    least: 5,
    most: 10,
    cell: ({ session: { bytes_up } }) => ({ text: formatBytes(bytes_up) }),
  },
  {
    title: "DOWN",
    right: true,
    rank: 6.5,
    least: 5,
    most: 10,
    cell: ({ session: { bytes_down } }) => ({ text: formatBytes(bytes_down) }),
  },
  {
    title: "SERVER NAME",
    rank: 3,
    least: 11,
    most: 40,
    isWanted: ({ session: { server_name } }) => Boolean(server_name),
    cell: ({ session: { server_name } }) => ({ text: plain(server_name ?? "-") }),
  },
  {
    title: "TRIES",
    right: true,
    rank: 2,
    least: 5,
    most: 6,
    cell: ({ session: { attempts } }) => ({ text: String(attempts) }),
  },
  {
    title: "LISTENER",
    rank: 4,
    least: 8,
    most: 30,
    cell: ({ session: { listener } }) => ({ text: plain(listener) }),
  },
];

/** Live sessions as a table that fits: columns that matter less go first. */
export function sessionLines(
  answer: Sessions | "none yet",
  { columns, chosen }: { columns: number; chosen?: string | undefined },
): BodyLine[] {
  if (answer === "none yet") return [{ line: [{ text: "sessions …", style: "dim" }] }];
  const { sessions, total } = answer;
  if (sessions.length === 0) return [{ line: [{ text: "no sessions" }] }];
  const oldest = total > sessions.length ? `, the ${sessions.length} oldest` : "";
  const shorten = apart(sessions.map(({ destination }) => plain(destination ?? "-")));
  const rows = sessions.map((session): Row => ({ session, shorten }));
  const layout = fit(COLUMNS, rows, columns);
  return [
    { line: [{ text: `${plural(total, "session")}${oldest}`, style: "bold" }] },
    { line: titleLine(layout) },
    ...rows.map((row) => ({
      line: rowLine(layout, row, { chosen: row.session.id === chosen }),
      id: row.session.id,
    })),
  ];
}
