import { OPTIONS } from "../../../src/config/options.ts";
import { measured, type Running } from "../contenders.ts";
import { served } from "../destinations.ts";
import { sleep } from "../processes.ts";
import type { Bench, Sample, Workload } from "../workload.ts";
import { requestCase, requestMetrics } from "./requests.ts";

/** Connections that the destination takes at a time; all others wait. */
const LIMIT = 8;

/** Whether a session costs more when many others wait. Among the others, only HAProxy has a line. */
export const queue: Workload = {
  name: "queue",
  title: `one connection per request, of which the destination takes ${LIMIT} at a time`,
  metrics: [
    { key: "cpu", title: "CPU µs per session", digits: 1 },
    { key: "rate", title: "sessions/s", digits: 0 },
    { key: "p50", title: "p50 ms", digits: 1 },
    { key: "peak", title: "peak RSS MiB", digits: 0 },
  ],
  plotted: "cpu",
  line: true,
  async *cases(bench) {
    for (const contender of bench.contenders) {
      if (!contender.isOurs && (contender.name !== "haproxy" || bench.quick)) continue;
      const orders = contender.isOurs && !bench.quick ? ["fifo", "fair"] : ["fifo"];
      for (const order of orders) {
        const [destination] = await bench.destinations.http();
        const running = await contender.start({
          destinations: [destination!],
          limit: LIMIT,
          sessions: 12_000,
          backlog: 4096,
          ...order !== "fifo" && { flags: ["--queue-order", order] },
        });
        const numbers = bench.quick ? [10, 1000] : [10, 100, 1000, 10_000];
        yield {
          label: order === "fifo" ? contender.name : `${contender.name}, ${order}`,
          variants: numbers.map((waiting) => ({
            name: `${waiting} waiting`,
            measure: () => measureQueue(bench, { running, destination: destination!, waiting }),
          })),
          baseline: "10 waiting",
        };
      }
    }
  },
};

/**
 * What a session costs while a given number waits: as many clients as wait or are served come
 * again and again. The time in which the line fills and empties does not count.
 */
async function measureQueue(
  bench: Bench,
  at: { running: Running; destination: number; waiting: number },
): Promise<Sample> {
  const { running, destination, waiting } = at;
  const fill = (bench.quick ? 0.5 : 1) + waiting / 2500;
  const seconds = Math.ceil(fill + bench.seconds + 1);
  const loop = { clients: waiting + LIMIT, close: true, seconds };
  const load = bench.load.closedLoop(running.port, loop);
  await sleep(fill * 1000);
  const { result: { sessions, time }, cpu, peak } = await measured(running, async () => {
    const began = performance.now();
    const before = await served(destination);
    await sleep(bench.seconds * 1000);
    const sessions = await served(destination) - before - 1;
    return { sessions, time: (performance.now() - began) / 1000 };
  });
  const { errors, p50 } = await load;
  return { rate: sessions / time, cpu: cpu * 1e6 / sessions, p50, peak, errors };
}

/** Whether a session costs more when there are many destinations. */
export const destinations: Workload = {
  name: "destinations",
  title: "one connection per request, in front of many destinations",
  metrics: requestMetrics("connection"),
  plotted: "cpu",
  line: true,
  async *cases(bench) {
    for (const contender of bench.contenders) {
      if (!contender.isOurs && (!contender.isBalancer || bench.quick)) continue;
      const numbers = bench.quick ? [2, 1000] : [2, 10, 100, 1000];
      const ports = await bench.destinations.http(Math.max(...numbers));
      const entries = numbers.map((number) => ({
        name: `${number} destinations`,
        contender,
        setup: { destinations: ports.slice(0, number) },
      }));
      const { name: label } = contender;
      yield await requestCase(bench, { label, entries, baseline: "2 destinations", close: true });
    }
  },
};

/** Whether a policy costs more when there are many destinations, in whole sessions. */
export const policies: Workload = {
  name: "policies",
  title: "one connection per request, in front of many destinations, by --balance",
  metrics: requestMetrics("connection"),
  plotted: "cpu",
  line: true,
  async *cases(bench) {
    const numbers = [2, 1000];
    for (const contender of bench.contenders.filter(({ isOurs }) => isOurs)) {
      for (const policy of OPTIONS.balance.notation!.words!) {
        const ports = await bench.destinations.http(Math.max(...numbers));
        const entries = numbers.map((number) => ({
          name: `${number} destinations`,
          contender,
          setup: { destinations: ports.slice(0, number), flags: ["--balance", policy] },
        }));
        const label = `${contender.name} --balance ${policy}`;
        yield await requestCase(bench, { label, entries, baseline: "2 destinations", close: true });
      }
    }
  },
};
