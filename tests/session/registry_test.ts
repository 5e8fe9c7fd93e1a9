import { assert, assertEquals, assertRejects } from "@std/assert";
import { BufferPool } from "../../src/net/buffer_pool.ts";
import { adopt } from "../../src/net/socket.ts";
import { SessionRegistry } from "../../src/session/registry.ts";
import { Session } from "../../src/session/session.ts";
import { type EndReason } from "../../src/operations/end_reasons.ts";
import { socketPair } from "../support/servers.ts";

async function setUp(number: number) {
  const ended: [number, EndReason | undefined][] = [];
  const registry = new SessionRegistry({
    clock: () => 42,
    observer: { onEnd: (session) => ended.push([session.id, session.reason]) },
  });
  const clients: Deno.Conn[] = [];
  const sessions: Session[] = [];
  for (let id = 1; id <= number; id++) {
    const { near, far } = await socketPair();
    clients.push(near);
    const session = new Session(adopt(far), { id, now: 0, buffers: new BufferPool() });
    session.startReading();
    sessions.push(session);
    registry.open(session);
  }
  return { registry, ended, sessions, tearDown: () => clients.forEach((conn) => conn.close()) };
}

Deno.test("each session is closed and entered once, with its reason and bytes", async () => {
  const { registry, ended, sessions: [first, second], tearDown } = await setUp(2);
  first!.up.received = first!.up.bytes = 10;
  first!.down.received = first!.down.bytes = 20;
  registry.finish(first!);
  registry.finish(first!);
  second!.abort("quit");
  registry.finish(second!);
  assertEquals(ended, [[1, "done"], [2, "quit"]]);
  assertEquals([registry.accepted, registry.live.size], [2, 0]);
  assertEquals([registry.ended.done, registry.ended.quit, registry.outcomes.cut], [1, 1, 1]);
  assert(registry.balanced);
  assertEquals([registry.bytesUp, registry.bytesDown], [10, 20]);
  assertEquals([first!.stage, first!.endedAt], ["ended", 42]);
  tearDown();
});

Deno.test("one can wait until few enough sessions are alive", async () => {
  const { registry, sessions, tearDown } = await setUp(3);
  await registry.below(4);
  const order: string[] = [];
  const two = registry.below(3).then(() => order.push("below 3"));
  const none = registry.below(1).then(() => order.push("below 1"));
  for (const session of sessions) {
    registry.finish(session);
    await Promise.resolve();
    order.push(`finished ${session.id}`);
  }
  await Promise.all([two, none]);
  assertEquals(order, ["below 3", "finished 1", "finished 2", "below 1", "finished 3"]);
  tearDown();
});

Deno.test("waiting can be aborted", async () => {
  const { registry, sessions, tearDown } = await setUp(1);
  const abort = new AbortController();
  const waiting = registry.below(1, { signal: abort.signal });
  abort.abort(new Error("not any more"));
  await assertRejects(() => waiting, Error, "not any more");
  await assertRejects(() => registry.below(1, { signal: abort.signal }), Error, "not any more");
  registry.finish(sessions[0]!);
  tearDown();
});

Deno.test("a session that is done without all of its bytes does not balance", async () => {
  const { registry, sessions: [first, second], tearDown } = await setUp(2);
  first!.down.received = 10;
  first!.abort("client-reset");
  registry.finish(first!);
  assert(registry.balanced, "a session that failed may have lost bytes");
  second!.down.received = 10;
  registry.finish(second!);
  assert(!registry.balanced);
  tearDown();
});

Deno.test("a connection that was not let in is counted", async () => {
  const { registry } = await setUp(0);
  registry.refuse("refused-rate");
  assertEquals([registry.accepted, registry.outcomes.refused, registry.balanced], [1, 1, true]);
});
