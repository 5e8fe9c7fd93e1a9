import { assert, assertEquals } from "@std/assert";
import { Program } from "../support/program.ts";
import {
  answer,
  discard,
  echo,
  randomBytes,
  readAll,
  readExactly,
  request,
  TestServer,
  until,
  writeAll,
} from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const MIB = 1024 * 1024;

Deno.test("64 MiB each way at once arrive byte-identical", async () => {
  const up = randomBytes(64 * MIB);
  const down = randomBytes(64 * MIB);
  const received = Promise.withResolvers<Uint8Array>();
  await using server = new TestServer(async (conn) => {
    await Promise.all([
      readAll(conn).then(received.resolve),
      writeAll(conn, down).then(() => conn.closeWrite()),
    ]);
  });
  await using program = await Program.start([server.address]);
  using client = await Deno.connect({ port: program.port });
  const [answered] = await Promise.all([
    readAll(client),
    writeAll(client, up).then(() => client.closeWrite()),
  ]);
  assert(equal(answered, down));
  assert(equal(await received.promise, up));
  assertEquals(await program.terminate(), 0);
  const [entry] = program.access();
  assertEquals([entry!.reason, entry!.bytes_up, entry!.bytes_down], [
    "done",
    up.length,
    down.length,
  ]);
});

Deno.test("500 concurrent sessions get their own answers", async () => {
  await using server = new TestServer(echo);
  await using program = await Program.start([server.address], ["--workers", "500"]);
  const clients = await Promise.all(
    Array.from({ length: 500 }, () => Deno.connect({ port: program.port })),
  );
  try {
    await Promise.all(clients.map(async (client, i) => {
      const text = new TextEncoder().encode(`client ${i} `.repeat(100));
      await writeAll(client, text);
      assertEquals(await readExactly(client, text.length), text);
    }));
    assertEquals(server.open, 500);
  } finally {
    for (const client of clients) client.close();
  }
  assertEquals(await program.terminate(), 0);
  assertEquals(program.access().filter(({ reason }) => reason === "done").length, 500);
});

Deno.test("a client that half-closes after its request gets a whole 10 MiB answer", async () => {
  const body = randomBytes(10 * MIB);
  await using server = new TestServer(async (conn) => {
    await readAll(conn);
    await writeAll(conn, body);
    await conn.closeWrite();
  });
  await using program = await Program.start([server.address]);
  using client = await Deno.connect({ port: program.port });
  await writeAll(client, new TextEncoder().encode("request"));
  await client.closeWrite();
  assert(equal(await readAll(client), body));
});

Deno.test("a destination may speak first, and finish first", async () => {
  const heard = Promise.withResolvers<string>();
  await using server = new TestServer(async (conn) => {
    await writeAll(conn, new TextEncoder().encode("220 ready\n"));
    await conn.closeWrite();
    heard.resolve(new TextDecoder().decode(await readAll(conn)));
  });
  await using program = await Program.start([server.address]);
  using client = await Deno.connect({ port: program.port });
  assertEquals(new TextDecoder().decode(await readAll(client)), "220 ready\n");
  await writeAll(client, new TextEncoder().encode("thanks"));
  await client.closeWrite();
  assertEquals(await heard.promise, "thanks");
});

Deno.test("the answer to a request that was not read to the end still arrives", async () => {
  await using server = new TestServer(async (conn) => {
    await readExactly(conn, 10);
    await writeAll(conn, new TextEncoder().encode("413 too large"));
    await conn.closeWrite();
  });
  await using program = await Program.start([server.address]);
  using client = await Deno.connect({ port: program.port });
  const upload = writeAll(client, randomBytes(8 * MIB)).catch(() => {});
  assertEquals(new TextDecoder().decode(await readExactly(client, 13)), "413 too large");
  client.close();
  await upload;
});

Deno.test("when the destination dies, its client is closed at once", async () => {
  await using server = new TestServer(async (conn) => {
    await readExactly(conn, 5);
    // Closing with unread input, as there is more than it has read ahead, resets the connection.
  });
  await using program = await Program.start([server.address]);
  using client = await Deno.connect({ port: program.port });
  await writeAll(client, new Uint8Array(300_000)).catch(() => {});
  await readAll(client).catch(() => {});
  await writeAll(client, new TextEncoder().encode("anybody there?")).catch(() => {});
  assertEquals((await program.entries(1))[0]!.reason, "server-reset");
});

Deno.test("when the client dies, its destination is closed at once", async () => {
  const ended = Promise.withResolvers<void>();
  await using server = new TestServer(async (conn) => {
    const flood = async () => {
      const chunk = randomBytes(MIB);
      for (let i = 0; i < 256; i++) await writeAll(conn, chunk);
    };
    await Promise.all([flood(), discard(conn)]).finally(ended.resolve);
  });
  await using program = await Program.start([server.address]);
  const client = await Deno.connect({ port: program.port });
  await readExactly(client, 1000);
  client.close();
  await ended.promise;
  assertEquals((await program.entries(1))[0]!.reason, "client-reset");
});

Deno.test("a reader that stops does not make the balancer hold its data", async () => {
  let sent = 0;
  await using server = new TestServer(async (conn) => {
    const chunk = new Uint8Array(MIB);
    while (sent < 256 * MIB) sent += await conn.write(chunk);
  });
  await using program = await Program.start([server.address]);
  using client = await Deno.connect({ port: program.port });
  await readExactly(client, 1);
  let before = -1;
  await until(async () => {
    const stalled = sent === before;
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 200));
    return stalled;
  }, "the sender is held back");
  assert(sent < 64 * MIB, `the kernel and the balancer took ${sent} bytes`);
});

Deno.test("a unix-domain socket works on both sides and its file is removed in the end", async () => {
  const dir = await Deno.makeTempDir();
  const front = `${dir}/front.sock`;
  const back = Deno.listen({ transport: "unix", path: `${dir}/back.sock` });
  const serving = (async () => {
    for await (const conn of back) {
      await echo(conn).catch(() => {});
      conn.close();
    }
  })();
  await using program = await Program.spawn([`unix:${front}`, `unix:${dir}/back.sock`]);
  {
    using client = await Deno.connect({ transport: "unix", path: front });
    await writeAll(client, new TextEncoder().encode("over files"));
    await client.closeWrite();
    assertEquals(new TextDecoder().decode(await readAll(client)), "over files");
  }
  back.close();
  await serving;
  assertEquals(await program.terminate(), 0);
  assert([...Deno.readDirSync(dir)].every(({ name }) => name !== "front.sock"));
  await Deno.remove(dir, { recursive: true });
});

Deno.test(
  unless("a wildcard listener takes IPv4 and IPv6 clients", { "there is no ::1": !hasIpv6() }),
  async () => {
    await using server = new TestServer(answer("hello"));
    await using program = await Program.spawn(["0", server.address]);
    assertEquals(await request(program.port, "over IPv4"), "hello");
    using client = await Deno.connect({ hostname: "::1", port: program.port });
    await client.closeWrite();
    await readAll(client);
    await until(() => program.out.length === 2, "both sessions have ended");
    assert(program.out[0]!.includes("client=127.0.0.1:"), program.out[0]);
    assert(program.out[1]!.includes("client=[::1]:"), program.out[1]);
  },
);

function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
