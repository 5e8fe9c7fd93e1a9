import { getTextFormatter, type LogRecord } from "@logtape/logtape";
import { withMarksShown } from "../base/text.ts";

/** A message that can be sent to another thread: everything in it is text or a number. */
export type PortableRecord = Omit<LogRecord, "category">;

/** It shows control characters as `\\x1b`. */
const format = getTextFormatter({
  timestamp: "rfc3339",
  level: "full",
  category: ".",
  value: "bare",
});

/** One line for people: time, level, logger and message. Nothing in it can look like another line. */
export function textLine(record: LogRecord): string {
  return withMarksShown(format(record));
}

/** One JSON object: time, level, logger, message, and the values in the message by name. */
export function jsonLine(record: LogRecord): string {
  const json = JSON.stringify({
    time: new Date(record.timestamp).toISOString(),
    level: record.level,
    logger: record.category.join("."),
    message: messageText(record),
    ...plainProperties(record),
  });
  // People look at it, too, and JSON leaves some of what steers a terminal as it is.
  return json.replace(/[\x7f-\x9f\u2028\u2029]|\p{Cf}/gu, (mark) => {
    return Array.from({ length: mark.length }, (_, i) => {
      return `\\u${mark.charCodeAt(i).toString(16).padStart(4, "0")}`;
    }).join("");
  });
}

/** The message, with the listener before it where its logger names one. */
export function titledText(record: LogRecord): string {
  const [, listener] = record.category;
  const text = messageText(record);
  return listener === undefined ? text : `${listener}: ${text}`;
}

function messageText({ message }: LogRecord): string {
  return message.map(partText).join("");
}

/** A copy that can be sent to another thread and gives the same lines there. */
export function portable(record: LogRecord): PortableRecord {
  const { level, timestamp, rawMessage } = record;
  return {
    level,
    timestamp,
    message: record.message.map(partText),
    rawMessage: typeof rawMessage === "string" ? rawMessage : rawMessage.join("{}"),
    properties: JSON.parse(JSON.stringify(plainProperties(record))),
  };
}

function partText(part: unknown): string {
  if (part instanceof Error) return part.stack ?? String(part);
  return typeof part === "object" && part !== null ? Deno.inspect(part) : String(part);
}

function plainProperties({ properties }: LogRecord): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => {
      return [name, value instanceof Error ? value.stack : value];
    }),
  );
}
