import { monotonic } from "../base/clock.ts";
import { after, type Timer } from "../base/timer.ts";
import type { Direction, InspectionRecord } from "../operations/inspection.ts";
import { formatSocketAddress } from "../net/address.ts";
import type { Session } from "../session/session.ts";
import type { TapListener } from "../session/tap.ts";

/** Most bytes that wait to be asked for; what comes then is left out. */
export const MOST_HELD = 2 * 1024 * 1024;

/** What a record counts for besides the bytes in it. */
const RECORD_BYTES = 256;

/** Most bytes in a second, so that looking never takes most of the time that serving needs. */
const MOST_PER_SECOND = 32 * 1024 * 1024;

/** How long it is waited for something to tell, in milliseconds. */
const READ_MS = 1000;

/**
 * What is noted of the sessions that one operator looks into, until it is asked for. What it keeps is
 * bounded: beyond that it leaves out, and tells how much.
 */
export class Inspection implements TapListener {
  /** Sessions that it has told of and that are not over. */
  readonly sessions = new Set<Session>();
  readonly #listener: { readonly id: number; readonly name: string };
  /** What has happened since it was asked for. */
  #records: InspectionRecord[] = [];
  /** Bytes that these have, about. */
  #held = 0;
  /** What was left out and not told. */
  #lost = { bytes: 0, sessions: 0 };
  /** Bytes that might come at that moment. */
  #allowance = { bytes: MOST_PER_SECOND, at: monotonic() };
  /** Whether nothing more comes. */
  #complete = false;
  /** Ends the wait for something to tell. */
  #wake: (() => void) | undefined;
  /** The time by the clock when the monotonic one was 0, in milliseconds. */
  readonly #epoch = Date.now() - monotonic();

  constructor(listener: { readonly id: number; readonly name: string }) {
    this.#listener = listener;
  }

  /**
   * Tells of a session from now on, or of its destination if it has been told; returns whether there was
   * room for it.
   */
  begin(session: Session, now: number): boolean {
    if (this.#held >= MOST_HELD && !this.sessions.has(session)) {
      this.#lost.sessions++;
      return false;
    }
    this.sessions.add(session);
    const { client, clientName, listenerAddress, server, up, down, acceptedAt, tls } = session;
    // One that could not be connected remembers where, and waits again.
    const destination = server && session.destination;
    this.#note({
      ...this.#head("session", session),
      listener: this.#listener.name,
      transport: client.localAddress.transport,
      client: clientName,
      local: formatSocketAddress(listenerAddress),
      destination: destination?.name ?? null,
      age_ms: now - acceptedAt,
      bytes_up: up.bytes,
      bytes_down: down.bytes,
      tls: tls?.version ?? null,
    });
    return true;
  }

  onBytes(
    session: Session,
    direction: Direction,
    { offset, bytes }: { offset: number; bytes: Uint8Array },
  ): void {
    const { length } = bytes;
    if (this.#held + length > MOST_HELD || !this.#afford(length)) {
      this.#lost.bytes += length;
      return;
    }
    this.#note(
      { ...this.#head("bytes", session), direction, offset, bytes: bytes.slice() },
      length,
    );
  }

  onFinish(session: Session, direction: Direction): void {
    this.#note({ ...this.#head("end", session), direction });
  }

  /** A session that it has told of is over. */
  end(session: Session): void {
    this.sessions.delete(session);
    const { reason = "error", up, down } = session;
    const moved = { bytes_up: up.bytes, bytes_down: down.bytes };
    this.#note({ ...this.#head("over", session), reason, ...moved });
  }

  /** Nothing more comes; what was noted can still be read. */
  close(): void {
    this.#complete = true;
    this.#wake?.();
  }

  /**
   * What has happened since it was last asked, a moment after the first of it; nothing after a second in which nothing has.
   * `undefined` once all is told and nothing more comes.
   */
  async read(): Promise<readonly InspectionRecord[] | undefined> {
    if (this.#records.length === 0 && !this.#complete) {
      let timer: Timer | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        timer = after(READ_MS, resolve);
      });
      timer?.stop();
      this.#wake = undefined;
    }
    const records = this.#records;
    const lost = this.#lost;
    this.#records = [];
    this.#held = 0;
    this.#lost = { bytes: 0, sessions: 0 };
    if (lost.bytes + lost.sessions > 0) {
      const what = { lost_bytes: lost.bytes, lost_sessions: lost.sessions };
      records.push({ kind: "lost", time_us: this.#now, ...what });
    }
    return records.length === 0 && this.#complete ? undefined : records;
  }

  /** How many bytes have come that nobody was told, nor that they were left out. */
  get untold(): number {
    return this.#records.reduce((sum, one) => {
      return one.kind === "bytes" ? sum + one.bytes.length : sum;
    }, this.#lost.bytes);
  }

  #head<K extends string>(kind: K, { id }: Session): { kind: K; session: string; time_us: number } {
    return { kind, session: `${this.#listener.id}.${id}`, time_us: this.#now };
  }

  get #now(): number {
    return Math.round(1000 * (this.#epoch + monotonic()));
  }

  #note(record: InspectionRecord, length = 0): void {
    this.#records.push(record);
    this.#held += RECORD_BYTES + length;
    this.#wake?.();
  }

  /** Whether so many bytes may come now. */
  #afford(length: number): boolean {
    const { bytes, at } = this.#allowance;
    const now = monotonic();
    const allowed = Math.min(bytes + (now - at) * MOST_PER_SECOND / 1000, MOST_PER_SECOND);
    const affords = allowed >= length;
    this.#allowance = { bytes: affords ? allowed - length : allowed, at: now };
    return affords;
  }
}
