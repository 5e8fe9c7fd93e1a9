import { type AccessLogFormat, accessLogFormat, type AccessLogSettings } from "./access_format.ts";
import { type ByteSink } from "../base/byte_sink.ts";
import { LineWriter } from "./line_writer.ts";
import { openPath, type PathSink, type StreamName, streamOf } from "./sinks.ts";
import type { Losses } from "./losses.ts";
import type { Settings } from "../config/options.ts";
import type { Session } from "../session/session.ts";

/** How long a log waits for lines that nobody reads before it closes, in milliseconds. */
export const CLOSE_PATIENCE_MS = 2000;

/** What takes the lines of an access log in the end: a file, a stream, or syslog. */
export interface LineTarget {
  /** Takes one line or more, without the last line break. */
  write(lines: string): void;
  flush(): Promise<void>;
  close(options: { patience: number }): Promise<void>;
}

/** The settings of an access log. */
export type AccessSettings = AccessLogSettings & Pick<Settings, "accessLog">;

/** Options of {@linkcode AccessLog}. */
export interface AccessLogOptions {
  /** What takes the lines if the settings name syslog. */
  openSyslog(): LineTarget;
  /** The standard streams, which others write to as well. */
  stream(name: StreamName): ByteSink;
  /** Takes all lines instead, wherever they are to go: another thread writes them. */
  forward?: ByteSink | undefined;
  /** Counts the lines that a file or stream has lost. */
  losses: Losses;
}

/**
 * The access log: a line for each session that has ended, where the settings say.
 *
 * What it looks like and where it goes can change while it is in use, and no line is lost: those that
 * were taken before go where they were to go.
 */
export class AccessLog {
  /** Where lines can go. */
  readonly #options: AccessLogOptions;
  /** By the names of listeners: each has its line. */
  readonly #formats = new Map<string, AccessLogFormat>();
  /** How a line looks and where it goes now. */
  #settings: AccessSettings;
  /** What takes the lines; absent while the log is off. */
  #target: LineTarget | undefined;
  /** What the target writes to, if it was opened by its path. */
  #sink: PathSink | undefined;
  /** Targets that are being replaced, until they have written and closed. */
  readonly #closing = new Set<Promise<void>>();

  /** @throws {FatalError} If the file cannot be opened. */
  constructor(settings: AccessSettings, options: AccessLogOptions) {
    this.#settings = settings;
    this.#options = options;
    this.#target = this.#open(settings.accessLog);
  }

  /** Writes the line of a session that has ended, unless the log is off. */
  add(session: Session, listener: string): void {
    if (!this.#target) return;
    let format = this.#formats.get(listener);
    if (!format) {
      format = accessLogFormat(this.#settings, { listener });
      this.#formats.set(listener, format);
    }
    this.#target.write(format(session, new Date()));
  }

  /** Takes lines that another thread has made. */
  addLines(lines: string): void {
    this.#target?.write(lines);
  }

  /**
   * Changes what the lines look like and where they go. Nothing changes if that fails.
   *
   * @throws {FatalError} If the file cannot be opened.
   */
  apply(settings: AccessSettings): void {
    if (settings.accessLog !== this.#settings.accessLog) this.#replace(settings.accessLog);
    this.#settings = settings;
    this.#formats.clear();
  }

  /**
   * Opens the file again, for a log that was moved aside. Nothing changes if that fails.
   *
   * @returns The path, or `undefined` if the log is no file.
   * @throws {FatalError} If the file cannot be opened.
   */
  reopen(): string | undefined {
    const { accessLog } = this.#settings;
    if (!this.#sink) return undefined;
    if (!this.#sink.reopen?.()) this.#replace(accessLog);
    return accessLog;
  }

  /** Resolves when all lines so far are written. */
  async flush(): Promise<void> {
    await Promise.all([...this.#closing, this.#target?.flush()]);
  }

  /** Writes what is left and closes; at most some seconds. */
  async close(): Promise<void> {
    if (this.#target) this.#close(this.#target);
    this.#target = undefined;
    await Promise.all(this.#closing);
  }

  #replace(where: string): void {
    const old = this.#target;
    const closed = Promise.withResolvers<void>();
    this.#target = this.#open(where, closed.promise);
    if (old) this.#close(old);
    // Those before it, too: the log may have been off in between, and its lines stay in order.
    Promise.all(this.#closing).then(() => closed.resolve());
  }

  #close(target: LineTarget): Promise<void> {
    const closing = target.close({ patience: CLOSE_PATIENCE_MS }).then(() => {
      this.#closing.delete(closing);
    });
    this.#closing.add(closing);
    return closing;
  }

  /** @param after What has to happen before the first line is written. */
  #open(where: string, after?: Promise<void>): LineTarget | undefined {
    const { forward, openSyslog, stream } = this.#options;
    const isPath = !forward && !["off", "syslog"].includes(where);
    const standard = isPath ? streamOf(where) : undefined;
    const byPath = isPath && !standard;
    const sink = byPath ? openPath(where) : undefined;
    const target = where === "off"
      ? undefined
      : forward
      ? this.#writer(forward)
      : where === "syslog"
      ? openSyslog()
      : this.#writer(sink ?? stream(standard!), after);
    this.#sink = sink;
    return target;
  }

  #writer(sink: ByteSink, after?: Promise<void>): LineWriter {
    const { losses } = this.#options;
    const write: ByteSink["write"] = after
      ? (bytes) => after.then(() => sink.write(bytes))
      : sink.write;
    return new LineWriter({ ...sink, write }, {
      onLoss: (lines, error) => losses.note(lines, error),
      onWritten: () => losses.written(),
    });
  }
}
