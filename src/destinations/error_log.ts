import type { Logger } from "@logtape/logtape";
import { type Clock, monotonic } from "../base/clock.ts";
import { plural } from "../base/text.ts";

/** Most lines a second of all sessions of a destination, and how many may come at once. */
const RATE = 20;

/**
 * Most bytes a second of all sessions of a destination that are read, and how many may come at once:
 * reading what is then left out must not cost other sessions their turns.
 */
const BYTES = 1024 * 1024;

/**
 * Tells the log what programs write to their standard error, so that what a client can make them write
 * does not become a flood of lines.
 */
export class ErrorLog {
  readonly #log: Logger;
  /** What the destination is called now. */
  readonly #name: () => string;
  readonly #clock: Clock;
  #tokens = RATE;
  /** When there were so many tokens. */
  #at: number;
  /** Bytes that may be read at once; below 0 if more have been. */
  #bytes = BYTES;
  /** When there were so many. */
  #bytesAt: number;
  /** Lines that were not told, and are not spoken of yet. */
  #left = 0;

  constructor(options: { log: Logger; name(): string; clock?: Clock }) {
    this.#log = options.log;
    this.#name = options.name;
    this.#clock = options.clock ?? monotonic;
    this.#at = this.#bytesAt = this.#clock();
  }

  /** How long whoever has read so many bytes is to read no more, in milliseconds. */
  pauseAfter(bytes: number): number {
    const now = this.#clock();
    this.#bytes = Math.min(BYTES, this.#bytes + (now - this.#bytesAt) / 1000 * BYTES) - bytes;
    this.#bytesAt = now;
    return Math.max(0, -this.#bytes / BYTES * 1000);
  }

  /** A program has written a line, for a session or for none. */
  tell(line: string, session: string | undefined): void {
    if (!this.#mayTell()) {
      this.#left++;
      return;
    }
    this.flush();
    const name = this.#name();
    const text = printable(line);
    if (session === undefined) this.#log.info("{name}: {line}", { name, line: text });
    else this.#log.info("session {id} at {name}: {line}", { id: session, name, line: text });
  }

  /** Tells how many lines were not told, if it is time for that. */
  flush(): void {
    if (this.#left === 0 || !this.#refill()) return;
    const lines = plural(this.#left, "further line");
    this.#left = 0;
    this.#log.info("{name}: {lines} of its standard error left out: at most {rate} a second", {
      name: this.#name(),
      lines,
      rate: RATE,
    });
  }

  #mayTell(): boolean {
    if (!this.#refill()) return false;
    this.#tokens--;
    return true;
  }

  /** Whether a line may be told now. */
  #refill(): boolean {
    const now = this.#clock();
    this.#tokens = Math.min(RATE, this.#tokens + (now - this.#at) / 1000 * RATE);
    this.#at = now;
    return this.#tokens >= 1;
  }
}

/** What steers a terminal, or changes what seems to be there, as `\u{…}`. */
function printable(line: string): string {
  return line.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (char) => {
    return char === "\t" ? char : `\\u{${char.codePointAt(0)!.toString(16)}}`;
  });
}
