import { quantile } from "../operations/histogram.ts";
import type { Status } from "../operations/operations.ts";
import type { ListenerStatus } from "../operations/listener_status.ts";
import { bar, clip, flow, type Line, type Span } from "./drawing.ts";
import { datagramsOf } from "./datagrams.ts";
import { type BodyLine, destinationLines, type SortOrder } from "./destination_rows.ts";
import { foreseen } from "./forecast.ts";
import { formatBytes, formatLatency, formatRate, formatSpan, plain } from "./format.ts";
import { namesOf, nameText } from "./names.ts";
import { sessionLines } from "./session_rows.ts";
import type { Sessions } from "./shapes.ts";
import { tlsOf } from "./tls.ts";
import { trendLine } from "./trend_lines.ts";
import type { Trends } from "./trends.ts";
import { type ListenerRates, type Rates, rates } from "./rates.ts";

/** What is shown, and where. */
export interface ViewOptions {
  readonly columns: number;
  /** `Infinity` shows everything, without the line of keys. */
  readonly rows: number;
  /** How many lines of the middle part are scrolled away; less if there are not so many. */
  readonly offset: number;
  readonly sort: SortOrder;
  readonly paused: boolean;
  /** Something that is wrong, for the first line. */
  readonly warning?: string | undefined;
  /** What happened in the latest minutes. */
  readonly trends?: Trends | undefined;
  /** Live sessions, to be shown in the place of listeners; `"none yet"` until they are there. */
  readonly sessions?: Sessions | "none yet" | undefined;
  /** The ID of the row that is chosen. */
  readonly chosen?: string | undefined;
  /** Stands in the place of the keys. */
  readonly bottom?: Line | undefined;
  /** Whether nothing of this is true any more. */
  readonly old?: boolean;
}

/** One picture of the program. */
export interface Frame {
  readonly lines: readonly Line[];
  /** The offset that there really is. */
  readonly offset: number;
  /** What can be chosen, in the order of the rows. */
  readonly ids: readonly string[];
}

/** Draws the program as it is now; what happened since an earlier look gives the rates. */
export function drawFrame(now: Status, before: Status | undefined, options: ViewOptions): Frame {
  const { columns, rows, sessions, old } = options;
  const between = rates(now, before);
  const all = sessions === undefined
    ? listenersLines(now, between, options)
    : sessionLines(sessions, options);
  const ids = all.flatMap(({ id }) => id === undefined ? [] : [id]);
  const body = all.map(({ line }) => old ? faded(line) : line);
  const title = titleLine(now, between, options);
  if (rows === Infinity) {
    return { lines: [title, ...body].map((line) => clip(line, columns)), offset: 0, ids };
  }
  const room = Math.max(0, rows - 2);
  const offset = offsetOf(all, { ...options, room, ids });
  const middle: Line[] = body.slice(offset, offset + room);
  while (middle.length < room) middle.push([]);
  const below = body.length - offset - room;
  const bottom = options.bottom ?? keysLine({ ...options, above: offset, below });
  const lines = [title, ...middle, bottom];
  return { lines: lines.slice(0, rows).map((line) => clip(line, columns)), offset, ids };
}

/** A line of what is not true any more. */
function faded(line: Line): Line {
  return line.map(({ text }): Span => ({ text, style: "dim" }));
}

/** How far the middle part is scrolled, so that the chosen row is seen. */
function offsetOf(
  lines: readonly BodyLine[],
  view: { offset: number; room: number; chosen?: string | undefined; ids: readonly string[] },
): number {
  const { room, chosen, ids } = view;
  const most = Math.max(0, lines.length - room);
  const offset = Math.max(0, Math.min(view.offset, most));
  const at = chosen === undefined ? -1 : lines.findIndex(({ id }) => id === chosen);
  if (at === -1) return offset;
  // With what stands above the first one, and below the last.
  if (chosen === ids[0] && at < room) return 0;
  if (chosen === ids.at(-1) && lines.length - at <= room) return most;
  return Math.min(most, Math.max(at - room + 1, Math.min(offset, at)));
}

function listenersLines(
  now: Status,
  between: Rates | undefined,
  { columns, sort, chosen, trends }: ViewOptions,
): BodyLine[] {
  return now.listeners.flatMap((listener, i) => [
    ...(i === 0 ? [] : [{ line: [] }]),
    ...listenerLines(listener, between, columns).map((line) => ({ line })),
    ...(trends ? trendLine(listener.id, trends, columns) : []).map((line) => ({ line })),
    ...destinationLines(listener.destinations, between, { columns, sort, chosen, trends }),
  ]);
}

function titleLine(now: Status, between: Rates | undefined, options: ViewOptions): Line {
  const { columns, paused, warning } = options;
  const { access, log } = now.log_lines_lost;
  const lost = access + log;
  const since = between ? `rates of ${Math.round(between.seconds)} s` : "rates follow";
  const pieces: Span[] = [
    { text: "iawlb", style: "bold" },
    ...(warning ? [{ text: warning, style: "red" } as const] : []),
    ...(paused ? [{ text: "paused", style: "reverse" } as const] : []),
    now.state === "running" ? { text: now.state } : { text: now.state, style: "yellow" },
    ...(lost > 0 ? [{ text: `${lost} log lines lost`, style: "yellow" } as const] : []),
    { text: `up ${formatSpan(now.uptime_ms)}` },
    { text: since, style: "dim" },
    { text: `pid ${now.pid}`, style: "dim" },
    { text: plain(now.version), style: "dim" },
  ];
  // What does not fit any more is left out whole: the most important pieces come first.
  return flow(pieces.map((piece) => [piece]), { columns, indent: 0 })[0]!;
}

