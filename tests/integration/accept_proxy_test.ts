import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Socket } from "node:net";
import { hasProc, nothingLeft, openDescriptors } from "../support/process.ts";
import { Program, runProgram } from "../support/program.ts";
import { joined, V1, V2 } from "../support/proxy_headers.ts";
import {
  echo,
  freePort,
  readAll,
  readExactly,
  TestServer,
  until,
  writeAll,
} from "../support/servers.ts";

/** Sends bytes to a port or a path, finishes sending, and gives what comes back. */
async function send(to: number | string, ...parts: (string | Uint8Array)[]): Promise<string> {
  using conn = typeof to === "number"
    ? await Deno.connect({ hostname: "127.0.0.1", port: to })
    : await Deno.connect({ transport: "unix", path: to });
  await writeAll(conn, joined(...parts));
  await conn.closeWrite();
  return new TextDecoder().decode(await readAll(conn).catch(() => new Uint8Array()));
}

for (const threads of ["1", "2"]) {
  Deno.test(`with --threads ${threads} clients are whom headers name, in the log, ctl and metrics`, async () => {
    const folder = await Deno.makeTempDir();
    const admin = `unix:${folder}/admin.sock`;
    try {
      await using server = new TestServer(echo);
      await using program = await Program.start([server.address], [
        ...["--threads", threads, "--admin", admin, "--accept-proxy", "127.0.0.0/8"],
        ...["--accept-proxy-timeout", "1h", "--deny", "203.0.113.66"],
      ]);
      await program.logged(/admin API on /);
      const descriptors = hasProc ? openDescriptors(program.pid) : 0;
      const conns: Deno.TcpConn[] = [];
      for (let i = 0; i < 20; i++) {
        const conn = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
        conns.push(conn);
        if (i % 2 === 1) continue;
        await writeAll(conn, joined([V1, V2][i / 2 % 2]!.header, "x"));
        await readExactly(conn, 1);
      }
      await until(async () => (await program.status()).greeting === 10, "ten are being greeted");
      const listed = await runProgram(["ctl", admin, "sessions"]);
      const { hostname, port } = conns[0]!.localAddr;
      assertMatch(listed.stdout, /^ID +CLIENT +PEER +STAGE /);
      assertMatch(listed.stdout, new RegExp(`${V1.client} +${hostname}:${port} +relaying`));
      assertMatch(listed.stdout, /127\.0\.0\.1:\d+ +127\.0\.0\.1:\d+ +greeting +- +- /);
      assertStringIncludes(
        (await runProgram(["ctl", admin, "metrics"])).stdout,
        "iawlb_sessions_greeting{",
      );
      const shown = await runProgram(["top", admin, "--once"]);
      assertMatch(shown.stdout, /greeting 10/);
      assertEquals(await send(program.port, "GET / HTTP/1.1\r\n\r\n"), "");
      assertMatch(
        await program.logged(/not greeted: 1 bad-proxy-header/),
        /the latest from 127\.0\.0\.1:\d+: no PROXY header, it begins with \\"GET \/ HTTP\/1\\"/,
      );
      assertEquals(await send(program.port, "PROXY TCP4 203.0.113.66 192.0.2.1 1 2\r\n", "x"), "");
      await program.logged(
        /refused: 1 refused-address, the latest from 203\.0\.113\.66:1 through 127\.0\.0\.1:\d+"/,
      );
      for (const conn of conns) conn.close();
      const entries = await program.entries(10);
      const clients = entries.map(({ client }) => client).sort();
      assertEquals(
        clients,
        [...Array(5).fill(V2.client), ...Array(5).fill(V1.client)]
          .sort(),
      );
      assert(entries.every(({ peer }) => peer?.startsWith("127.0.0.1:")));
      if (hasProc) {
        await nothingLeft(program.pid, { destinations: [server.port], descriptors, more: 16 });
      }
      await until(
        async () => (await program.status()).greeting === 0,
        "nobody is greeted any more",
      );
      const { accepted, ended } = await program.status();
      assertEquals([accepted, ended["client-gone"]], [22, 10]);
      assertEquals(await program.terminate(), 0);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("many wrong headers, resets and empty connections are a few lines in the log, and nothing is left", async () => {
  await using server = new TestServer(echo);
  await using program = await Program.start([server.address], [
    ...["--accept-proxy", "127.0.0.1", "--accept-proxy-timeout", "10s"],
  ]);
  const reset = async (text: string) => {
    const socket = new Socket();
    const closed = new Promise((resolve) => socket.on("close", resolve));
    socket.on("error", () => {});
    socket.connect(program.port, "127.0.0.1", () => {
      socket.write(text, () => socket.resetAndDestroy());
    });
    await closed;
  };
  assertEquals(await send(program.port, V1.header, "hello"), "hello");
  await program.entries(1);
  const descriptors = hasProc ? openDescriptors(program.pid) : 0;
  const before = program.log.length;
  const begin = performance.now();
  for (let i = 0; i < 60; i++) {
    await Promise.all([
      send(program.port, "wrong"),
      send(program.port, "PROXY TCP4 1.2.3.4"),
      send(program.port),
      reset("PROXY TCP4 1.2"),
    ]);
  }
  await until(async () => {
    const { ended, greeting, accepted } = await program.status();
    const { "bad-proxy-header": bad, "client-gone": gone } = ended;
    // Some were reset before they were accepted.
    return greeting === 0 && bad === 60 && gone >= 120 && accepted === bad + gone + 1;
  }, "all have ended");
  const seconds = (performance.now() - begin) / 1000;
  const lines = program.log.slice(before).filter((line) => line.includes("not greeted"));
  assert(lines.length >= 1 && lines.length <= seconds + 2, lines.join("\n"));
  assertEquals(await send(program.port, V1.header, "hello"), "hello");
  assertEquals((await program.entries(2)).length, 2);
  // The first status takes some for good.
  const left = { destinations: [server.port], descriptors, more: 8 };
  if (hasProc) await nothingLeft(program.pid, left);
  assertEquals(await program.terminate(), 0);
});

Deno.test("peers on a UNIX socket send headers if they are told to", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/front.sock`;
  try {
    await using server = new TestServer(echo);
    await using program = await Program.spawn([
      ...["--accept-proxy", "unix", "--access-log-format", "{client} {peer} {reason}"],
      ...[`unix:${path}`, server.address],
    ]);
    assertEquals(await send(path, V2.header, "hello"), "hello");
    assertEquals(await send(path, "hello"), "");
    await program.logged(/not greeted: 1 bad-proxy-header, the latest from unix:: no PROXY header/);
    await until(() => program.out.length === 1, "it is in the access log");
    assertEquals(program.out, [`${V2.client} unix: done`]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** A program with a listener for each table; the first one is connected to. */
async function withListeners(tables: string[], use: (program: Program) => Promise<void>) {
  const file = await Deno.makeTempFile({ suffix: ".toml" });
  try {
    const listeners = tables.map((table) => `[[listener]]\n${table}\n`).join("");
    await Deno.writeTextFile(file, listeners);
    await using program = await Program.spawn(["--config", file, "--log-format", "json"]);
    await until(() => {
      return program.log.filter((line) => line.includes("listening on")).length === tables.length;
    }, "all listen");
    await use(program);
    assertEquals(await program.terminate(), 0);
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("a header passes from listener to listener, and each knows the client", async () => {
  await using server = new TestServer(echo);
  const [one, two, three] = [freePort(), freePort(), freePort()];
  await withListeners([
    `listen = "127.0.0.1:${one}"\ndestinations = ["127.0.0.1:${two}"]\nsend-proxy = "v2"
    accept-proxy = "127.0.0.1"`,
    `listen = "127.0.0.1:${two}"\ndestinations = ["127.0.0.1:${three}"]\nsend-proxy = "v1"
    accept-proxy = "127.0.0.1"`,
    `listen = "127.0.0.1:${three}"\ndestinations = ["${server.address}"]
    accept-proxy = "127.0.0.1"`,
  ], async (program) => {
    for (const { header } of [V1, V2]) assertEquals(await send(one, header, "hello"), "hello");
    // The others are looks whether the destinations are there.
    const served = () => program.access().filter(({ reason }) => reason === "done");
    await until(() => served().length === 6, "two have ended at each of three");
    const clients = Map.groupBy(served(), ({ client }) => client);
    assertEquals([...clients.values()].map(({ length }) => length), [3, 3]);
    assertEquals(new Set(clients.keys()), new Set([V1.client, V2.client]));
  });
});

Deno.test("a loop is found by the addresses of connections, whatever headers say", async () => {
  const [one, two] = [freePort(), freePort()];
  await withListeners([
    `listen = "127.0.0.1:${one}"\ndestinations = ["127.0.0.1:${two}"]\nsend-proxy = "v2"
    accept-proxy = "127.0.0.1"`,
    `listen = "127.0.0.1:${two}"\ndestinations = ["127.0.0.1:${one}"]\nsend-proxy = "v1"
    accept-proxy = "127.0.0.1"`,
  ], async (program) => {
    assertEquals(await send(one, V1.header, "hello"), "");
    assertMatch(
      await program.logged(/loop: session [\d.]+ of /),
      /of 203\.0\.113\.7:56324 has come back/,
    );
    // The others are looks whether the destinations are there.
    const passed = () => program.access().filter(({ client }) => client === V1.client);
    await until(() => passed().length >= 3, "it has ended everywhere");
    // On a machine that is too busy to note a way in time it is a round later.
    const loops = passed().filter(({ reason }) => reason === "loop");
    assert(loops.length >= 3 || loops.length >= passed().length / 2, JSON.stringify(passed()));
  });
});

Deno.test("the access log names the peer where it is somebody else, and the log the steps of greetings", async () => {
  await using server = new TestServer(echo);
  await using program = await Program.spawn([
    ...["--accept-proxy", "127.0.0.1,::1", "--log-level", "debug"],
    "0",
    server.address,
  ]);
  assertEquals(await send(program.port, V1.header, "hello"), "hello");
  assertEquals(await send(program.port, "PROXY UNKNOWN\r\n", "hello"), "hello");
  await until(() => program.out.length === 2, "both are in the access log");
  assertMatch(program.out[0]!, / client=203\.0\.113\.7:56324 peer=127\.0\.0\.1:\d+ destination=/);
  assertMatch(program.out[1]!, / client=127\.0\.0\.1:\d+ destination=/);
  await program.logged(
    /session 1\.1: accepted from 203\.0\.113\.7:56324 through 127\.0\.0\.1:\d+$/,
  );
  await program.logged(/session 1\.2: accepted from 127\.0\.0\.1:\d+$/);
  assertEquals(await send(program.port), "");
  await program.logged(/session 1\.3: 127\.0\.0\.1:\d+ has left after 0 bytes, client-gone$/);
  assert(!program.log.some((line) => line.includes("not greeted")));
});

Deno.test("what --accept-proxy takes is shown by --check-config, and what it does not in one line", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/iawlb.toml`;
  const check = async (value: string) => {
    await Deno.writeTextFile(
      file,
      `listen = "8080"\ndestinations = ["9001"]\naccept-proxy = ${value}\n`,
    );
    return await runProgram(["--config", file, "--print-config"]);
  };
  try {
    assertStringIncludes(
      (await check('["10.0.0.0/8", "unix", "2001:db8::/32"]')).stdout,
      `accept-proxy = "10.0.0.0/8,unix,2001:db8::/32"  # ${file}:3\n` +
        'accept-proxy-timeout = "3s"  # default\n',
    );
    assertStringIncludes((await check("[]")).stdout, 'accept-proxy = "none"');
    for (const value of ['"10.0.0.0/33"', '["unix", "example.org"]', '""', "8", '["unix", 1]']) {
      const { code, stdout, stderr } = await check(value);
      assertEquals([code, stdout], [2, ""], value);
      assertMatch(stderr, /accept-proxy.*: .*must be none, or addresses or CIDR ranges/, value);
    }
    const { code, stderr } = await runProgram(["--accept-proxy-timeout", "0", "8080", "9001"]);
    assertEquals(code, 2);
    assertMatch(stderr, /--accept-proxy-timeout "0": must be .* from 1ms to 365d/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
