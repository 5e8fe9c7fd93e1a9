import type { Direction, InspectedSession, InspectionRecord } from "../../operations/inspection.ts";
import { formatBytes, formatSpan } from "../format.ts";
import { hexLines, textLines } from "./dump.ts";

const SIGNS = { up: ">", down: "<" } as const;

/** What a record of TLS begins with: its type and the version 3. */
const TLS_TYPES: readonly number[] = [20, 21, 22, 23];

/** A session as it is shown. */
interface Shown {
  /** How many bytes of each direction came before what is shown next. */
  readonly next: Record<Direction, number>;
  /** How many have come. */
  readonly came: Record<Direction, number>;
  /** Whether something of it was shown. */
  begun: boolean;
}

/** Options of {@linkcode InspectionView}. */
interface ViewOptions {
  readonly hex: boolean;
  /** Bytes that are shown in a second at most. */
  readonly rate: number;
}

/** What happens in sessions, as lines: `>` from the client, `<` to it, and how much is left out between. */
export class InspectionView {
  readonly #options: ViewOptions;
  readonly #sessions = new Map<string, Shown>();
  /** The second that is being shown, and how many bytes of it were. */
  #second = { number: 0, bytes: 0 };

  constructor(options: ViewOptions) {
    this.#options = options;
  }

  /** The lines for what has happened; none if it is too much to be shown. */
  lines(record: InspectionRecord): string[] {
    if (record.kind === "lost") {
      const { lost_bytes: bytes, lost_sessions: sessions } = record;
      const all = sessions > 0 ? ` and ${sessions} sessions` : "";
      return [`! ${formatBytes(bytes)}${all} came too fast to be told`];
    }
    const head = `${timeOf(record.time_us)} ${record.session}`;
    if (record.kind === "session") return this.#begin(record, head);
    const shown = this.#sessions.get(record.session);
    if (!shown) return [];
    switch (record.kind) {
      case "bytes":
        return this.#bytes(record, shown, head);
      case "end":
        return [`${head} ${SIGNS[record.direction]} (has finished sending)`];
      case "over": {
        const { reason, bytes_up: up, bytes_down: down } = record;
        this.#sessions.delete(record.session);
        return [
          ...gap(`${head} >`, up - shown.next.up),
          ...gap(`${head} <`, down - shown.next.down),
          `${head} is over: ${reason}; ${formatBytes(up)} up, ${formatBytes(down)} down`,
        ];
      }
    }
  }

  /** The lines for what was left out last, where it is looked no further. */
  rest(): string[] {
    return [...this.#sessions].flatMap(([session, { next, came }]) => [
      ...gap(`${session} >`, came.up - next.up),
      ...gap(`${session} <`, came.down - next.down),
    ]);
  }

  #begin(record: InspectedSession, head: string): string[] {
    const { client, local, listener, destination, age_ms, tls, session } = record;
    const { bytes_up: up, bytes_down: down } = record;
    if (this.#sessions.has(session)) return [`${head} is connected to ${destination}`];
    this.#sessions.set(session, { next: { up, down }, came: { up, down }, begun: false });
    const at = local === listener ? "" : ` (${local})`;
    const age = `${formatSpan(age_ms)} old`;
    const where = destination === null ? "not connected yet" : `to ${destination}`;
    const before = up + down === 0
      ? ""
      : `; before that ${formatBytes(up)} up and ${formatBytes(down)} down`;
    return [
      `${head} from ${client} at listener ${listener}${at}, ${where}, ${age}${before}`,
      ...(tls === null
        ? []
        : [`${head} ! TLS ${tls} ends at iawlb: this is in clear what the client has encrypted`]),
    ];
  }

  #bytes(
    { direction, offset, bytes, time_us }: Extract<InspectionRecord, { kind: "bytes" }>,
    shown: Shown,
    head: string,
  ): string[] {
    shown.came[direction] = offset + bytes.length;
    const room = this.#roomAt(time_us);
    if (room === 0) return [];
    const piece = bytes.subarray(0, room);
    this.#second.bytes += piece.length;
    const prefix = `${head} ${SIGNS[direction]}`;
    const left = gap(prefix, offset - shown.next[direction]);
    shown.next[direction] = offset + piece.length;
    const warning = shown.begun || !isTls(bytes)
      ? []
      : [`${head} ! this is TLS that does not end at iawlb: it stays encrypted`];
    shown.begun = true;
    const lines = this.#options.hex ? hexLines(piece, offset) : textLines(piece);
    const more = `${" ".repeat(head.length)} ${SIGNS[direction]}`;
    const rows = lines.map((line, index) => `${index === 0 ? prefix : more} ${line}`);
    return [...warning, ...left, ...rows];
  }

  /** How many bytes of that second may still be shown. */
  #roomAt(time: number): number {
    const number = Math.floor(time / 1e6);
    if (number !== this.#second.number) this.#second = { number, bytes: 0 };
    return Math.max(this.#options.rate - this.#second.bytes, 0);
  }
}

function gap(prefix: string, bytes: number): string[] {
  return bytes > 0 ? [`${prefix} (${formatBytes(bytes)} left out)`] : [];
}

/** The time of day in UTC, as in the log. */
function timeOf(us: number): string {
  const ms = new Date(us / 1000).toISOString().slice(11, 23);
  return ms + String(us % 1000).padStart(3, "0");
}

function isTls(bytes: Uint8Array): boolean {
  return bytes.length >= 5 && TLS_TYPES.includes(bytes[0]!) && bytes[1] === 3 && bytes[2]! <= 4;
}
