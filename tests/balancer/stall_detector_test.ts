import { assertEquals } from "@std/assert";
import { configure, getLogger, type LogRecord } from "@logtape/logtape";
import { Channel } from "../../src/async/channel.ts";
import type { WorkerPool } from "../../src/balancer/worker_pool.ts";
import type { Session } from "../../src/session/session.ts";
import { StallDetector } from "../../src/balancer/stall_detector.ts";

async function setUp(pool: { hasRoom: boolean }) {
  const alarms: LogRecord[] = [];
  await configure({
    reset: true,
    sinks: { list: (record) => alarms.push(record) },
    loggers: [
      { category: "watchdog", sinks: ["list"], lowestLevel: "debug" },
      { category: ["logtape", "meta"], sinks: [] },
    ],
  });
  const queue = new Channel<Session>(10);
  let grown = 0;
  const dog = new StallDetector({
    queue,
    pool: { hasRoomFor: () => pool.hasRoom, grow: () => grown++ } as unknown as WorkerPool,
    log: getLogger("watchdog"),
  });
  return { dog, queue, alarms, grown: () => grown };
}

Deno.test("a session that waits although there is room raises the alarm at the second look", async () => {
  const { dog, queue, alarms, grown } = await setUp({ hasRoom: true });
  queue.trySend({ id: 7 } as Session);
  dog.look();
  assertEquals([alarms.length, grown()], [0, 0]);
  dog.look();
  assertEquals([alarms[0]!.properties.id, grown()], [7, 1]);
  dog.stop();
});

Deno.test("a line that moves, or has no room to move to, is no reason for an alarm", async () => {
  const pool = { hasRoom: true };
  const { dog, queue, alarms } = await setUp(pool);
  for (let id = 1; id < 5; id++) {
    queue.trySend({ id } as Session);
    dog.look();
    await queue.receive();
  }
  pool.hasRoom = false;
  queue.trySend({ id: 9 } as Session);
  dog.look();
  dog.look();
  assertEquals(alarms, []);
  dog.stop();
});
