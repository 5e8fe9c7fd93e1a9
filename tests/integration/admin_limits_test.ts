import { assert, assertEquals, assertMatch } from "@std/assert";
import { nothingLeft, openDescriptors } from "../support/process.ts";
import { Program } from "../support/program.ts";
import {
  echo,
  freePort,
  readAll,
  TestServer,
  tryClose,
  until,
  writeAll,
} from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const ignore = Deno.build.os !== "linux";

/** The address of the admin API of a program that has one. */
async function adminOf(program: Program): Promise<string> {
  const { address } = JSON.parse(await program.logged(/admin API on/));
  return address;
}

/** The status of `/healthz`, which must come within seconds, on a busy machine. */
async function health(address: string, token?: string): Promise<number> {
  const late = AbortSignal.timeout(5000);
  const headers = { connection: "close", ...(token && { authorization: `Bearer ${token}` }) };
  const response = await fetch(`http://${address}/healthz`, { signal: late, headers });
  await response.body?.cancel();
  return response.status;
}

async function healthy(address: string): Promise<boolean> {
  try {
    return await health(address) === 200;
  } catch {
    return false;
  }
}

Deno.test("the health is told while sessions have all descriptors", { ignore }, async () => {
  await using server = new TestServer(echo);
  const options = ["--admin", "127.0.0.1:0"];
  await using program = await Program.start([server.address], options, "ulimit -n 256");
  const address = await adminOf(program);
  const clients = await Promise.all(
    Array.from({ length: 200 }, () => Deno.connect({ port: program.port })),
  );
  await program.logged(/open files has room/);
  await until(() => healthy(address), "the destination was reached");
  for (let i = 0; i < 20; i++) assertEquals(await health(address), 200);
  // Also beside those who hold connections.
  const held = await Promise.all(Array.from({ length: 100 }, () => connect(address)));
  for (let i = 0; i < 20; i++) assertEquals(await health(address), 200);
  // Also beside dashboards that are open.
  const streams = await Promise.all(Array.from({ length: 20 }, () => connect(address)));
  const request = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";
  await Promise.all(streams.map((conn) => {
    return writeAll(conn, new TextEncoder().encode(request)).catch(() => {});
  }));
  for (let i = 0; i < 20; i++) assertEquals(await health(address), 200);
  for (const conn of [...held, ...streams, ...clients]) tryClose(conn);
  await until(async () => (await program.status()).active === 0, "all are gone");
  assertEquals(program.log.filter((line) => line.includes('"warning"')), []);
  assertEquals(await program.terminate(), 0);
});

Deno.test(
  "many who connect to the admin API in one moment find descriptors",
  { ignore },
  async () => {
    await using server = new TestServer(echo);
    const options = ["--admin", "127.0.0.1:0"];
    await using program = await Program.start([server.address], options, "ulimit -n 256");
    const address = await adminOf(program);
    await until(() => healthy(address), "the destination was reached");
    const clients = await Promise.all(
      Array.from({ length: 200 }, () => Deno.connect({ port: program.port })),
    );
    await program.logged(/open files has room/);
    for (let round = 0; round < 5; round++) {
      program.signal("SIGSTOP");
      const held = await Promise.all(Array.from({ length: 100 }, () => connect(address)));
      program.signal("SIGCONT");
      assertEquals(await health(address), 200);
      for (const conn of held) tryClose(conn);
    }
    for (const conn of clients) tryClose(conn);
    assertEquals(program.log.filter((line) => line.includes('"warning"')), []);
    assertEquals(await program.terminate(), 0);
  },
);

Deno.test("a flood of connections to the admin API ends nothing", { ignore }, async () => {
  await using server = new TestServer(echo);
  for (const limit of [64, 256]) {
    const options = ["--admin", "127.0.0.1:0"];
    await using program = await Program.start([server.address], options, `ulimit -n ${limit}`);
    const address = await adminOf(program);
    const descriptors = openDescriptors(program.pid);
    const held = await Promise.all(Array.from({ length: 400 }, () => connect(address)));
    assertEquals(await health(address), 200);
    const client = await Deno.connect({ port: program.port });
    await writeAll(client, new TextEncoder().encode("hello"));
    await client.closeWrite();
    assertEquals(new TextDecoder().decode(await readAll(client)), "hello");
    client.close();
    for (const conn of held) tryClose(conn);
    assertEquals(await health(address), 200);
    await nothingLeft(program.pid, { destinations: [server.port], descriptors, more: 8 });
    assertEquals(await program.terminate(), 0);
    assert(!program.log.some((line) => /uncaught/i.test(line)), program.log.join("\n"));
  }
});

