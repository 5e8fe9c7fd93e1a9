import { assert, assertEquals, assertMatch } from "@std/assert";
import { Program, runProgram } from "../support/program.ts";
import { freePort, request, tryClose, until, writeAll } from "../support/servers.ts";

const GET = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

async function serve(service: string, options: readonly string[]): Promise<Program> {
  const listen = `127.0.0.1:${freePort()}`;
  return await Program.spawn(["serve", service, listen, "--log-format", "json", ...options]);
}

/** A client that goes out to lunch in the middle of its request. */
async function lunch(port: number): Promise<Deno.Conn> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await writeAll(conn, new TextEncoder().encode("GET / HT"));
  return conn;
}

Deno.test("with iterative one who is out to lunch holds everybody up, with event nobody", async () => {
  await using event = await serve("http", ["--model", "event"]);
  const away = await lunch(event.port);
  await until(async () => (await event.status()).active === 1, "it is served");
  assertMatch(await request(event.port, GET), /Hello from/);
  tryClose(away);
  await using iterative = await serve("http", ["--model", "iterative"]);
  const first = await lunch(iterative.port);
  await until(async () => (await iterative.status()).active === 1, "it is served");
  const others = [request(iterative.port, GET), request(iterative.port, GET)];
  const early = await Promise.race([...others, iterative.status()]);
  assert(typeof early !== "string", "the status comes before any answer");
  assertEquals([early.active, early.accepted], [1, 1]);
  tryClose(first);
  for (const answer of await Promise.all(others)) assertMatch(answer, /Hello from/);
  assertEquals((await iterative.status()).accepted, 3);
  for (const program of [event, iterative]) assertEquals(await program.terminate(), 0);
});

Deno.test("threads share a port, and say at the end how many sessions each had", async () => {
  await using program = await serve("daytime", ["--model", "threads", "--threads", "2"]);
  for (let i = 0; i < 40; i += 10) {
    const all = Array.from({ length: 10 }, () => request(program.port, ""));
    for (const text of await Promise.all(all)) assertMatch(text, /-UTC\r\n$/);
  }
  const { children } = await program.status();
  assertEquals(children.map(({ name }: { name: string }) => name), ["thread 0", "thread 1"]);
  const accepted: number[] = children.map(({ accepted }: { accepted: number }) => accepted);
  assertEquals(accepted[0]! + accepted[1]!, 40);
  assert(accepted.every((number) => number > 0), `${accepted}`);
  program.signal("SIGINT");
  assertEquals(await program.ended(), 0);
  await program.logged(new RegExp(`${accepted[0]} by thread 0, ${accepted[1]} by thread 1`));
});

Deno.test("iterative answers one datagram after the other", async () => {
  const port = freePort();
  const args = ["serve", "echo", `udp:127.0.0.1:${port}`, "--model", "iterative"];
  await using program = await Program.spawn([...args, "--log-format", "json"]);
  const client = ["send", "--udp", `127.0.0.1:${port}`, "one", "two"];
  const all = await Promise.all([runProgram(client), runProgram(client)]);
  for (const { stdout } of all) assertEquals(stdout, "3 bytes: one\n3 bytes: two\n");
  assertEquals(await program.terminate(), 0);
});
