import { configureSync, getLogger, type Logger, type LogRecord } from "@logtape/logtape";
import { AccessLog, CLOSE_PATIENCE_MS, type LineTarget } from "./access_log.ts";
import { monotonic } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { RecentEvents } from "./recent_events.ts";
import { type ByteSink } from "../base/byte_sink.ts";
import { LineWriter } from "./line_writer.ts";
import { LOCAL_SYSLOG } from "../config/log_target.ts";
import { jsonLine, portable, type PortableRecord, textLine, titledText } from "./record.ts";
import { ShownLines } from "./shown_lines.ts";
import { type StreamName, streamSink } from "./sinks.ts";
import { type Loss, Losses } from "./losses.ts";
import type { Settings } from "../config/options.ts";
import { waitAtMost } from "../async/wait_at_most.ts";
import { type Severity, Syslog, type SyslogOrigin } from "./syslog.ts";

/** The least that each of them waits, also if the others have taken long. */
const LAST_PATIENCE_MS = 200;

/** The settings of all logs. */
export type LogSettings = Pick<
  Settings,
  | "logLevel"
  | "logFormat"
  | "log"
  | "syslogFacility"
  | "syslogIdent"
  | "accessLog"
  | "accessLogFormat"
>;

/** The log outputs of the program. */
export interface Logs {
  /** For messages; on standard error or in syslog. */
  readonly log: Logger;
  /** For ended sessions. */
  readonly access: AccessLog;
  /**
   * Shows lines on standard output that are no log; resolves when there is room for more, however long
   * a reader takes. In a thread whose lines another one writes nobody sees them.
   */
  show(lines: string): Promise<void>;
  /** The latest messages, but for those of level debug. */
  readonly events: RecentEvents;
  /** Lines lost since the start, of each log. */
  readonly linesLost: LinesLost;
  /** Logs a message of another thread. */
  emit(record: PortableRecord): void;
  /**
   * Changes everything but where messages go, which only a restart does. Nothing changes if it fails.
   *
   * @throws {FatalError} If the file of the access log cannot be opened.
   */
  apply(settings: LogSettings): void;
  /** Opens the file of the access log again; the log says so, or why that cannot be. */
  reopen(): void;
  /** Resolves when all lines so far are written, or after a few seconds. */
  flush(): Promise<void>;
  /** Writes what is left and closes; at most a few seconds. A second call waits for the first. */
  close(): Promise<void>;
}

/** Lines that could not be written, and messages that syslog did not get. */
export interface LinesLost {
  readonly access: number;
  /** Messages. */
  readonly log: number;
}

/** What takes the messages and lines of a thread to the one that writes them. */
export interface Forward {
  log(record: PortableRecord): void;
  access: ByteSink;
}

/** The standard streams are not for lines: they are whoever is served. */
export interface Quiet {
  readonly quiet: true;
}

/** Takes lines for nobody. */
const NOBODY: ByteSink = { write: (lines) => Promise.resolve(lines.length) };

/**
 * Sets up the log and the access log where the settings say.
 *
 * @param to Where messages and lines go instead, in a thread whose lines another one writes; or that
 * those for standard streams go nowhere.
 * @throws {FatalError} If the file of the access log, or a socket for syslog, cannot be opened.
 */
