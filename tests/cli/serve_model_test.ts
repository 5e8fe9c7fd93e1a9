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
  const { maxConnections, destinations } = await listenerOf("8007", "--model", "process");
  assertEquals([maxConnections, destinations[0]!.workers], [16, 16]);
  assertEquals(destinations[0]!.key, "service:echo,processes=each");
  const preforked = await listenerOf(...["8007", "--model", "preforked", "--max-processes", "3"]);
  assertEquals(preforked.destinations[0]!.key, "service:echo,processes=pool");
  assertEquals(preforked.destinations[0]!.workers, 3);
  const hybrid = await listenerOf("8007", "--model", "hybrid", "--threads", "2");
  assertEquals([hybrid.threads, hybrid.destinations[0]!.key], [2, preforked.destinations[0]!.key]);
  const threads = ["--threads", "3", "--accept", "each"];
  assertEquals((await listenerOf("8007", "--model", "threads", ...threads)).threads, 3);
  assertEquals((await listenerOf("8007", "--threads", "3")).threads, 3);
  const kernel = await listenerOf("8007", "--model", "preforked", "--accept", "kernel");
  assertEquals([kernel.threads, kernel.maxConnections, kernel.destinations[0]!.workers], [
    16,
    16,
    16,
  ]);
  assertEquals(kernel.destinations[0]!.key, "service:echo,processes=accept");
});

Deno.test("what a model cannot be is said in a line", async () => {
  const kernel = ["8007", "--model", "preforked", "--accept", "kernel"];
  const refused: [string[], RegExp][] = [
    [
      ["8007", "--model", "forking"],
      /--model "forking": must be one of event, iterative, process, preforked, threads, hybrid/,
    ],
    [["8007", "--model", "iterative", "--max-clients", "2"], /serves one at a time; must be 1/],
    [["8007", "--model", "iterative", "--threads", "2"], /--model iterative has one; must be 1/],
    [["8007", "--accept", "each"], /--accept "each": needs --model threads, preforked or hybrid/],
    [["8007", "--model", "threads", "--accept", "main"], /hands no connection .*must be each/],
    [["8007", "--model", "threads", "--accept", "lock"], /must be each with --model threads/],
    [["8007", "--model", "preforked", "--accept", "each"], /must be parent with --model preforked/],
    [
      ["8007", "--model", "preforked", "--accept", "lock"],
      /listens on no socket .* must be parent, or kernel/,
    ],
    [[...kernel, "--max-processes", "1"], /--max-processes "1": .* from 2 to 64/],
    [[...kernel, "--max-processes", "65"], /from 2 to 64/],
    [[...kernel, "--min-spare", "1"], /--min-spare says nothing/],
    [[...kernel, "--requests-per-process", "1"], /--requests-per-process says nothing where all/],
    [["unix:/tmp/x", ...kernel.slice(1)], /only a port of TCP can be shared by processes/],
    [
      ["8007", "--processes", "accept"],
      /^--threads: says how many processes accept; must be above 1/,
    ],
    [["8007", "--max-processes", "2"], /needs --model process, preforked or hybrid/],
    [["8007", "--model", "process", "--max-clients", "2"], /it is --max-processes that says/],
    [["8007", "--model", "process", "--processes", "pool"], /must be each, or left out/],
    [["8007", "--model", "process", "--min-spare", "2"], /"2": needs --model preforked or hybrid/],
    [["8007", "--requests-per-process", "2"], /"2": needs --model preforked or hybrid/],
    [["8007", "--processes", "each", "--min-spare", "2"], /min-spare without processes=pool/],
    [
      ["8007", "--model", "hybrid", "--threads", "4", "--max-processes", "2"],
      /--threads "4": --max-processes 2 cannot be divided by it; must be at most 2/,
    ],
    [
      ["8007", "--model", "threads", "--threads", "4", "--max-clients", "2"],
      /--threads "4": --max-clients 2 cannot be divided by it; must be at most 2/,
    ],
    [["8007", "--model", "preforked", "--min-spare", "6"], /must be at most max-spare, 5/],
    [["udp:8007", "--model", "threads"], /a UDP port cannot be shared .*process or preforked/],
    [["udp:8007", "--model", "hybrid"], /a UDP port cannot be shared .*process or preforked/],
    [
      ["unix:/tmp/x", "--model", "threads"],
      /a Unix-domain socket cannot be shared by threads .*process or preforked/,
    ],
  ];
  for (const [args, message] of refused) {
    const { message: said } = await assertRejects(() => parseServe(["echo", ...args]), UsageError);
    assertMatch(said, message);
    assertEquals(said.split("\n").length, 1);
  }
  await assertRejects(
    () => parseServe(["chat", "8007", "--model", "process"]),
    UsageError,
    '--model "process": chat has no processes; must be event or iterative',
  );
});
