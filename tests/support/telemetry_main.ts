// A process that exports the metrics of a program that does not exist: its state is the argument.
// What it says on standard output is which round it is in; it ends when standard input does.
import type { Status } from "../../src/operations/operations.ts";
import { exportMetrics, openDurations } from "../../src/telemetry/opentelemetry.ts";

const { status, failures } = JSON.parse(Deno.args[0]!) as { status: Status; failures: number };
let round = 0;
await exportMetrics({
  status() {
    round++;
    if (round <= failures) return Promise.reject(new Error(`round ${round} failed`));
    return Promise.resolve(status);
  },
}, { onError: (error) => console.log(String(error)) });
const durations = await openDurations();
console.log(durations ? "on" : "off");
durations?.record("queue", 3, { listener: "8080", destination: "9001" });
durations?.record("queue", 7, { listener: "8080", destination: "9001" });
durations?.record("session", 100, { listener: "8080" });
// deno-lint-ignore no-empty -- only its end matters
for await (const _ of Deno.stdin.readable) {}
