import { assertEquals } from "@std/assert";
import { Program } from "../support/program.ts";
import {
  answer,
  freePort,
  readAll,
  readExactly,
  request,
  TestServer,
  until,
  writeAll,
} from "../support/servers.ts";

Deno.test("with one worker 100 clients are served one at a time, in the order of arrival", async () => {
  const order: number[] = [];
  await using server = new TestServer(async (conn) => {
    order.push(Number(new TextDecoder().decode(await readAll(conn))));
    await writeAll(conn, new TextEncoder().encode("served"));
    await conn.closeWrite();
  });
  await using program = await Program.start([server.address], ["--workers", "1"]);
  const clients: Deno.TcpConn[] = [];
  for (let i = 0; i < 100; i++) clients.push(await Deno.connect({ port: program.port }));
  await Promise.all(clients.map(async (client, i) => {
    await writeAll(client, new TextEncoder().encode(`${i}`));
    await client.closeWrite();
    assertEquals(new TextDecoder().decode(await readAll(client)), "served");
    client.close();
  }));
  assertEquals(order, Array.from({ length: 100 }, (_, i) => i));
  assertEquals(server.mostOpen, 1);
  assertEquals(await program.terminate(), 0);
});

Deno.test("a full queue leaves further clients in the backlog and loses none of them", async () => {
  const hold = Promise.withResolvers<void>();
  await using server = new TestServer(async (conn) => {
    await hold.promise;
    await answer("served")(conn);
  });
  await using program = await Program.start(
    [server.address],
    ["--workers", "2", "--queue", "5", "--backlog", "50"],
  );
  const answers = Array.from({ length: 30 }, () => request(program.port, "hello"));
  await until(async () => (await program.status()).accepted === 7, "the queue is full");
  const { waiting, active } = await program.status();
  assertEquals([waiting, active], [5, 2]);
  hold.resolve();
  assertEquals(await Promise.all(answers), Array(30).fill("served"));
});

Deno.test("a client that leaves the line is never connected to a destination", async () => {
  const hold = Promise.withResolvers<void>();
  await using server = new TestServer(async (conn) => {
    await hold.promise;
    await answer("served")(conn);
  });
  await using program = await Program.start([server.address], ["--workers", "1"]);
  const first = request(program.port, "first");
  await until(() => server.open === 1, "the first session is being served");
  const leaver = await Deno.connect({ port: program.port });
  const last = request(program.port, "last");
  await until(async () => (await program.status()).waiting === 2, "two sessions wait");
  leaver.close();
  await until(() => program.out.length === 1, "the session that was left has ended");
  hold.resolve();
  assertEquals(await Promise.all([first, last]), ["served", "served"]);
  assertEquals(server.accepted, 2);
  const [gone] = program.access();
  assertEquals([gone!.reason, gone!.destination, gone!.attempts], ["client-gone", null, 0]);
});

Deno.test("a client that half-closes while it waits keeps its place", async () => {
  const hold = Promise.withResolvers<void>();
  await using server = new TestServer(async (conn) => {
    const text = await readAll(conn);
    await hold.promise;
    await writeAll(conn, text);
  });
  await using program = await Program.start([server.address], ["--workers", "1"]);
  const first = request(program.port, "first");
  await until(() => server.open === 1, "the first session is being served");
  const second = request(program.port, "second");
  await until(async () => (await program.status()).waiting === 1, "the second session waits");
  hold.resolve();
  assertEquals(await Promise.all([first, second]), ["first", "second"]);
});

Deno.test("sparse traffic rotates over the destinations by their weights", async () => {
  await using light = new TestServer(answer("light"));
  await using heavy = new TestServer(answer("heavy"));
  await using program = await Program.start([light.address, `${heavy.address},weight=3`]);
  for (let i = 1; i <= 40; i++) {
    await request(program.port, "hello");
    await program.entries(i);
  }
  assertEquals([light.accepted, heavy.accepted], [10, 30]);
});

Deno.test("dense traffic goes to whoever has room", async () => {
  const hold = Promise.withResolvers<void>();
  const wait = async (conn: Deno.Conn) => {
    await hold.promise;
    await answer("served")(conn);
  };
  await using small = new TestServer(wait);
  await using large = new TestServer(wait);
  await using program = await Program.start(
    [`${small.address},workers=10`, `${large.address},workers=30`],
  );
  const answers = Array.from({ length: 60 }, () => request(program.port, "hello"));
  await until(() => small.open + large.open === 40, "all workers have a session");
  await until(async () => (await program.status()).waiting === 20, "the others wait");
  assertEquals([small.open, large.open], [10, 30]);
  hold.resolve();
  assertEquals(await Promise.all(answers), Array(60).fill("served"));
});

Deno.test("a backup serves only while no other destination is up", async () => {
  await using backup = new TestServer(answer("backup"));
  const port = freePort();
  await using program = await Program.start([`127.0.0.1:${port}`, `${backup.address},backup`]);
  assertEquals(await request(program.port, "hello"), "backup");
  await using primary = new TestServer(answer("primary"), { port });
  await program.logged(/is up again/);
  for (let i = 0; i < 5; i++) assertEquals(await request(program.port, "hello"), "primary");
  assertEquals([primary.accepted, backup.accepted], [5, 1]);
});

Deno.test("what a client sends while it waits is the first thing its destination gets", async () => {
  const hold = Promise.withResolvers<void>();
  await using server = new TestServer(async (conn) => {
    await hold.promise;
    await writeAll(conn, await readExactly(conn, 20_000));
  });
  await using program = await Program.start([server.address], ["--workers", "1"]);
  const clients = await Promise.all([0, 1].map(() => Deno.connect({ port: program.port })));
  const sent = clients.map((_, i) => new Uint8Array(20_000).map((_, at) => at * (i + 3)));
  await Promise.all(clients.map((client, i) => writeAll(client, sent[i]!)));
  await until(async () => (await program.status()).waiting === 1, "one session waits");
  hold.resolve();
  for (const [i, client] of clients.entries()) {
    assertEquals(await readExactly(client, 20_000), sent[i]);
    client.close();
  }
});
