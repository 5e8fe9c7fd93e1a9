import { assertEquals, assertThrows } from "@std/assert";
import { pipe } from "../../src/net/pipe.ts";
import type { Stream } from "../../src/net/stream.ts";
import { echo } from "../../src/services/echo.ts";
import { serveInTurn } from "../../src/services/in_turn.ts";
import { type PoolSettings, ProcessPool } from "../../src/services/process_pool.ts";
import { until } from "../support/servers.ts";

/** A pool whose processes are tasks of this one. */
function poolOf(settings: PoolSettings, descriptors = Infinity) {
  const alive = new Map<number, () => void>();
  let started = 0;
  let failing = false;
  let claimed = 0;
  const pool = new ProcessPool({
    finishes: false,
    settings: () => settings,
    claim() {
      if (claimed + 1 > descriptors) return undefined;
      claimed++;
      return () => claimed--;
    },
    start(onEnd) {
      if (failing) throw new Error("no more processes");
      const { near, far } = pipe();
      const pid = ++started;
      const end = () => {
        if (!alive.delete(pid)) return;
        far.close();
        onEnd();
      };
      alive.set(pid, end);
      serveInTurn(far, { connect: () => echo().connect({ name: "-" }) }).then(end, end);
      return { pid, raw: Object.assign(near, { finish() {} }) };
    },
  });
  return { pool, alive, claimed: () => claimed, fail: (now: boolean) => failing = now };
}

async function finish(stream: Stream): Promise<void> {
  await stream.closeWrite();
  assertEquals(await stream.read(new Uint8Array(1)), 0);
  stream.close();
}

Deno.test("there are always spare processes, not too many, and no more than there may be", async () => {
  const { pool, alive } = poolOf({ minSpare: 2, maxSpare: 3, most: 6, sessions: 0 });
  pool.fill();
  assertEquals(alive.size, 2);
  const streams = [pool.open(), pool.open(), pool.open()];
  assertEquals(alive.size, 5);
  streams.push(pool.open(), pool.open(), pool.open());
  assertEquals(alive.size, 6);
  for (const stream of streams) await finish(stream);
  await until(() => alive.size === 3, "those that are too many have ended");
  assertEquals(pool.children.reduce((sum, { accepted }) => sum + accepted, 0), 6);
  pool.finish(true);
  await until(() => alive.size === 0, "none is left");
  assertEquals(pool.children.length, 6);
});

Deno.test("a process ends after its sessions, and another one takes its place", async () => {
  const { pool, alive } = poolOf({ minSpare: 1, maxSpare: 2, most: 4, sessions: 2 });
  pool.fill();
  for (let i = 0; i < 4; i++) {
    await finish(pool.open());
    await until(() => pool.children.every(({ active }) => active === 0), "it is over");
  }
  assertEquals(pool.children.map(({ accepted }) => accepted).sort(), [0, 2, 2]);
  await until(() => alive.size === 1, "one is spare, the others have ended");
  pool.finish(true);
  await until(() => alive.size === 0, "none is left");
});

Deno.test("one that has died is not used, and who needs one learns that none can be started", async () => {
  const { pool, alive, fail } = poolOf({ minSpare: 1, maxSpare: 2, most: 4, sessions: 0 });
  pool.fill();
  alive.get(1)!();
  assertEquals(alive.size, 0);
  fail(true);
  assertThrows(() => pool.open(), Error, "no more processes");
  fail(false);
  await finish(pool.open());
  assertEquals(pool.children.find(({ name }) => name === "process 1")!.accepted, 0);
  pool.finish(true);
  await until(() => alive.size === 0, "none is left");
});

Deno.test("spare processes have descriptors of their own, and none stays for which there are none", async () => {
  const { pool, alive, claimed, fail } = poolOf(
    { minSpare: 3, maxSpare: 5, most: 9, sessions: 0 },
    2,
  );
  pool.fill();
  assertEquals([alive.size, claimed()], [2, 2]);
  // A session has the descriptors of its process; so there are some for another spare one.
  const streams = [pool.open(), pool.open(), pool.open()];
  assertEquals([alive.size, claimed()], [5, 2]);
  for (const stream of streams) await finish(stream);
  await until(() => alive.size === 2, "those have ended for which there are none");
  assertEquals(claimed(), 2);
  alive.get(Math.min(...alive.keys()))!();
  assertEquals(claimed(), 1);
  fail(true);
  pool.fill();
  assertEquals(claimed(), 1);
  pool.finish(true);
  await until(() => alive.size === 0, "none is left");
  assertEquals(claimed(), 0);
});
