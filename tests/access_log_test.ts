import { assertEquals } from "@std/assert";
import { accessLogFormat } from "../src/access_log.ts";
import { BufferPool } from "../src/buffers.ts";
import { Session } from "../src/session.ts";
import { socketPair } from "./support/servers.ts";

const TIME = new Date("2026-01-02T03:04:05.678Z");

Deno.test("a served session has all its times, in milliseconds", async () => {
  const { near, far } = await socketPair();
  const session = new Session(far, { id: 7, now: 1000, buffers: new BufferPool() });
  session.destination = "9001";
  session.attempts = 2;
  session.connectStartedAt = 1001.5;
  session.connectedAt = 1001.75;
  session.up.bytes = 10;
  session.down.bytes = 20;
  session.conclude("done");
  session.close(1100.1234567);
  assertEquals(
    accessLogFormat("text")(session, TIME),
    `2026-01-02T03:04:05.678Z id=7 client=${session.clientName} destination=9001 reason=done ` +
      "queue=1.5ms connect=0.25ms total=100.123ms up=10 down=20 attempts=2",
  );
  assertEquals(JSON.parse(accessLogFormat("json")(session, TIME)), {
    time: "2026-01-02T03:04:05.678Z",
    id: 7,
    client: session.clientName,
    destination: "9001",
    reason: "done",
    queue_ms: 1.5,
    connect_ms: 0.25,
    total_ms: 100.123,
    bytes_up: 10,
    bytes_down: 20,
    attempts: 2,
  });
  near.close();
});

Deno.test("what a session did not reach is a dash, or null", async () => {
  const { near, far } = await socketPair();
  const session = new Session(far, { id: 8, now: 0, buffers: new BufferPool() });
  session.abort("client-gone");
  session.close(5);
  assertEquals(
    accessLogFormat("text")(session, TIME),
    `2026-01-02T03:04:05.678Z id=8 client=${session.clientName} destination=- ` +
      "reason=client-gone queue=- connect=- total=5ms up=0 down=0 attempts=0",
  );
  const entry = JSON.parse(accessLogFormat("json")(session, TIME));
  assertEquals([entry.destination, entry.queue_ms, entry.connect_ms], [null, null, null]);
  near.close();
});
