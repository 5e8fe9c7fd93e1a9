import { assert, assertEquals } from "@std/assert";
import type { Stream } from "../../src/net/stream.ts";
import { TaskGroup } from "../../src/async/task_group.ts";
import { Farewells } from "../../src/balancer/farewells.ts";
import { BufferPool } from "../../src/net/buffer_pool.ts";
import { adopt } from "../../src/net/socket.ts";
import { END_REASONS, type EndReason, isTurnedAway } from "../../src/operations/end_reasons.ts";
import { readAll, socketPair, tryClose, until, writeAll } from "../support/servers.ts";

const BYTES = new TextEncoder().encode("-ERR busy\r\n");

/** Farewells with a clock of their own and so many descriptors. */
function setUp({ descriptors = 1000, bytes = BYTES } = {}) {
  const state = { now: 0, descriptors };
  const tasks = new TaskGroup((error) => {
    throw error;
  });
  const farewells = new Farewells({
    settings: { rejectWith: { path: "x", bytes } },
    buffers: new BufferPool(),
    clock: () => state.now,
    descriptors: {
      farewells: { size: 0, leaves: 0, used: 0, shared: 0 },
      claim() {
        if (state.descriptors === 0) return undefined;
        state.descriptors--;
        return () => void state.descriptors++;
      },
    },
    tasks,
  });
  return {
    state,
    farewells,
    async [Symbol.asyncDispose]() {
      farewells.close();
      await tasks.idle();
      assertEquals(state.descriptors, descriptors);
    },
  };
}

Deno.test("who is turned away for want of room or time is told, and nobody else", async () => {
  await using test = setUp();
  await using silent = setUp({ bytes: new Uint8Array() });
  for (const reason of Object.keys(END_REASONS) as EndReason[]) {
    assertEquals(test.farewells.concern(reason), isTurnedAway(reason), reason);
    assertEquals(silent.farewells.concern(reason), false, reason);
  }
  assertEquals((Object.keys(END_REASONS) as EndReason[]).filter(isTurnedAway), [
    "refused-overflow",
    "refused-wait",
    "shed",
    "queue-timeout",
  ]);
  for (const reason of ["refused-address", "refused-rate", "refused-per-ip", "done"] as const) {
    assertEquals(isTurnedAway(reason), false, reason);
  }
});

Deno.test("a client that has sent what nobody read gets the whole answer and is not reset", async () => {
  const bytes = crypto.getRandomValues(new Uint8Array(16 * 1024));
  await using test = setUp({ bytes });
  const { near, far } = await socketPair();
  await writeAll(near, new Uint8Array(50_000));
  test.farewells.send(adopt(far));
  assertEquals(await readAll(near), bytes);
  // What is sent still is not answered by a reset either.
  await writeAll(near, new Uint8Array(50_000));
  assertEquals([test.farewells.size, test.farewells.answered], [1, 1]);
  near.close();
  await until(() => test.farewells.size === 0, "it is closed");
});

Deno.test("one that does not close, or does not read, is closed when its time is over", async () => {
  await using test = setUp();
  const { near, far } = await socketPair();
  test.farewells.send(adopt(far));
  assertEquals(await readAll(near), BYTES);
  assertEquals(test.farewells.size, 1);
  test.state.now = 1000;
  await until(() => test.farewells.size === 0, "it is closed");
  near.close();
});

Deno.test("however many are turned away at once, all are told, and only so many are kept", async () => {
  await using test = setUp();
  const pairs = await Promise.all(Array.from({ length: 300 }, () => socketPair()));
  for (const { far } of pairs) test.farewells.send(adopt(far));
  // Also those that are closed sooner get it.
  for (const { near } of pairs) assertEquals(await readAll(near), BYTES);
  await until(() => test.farewells.size === 256, "the latest are kept");
  await until(() => test.state.descriptors === 1000 - 256, "they hold no more descriptors");
  for (const { near } of pairs) near.close();
});

Deno.test("of clients that do not read only so many are kept, the latest ones", async () => {
  await using test = setUp({ descriptors: 2000 });
  const closed: number[] = [];
  for (let i = 0; i < 1030; i++) {
    const { promise, reject } = Promise.withResolvers<number>();
    const close = () => {
      closed.push(i);
      reject(new Deno.errors.BadResource());
    };
    test.farewells.send({ write: () => promise, close } as unknown as Stream);
  }
  assertEquals([test.farewells.size, closed], [1024, [0, 1, 2, 3, 4, 5]]);
  test.farewells.close();
  await until(() => test.farewells.size === 0, "all are closed");
});

Deno.test("without a free descriptor, and after the end, clients are just closed", async () => {
  await using test = setUp({ descriptors: 0 });
  const { near, far } = await socketPair();
  test.farewells.send(adopt(far));
  assertEquals(await readAll(near), new Uint8Array());
  near.close();
  await using ended = setUp();
  ended.farewells.close();
  const second = await socketPair();
  ended.farewells.send(adopt(second.far));
  assertEquals(await readAll(second.near), new Uint8Array());
  tryClose(second.near);
  assert(ended.farewells.answered === 0);
});
