import {
  configure,
  dispose,
  getLogger,
  getTextFormatter,
  type Logger,
  type LogRecord,
} from "@logtape/logtape";
import type { Settings } from "./options.ts";
import { FatalError, messageOf } from "./errors.ts";
import { type ByteSink, LineWriter } from "./line_writer.ts";

/** How long the exit waits for log lines that nobody reads, in milliseconds. */
const CLOSE_PATIENCE_MS = 2000;

/** The log outputs of the program. */
export interface Logs {
  /** For messages; standard error. */
  readonly log: Logger;
  /** For access-log lines; absent if the access log is off. */
  readonly access: LineWriter | undefined;
  /** Writes lines of a log that were made elsewhere. */
  write(lines: string): void;
  /** Resolves when all lines so far are written. */
  flush(): Promise<void>;
  /** Writes what is left and closes; at most a few seconds. */
  close(): Promise<void>;
}

/**
 * Sets up the log on standard error and the access log where the settings say.
 *
 * @param sinks Where the lines go instead, for a thread whose lines another one writes.
 * @throws {FatalError} If the file of the access log cannot be opened.
 */
export async function openLogs(
  settings: Pick<Settings, "logLevel" | "logFormat" | "accessLog">,
  sinks?: { log: ByteSink; access: ByteSink },
): Promise<Logs> {
  const access = settings.accessLog === "off"
    ? undefined
    : new LineWriter(sinks?.access ?? openAccessLog(settings.accessLog));
  const writer = new LineWriter(sinks?.log ?? standardStream(Deno.stderr));
  const format = settings.logFormat === "json" ? jsonLine : textLine;
  await configure({
    reset: true,
    sinks: { writer: (record) => writer.write(format(record).trimEnd()) },
    loggers: [
      { category: "iawlb", lowestLevel: settings.logLevel, sinks: ["writer"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["writer"] },
    ],
  });
  const log = getLogger("iawlb");
  return {
    log,
    access,
    write: (lines) => writer.write(lines),
    async flush() {
      await Promise.all([writer.flush(), access?.flush()]);
    },
    async close() {
      if (access && access.dropped > 0) {
        log.warning("{dropped} lines of the access log could not be written", {
          dropped: access.dropped,
        });
      }
      await dispose();
      const patience = CLOSE_PATIENCE_MS;
      await Promise.all([writer.close({ patience }), access?.close({ patience })]);
    },
  };
}

const textLine = getTextFormatter({
  timestamp: "rfc3339",
  level: "full",
  category: ".",
  value: "bare",
});

/** One JSON object: time, level, logger, message, and the values in the message by name. */
function jsonLine({ timestamp, level, category, message, properties }: LogRecord): string {
  const values = Object.entries(properties).map(([name, value]) => {
    return [name, value instanceof Error ? value.stack : value];
  });
  return JSON.stringify({
    time: new Date(timestamp).toISOString(),
    level,
    logger: category.join("."),
    message: message.map((part) => part instanceof Error ? part.stack : String(part)).join(""),
    ...Object.fromEntries(values),
  });
}

function openAccessLog(where: string): ByteSink {
  if (where === "on") return standardStream(Deno.stdout);
  try {
    return Deno.openSync(where, { create: true, append: true });
  } catch (error) {
    throw new FatalError(
      `Cannot open the access log ${JSON.stringify(where)}: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
}

function standardStream(stream: { write(bytes: Uint8Array): Promise<number> }): ByteSink {
  return { write: (bytes) => stream.write(bytes) };
}