export function openLogs(settings: LogSettings, to?: Forward | Quiet): Logs {
  const quiet = to !== undefined && "quiet" in to;
  const forward = quiet ? undefined : to;
  const losses = {
    access: new Losses((loss) => tellLoss("access log", loss)),
    log: new Losses((loss) => tellLoss("log", loss)),
  };
  const streams = new Map<StreamName, ByteSink>();
  const stderr = new LineWriter(stream("stderr"), {
    onLoss: (lines, error) => losses.log.note(lines, error),
    onWritten: () => losses.log.written(),
  });
  const events = new RecentEvents();
  let format = formatOf(settings);
  let origin = originOf(settings);
  let opened: Syslog | undefined;
  let closed: Promise<void> | undefined;
  if (settings.log.kind === "syslog" && !forward) syslog();
  const access = new AccessLog(settings, {
    openSyslog: () => accessTarget(syslog()),
    stream,
    forward: forward?.access,
    losses: losses.access,
  });
  const shown = new ShownLines(() => stream("stdout"), {
    onLoss: (lines, error) => losses.access.note(lines, error),
    onWritten: () => losses.access.written(),
  });
  const log = getLogger("iawlb");
  configure(settings.logLevel);
  return {
    log,
    access,
    events,
    show: (lines) => forward ? Promise.resolve() : shown.show(lines),
    get linesLost() {
      return { access: losses.access.total, log: losses.log.total };
    },
    emit: (record) => log.emit(record),
    apply(changed) {
      access.apply(changed);
      format = formatOf(changed);
      origin = originOf(changed);
      if (opened) opened.origin = origin;
      configure(changed.logLevel);
    },
    reopen() {
      try {
        const path = access.reopen();
        if (path === undefined) log.info("the access log is no file: nothing to open again");
        else log.info("opened the access log {path} again", { path });
      } catch (error) {
        log.error("{problem}; the old one stays in use", { problem: messageOf(error) });
      }
    },
    async flush() {
      const all = Promise.all([stderr.flush(), opened?.flush(), access.flush(), shown.flush()]);
      await waitAtMost(CLOSE_PATIENCE_MS, all);
    },
    close: () => closed ??= close(),
  };

  async function close(): Promise<void> {
    const end = monotonic() + CLOSE_PATIENCE_MS;
    const patience = () => Math.max(end - monotonic(), LAST_PATIENCE_MS);
    losses.access.hold();
    await access.close();
    await shown.close({ patience: patience() });
    losses.access.close();
    await opened?.close({ patience: patience() });
    losses.log.close();
    await stderr.close({ patience: patience() });
    losses.log.close();
  }

  function stream(name: StreamName): ByteSink {
    const sink = streams.get(name) ?? (quiet ? NOBODY : streamSink(name));
    streams.set(name, sink);
    return sink;
  }

  function tellLoss(what: string, { losing, lines, problem }: Loss): void {
    if (losing) {
      log.error("the {what} cannot be written: {problem}; lines lost so far: {lines}", {
        what,
        problem,
        lines,
      });
    } else log.warning("the {what} is written again; lines lost: {lines}", { what, lines });
  }

  function configure(level: Settings["logLevel"]): void {
    // At one go: between two halves of it messages would be lost.
    configureSync({
      reset: true,
      sinks: { sink },
      loggers: [
        { category: "iawlb", lowestLevel: level, sinks: ["sink"] },
        { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["sink"] },
      ],
    });
  }

  function sink(record: LogRecord): void {
    if (forward) return forward.log(portable(record));
    if (settings.log.kind === "syslog") {
      const { timestamp: time } = record;
      const text = format === jsonLine ? jsonLine(record) : titledText(record);
      syslog().send({ id: "log", severity: severityOf(record), time, text });
    } else stderr.write(format(record).trimEnd());
    if (severityOf(record) === "debug") return;
    events.add({
      time: new Date(record.timestamp).toISOString(),
      level: record.level,
      message: titledText(record),
    });
  }

  function syslog(): Syslog {
    const address = settings.log.kind === "syslog" ? settings.log.address : LOCAL_SYSLOG;
    return opened ??= Syslog.open(address, {
      origin,
      onTrouble(problem) {
        // Only standard error is left to say that the log itself does not work.
        if (settings.log.kind === "syslog") stderr.write(`iawlb: ${problem}`);
        else log.warning("{problem}", { problem });
      },
      onLoss: ({ id }) => losses[id].count(1),
    });
  }
}

function formatOf(settings: LogSettings): (record: LogRecord) => string {
  return settings.logFormat === "json" ? jsonLine : textLine;
}

function originOf({ syslogFacility, syslogIdent }: LogSettings): SyslogOrigin {
  return { facility: syslogFacility, ident: syslogIdent };
}

function severityOf({ level }: LogRecord): Severity {
  if (level === "fatal") return "error";
  return level === "trace" ? "debug" : level;
}

/** Access-log lines into syslog, which is closed with the log. */
function accessTarget(syslog: Syslog): LineTarget {
  return {
    write(lines) {
      for (const text of lines.split("\n")) {
        syslog.send({ id: "access", severity: "info", time: Date.now(), text });
      }
    },
    flush: () => syslog.flush(),
    close: () => Promise.resolve(),
  };
}

/** The same logs, in which messages name a listener; for programs that have several. */
export function logsOf(listener: string, logs: Logs): Logs {
  const log = logs.log.getChild(listener);
  return {
    ...logs,
    log,
    get linesLost() {
      return logs.linesLost;
    },
    emit: (record) => log.emit(record),
  };
}
