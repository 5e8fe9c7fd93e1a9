import { assert, assertEquals, assertRejects } from "@std/assert";
import { Program } from "../support/program.ts";
import {
  answer,
  echo,
  readAll,
  readExactly,
  request,
  TestServer,
  until,
  writeAll,
} from "../support/servers.ts";

const ANSWER = "x".repeat(100_000);

/** A destination that answers nobody until it is told to. */
function heldServer() {
  const hold = Promise.withResolvers<void>();
  const server = new TestServer(async (conn) => {
    await hold.promise;
    await answer(ANSWER)(conn);
  });
  return { server, release: () => hold.resolve() };
}

async function isRefused(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ port })).close();
    return false;
  } catch (error) {
    return error instanceof Deno.errors.ConnectionRefused;
  }
}

Deno.test("SIGTERM finishes 50 active and 200 waiting sessions and refuses new ones", async () => {
  const held = Array.from({ length: 5 }, heldServer);
  await using stack = new AsyncDisposableStack();
  for (const { server } of held) stack.use(server);
  const addresses = held.map(({ server }) => server.address);
  await using program = await Program.start(addresses, ["--workers", "10"]);
  const answers = Array.from({ length: 250 }, () => request(program.port, "hello"));
  await until(async () => {
    const { active, waiting } = await program.status();
    return active === 50 && waiting === 200;
  }, "50 sessions are active and 200 wait");
  program.signal("SIGTERM");
  await until(() => isRefused(program.port), "new connections are refused");
  assertEquals(program.access(), [], "nothing has been cut");
  for (const { release } of held) release();
  for (const text of await Promise.all(answers)) assertEquals(text, ANSWER);
  assertEquals(await program.ended(), 0);
  assertEquals(program.access().filter(({ reason }) => reason === "done").length, 250);
});

Deno.test("SIGINT drains as well, with nothing to do at once", async () => {
  await using server = new TestServer(echo);
  await using program = await Program.start([server.address]);
  program.signal("SIGINT");
  assertEquals(await program.ended(), 0);
});

Deno.test("what the kernel had accepted is served although the line was full", async () => {
  const { server, release } = heldServer();
  await using _ = server;
  await using program = await Program.start([server.address], ["--workers", "1", "--queue", "1"]);
  const clients: Deno.TcpConn[] = [];
  for (let i = 0; i < 20; i++) {
    clients.push(await Deno.connect({ port: program.port }));
    await writeAll(clients[i]!, new TextEncoder().encode("hello"));
  }
  await until(async () => (await program.status()).accepted === 2, "the line is full");
  program.signal("SIGTERM");
  await until(() => isRefused(program.port), "new connections are refused");
  release();
  const texts = await Promise.all(clients.map(async (client) => {
    await client.closeWrite();
    const text = new TextDecoder().decode(await readAll(client));
    client.close();
    return text;
  }));
  assertEquals(texts.filter((text) => text === ANSWER).length, 20);
  assertEquals(await program.ended(), 0);
});

Deno.test("a session that never ends is cut at the drain timeout and named in the log", async () => {
  await using server = new TestServer(echo);
  await using program = await Program.start([server.address], ["--drain-timeout", "300ms"]);
  using client = await Deno.connect({ port: program.port });
  await writeAll(client, new TextEncoder().encode("hello"));
  await readExactly(client, 5);
  const began = performance.now();
  assertEquals(await program.terminate(), 1);
  assert(performance.now() - began < 5000);
  const { port } = client.localAddr as Deno.NetAddr;
  const line = await program.logged(/is cut/);
  assert(line.includes(`session 1.1 of 127.0.0.1:${port} at ${server.address} is cut`), line);
  assertEquals(program.access()[0]!.reason, "drain-timeout");
});

Deno.test("a second signal quits at once", async () => {
  await using server = new TestServer(echo);
  await using program = await Program.start([server.address]);
  using client = await Deno.connect({ port: program.port });
  await writeAll(client, new TextEncoder().encode("hello"));
  await readExactly(client, 5);
  program.signal("SIGTERM");
  await program.logged(/draining/);
  program.signal("SIGTERM");
  const began = performance.now();
  assertEquals(await program.ended(), 1);
  assert(performance.now() - began < 5000);
  assertEquals(program.access()[0]!.reason, "quit");
});

Deno.test("sessions in the line are cut at the drain timeout, too", async () => {
  const { server, release } = heldServer();
  await using _ = server;
  await using program = await Program.start(
    [server.address],
    ["--workers", "1", "--drain-timeout", "200ms"],
  );
  const clients = [0, 1, 2].map(() => request(program.port, "hello").catch(() => "reset"));
  await until(async () => (await program.status()).waiting === 2, "two sessions wait");
  assertEquals(await program.terminate(), 1);
  await Promise.all(clients);
  release();
  assertEquals(program.access().map(({ reason }) => reason), Array(3).fill("drain-timeout"));
});

Deno.test("a drain waits for a destination that is down and comes back", async () => {
  const { server, release } = heldServer();
  await using _ = server;
  const { port } = server;
  await using program = await Program.start([server.address], ["--workers", "1"]);
  const first = request(program.port, "first");
  await until(() => server.open === 1, "the first session is being served");
  const second = request(program.port, "second");
  await until(async () => (await program.status()).waiting === 1, "the second session waits");
  server.stopListening();
  program.signal("SIGTERM");
  release();
  assertEquals(await first, ANSWER);
  await program.logged(/is down/);
  await using _again = new TestServer(answer("late"), { port });
  assertEquals(await second, "late");
  assertEquals(await program.ended(), 0);
});

Deno.test("SIGHUP without a configuration file changes nothing", async () => {
  await using server = new TestServer(answer("hello"));
  await using program = await Program.start([server.address]);
  program.signal("SIGHUP");
  await program.logged(/reload: nothing has changed/);
  assertEquals(await request(program.port, "hello"), "hello");
  assertEquals(await program.terminate(), 0);
  await assertRejects(() => Deno.connect({ port: program.port }), Deno.errors.ConnectionRefused);
});

Deno.test("the end of a drain tells sessions that clients have ended from those that it has cut", async () => {
  await using server = new TestServer(async (conn) => {
    await readExactly(conn, 5);
    await writeAll(conn, new TextEncoder().encode("served"));
    await readAll(conn);
  });
  await using program = await Program.start(
    [server.address],
    ["--half-close", "abandon", "--drain-timeout", "300ms"],
  );
  const served = async () => {
    const client = await Deno.connect({ port: program.port });
    await writeAll(client, new TextEncoder().encode("hello"));
    await readExactly(client, 6);
    return client;
  };
  using said = await served();
  // A goodbye that nobody answers, as PostgreSQL's clients say it.
  await writeAll(said, new TextEncoder().encode("bye"));
  await said.closeWrite();
  assertEquals((await program.entries(1))[0]!.reason, "client-gone");
  using _left = await served();
  assertEquals(await program.terminate(), 1);
  const balance =
    "2 accepted = 0 finished + 1 cut + 0 refused + 0 timed out + 1 ended by clients " +
    "+ 0 failed + 0 killed";
  const line = await program.logged(/drained/);
  assert(line.includes(balance), line);
});
