import { assert, assertEquals } from "@std/assert";
import { configure, getLogger, reset } from "@logtape/logtape";
import type { OptionName } from "../../src/config/options.ts";
import { shareOf, threadsOf } from "../../src/config/thread_shares.ts";
import { ThreadedBalancer } from "../../src/threads/threaded_balancer.ts";
import { configOf } from "../support/config.ts";
import { quietLogs } from "../support/logs.ts";
import { until } from "../support/servers.ts";

function config(given: Partial<Record<OptionName, string>>, listen = "127.0.0.1:0") {
  return configOf([listen, "9001", "9002,workers=7"], given);
}

Deno.test("shares add up to the whole", () => {
  const whole = config({ queue: "100", maxConnections: "50", workers: "20" });
  const shares = [0, 1, 2].map((index) => shareOf(whole, index, 3));
  const sum = (pick: (share: typeof whole) => number) => {
    return shares.reduce((total, share) => total + pick(share), 0);
  };
  assertEquals(sum(({ queue }) => queue), 100);
  assertEquals(sum(({ maxConnections }) => maxConnections), 50);
  assertEquals(sum(({ destinations }) => destinations[0]!.workers), 20);
  assertEquals(shares.map(({ destinations }) => destinations[1]!.workers), [3, 2, 2]);
});

Deno.test("auto is never more threads than can share the limits", () => {
  assertEquals(threadsOf(config({ threads: "3" })), 3);
  assertEquals(threadsOf(config({ threads: "auto", queue: "1" })), 1);
  assertEquals(threadsOf(config({ threads: "auto", maxPerIp: "5" })), 1);
  assertEquals(threadsOf(config({ threads: "auto" }, "unix:/run/a")), 1);
  const number = threadsOf(config({ threads: "auto" }));
  assert(number >= 1 && number <= navigator.hardwareConcurrency);
});

Deno.test("a thread that crashes is logged, started again, and the others go on", async () => {
  const records: string[] = [];
  await configure({
    sinks: { records: (record) => records.push(record.message.join("")) },
    loggers: [{ category: "test", sinks: ["records"] }, { category: "logtape", sinks: [] }],
  });
  const workers: Worker[] = [];
  const logs = { ...quietLogs(), log: getLogger("test") };
  const threads = await ThreadedBalancer.start({
    config: config({ threads: "2" }),
    identity: { id: 1, name: "127.0.0.1:0", numbers: { "localhost:9001": 1, "localhost:9002": 2 } },
    logs,
    spawn() {
      const url = new URL("../support/crashing_thread.ts", import.meta.url);
      const worker = new Worker(url, { type: "module" });
      workers.push(worker);
      return worker;
    },
  });
  assertEquals(workers.length, 2);
  workers[1]!.postMessage({ kind: "crash" });
  await until(() => records.includes("thread 1 serves again"), "the thread is back");
  assert(records.some((line) => line.startsWith("thread 1 has crashed")), records.join("\n"));
  const status = await threads.status();
  assertEquals([workers.length, status.state, status.destinations.length], [3, "running", 2]);
  await threads.reconfigure(config({ threads: "2", queue: "50" }), {
    numbers: { "localhost:9001": 1, "localhost:9002": 2 },
  });
  await threads.setAdminState(2, "maint");
  for (const worker of workers.slice(0, 1).concat(workers[2]!)) {
    worker.postMessage({ kind: "crash" });
  }
  await until(() => records.filter((line) => line.endsWith("serves again")).length === 3, "both");
  const after = await threads.status();
  assertEquals([after.queue, after.destinations[1]!.state], [50, "maint"]);
  workers[3]!.postMessage({ kind: "crash" });
  await until(() => workers.length === 6, "a thread is being started");
  assertEquals(await threads.drain(), true, "a drain waits until it can be told");
  await reset();
});

Deno.test("a destination that was added again is ready in threads that start later, too", async () => {
  const workers: Worker[] = [];
  const two = config({ threads: "2" });
  const one = configOf(["127.0.0.1:0", "9001"], { threads: "2" });
  const numbers = { "localhost:9001": 1, "localhost:9002": 2 };
  const records: string[] = [];
  await configure({
    sinks: { records: (record) => records.push(record.message.join("")) },
    loggers: [{ category: "test", sinks: ["records"] }, { category: "logtape", sinks: [] }],
  });
  const threads = await ThreadedBalancer.start({
    config: two,
    identity: { id: 1, name: "127.0.0.1:0", numbers },
    logs: { ...quietLogs(), log: getLogger("test") },
    spawn() {
      const url = new URL("../support/crashing_thread.ts", import.meta.url);
      const worker = new Worker(url, { type: "module" });
      workers.push(worker);
      return worker;
    },
  });
  await threads.setAdminState(2, "maint");
  await threads.reconfigure(one, { numbers });
  // A thread that crashes while it is told the rest learns it when it starts again.
  workers[1]!.postMessage({ kind: "crash" });
  await threads.reconfigure(two, { numbers });
  await until(() => records.includes("thread 1 serves again"), "the thread is back");
  const { destinations } = await threads.status();
  assertEquals(destinations.map(({ id, admin }) => [id, admin]), [
    ["1.1", "ready"],
    ["1.2", "ready"],
  ]);
  assertEquals(await threads.drain(), true);
  await reset();
});
