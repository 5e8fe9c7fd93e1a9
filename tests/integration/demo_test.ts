import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Program } from "../support/program.ts";
import { until, writeAll } from "../support/servers.ts";

Deno.test("--demo answers over HTTP with nothing else running, on a free port", async () => {
  await using program = await Program.spawn(["--demo"]);
  assert(program.port >= 8080 && program.port <= 8099, `${program.port}`);
  const names = new Set<string>();
  const url = `http://127.0.0.1:${program.port}/`;
  for (let i = 0; i < 4; i++) {
    const response = await fetch(url, { headers: { connection: "close" } });
    names.add(/^Hello from (\w+), answer \d+\n$/.exec(await response.text())![1]!);
  }
  assert(names.has("fast"), [...names].join());
  assert(program.out.some((line) => line.includes(`curl http://localhost:${program.port}/`)));
  assertEquals(await program.terminate(), 0);
});

Deno.test("--demo does not work for clients that have given up, unless it is told to", async () => {
  for (const [options, gone] of [[[], true], [["--half-close", "keep"], false]] as const) {
    await using program = await Program.spawn(["--demo", ...options]);
    // One of them has to be at the slow server.
    for (let i = 0; i < 6; i++) {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
      await writeAll(conn, new TextEncoder().encode("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"));
      conn.close();
    }
    const ends = () => program.out.filter((line) => line.includes(" reason="));
    await until(() => ends().length === 6, "all have ended");
    assertEquals(ends().some((line) => line.includes("reason=client-gone")), gone);
  }
});

Deno.test("a second --demo takes another port", async () => {
  await using first = await Program.spawn(["--demo"]);
  await using second = await Program.spawn(["--demo"]);
  for (const { port } of [first, second]) assert(port >= 8080 && port <= 8099, `${port}`);
  assertNotEquals(first.port, second.port);
});
