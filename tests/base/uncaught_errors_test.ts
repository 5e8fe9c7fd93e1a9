import { assertEquals } from "@std/assert";
import { configure, getLogger, type LogRecord } from "@logtape/logtape";
import { reportUncaughtErrors } from "../../src/base/uncaught_errors.ts";
import { until } from "../support/servers.ts";

Deno.test("an error that nobody caught is logged and ends nothing", async () => {
  const records: LogRecord[] = [];
  await configure({
    reset: true,
    sinks: { list: (record) => records.push(record) },
    loggers: [
      { category: "guard", sinks: ["list"], lowestLevel: "debug" },
      { category: ["logtape", "meta"], sinks: [] },
    ],
  });
  const stopReporting = reportUncaughtErrors(getLogger("guard"));
  Promise.reject(new Error("forgotten"));
  setTimeout(() => {
    throw new Error("thrown by a timer");
  }, 0);
  await until(() => records.length === 2, "both are logged");
  stopReporting();
  const messages = records.map(({ properties }) => (properties.error as Error).message);
  assertEquals(messages, ["forgotten", "thrown by a timer"]);
});
