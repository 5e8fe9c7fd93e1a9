// --balance: which destination gets the next session while several have a free slot.
import { assertEquals } from "@std/assert";
import { listener, start } from "../support/instance.ts";
import {
  answer,
  echo,
  readExactly,
  request,
  TestServer,
  until,
  writeAll,
} from "../support/servers.ts";

/** Clients that are connected to a destination, which has answered them. */
async function connectAll(port: number, number: number): Promise<Deno.TcpConn[]> {
  const clients: Deno.TcpConn[] = [];
  for (let i = 0; i < number; i++) {
    const client = await Deno.connect({ port });
    await writeAll(client, new Uint8Array(1));
    await readExactly(client, 1);
    clients.push(client);
  }
  return clients;
}

/** Ends sessions and waits until their destination has seen that. */
async function end(clients: Iterable<Deno.TcpConn>, done: () => boolean): Promise<void> {
  for (const client of clients) client.close();
  await until(done, "the sessions have ended");
}

Deno.test("least-conn evens out the sessions whatever the limits, fifo the shares of them", async () => {
  for (const balance of ["least-conn", "fifo"]) {
    await using large = new TestServer(echo);
    await using small = new TestServer(echo);
    await using program = await start(
      listener([`${large.address},workers=90`, `${small.address},workers=10`], { balance }),
    );
    const clients = await connectAll(program.port, 20);
    const expected = balance === "fifo" ? [18, 2] : [10, 10];
    assertEquals([large.open, small.open], expected, balance);
    await end(clients, () => large.open + small.open === 0);
  }
});

Deno.test("least-conn counts for the weight, and fills up where sessions have ended", async () => {
  const [one, two] = [1, 2].map((number) => {
    return new TestServer(async (conn) => {
      await readExactly(conn, 1);
      await writeAll(conn, Uint8Array.of(number));
      await conn.read(new Uint8Array(1));
    });
  }) as [TestServer, TestServer];
  await using program = await start(
    listener([one.address, `${two.address},weight=2`], { balance: "least-conn" }),
  );
  const clients: Deno.TcpConn[] = [];
  const connected = async () => {
    const client = await Deno.connect({ port: program.port });
    clients.push(client);
    await writeAll(client, new Uint8Array(1));
    return { client, number: (await readExactly(client, 1))[0] };
  };
  try {
    const first = [];
    for (let i = 0; i < 9; i++) first.push(await connected());
    assertEquals([one.open, two.open], [3, 6]);
    for (const { client, number } of first) if (number === 1) client.close();
    await until(async () => {
      const states = Object.values(await program.destinations());
      return states.map(({ active }) => active).join() === "0,6";
    }, "the slots are free");
    const later = [];
    for (let i = 0; i < 3; i++) later.push((await connected()).number);
    assertEquals(later, [1, 1, 1]);
  } finally {
    for (const client of clients) tryClose(client);
    for (const server of [one, two]) await server[Symbol.asyncDispose]();
  }
});

Deno.test("least-conn gives short sessions to equals by turns, and has no idle workers", async () => {
  const servers = ["a", "b", "c"].map((name) => new TestServer(answer(name)));
  await using program = await start(
    listener(servers.map(({ address }) => address), { balance: "least-conn" }),
  );
  try {
    let served = "";
    for (let i = 0; i < 9; i++) {
      served += await request(program.port, "x");
      await until(async () => {
        return Object.values(await program.destinations()).every(({ workers }) => workers === 0);
      }, "the worker has left");
    }
    assertEquals(served, "abcabcabc");
  } finally {
    for (const server of servers) await server[Symbol.asyncDispose]();
  }
});

Deno.test("a reload changes the policy, and sessions stay where they are", async () => {
  await using large = new TestServer(echo);
  await using small = new TestServer(echo);
  const destinations = [`${large.address},workers=90`, `${small.address},workers=10`];
  await using program = await start(listener(destinations));
  const clients = await connectAll(program.port, 10);
  assertEquals([large.open, small.open], [9, 1]);
  const { changes } = await program.reload(listener(destinations, { balance: "least-conn" }));
  assertEquals(changes, ["balance fifo → least-conn"]);
  clients.push(...await connectAll(program.port, 8));
  assertEquals([large.open, small.open], [9, 9]);
  await program.reload(listener(destinations));
  clients.push(...await connectAll(program.port, 20));
  assertEquals(large.open + small.open, 38);
  // The share of the small one was greater from the beginning: at most its idle worker had another.
  assertEquals(small.open <= 10, true, `${small.open}`);
  await end(clients, () => large.open + small.open === 0);
});

Deno.test("while no slot is free order of arrival decides, with least-conn, too", async () => {
  const order: number[] = [];
  const servers = [0, 1].map(() => {
    return new TestServer(async (conn) => {
      const [number] = await readExactly(conn, 1);
      order.push(number!);
      await writeAll(conn, new Uint8Array(1));
    });
  });
  await using program = await start(
    listener(servers.map(({ address }) => address), { balance: "least-conn", workers: "1" }),
  );
  try {
    const clients: Deno.TcpConn[] = [];
    for (let i = 0; i < 8; i++) {
      clients.push(await Deno.connect({ port: program.port }));
      const accepted = async () => (await program.instance.status()).listeners[0]!.accepted;
      await until(async () => await accepted() === i + 1, "it has joined");
    }
    // The first two are connected; the last ones send first, and have to wait all the same.
    for (const [i, client] of [...clients.entries()].reverse()) {
      await writeAll(client, Uint8Array.of(i));
    }
    for (const client of clients) {
      await readExactly(client, 1);
      client.close();
    }
    const [first, second, ...rest] = order;
    assertEquals([first, second].sort(), [0, 1]);
    // Two at a time, so that neighbours may be the other way round.
    for (const [i, number] of rest.entries()) assertEquals(Math.abs(number - i - 2) <= 1, true);
  } finally {
    for (const server of servers) await server[Symbol.asyncDispose]();
  }
});

Deno.test("least-conn in threads: each evens out its own sessions", async () => {
  await using one = new TestServer(echo);
  await using two = new TestServer(echo);
  await using program = await start(
    listener([one.address, two.address], { balance: "least-conn", threads: "2" }),
  );
  const clients = await connectAll(program.port, 20);
  // In each thread the two differ by one at most.
  assertEquals(one.open + two.open, 20);
  assertEquals(Math.abs(one.open - two.open) <= 2, true, `${one.open} and ${two.open}`);
  await end(clients, () => one.open + two.open === 0);
});

function tryClose(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // It is closed already.
  }
}
