import { assert, assertEquals } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import { LocalBalancer } from "../../src/balancer/local_balancer.ts";
import { WaitingTimeouts } from "../../src/balancer/waiting_timeouts.ts";
import { BufferPool } from "../../src/net/buffer_pool.ts";
import type { Stream } from "../../src/net/stream.ts";
import { Numbers } from "../../src/program/destination_numbers.ts";
import { Session } from "../../src/session/session.ts";
import { configOf } from "../support/config.ts";
import { readAll, TestServer, tryClose, until, writeAll } from "../support/servers.ts";

/** A stream that says nothing; sessions that only wait need no more. */
const SILENT = { remoteAddress: {}, localAddress: {}, close() {} } as unknown as Stream;

function setUp(settings: { queueTimeout: number; sessionTimeout: number }) {
  const state = { now: 0 };
  const timeouts = new WaitingTimeouts({ settings, clock: () => state.now });
  const sessionAt = (acceptedAt: number) => {
    return new Session(SILENT, { id: acceptedAt, now: acceptedAt, buffers: new BufferPool() });
  };
  return { state, timeouts, sessionAt, [Symbol.dispose]: () => timeouts.stop() };
}

Deno.test("who has waited longest is ended first, whoever began to wait first", async () => {
  using test = setUp({ queueTimeout: 20, sessionTimeout: 0 });
  const { state, timeouts, sessionAt } = test;
  const [a, b, c] = [sessionAt(1), sessionAt(2), sessionAt(3)];
  state.now = 5;
  timeouts.watch([c, a]);
  timeouts.watch([b]);
  state.now = 22;
  await until(() => b.reason !== undefined, "two are overdue");
  assertEquals([a.reason, b.reason, c.reason], ["queue-timeout", "queue-timeout", undefined]);
  timeouts.forget(c);
  assertEquals(timeouts.size, 0);
});

Deno.test("one that was connected is let alone, and waits anew if it comes back", async () => {
  using test = setUp({ queueTimeout: 20, sessionTimeout: 0 });
  const { state, timeouts, sessionAt } = test;
  const session = sessionAt(0);
  timeouts.watch([session]);
  timeouts.watch([session]);
  assertEquals(timeouts.size, 1);
  timeouts.forget(session);
  timeouts.forget(session);
  assertEquals(timeouts.size, 0);
  state.now = 30;
  timeouts.watch([session]);
  await until(() => session.reason === "queue-timeout", "its time was over");
});

Deno.test("the shorter of two limits counts, and another one counts at once", () => {
  const settings = { queueTimeout: 0, sessionTimeout: 0 };
  using test = setUp(settings);
  const { state, timeouts, sessionAt } = test;
  const [a, b] = [sessionAt(0), sessionAt(50)];
  timeouts.watch([a, b]);
  state.now = 100;
  timeouts.review();
  assertEquals([a.reason, b.reason], [undefined, undefined]);
  Object.assign(settings, { queueTimeout: 1000, sessionTimeout: 100 });
  timeouts.review();
  assertEquals([a.reason, b.reason], ["session-timeout", undefined]);
  Object.assign(settings, { queueTimeout: 50 });
  timeouts.review();
  assertEquals(b.reason, "queue-timeout");
});

Deno.test("those who wait are ended within 5 % of --queue-timeout, also after a reload", async () => {
  const limitMs = 800;
  await using destination = new TestServer(async (conn) => void await readAll(conn));
  const options = { workers: "1", queueTimeout: "1h" } as const;
  const config = configOf(["127.0.0.1:0", destination.address], options);
  const numbers = new Numbers(config).byKey;
  const balancer = await LocalBalancer.start(config, {
    identity: { id: 1, name: "x", numbers },
    log: getLogger(["test", "waiting"]),
  });
  const port = Number(balancer.address.split(":")[1]);
  using first = await Deno.connect({ port });
  await writeAll(first, new Uint8Array(1));
  await until(() => destination.open === 1, "the only slot is taken");
  const changed = configOf(["127.0.0.1:0", destination.address], {
    ...options,
    queueTimeout: `${limitMs}ms`,
  });
  await balancer.reconfigure(changed, { numbers });
  // A timer of this loop is as late as its other work makes every timer.
  const late = await Promise.all(Array.from({ length: 20 }, async (_, i) => {
    await new Promise((resolve) => setTimeout(resolve, i * 13));
    const conn = await Deno.connect({ port });
    const begin = performance.now();
    let loop = 0;
    const timer = setTimeout(() => loop = performance.now() - begin - limitMs, limitMs);
    await readAll(conn);
    const session = performance.now() - begin - limitMs;
    await until(() => loop !== 0, "the timer has fired");
    clearTimeout(timer);
    tryClose(conn);
    return { session, loop };
  }));
  const worst = Math.max(...late.map(({ session }) => session));
  const loop = Math.max(...late.map(({ loop }) => loop), 0);
  assert(worst <= loop + 0.05 * limitMs, `${worst} ms late, a timer ${loop} ms`);
  assert(Math.min(...late.map(({ session }) => session)) > -0.05 * limitMs);
  assertEquals(balancer.status().ended, { "queue-timeout": 20 });
  await balancer.quit();
});