function keysLine(view: ViewOptions & { above: number; below: number }): Line {
  const { sort, above, below, sessions, columns } = view;
  const more = above > 0 || below > 0 ? [`${above} above, ${Math.max(0, below)} below`] : [];
  const sorted = sort === "configured" ? [] : [`s sort: ${sort}`];
  const keys = sessions === undefined
    ? [
      ...sorted,
      ...["↑↓ choose", "d drain", "r ready", "m maint", "tab sessions"],
      ...(sorted.length > 0 ? [] : ["s sort"]),
    ]
    : ["↑↓ choose", "x end", "tab destinations"];
  // What is there no room for any more is what is known best.
  const pieces = ["q quit", ...more, ...keys, "space pause"].map((text): Line => {
    return [{ text, style: "dim" }];
  });
  return flow(pieces, { columns, indent: 0 })[0]!;
}

function listenerLines(
  listener: ListenerStatus,
  between: Rates | undefined,
  columns: number,
): Line[] {
  const rate = between?.listeners.get(listener.id);
  const layout = { columns, indent: 2 };
  return [
    headingLine(listener),
    ...flow(lineOfSessions(listener, columns), layout),
    ...flow([
      // An earlier version greets nobody.
      ...listener.greeting > 0 ? [item("greeting", String(listener.greeting))] : [],
      item("active", String(listener.active)),
      item("accepted/s", rate && formatRate(rate.accepted)),
      item("ended/s", rate && formatRate(rate.ended)),
      item("up", rate && `${formatBytes(rate.up)}/s`),
      item("down", rate && `${formatBytes(rate.down)}/s`),
    ], layout),
    ...datagramLines(listener, { rate, layout }),
    ...tlsLines(listener, { rate, layout }),
    ...flow([durations("queue", rate), durations("session", rate)], layout),
    ...forecastLines(listener, layout),
    ...namesOf(listener).filter(({ last_error }) => last_error !== "").map((name): Line => {
      return [{ text: "  " }, { text: nameText(name), style: "yellow" }];
    }),
  ];
}

function datagramLines(
  listener: ListenerStatus,
  options: { rate: ListenerRates | undefined; layout: { columns: number; indent: number } },
): Line[] {
  const { rate, layout } = options;
  const datagrams = datagramsOf(listener);
  if (!datagrams) return [];
  const lost = datagrams.lost.filter(([, number]) => number > 0);
  return flow([
    item("datagrams/s up", rate && formatRate(rate.datagramsUp)),
    item("down", rate && formatRate(rate.datagramsDown)),
    ...lost.map(([why, number]): Line => [
      { text: `${why} `, style: "dim" },
      { text: String(number), style: "yellow" },
    ]),
  ], layout);
}

function tlsLines(
  listener: ListenerStatus,
  options: { rate: ListenerRates | undefined; layout: { columns: number; indent: number } },
): Line[] {
  const { rate, layout } = options;
  const tls = tlsOf(listener);
  if (!tls) return [];
  const { pending, failed, certificates, ends } = tls;
  return flow([
    item("TLS handshakes/s", rate && formatRate(rate.handshakes)),
    item("under way", String(pending)),
    item("failed", String(failed)),
    [{ text: certificates, style: ends && (ends === "now" ? "red" : "yellow") }],
  ], layout);
}

function forecastLines(
  listener: ListenerStatus,
  layout: { columns: number; indent: number },
): Line[] {
  const items = foreseen(listener);
  if (items.length === 0) return [];
  const overloaded = (listener.forecast?.load ?? 0) > 1;
  return flow(
    items.map(([name, text]): Line => [
      { text: `${name} `, style: "dim" },
      name === "load" && overloaded ? { text, style: "red" } : { text },
    ]),
    layout,
  );
}

function headingLine({ name, state, address, balance }: ListenerStatus): Line {
  const heading: Span[] = [
    { text: plain(name), style: "bold" },
    { text: `  ${state}`, style: state === "running" ? undefined : "yellow" },
  ];
  if (address !== name) heading.push({ text: `  ${plain(address)}`, style: "dim" });
  // An earlier version does not tell it.
  if (balance) heading.push({ text: `  balance ${plain(balance)}`, style: "dim" });
  return heading;
}

function lineOfSessions(listener: ListenerStatus, columns: number): Line[] {
  const { waiting, waiting_clients, queue, oldest_waiting_ms } = listener;
  const label = `waiting ${waiting}/${queue} `;
  const width = Math.max(6, Math.min(30, columns - 2 - label.length));
  const style = waiting >= queue ? "red" : waiting > 0 ? "yellow" : "green";
  const pieces: Line[] = [[{ text: label }, { text: bar(waiting / queue, width), style }]];
  if (waiting_clients > 0) pieces.push(item("clients", String(waiting_clients)));
  if (waiting > 0) pieces.push(item("oldest", formatSpan(oldest_waiting_ms)));
  return pieces;
}

function durations(what: "queue" | "session", rate: ListenerRates | undefined): Line {
  const [p50, p99] = [0.5, 0.99].map((q) => {
    const ms = rate && quantile(rate[what], q);
    return ms === undefined ? "-" : formatLatency(ms);
  });
  return item(what, `p50 ${p50} p99 ${p99}`);
}

function item(name: string, text = "-"): Line {
  return [{ text: `${name} `, style: "dim" }, { text }];
}
