import { quantile } from "../operations/histogram.ts";
import type { Status } from "../operations/operations.ts";
import type { ListenerStatus } from "../operations/listener_status.ts";
import { bar, clip, flow, type Line, type Span } from "./drawing.ts";
import { datagramsOf } from "./datagrams.ts";
import { destinationLines, type SortOrder } from "./destination_rows.ts";
import { foreseen } from "./forecast.ts";
import { formatBytes, formatLatency, formatRate, formatSpan, plain } from "./format.ts";
import { namesOf, nameText } from "./names.ts";
import { tlsOf } from "./tls.ts";
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
}

/** One picture of the program. */
export interface Frame {
  readonly lines: readonly Line[];
  /** The offset that there really is. */
  readonly offset: number;
}

/** Draws the program as it is now; what happened since an earlier look gives the rates. */
export function drawFrame(now: Status, before: Status | undefined, options: ViewOptions): Frame {
  const { columns, rows, sort } = options;
  const between = rates(now, before);
  const body = now.listeners.flatMap((listener, i) => [
    ...(i === 0 ? [] : [[]]),
    ...listenerLines(listener, between, columns),
    ...destinationLines(listener.destinations, between, { columns, sort }),
  ]);
  const title = titleLine(now, between, options);
  if (rows === Infinity) {
    return { lines: [title, ...body].map((line) => clip(line, columns)), offset: 0 };
  }
  const room = Math.max(0, rows - 2);
  const offset = Math.max(0, Math.min(options.offset, body.length - room));
  const middle: Line[] = body.slice(offset, offset + room);
  while (middle.length < room) middle.push([]);
  const below = body.length - offset - room;
  const lines = [title, ...middle, keysLine({ sort, above: offset, below })];
  return { lines: lines.slice(0, rows).map((line) => clip(line, columns)), offset };
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

function keysLine(view: { sort: SortOrder; above: number; below: number }): Line {
  const { sort, above, below } = view;
  const more = above > 0 || below > 0
    ? [`${above} above, ${Math.max(0, below)} below`, "↑↓ scroll"]
    : [];
  const text = ["q quit", `s sort: ${sort}`, "space pause", ...more].join("  ");
  return [{ text, style: "dim" }];
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
