import { assertEquals } from "@std/assert";
import { AutoLimit } from "../../../src/destinations/limits/auto_limit.ts";
import { LimitBoards } from "../../../src/destinations/limits/limit_boards.ts";
import { served } from "../../support/simulated_server.ts";

/** The limits of so many threads for a destination. */
function threads(
  number: number,
  { max = 64, destination = 1, memory = LimitBoards.memory(number) },
) {
  const clock = () => 0;
  return Array.from({ length: number }, (_, index) => {
    const board = new LimitBoards({ index, number }, memory).of(destination);
    return new AutoLimit({ max, clock, board });
  });
}

function limitsOf(all: readonly AutoLimit[]): number[] {
  return all.map(({ limit }) => limit);
}

Deno.test("threads begin with 4 slots together, and with one each if there are more of them", () => {
  assertEquals(limitsOf(threads(2, {})), [2, 2]);
  assertEquals(limitsOf(threads(3, {})), [2, 1, 1]);
  assertEquals(limitsOf(threads(6, {})), [1, 1, 1, 1, 1, 1]);
  assertEquals(limitsOf(threads(2, { max: 1 })), [1, 1]);
});

Deno.test("connects that fail in one thread count for all", () => {
  const all = threads(2, {});
  all[1]!.failed();
  const sessions = all.map((auto) => {
    const session = served(0);
    auto.begun(session);
    return session;
  });
  for (const [i, auto] of all.entries()) auto.ended(sessions[i]!, false);
  // The second learns of it when the first has looked.
  all[1]!.onSweep(served(0));
  assertEquals(limitsOf(all), [1, 1]);
  assertEquals(all.map(({ reason }) => reason), ["connects-failed", "connects-failed"]);
});

Deno.test("of two destinations with the same place the newer one has it, the other is on its own", () => {
  const memory = LimitBoards.memory(2);
  const older = threads(2, { memory });
  const newer = threads(2, { memory, destination: 1025 });
  older[1]!.failed();
  for (const auto of older) auto.onSweep(served(0));
  assertEquals(limitsOf(older), [4, 2]);
  for (const auto of newer) auto.onSweep(served(0));
  assertEquals(limitsOf(newer), [2, 2]);
});