Deno.test(
  unless("the admin API survives that nothing can be opened any more", {
    "Linux only": ignore,
    "there is no prlimit": !has("prlimit"),
  }),
  async () => {
    await using server = new TestServer(echo);
    await using program = await Program.start([server.address], ["--admin", "127.0.0.1:0"]);
    const address = await adminOf(program);
    assertEquals(await health(address), 200);
    await limitFiles(program.pid, 8);
    const waiting = await connect(address);
    await program.logged(/accepting at the admin API pauses/);
    await limitFiles(program.pid, 256);
    await until(() => healthy(address), "it answers again");
    await program.logged(/accepting at the admin API again/);
    waiting.close();
    assertEquals(await program.terminate(), 0);
    assert(!program.log.some((line) => /uncaught/i.test(line)), program.log.join("\n"));
  },
);

Deno.test("slow clients cannot keep others out, on any address that it can have", {
  ignore,
}, async () => {
  await using server = new TestServer(echo);
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/token`, "0123456789abcdef0123456789abcdef\n", {
    mode: 0o600,
  });
  const port = freePort();
  for (
    const options of [
      ["--admin", "127.0.0.1:0"],
      ["--admin", `0.0.0.0:${port}`, "--admin-token-file", `${folder}/token`],
      ["--admin", `unix:${folder}/admin.sock`],
    ]
  ) {
    await using program = await Program.start([server.address], options);
    const address = (await adminOf(program)).replace("0.0.0.0", "127.0.0.1");
    const held = await Promise.all(Array.from({ length: 200 }, () => connect(address)));
    const half = new TextEncoder().encode("GET /healthz HTTP/1.1\r\nHo");
    await Promise.all(held.map((conn) => conn.write(half).catch(() => {})));
    const begin = performance.now();
    using conn = await connect(address);
    const request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    await writeAll(conn, new TextEncoder().encode(request));
    assertMatch(new TextDecoder().decode(await readAll(conn)), /^HTTP\/1\.1 200 /, address);
    assert(performance.now() - begin < 5000);
    for (const one of held) tryClose(one);
    assertEquals(await program.terminate(), 0);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test(
  unless("curl is served, in all ways that it has", {
    "Linux only": ignore,
    "there is no curl": !has("curl"),
  }),
  async () => {
    await using server = new TestServer(echo);
    const folder = await Deno.makeTempDir();
    for (const admin of ["127.0.0.1:0", `unix:${folder}/admin.sock`]) {
      await using program = await Program.start([server.address], ["--admin", admin]);
      const address = await adminOf(program);
      const unix = address.startsWith("unix:");
      const base = unix ? "http://localhost" : `http://${address}`;
      const curl = async (...args: string[]) => {
        const where = unix ? ["--unix-socket", address.slice(5)] : [];
        const { stdout } = await new Deno.Command("curl", {
          args: ["-sS", "-m", "5", ...where, ...args],
          stderr: "inherit",
        }).output();
        return new TextDecoder().decode(stdout);
      };
      const ok = '{"status":"ok"}\n';
      assertEquals(await curl(`${base}/healthz`, `${base}/healthz`), ok + ok);
      assertEquals(
        await curl("-w", "%{num_connects}", `${base}/healthz`, `${base}/healthz`),
        `${ok}1${ok}0`,
      );
      assertEquals(await curl("--http1.0", `${base}/healthz`), ok);
      assertEquals(
        await curl("-I", "-o", "/dev/null", "-w", "%{http_code}", `${base}/status`),
        "200",
      );
      assertMatch(await curl(`${base}/metrics`), /iawlb_/);
      assertMatch(await curl("--http1.0", `${base}/metrics`), /iawlb_/);
      const post = ["-H", "content-type: application/json", "-H", "expect: 100-continue"];
      const body = JSON.stringify({ address: `127.0.0.1:${freePort()}` });
      assertMatch(await curl(...post, "-d", body, `${base}/destinations`), /"id":"1\.2"/);
      const chunked = ["-H", "transfer-encoding: chunked"];
      assertMatch(await curl(...post, ...chunked, "-d", "{}", `${base}/reload`), /needs_restart/);
      const large = ["--data-binary", "x".repeat(100_000)];
      assertMatch(await curl(...post, ...large, `${base}/destinations`), /too large/);
      assertEquals(await program.terminate(), 0);
    }
    await Deno.remove(folder, { recursive: true });
  },
);

function connect(address: string): Promise<Deno.Conn> {
  if (address.startsWith("unix:")) {
    return Deno.connect({ transport: "unix", path: address.slice(5) });
  }
  const { hostname, port } = new URL(`http://${address}`);
  return Deno.connect({ hostname, port: Number(port) });
}

function has(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"] }).outputSync().success;
  } catch {
    return false;
  }
}

/** Changes how many files a process that runs may have open; only the lower of its two limits. */
async function limitFiles(pid: number, number: number): Promise<void> {
  const args = ["--pid", String(pid), `--nofile=${number}:`];
  const { success } = await new Deno.Command("prlimit", { args }).output();
  assert(success);
}
