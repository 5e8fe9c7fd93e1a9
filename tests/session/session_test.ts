import { assertEquals } from "@std/assert";
import type { Settings } from "../../src/config/options.ts";
import { adopt } from "../../src/net/socket.ts";
import type { Stream } from "../../src/net/stream.ts";
import { Session } from "../../src/session/session.ts";
import { END_REASONS, type EndReason } from "../../src/operations/end_reasons.ts";
import { socketPair, until, writeAll } from "../support/servers.ts";
import { StrictPool } from "../support/strict_pool.ts";

async function setUp(settings: Pick<Settings, "halfClose"> = { halfClose: "keep" }) {
  const { near, far } = await socketPair();
  const buffers = new StrictPool();
  const session = new Session(adopt(far), { id: 1, now: 0, buffers, settings });
  session.startReading();
  let aborts = 0;
  return {
    near,
    session,
    holder: { onAbort: () => void aborts++ },
    aborts: () => aborts,
    async [Symbol.asyncDispose]() {
      session.close(1);
      near.close();
      await until(() => buffers.out === 0, "the buffer is back");
    },
  };
}

Deno.test("the first reason stays and the holder is told once", async () => {
  await using pair = await setUp();
  const { session } = pair;
  session.wait(pair.holder);
  session.abort("queue-timeout");
  session.abort("quit");
  session.conclude("done");
  assertEquals([session.reason, pair.aborts()], ["queue-timeout", 1]);
});

Deno.test("a reason that was concluded before is not replaced by an abort", async () => {
  await using pair = await setUp();
  const { session } = pair;
  session.holder = pair.holder;
  session.conclude("connect-failed");
  session.abort("quit");
  assertEquals([session.reason, pair.aborts()], ["connect-failed", 0]);
});

Deno.test("a client that left during a connect is not taken back into the line", async () => {
  await using pair = await setUp();
  const { session, near } = pair;
  session.stage = "connecting";
  session.holder = pair.holder;
  await near.closeWrite();
  await until(() => session.ahead.closedEmpty, "the end of input is seen");
  assertEquals(pair.aborts(), 0, "it may be a half-close that its destination understands");
  session.wait(pair.holder);
  assertEquals([session.reason, pair.aborts()], ["client-gone", 1]);
});

Deno.test("a half-close after data keeps the place", async () => {
  await using pair = await setUp();
  const { session, near } = pair;
  session.wait(pair.holder);
  await writeAll(near, new Uint8Array([1]));
  await near.closeWrite();
  await until(() => session.ahead.ended, "the end of input is seen");
  assertEquals([session.reason, pair.aborts()], [undefined, 0]);
});

for (const stage of ["waiting", "connecting"] as const) {
  for (const sent of [0, 1, 4096, 50_000]) {
    Deno.test(`to abandon means to leave at once while ${stage}, after ${sent} bytes`, async () => {
      await using pair = await setUp({ halfClose: "abandon" });
      const { session, near } = pair;
      session.wait(pair.holder);
      session.stage = stage;
      await writeAll(near, new Uint8Array(sent));
      await near.closeWrite();
      await until(() => session.reason !== undefined, "the session is over");
      assertEquals([session.reason, pair.aborts()], ["client-gone", 1]);
    });
  }
}

Deno.test("a client that has finished is gone from when it means that", async () => {
  const settings: { halfClose: "keep" | "abandon" } = { halfClose: "keep" };
  await using pair = await setUp(settings);
  const { session, near } = pair;
  session.wait(pair.holder);
  await writeAll(near, new Uint8Array([1]));
  await near.closeWrite();
  await until(() => session.ahead.ended, "the end of input is seen");
  session.review();
  assertEquals(session.reason, undefined);
  settings.halfClose = "abandon";
  session.review();
  assertEquals([session.reason, pair.aborts()], ["client-gone", 1]);
});

Deno.test("a client that has finished is not taken back into the queue", async () => {
  const settings: { halfClose: "keep" | "abandon" } = { halfClose: "keep" };
  await using pair = await setUp(settings);
  const { session, near } = pair;
  session.stage = "connecting";
  await writeAll(near, new Uint8Array([1]));
  await near.closeWrite();
  await until(() => session.ahead.ended, "the end of input is seen");
  settings.halfClose = "abandon";
  session.wait(pair.holder);
  assertEquals([session.reason, pair.aborts()], ["client-gone", 1]);
});

Deno.test("a session reads nothing before it is told to, and then at once", () => {
  let reads = 0;
  const stream = {
    remoteAddress: { transport: "tcp", hostname: "192.0.2.1", port: 7 },
    read() {
      reads++;
      return new Promise<number>(() => {});
    },
    close() {},
  } as Partial<Stream> as Stream;
  const buffers = new StrictPool();
  const sessions = [1, 2].map((id) => new Session(stream, { id, now: 0, buffers }));
  assertEquals([reads, buffers.out], [0, 0]);
  sessions[0]!.close(1);
  sessions[1]!.startReading();
  assertEquals([reads, buffers.out], [1, 1]);
});

Deno.test("every end reason counts as one outcome", () => {
  const outcomes = {
    "done": "finished",
    "quit": "cut",
    "drain-timeout": "cut",
    "refused-rate": "refused",
    "idle-timeout": "timed out",
    "client-gone": "ended by clients",
    "client-reset": "ended by clients",
    "server-reset": "failed",
    "connect-failed": "failed",
    "error": "failed",
    "killed": "killed",
  };
  for (const [reason, outcome] of Object.entries(outcomes)) {
    assertEquals(END_REASONS[reason as EndReason].outcome, outcome);
  }
});
