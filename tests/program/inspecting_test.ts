import { assertEquals, assertRejects } from "@std/assert";
import type { InspectionSource } from "../../src/operations/inspection.ts";
import { OperationError } from "../../src/operations/operations.ts";
import { inspect } from "../../src/program/inspecting.ts";

/** Looks into everybody at two listeners: what the second one answers is given. */
async function look(second: () => Promise<InspectionSource[]>): Promise<{ ended: number }> {
  const seen = { ended: 0 };
  const source = { found: [], read: () => Promise.resolve([]), end: () => ++seen.ended };
  const all = [() => Promise.resolve([source]), second].map((begin, id) => {
    return { id, balancer: { inspect: begin } };
  });
  const listeners = { all, locate: (_: string, id: string) => ({ listener: all[1], number: +id }) };
  const around = { listeners, status: () => Promise.reject(new Error("nobody asks for it")) };
  const wish = { sessions: ["7"], client: "192.0.2.1" };
  await assertRejects(() => inspect(wish as never, around as never), Error, "7");
  return seen;
}

Deno.test("what has begun at a listener ends if another one fails", async () => {
  assertEquals(await look(() => Promise.reject(new Error("7 is a defect"))), { ended: 1 });
});

Deno.test("what has begun at a listener ends if a session is not there", async () => {
  const missing = { found: [], read: () => Promise.resolve([]), end: () => 0 };
  assertEquals(await look(() => Promise.resolve([missing])), { ended: 1 });
});

Deno.test("that a session is not there is what the operator is told", async () => {
  const listener = { id: 1, balancer: { inspect: () => Promise.resolve([]) } };
  const listeners = { all: [listener], locate: () => ({ listener, number: 7 }) };
  const error = await assertRejects(
    () => inspect({ sessions: ["1.7"] } as never, { listeners } as never),
    OperationError,
  );
  assertEquals([error.kind, error.message], ["missing", "there is no session 1.7"]);
});
