import { assertEquals } from "@std/assert";
import { configure, getLogger, type LogRecord } from "@logtape/logtape";
import { StallDetector } from "../../src/balancer/stall_detector.ts";
import { only } from "../../src/async/audience.ts";
import { queueOf, sessionOf } from "../support/queue.ts";

const DESTINATION = { idleSignal: new AbortController().signal };

async function setUp(pool: { hasRoom: boolean }) {
  const alarms: LogRecord[] = [];
  await configure({
    reset: true,
    sinks: { list: (record) => alarms.push(record) },
    loggers: [
      { category: "stalls", sinks: ["list"], lowestLevel: "debug" },
      { category: ["logtape", "meta"], sinks: [] },
    ],
  });
  const queue = queueOf();
  let grown = 0;
  const detector = new StallDetector({
    queue,
    pool: {
      hasRoomFor: ({ audience }) => pool.hasRoom && audience === undefined,
      grow: () => grown++,
    },
    log: getLogger("stalls"),
  });
  return { detector, queue, alarms, grown: () => grown };
}

Deno.test("a session that waits although a slot is free raises the alarm at the second look", async () => {
  const { detector, queue, alarms, grown } = await setUp({ hasRoom: true });
  queue.join([sessionOf(7)]);
  detector.look();
  assertEquals([alarms.length, grown()], [0, 0]);
  detector.look();
  assertEquals([alarms[0]!.properties.id, grown()], [7, 1]);
  detector.stop();
});

Deno.test("a queue that moves, or has no free slot to move to, is no reason for an alarm", async () => {
  const pool = { hasRoom: true };
  const { detector, queue, alarms } = await setUp(pool);
  for (let id = 1; id < 5; id++) {
    queue.join([sessionOf(id)]);
    detector.look();
    await queue.receive(DESTINATION);
  }
  pool.hasRoom = false;
  queue.join([sessionOf(9)]);
  detector.look();
  detector.look();
  assertEquals(alarms, []);
  detector.stop();
});

Deno.test("one that waits needlessly behind one that is bound raises the alarm, too", async () => {
  const { detector, queue, alarms } = await setUp({ hasRoom: true });
  queue.join([sessionOf(1, { audience: only({}) }), sessionOf(2)]);
  detector.look();
  detector.look();
  assertEquals(alarms[0]!.properties.id, 2);
  detector.stop();
});
