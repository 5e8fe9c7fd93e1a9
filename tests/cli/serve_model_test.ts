import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { UsageError } from "../../src/base/errors.ts";
import { parseServe } from "../../src/cli/command.ts";

async function listenerOf(...args: string[]) {
  const command = await parseServe(["echo", ...args]);
  if (command.kind !== "serve") throw new Error(`${command.kind} is not to serve`);
  return command.config.listeners[0]!;
}

Deno.test("a model is a listener with slots and threads", async () => {
  const iterative = await listenerOf("8007", "--model", "iterative");
  assertEquals(
    [iterative.maxConnections, iterative.destinations[0]!.workers, iterative.threads],
    [1, 1, 1],
  );
  assertEquals(await listenerOf("8007", "--model", "event"), await listenerOf("8007"));
  assertEquals((await listenerOf("8007", "--model", "threads")).threads, 0);
  const threads = ["--threads", "3", "--accept", "each"];
  assertEquals((await listenerOf("8007", "--model", "threads", ...threads)).threads, 3);
  assertEquals((await listenerOf("8007", "--threads", "3")).threads, 3);
});

Deno.test("what a model cannot be is said in a line", async () => {
  const refused: [string[], RegExp][] = [
    [["8007", "--model", "forking"], /--model "forking": must be one of event, iterative, threads/],
    [["8007", "--model", "iterative", "--max-clients", "2"], /serves one at a time; must be 1/],
    [["8007", "--model", "iterative", "--threads", "2"], /--model iterative has one; must be 1/],
    [["8007", "--accept", "each"], /--accept "each": needs --model threads/],
    [["8007", "--model", "threads", "--accept", "main"], /cannot hand a connection .*must be each/],
    [["udp:8007", "--model", "threads"], /a UDP port cannot be shared by threads/],
    [["unix:/tmp/x", "--model", "threads"], /a Unix-domain socket cannot be shared by threads/],
  ];
  for (const [args, message] of refused) {
    const { message: said } = await assertRejects(() => parseServe(["echo", ...args]), UsageError);
    assertMatch(said, message);
    assertEquals(said.split("\n").length, 1);
  }
});
