import { getLogger, type Logger } from "@logtape/logtape";
import { AccessLog } from "../../src/logging/access_log.ts";
import { RecentEvents } from "../../src/logging/recent_events.ts";
import { Losses } from "../../src/logging/losses.ts";
import type { Logs } from "../../src/logging/logs.ts";

/** Logs that nobody reads. */
export function quietLogs(): Logs {
  const settings = { accessLog: "off", accessLogFormat: "auto", logFormat: "text" } as const;
  return {
    log: getLogger(["test", "quiet"]),
    access: new AccessLog(settings, {
      openSyslog() {
        throw new Error("nobody asks for it");
      },
      stream() {
        throw new Error("nobody asks for it");
      },
      losses: new Losses(() => {}),
    }),
    events: new RecentEvents(),
    linesLost: { access: 0, log: 0 },
    show: () => Promise.resolve(),
    emit() {},
    apply() {},
    reopen() {},
    flush: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

/** A log whose lines, with what is filled in, a test looks at. */
export function collectedLog(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const collect = (text: string, values: Record<string, unknown> = {}) => {
    lines.push(text.replace(/\{(\w+)\}/g, (_, name) => String(values[name])));
  };
  const levels = { debug: collect, info: collect, warning: collect, error: collect };
  return { log: levels as unknown as Logger, lines };
}
