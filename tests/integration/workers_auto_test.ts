// --workers auto with the real program: what is configured, changed and shown.
import { assert, assertEquals } from "@std/assert";
import { Program, runProgram } from "../support/program.ts";
import { freePort, readAll, request, TestServer, until, writeAll } from "../support/servers.ts";
import { sleep } from "../../src/base/timer.ts";
import type { DestinationStatus } from "../../src/operations/destination_status.ts";

/** A server that answers after a few milliseconds. */
function slowServer(): TestServer {
  return new TestServer(async (conn) => {
    await readAll(conn);
    await sleep(5);
    await writeAll(conn, new TextEncoder().encode("x"));
  });
}

async function destinationAt(admin: number): Promise<DestinationStatus> {
  const response = await fetch(`http://127.0.0.1:${admin}/status`);
  return (await response.json()).listeners[0].destinations[0];
}

async function change(admin: number, body: unknown): Promise<Response> {
  return await fetch(`http://127.0.0.1:${admin}/destinations/1.1`, {
    method: "PATCH",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

for (const threads of ["1", "2"]) {
  Deno.test(`the limit grows while clients wait, and everybody is told why (${threads})`, async () => {
    await using server = slowServer();
    const admin = freePort();
    await using program = await Program.start([server.address], [
      "--workers=auto",
      "--workers-max=24",
      `--threads=${threads}`,
      `--admin=${admin}`,
    ]);
    await program.logged(/admin API on /);
    const before = await destinationAt(admin);
    assertEquals([before.limit, before.limit_reason], [4, "start"]);
    let stop = false;
    const clients = Array.from({ length: 60 }, async () => {
      while (!stop) assertEquals(await request(program.port, "x"), "x");
    });
    let seen = before;
    await until(async () => {
      seen = await destinationAt(admin);
      return seen.limit_changes > 0;
    }, "another limit is found");
    stop = true;
    await Promise.all(clients);
    assert(seen.limit <= 24, `${seen.limit}`);
    const metrics = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
    assert(/destination_limit_changes_total{[^}]*} [1-9]/.test(metrics));
    assertEquals(await program.terminate(), 0);
  });
}

Deno.test("operators go from a number to auto and back while sessions are served", async () => {
  await using server = slowServer();
  const admin = freePort();
  await using program = await Program.start([`${server.address},workers=2`], [
    `--admin=${admin}`,
  ]);
  await program.logged(/admin API on /);
  let stop = false;
  const clients = Array.from({ length: 20 }, async () => {
    while (!stop) assertEquals(await request(program.port, "x"), "x");
  });
  assertEquals((await destinationAt(admin)).limit_reason, "configured");
  const auto = await (await change(admin, { workers: "auto", workers_max: 3 })).json();
  assertEquals([auto.limit, auto.limit_reason], [3, "start"]);
  await until(async () => (await destinationAt(admin)).active === 3, "three are served");
  const one = await (await change(admin, { workers: 1 })).json();
  assertEquals([one.limit, one.limit_reason], [1, "configured"]);
  await until(async () => (await destinationAt(admin)).active <= 1, "one is served");
  for (const workers of ["4", "many"]) {
    const response = await change(admin, { workers });
    assertEquals([response.status, (await response.text()).includes("or auto")], [422, true]);
  }
  stop = true;
  await Promise.all(clients);
  assertEquals(await program.terminate(), 0);
});

Deno.test("ctl adds destinations that find their slots, gives them a number, and takes it away", async () => {
  await using server = slowServer();
  await using other = slowServer();
  const admin = freePort();
  await using program = await Program.start([server.address], [`--admin=${admin}`]);
  await program.logged(/admin API on /);
  const ctl = async (...args: string[]) => {
    const { code, stdout, stderr } = await runProgram(["ctl", `${admin}`, ...args]);
    return { code, text: stdout + stderr };
  };
  const added = await ctl("add", `${other.address},workers=auto,workers-max=3`);
  assertEquals(added.code, 0, added.text);
  for (const [workers, shown] of [["7", "workers=7 "], ["auto", "workers=3 (auto: start) "]]) {
    const { code, text } = await ctl("set", other.address, `workers=${workers}`);
    assertEquals([code, text.includes(shown!)], [0, true], text);
  }
  const wrong = await ctl("set", other.address, "workers=Auto");
  assertEquals([wrong.code, /workers must be a whole number .* or auto/.test(wrong.text)], [
    2,
    true,
  ]);
  assertEquals(await program.terminate(), 0);
});
