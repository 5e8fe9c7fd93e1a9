import type { SessionInfo } from "../operations/operations.ts";
import { plural } from "../base/text.ts";
import { type Column, fit, rowLine, titleLine } from "./columns.ts";
import type { BodyLine } from "./destination_rows.ts";
import { formatBytes, formatSpan, plain } from "./format.ts";
import type { Sessions } from "./shapes.ts";

const COLUMNS: readonly Column<SessionInfo>[] = [
  // It is what every command takes.
  { title: "ID", rank: 10, least: 4, most: 20, cell: ({ id }) => ({ text: id }) },
  {
    title: "CLIENT",
    rank: 9,
    least: 11,
    most: 47,
    room: "name",
    cell: ({ client }) => ({ text: plain(client) }),
  },
  {
    title: "STAGE",
    rank: 8,
    least: 8,
    most: 10,
    cell: ({ stage }) => ({
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
    isWanted: ({ place }) => place !== null,
    cell: ({ place }) => ({ text: place === null ? "-" : String(place) }),
  },
  {
    title: "DESTINATION",
    rank: 7,
    least: 11,
    most: 44,
    cell: ({ destination }) => ({ text: plain(destination ?? "-") }),
  },
  {
    title: "AGE",
    right: true,
    rank: 7.5,
    least: 7,
    most: 8,
    cell: ({ age_ms }) => ({ text: formatSpan(age_ms) }),
  },
  {
    title: "UP",
    right: true,
    rank: 6,
    least: 5,
    most: 10,
    cell: ({ bytes_up }) => ({ text: formatBytes(bytes_up) }),
  },
  {
    title: "DOWN",
    right: true,
    rank: 6.5,
    least: 5,
    most: 10,
    cell: ({ bytes_down }) => ({ text: formatBytes(bytes_down) }),
  },
  {
    title: "SERVER NAME",
    rank: 3,
    least: 11,
    most: 40,
    isWanted: ({ server_name }) => Boolean(server_name),
    cell: ({ server_name }) => ({ text: plain(server_name ?? "-") }),
  },
  {
    title: "TRIES",
    right: true,
    rank: 2,
    least: 5,
    most: 6,
    cell: ({ attempts }) => ({ text: String(attempts) }),
  },
  {
    title: "LISTENER",
    rank: 4,
    least: 8,
    most: 30,
    cell: ({ listener }) => ({ text: plain(listener) }),
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
  const layout = fit(COLUMNS, sessions, columns);
  return [
    { line: [{ text: `${plural(total, "session")}${oldest}`, style: "bold" }] },
    { line: titleLine(layout) },
    ...sessions.map((session) => ({
      line: rowLine(layout, session, { chosen: session.id === chosen }),
      id: session.id,
    })),
  ];
}
