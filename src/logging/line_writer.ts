import { waitAtMost } from "../async/wait_at_most.ts";
import { AwayError, type ByteSink } from "../base/byte_sink.ts";
import { after, type Timer } from "../base/timer.ts";

/** Options of {@linkcode LineWriter}. */
export interface LineWriterOptions {
  /** Told of lines that are lost. */
  onLoss?(lines: number, error: unknown): void;
  /** Told that lines were written, each time. */
  onWritten?(): void;
}

/** How long a line may wait for others before it is written, in milliseconds. */
const FLUSH_AFTER_MS = 50;

/** Buffered characters at which they are written without waiting. */
const FLUSH_AT = 64 * 1024;

/** Most buffered characters; further lines are lost. */
const LIMIT = 8 * 1024 * 1024;

/** How long it waits before it tries again where nobody reads: at first and at most, in milliseconds. */
const PAUSE_MS = { first: 5, most: 100, away: 200 };

/** How long it waits before it tries again to finish a line, in milliseconds. */
const FINISH_AFTER_MS = 500;

/**
 * Writes lines to a file or stream in the background.
 *
 * `write` never waits and never throws: whoever logs must not be slowed down by a full disk or a
 * reader that has stopped. What a reader who does not keep up is still to get is kept as long as there
 * is room. What cannot be written, to a full disk for example, is lost and counted, and what comes
 * later is tried again.
 */
export class LineWriter {
  /** Lines that are lost because the sink failed or did not keep up. */
  lost = 0;
  /** Where the lines go. */
  readonly #sink: ByteSink;
  /** Who learns of lost lines. */
  readonly #options: LineWriterOptions;
  /** Makes bytes of them. */
  readonly #encoder = new TextEncoder();
  /** Lines that wait to be written. */
  #lines: string[] = [];
  /** How long these are, each with its line break. */
  #chars = 0;
  /** Encoded lines that are being written. */
  #batch = new Uint8Array();
  /** Runs until the lines are written, though they are few. */
  #timer: Timer | undefined;
  /** The writing under way. */
  #writing: Promise<void> | undefined;
  /** Ends the pause before another attempt. */
  #resume: (() => void) | undefined;
  /** `closing` no longer waits for somebody who is away, `closed` for nobody. */
  #state: "open" | "closing" | "closed" = "open";

  constructor(sink: ByteSink, options: LineWriterOptions = {}) {
    this.#sink = sink;
    this.#options = options;
  }

  /** Takes a line, or several, without the last line break. */
  write(line: string): void {
    if (this.#chars + this.#batch.length + line.length > LIMIT) {
      return this.#lose(1 + count(line, "\n"), new Error("nobody reads it, or not fast enough"));
    }
    this.#lines.push(line);
    this.#chars += line.length + 1;
    if (this.#chars >= FLUSH_AT) this.#startWriting();
    else this.#timer ??= after(FLUSH_AFTER_MS, () => this.#startWriting());
  }

  /** Resolves when everything taken so far has been written or is lost. */
  async flush(): Promise<void> {
    do {
      this.#startWriting();
      await this.#writing;
    } while (this.#lines.length > 0 || this.#writing);
  }

  /**
   * Writes what is left and closes the sink, but waits no longer than the given time, in
   * milliseconds, and not for somebody who is away.
   */
  async close(options: { patience: number }): Promise<void> {
    this.#state = "closing";
    this.#resume?.();
    await waitAtMost(options.patience, this.flush());
    this.#state = "closed";
    this.#timer?.stop();
    const left = this.#lines.reduce((sum, line) => sum + 1 + count(line, "\n"), 0);
    this.#lines = [];
    this.#lose(left + lineBreaks(this.#batch), new Error("nobody reads it"));
    this.#resume?.();
    this.#sink.close?.();
  }

  #startWriting(): void {
    this.#timer?.stop();
    this.#timer = undefined;
    this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    try {
      do {
        while (this.#lines.length > 0 && this.#state !== "closed") {
          this.#batch = this.#encoder.encode(this.#lines.join("\n") + "\n");
          this.#lines = [];
          this.#chars = 0;
          await this.#writeBatch();
        }
        await this.#finishLine();
      } while (this.#lines.length > 0 && !this.#over);
    } finally {
      // Here and not by whoever waits for this: a line that comes meanwhile would stay.
      this.#writing = undefined;
    }
  }

  async #writeBatch(): Promise<void> {
    let pause = PAUSE_MS.first;
    while (this.#batch.length > 0 && !this.#over) {
      try {
        const written = await this.#sink.write(this.#batch);
        if (this.#over) return;
        this.#batch = this.#batch.subarray(written);
        pause = PAUSE_MS.first;
      } catch (error) {
        if (this.#over) return;
        if (error instanceof Deno.errors.WouldBlock) {
          await this.#pause(pause);
          pause = Math.min(pause * 2, PAUSE_MS.most);
        } else if (error instanceof AwayError && this.#state === "open") {
          await this.#pause(PAUSE_MS.away);
        } else {
          this.#lose(lineBreaks(this.#batch), error);
          this.#batch = new Uint8Array();
          return;
        }
      }
    }
    if (!this.#over) this.#options.onWritten?.();
  }

  /** Whether it was closed, which may be while something is awaited. */
  get #over(): boolean {
    return this.#state === "closed";
  }

  /** Finishes a line that was cut short, now or later. */
  async #finishLine(): Promise<void> {
    if (!this.#sink.finishLine || this.#over) return;
    try {
      await this.#sink.finishLine();
    } catch (error) {
      if (this.#over) return;
      if (this.#state === "closing") {
        if (!(error instanceof Deno.errors.WouldBlock)) return;
        await this.#pause(PAUSE_MS.most);
        return await this.#finishLine();
      }
      this.#timer ??= after(FINISH_AFTER_MS, () => this.#startWriting());
    }
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = after(ms, resolve);
      this.#resume = () => {
        timer.stop();
        resolve();
      };
    });
    this.#resume = undefined;
  }

  #lose(lines: number, error: unknown): void {
    if (lines === 0) return;
    this.lost += lines;
    this.#options.onLoss?.(lines, error);
  }
}

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}

function lineBreaks(bytes: Uint8Array): number {
  let number = 0;
  for (const byte of bytes) if (byte === 0x0a) number++;
  return number;
}
