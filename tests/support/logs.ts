import { getLogger } from "@logtape/logtape";
import type { Logs } from "../../src/log.ts";

/** Logs that nobody reads. */
export function quietLogs(): Logs {
  return {
    log: getLogger(["test", "quiet"]),
    access: undefined,
    write() {},
    flush: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
