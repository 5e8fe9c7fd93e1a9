// What is done to the processes of a service, by its clients and by others.
import { assert, assertEquals } from "@std/assert";
import { Program } from "../support/program.ts";
import { allGone, childrenOf, hasProc, killAll, sessionOf } from "../support/process.ts";
import { freePort, request, tryClose, until, writeAll } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const GET = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

const needsProc = { "there is no /proc": !hasProc };

async function serve(options: readonly string[], setUp?: string): Promise<Program> {
  const listen = `127.0.0.1:${freePort()}`;
  return await Program.spawn(["serve", "http", listen, "--log-format", "json", ...options], setUp);
}

/** A client that goes out to lunch in the middle of its request. */
async function lunch(port: number): Promise<Deno.Conn> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await writeAll(conn, new TextEncoder().encode("GET / HT"));
  return conn;
}

/** Whether one more client is answered. */
async function isAnswered(port: number): Promise<boolean> {
  return await request(port, GET).then((text) => /Hello from/.test(text), () => false);
}

/** How many of so many clients at once are answered. */
async function answered(port: number, clients: number): Promise<number> {
  const all = Array.from({ length: clients }, () => isAnswered(port));
  return (await Promise.all(all)).filter(Boolean).length;
}

/** Makes sure that every session that was accepted is there or has ended, and returns how. */
async function accounted(program: Program): Promise<Record<string, number>> {
  const { accepted, ended, active, waiting } = await program.status();
  const all = Object.values(ended as Record<string, number>).reduce((sum, one) => sum + one, 0);
  assertEquals(accepted, all + active + waiting);
  return ended;
}

Deno.test({
  ...unless(
    "processes that are killed under load cost their own clients, and no others",
    needsProc,
  ),
  fn: async () => {
    for (const model of [["process"], ["preforked", "--min-spare", "1", "--max-spare", "2"]]) {
      const options = ["--model", ...model, "--max-processes", "4", "--delay", "20ms"];
      await using program = await serve(options);
      let killed = 0;
      let served = 0;
      let failed = 0;
      const client = async () => {
        while (killed < 5) {
          if (await isAnswered(program.port)) served++;
          else failed++;
        }
      };
      const clients = [client(), client(), client(), client()];
      while (killed < 5) {
        const before = served;
        await until(() => served > before, "somebody is answered");
        const [child] = childrenOf(program.pid);
        if (child === undefined) continue;
        Deno.kill(child, "SIGKILL");
        killed++;
      }
      await Promise.all(clients);
      assert(failed <= killed, `${failed} have failed, of ${served + failed}`);
      assertEquals(await answered(program.port, 8), 8);
      const ended = await accounted(program);
      assertEquals(Object.values(ended).reduce((sum, one) => sum + one, 0), served + failed + 8);
      const pids = childrenOf(program.pid);
      assertEquals(await program.terminate(), 0);
      await allGone(pids);
    }
  },
});

Deno.test({
  ...unless("a process that hangs holds up its client alone, and is not left behind", needsProc),
  fn: async () => {
    const pool = ["--min-spare", "1", "--max-spare", "1", "--max-processes", "4"];
    await using program = await serve(["--model", "preforked", ...pool, "--answer-timeout", "3s"]);
    await until(() => childrenOf(program.pid).length === 1, "one is spare");
    const away = await lunch(program.port);
    await until(() => childrenOf(program.pid).length === 2, "it serves, and another one is spare");
    const hanging = childrenOf(program.pid);
    assertEquals(hanging.length, 2);
    using _ = { [Symbol.dispose]: () => killAll(hanging) };
    for (const pid of hanging) Deno.kill(pid, "SIGSTOP");
    const unlucky = await lunch(program.port);
    await until(async () => (await program.status()).active === 2, "both are with one that hangs");
    assertEquals(await answered(program.port, 6), 6);
    // A client that leaves may just have finished sending: a limit says how long it is waited for.
    tryClose(away);
    tryClose(unlucky);
    await allGone(hanging);
    assertEquals((await accounted(program))["answer-timeout"], 2);
    await until(() => childrenOf(program.pid).length === 1, "one is spare");
    const [spare] = childrenOf(program.pid);
    hanging.push(spare!);
    Deno.kill(spare!, "SIGSTOP");
    assertEquals(await program.terminate(), 0);
    await allGone([spare!]);
  },
});

Deno.test({
  ...unless(
    "beyond --max-processes clients wait or are closed, and each is accounted for",
    needsProc,
  ),
  fn: async () => {
    for (const overflow of ["wait", "reject"]) {
      const options = [
        "--model",
        "preforked",
        "--max-processes",
        "2",
        "--requests-per-process",
        "1",
      ];
      await using program = await serve([...options, "--overflow", overflow, "--delay", "10ms"]);
      const number = await answered(program.port, 30);
      const ended = await accounted(program);
      assertEquals(ended.done, number);
      if (overflow === "wait") assertEquals(number, 30);
      else {
        assert(number >= 1 && number < 30, `${number} are answered`);
        assertEquals(ended["refused-overflow"], 30 - number);
      }
      const { children } = await program.status();
      assert(children.every(({ accepted }: { accepted: number }) => accepted <= 1));
      assert(childrenOf(program.pid).length <= 2 + 2, "those that end are few");
      assertEquals(await program.terminate(), 0);
    }
  },
});

Deno.test({
  ...unless(
    "an interrupt at the terminal reaches no process, which finishes what it has",
    needsProc,
  ),
  fn: async () => {
    const kernel = ["--accept", "kernel", "--max-processes", "2"];
    for (const model of [["process"], ["preforked"], ["preforked", ...kernel]]) {
      await using program = await serve(["--model", ...model, "--delay", "500ms"]);
      const answer = isAnswered(program.port);
      await until(async () => (await program.status()).active === 1, "it is served");
      const pids = childrenOf(program.pid);
      assert(pids.length > 0);
      const own = sessionOf(program.pid);
      for (const pid of pids) {
        assert(sessionOf(pid) !== own, "the terminal's is the parent's alone");
      }
      program.signal("SIGINT");
      assertEquals([await answer, await program.ended()], [true, 0]);
      await allGone(pids);
    }
  },
});
