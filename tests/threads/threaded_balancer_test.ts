import { assert, assertEquals, assertRejects } from "@std/assert";
import { deadline } from "@std/async/deadline";
import { configure, getLogger, reset } from "@logtape/logtape";
import type { ListenerConfig } from "../../src/config/config.ts";
import type { OptionName } from "../../src/config/options.ts";
import { shareOfDestination, shareOfLimits, threadsOf } from "../../src/config/thread_shares.ts";
import { Numbers } from "../../src/program/destination_numbers.ts";
import { ThreadedBalancer } from "../../src/threads/threaded_balancer.ts";
import type { ThreadLimits } from "../../src/threads/thread_handle.ts";
import { configOf } from "../support/config.ts";
import { quietLogs } from "../support/logs.ts";
import type { Fault } from "../support/faulty_thread.ts";
import { until } from "../support/servers.ts";

function config(given: Partial<Record<OptionName, string>>, listen = "127.0.0.1:0") {
  return configOf([listen, "9001", "9002,workers=7"], given);
}

Deno.test("shares add up to the whole", () => {
  const whole = config({ queue: "100", maxConnections: "50", workers: "20" });
  const shares = [0, 1, 2].map((index) => {
    const position = { index, number: 3 };
    const destinations = whole.destinations.map((one) => shareOfDestination(one, position));
    return { ...shareOfLimits(whole, position), destinations };
  });
  const sum = (pick: (share: ListenerConfig) => number) => {
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

/** A balancer of two threads that can be told to fail, and what it logs. */
async function startFaulty(limits?: ThreadLimits) {
  const records: string[] = [];
  await configure({
    sinks: { records: (record) => records.push(record.message.join("")) },
    loggers: [{ category: "test", sinks: ["records"] }, { category: "logtape", sinks: [] }],
  });
  const workers: Worker[] = [];
  const numbers = { "localhost:9001": 1, "localhost:9002": 2 };
  const balancer = await ThreadedBalancer.start({
    config: config({ threads: "2" }),
    identity: { id: 1, name: "127.0.0.1:0", numbers },
    logs: { ...quietLogs(), log: getLogger("test") },
    ...(limits && { limits }),
    spawn() {
      const url = new URL("../support/faulty_thread.ts", import.meta.url);
      const worker = new Worker(url, { type: "module" });
      workers.push(worker);
      return worker;
    },
  });
  return {
    balancer,
    records,
    workers,
    tell: (index: number, fault: Fault) => workers[index]!.postMessage(fault),
    change: (given: Partial<Record<OptionName, string>>) => {
      return balancer.reconfigure(config({ threads: "2", ...given }), { numbers });
    },
    async [Symbol.asyncDispose]() {
      await balancer.quit();
      await reset();
    },
  };
}

Deno.test("a change that fails in a thread is told, is in force in the others, and holds up no drain", async () => {
  await using running = await startFaulty();
  const { balancer, tell, change } = running;
  tell(0, { kind: "fail", call: "reconfigure" });
  await assertRejects(
    () => deadline(change({ queue: "50" }), 5000),
    Error,
    "thread 0: told to fail at reconfigure",
  );
  assertEquals((await balancer.status()).queue, 1024 / 2 + 50 / 2);
  assertEquals(await deadline(balancer.drain(), 5000), true);
});

Deno.test("what fails in a thread beside changes is told, too, and the status goes on", async () => {
  await using running = await startFaulty();
  const { balancer, tell, records } = running;
  tell(1, { kind: "fail", call: "endSession" });
  await assertRejects(() => balancer.endSession(1), Error, "thread 1: told to fail at endSession");
  tell(1, { kind: "fail", call: "status" });
  const status = await balancer.status();
  assertEquals([status.queue, status.destinations.length], [1024, 2]);
  assert(records.some((line) => line.startsWith("thread 1 cannot tell what it is doing")));
});

Deno.test("a change that a living thread does not finish is given up, and the next one is made", async () => {
  await using running = await startFaulty({ lookMs: 50, silentLooks: 100, answerLooks: 4 });
  const { balancer, tell, change } = running;
  tell(0, { kind: "hush", call: "reconfigure" });
  await assertRejects(
    () => deadline(change({ queue: "50" }), 5000),
    Error,
    "thread 0: reconfigure is not done after 0.2 s",
  );
  await balancer.setAdminState(2, "maint");
  assertEquals((await balancer.status()).destinations[1]!.admin, "maint");
  assertEquals(await deadline(balancer.drain(), 5000), true);
});

const IMPATIENT: ThreadLimits = { lookMs: 100, silentLooks: 10, answerLooks: 600 };

Deno.test("nobody waits for a thread that says nothing, and it goes on with the changes since", async () => {
  await using running = await startFaulty(IMPATIENT);
  const { balancer, tell, change, records } = running;
  tell(1, { kind: "spin", ms: 5000 });
  const [status] = await Promise.all([
    deadline(balancer.status(), 4000),
    deadline(change({ queue: "50" }), 4000),
    deadline(balancer.sessions(10), 4000),
  ]);
  assertEquals([status.queue, status.destinations.length], [1024, 2], "it is shown as it was");
  assertEquals(balancer.responsive, false);
  assert(records.some((line) => line.startsWith("thread 1 has said nothing for 1 s")));
  await deadline(balancer.setAdminState(2, "maint"), 2500);
  await until(() => records.includes("thread 1 goes on"), "the thread is back");
  await until(async () => (await balancer.status()).queue === 50, "it has made the change");
  assertEquals([balancer.responsive, (await balancer.status()).destinations[1]!.admin], [
    true,
    "maint",
  ]);
  for (let i = 0; i < 20; i++) (await Deno.connect(listening(balancer))).close();
  await until(async () => (await balancer.status()).accepted === 20, "both threads accept");
});

Deno.test("a drain does not wait for a thread that says nothing, before it or during it", async () => {
  for (const silentBefore of [true, false]) {
    await using running = await startFaulty(IMPATIENT);
    const { balancer, tell } = running;
    tell(0, { kind: "spin", ms: 6000 });
    if (silentBefore) await until(() => !balancer.responsive, "it is noticed");
    assertEquals(await deadline(balancer.drain(), 5000), false);
  }
});

Deno.test("a thread that is busy keeps the others from no drain", async () => {
  await using running = await startFaulty();
  const { balancer, workers, tell, records } = running;
  let told: boolean | undefined;
  workers[0]!.addEventListener("message", ({ data }) => {
    if (data.kind === "drained") told = records.some((line) => line.startsWith("draining"));
  });
  tell(1, { kind: "spin", ms: 900 });
  assertEquals(await deadline(balancer.drain(), 5000), true);
  // What all of them are doing is told once the busy one has said what it is.
  assertEquals(told, false);
});

Deno.test("more destinations than one message has come to every thread, at the start and later", async () => {
  const of = (first: number, number: number) => {
    const addresses = Array.from({ length: number }, (_, i) => {
      return `127.3.${(first + i) >> 8}.${(first + i) & 255}:9`;
    });
    return configOf(["127.0.0.1:0", ...addresses], { threads: "2", workers: "3" });
  };
  const config = of(0, 1100);
  const numbers = new Numbers(config);
  const balancer = await ThreadedBalancer.start({
    config,
    identity: { id: 1, name: "127.0.0.1:0", numbers: numbers.byKey },
    logs: quietLogs(),
  });
  const shown = async () => {
    return (await balancer.status()).destinations.filter(({ leaving }) => !leaving)
      .map(({ address, limit }) => [address, limit]);
  };
  const expected = (config: ListenerConfig) => config.destinations.map(({ name }) => [name, 3]);
  try {
    assertEquals(await shown(), expected(config));
    const other = of(600, 1000);
    numbers.apply(other);
    await balancer.reconfigure(other, { numbers: numbers.byKey });
    assertEquals((await shown()).sort(), expected(other).sort());
  } finally {
    await balancer.quit();
  }
});

function listening({ address }: ThreadedBalancer): { hostname: string; port: number } {
  const [hostname, port] = address.split(":");
  return { hostname: hostname!, port: Number(port) };
}
