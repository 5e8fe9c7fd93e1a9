import { assert, assertEquals, assertMatch } from "@std/assert";
import { Program } from "../support/program.ts";
import { echo, freePort, TestServer, until } from "../support/servers.ts";

/** Rows and columns of a terminal as it opens. */
const ROWS = 24;
const COLUMNS = 80;

/** How many rows of a terminal lines fill. */
function rowsOf(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / COLUMNS)), 0);
}

/** Waits until each thread has found all 40 destinations down. */
async function allDown(program: Program, threads: number): Promise<void> {
  const [, admin] = /admin API on (\S+)/.exec(await program.logged(/admin API on/))!;
  await until(async () => {
    const { listeners } = await (await fetch(`http://${admin}/status`)).json();
    const [{ destinations }] = listeners;
    return destinations.every((one: { failures: number; state: string }) => {
      return one.state === "down" && one.failures >= threads;
    });
  }, "all are down everywhere");
}

Deno.test("the log of a start fits a screen with 40 destinations, whether they are there or not", async () => {
  await using server = new TestServer(echo);
  const port = freePort();
  const there = Array.from({ length: 40 }, (_, i) => `127.0.1.${i + 1}:${port}`);
  for (const [up, threads] of [[true, "1"], [false, "1"], [false, "4"]] as const) {
    await using all = up ? new TestServer(echo, { hostname: "0.0.0.0", port }) : server;
    const listen = `127.0.0.1:${freePort()}`;
    await using program = await Program.spawn([
      ...["--admin", "127.0.0.1:0", "--threads", threads],
      listen,
      ...there,
    ]);
    assertMatch(
      await program.logged(/listening on/),
      /for 40 destinations: 127\.0\.1\.1:\d+ \(256 workers\), .*127\.0\.1\.3:\d+ \(256 workers\) and 37 more; queue/,
    );
    await program.logged(/admin API on/);
    if (up) assert(all.port === port);
    else {
      const line = await program.logged(/37 more destinations are down: /);
      for (const address of there.slice(3)) assert(line.includes(address), address);
      // Each of the threads has found all of them down, and one has said so.
      await allDown(program, Number(threads));
      assertEquals(program.log.filter((line) => /(is|are) down:/.test(line)).length, 4);
    }
    assert(rowsOf(program.log) <= ROWS, program.log.join("\n"));
    assertEquals(await program.terminate(), 0);
  }
});

Deno.test("a few destinations are all told of when it starts", async () => {
  const names = ["a", "b", "c", "d", "e", "f"];
  await using program = await Program.spawn([
    `127.0.0.1:${freePort()}`,
    ...names.map((name, i) => `127.0.0.1:${i + 1},workers=${i + 1},name=${name}`),
  ]);
  assertMatch(
    await program.logged(/listening on/),
    /for a \(1 worker\), b \(2 workers\), c .*, f \(6 workers\); queue 1024/,
  );
  assertEquals(await program.terminate(), 0);
});
