import { assertEquals } from "@std/assert";
import { type EndReason, outcomeOf, Session } from "../src/session.ts";
import { socketPair, until, writeAll } from "./support/servers.ts";
import { StrictPool } from "./support/strict_pool.ts";

async function setUp() {
  const { near, far } = await socketPair();
  const buffers = new StrictPool();
  const session = new Session(far, { id: 1, now: 0, buffers });
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

Deno.test("every end reason counts as one outcome", () => {
  const outcomes = {
    "done": "finished",
    "quit": "cut",
    "drain-timeout": "cut",
    "refused-rate": "refused",
    "idle-timeout": "timed out",
    "client-gone": "aborted",
    "error": "aborted",
  };
  for (const [reason, outcome] of Object.entries(outcomes)) {
    assertEquals(outcomeOf(reason as EndReason), outcome);
  }
});
