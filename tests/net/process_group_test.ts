import { assert, assertEquals } from "@std/assert";
import { ProcessGroup } from "../../src/net/process_group.ts";
import { hasProc } from "../support/process.ts";
import { livingWith } from "../support/processes.ts";
import { until } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const PROC = { "no /proc": !hasProc };

/** A shell that leads a group and says a word when its script has begun. */
async function start(script: string): Promise<Deno.ChildProcess> {
  const process = new Deno.Command("/bin/bash", {
    args: ["-c", `${script}`],
    stdin: "null",
    stdout: "piped",
    detached: true,
  }).spawn();
  const reader = process.stdout.getReader();
  await reader.read();
  await reader.cancel();
  return process;
}

function leftOf(pid: number): number {
  return livingWith("").filter(({ group }) => group === pid).length;
}

Deno.test("a process that ends by itself gets no signal", async () => {
  const process = await start("trap 'exit 9' TERM; echo x; sleep 0.1; exit 3");
  const group = new ProcessGroup(process);
  await group.end({ patience: 10_000, grace: 0 });
  assertEquals((await process.status).code, 3);
});

Deno.test("one that does not is told by SIGTERM after a while", async () => {
  const process = await start("trap 'exit 9' TERM; echo x; while :; do sleep 0.01; done");
  await new ProcessGroup(process).end({ patience: 10, grace: 60_000 });
  assertEquals((await process.status).code, 9);
});

Deno.test({
  ...unless("what a process that has ended left in its group ends, too", PROC),
  async fn() {
    for (const script of ["sleep 1000 & echo x", "(trap '' TERM; sleep 1000; :) & echo x"]) {
      const process = await start(script);
      const group = new ProcessGroup(process);
      await process.status;
      assert(leftOf(process.pid) > 0);
      await group.end({ patience: 10, grace: 50 });
      await until(() => leftOf(process.pid) === 0, "nothing is left");
    }
  },
});

Deno.test({
  ...unless(
    "in a hurry it is killed, before it is told to end and while it has time for that",
    PROC,
  ),
  async fn() {
    for (const when of ["before", "meanwhile"]) {
      const process = await start("trap '' TERM; echo x; while :; do sleep 1; done");
      const group = new ProcessGroup(process);
      if (when === "before") group.hurry();
      const ending = group.end({ patience: when === "before" ? 60_000 : 10, grace: 60_000 });
      if (when === "meanwhile") {
        await Promise.race([ending, new Promise((resolve) => setTimeout(resolve, 50))]);
        assert(leftOf(process.pid) > 0);
        group.hurry();
      }
      await ending;
      assertEquals((await process.status).signal, "SIGKILL");
      await until(() => leftOf(process.pid) === 0, "nothing is left");
    }
  },
});

Deno.test("one that does not end of SIGKILL is not waited for without end", async () => {
  const process = await start("echo x; while :; do sleep 0.1; done");
  // As if the signals reached nobody.
  const status = new Promise<Deno.CommandStatus>(() => {});
  const group = new ProcessGroup({ pid: process.pid, status });
  assertEquals(await group.end({ patience: 0, grace: 0 }), false);
  await process.status;
});

Deno.test("a group whose number is another process's by now gets no signal", async () => {
  const other = await start("echo x; exec sleep 1000");
  const status = Promise.resolve({ success: true, code: 0, signal: null });
  const group = new ProcessGroup({ pid: other.pid, status });
  await group.end({ patience: 10, grace: 10 });
  group.kill();
  // A signal of ours would have come first.
  other.kill("SIGINT");
  assertEquals((await other.status).signal, "SIGINT");
});
