import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { hasNodeTls } from "../../src/net/tls/node_tls.ts";
import { Authority, type CertificateFiles, hasOpenssl, sClient } from "../support/authority.ts";
import { TestFile } from "../support/config_file.ts";
import { hasProc, nothingLeft, openDescriptors, residentMemory } from "../support/process.ts";
import { Program, runProgram } from "../support/program.ts";
import { joined, V2 } from "../support/proxy_headers.ts";
import { echo, readExactly, TestServer, until, writeAll } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const NO_OPENSSL = { "there is no openssl": !hasOpenssl };
/** The binary may have another runtime than the tests. */
const HAS_NODE_TLS = !Deno.env.get("IAWLB_BINARY") && hasNodeTls();

/** The beginning of a hello, after which nothing follows. */
const HALF = Uint8Array.of(22, 3, 1, 2, 0, 1, 0, 1);

function test(
  name: string,
  fn: (authority: Authority) => Promise<void>,
  obstacles: Readonly<Record<string, boolean>> = {},
): void {
  Deno.test({
    ...unless(name, { ...NO_OPENSSL, ...obstacles }),
    async fn() {
      using authority = new Authority();
      await fn(authority);
    },
  });
}

function flags({ cert, key }: CertificateFiles): string[] {
  return ["--tls-cert", cert, "--tls-key", key];
}

/** What a client of TLS gets back for some bytes. */
async function echoed(port: number, { text }: Authority, hostname = "localhost"): Promise<string> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  using tls = await Deno.startTls(conn, { hostname, caCerts: [text] });
  await writeAll(tls, new TextEncoder().encode("hello"));
  return new TextDecoder().decode(await readExactly(tls, 5));
}

test("openssl s_client and curl find versions, protocols and names as they are set", async (authority) => {
  const [first, second, third] = [["one.example"], ["two.example"], ["*.two.example"]]
    .map((names) => authority.issue({ names, days: names[0] === "two.example" ? -1 : 20 }));
  await using server = new TestServer(echo);
  using file = new TestFile(`
listen = "127.0.0.1:0"
destinations = ["${server.address}"]
certificates = [
  { cert = "${first!.cert}", key = "${first!.key}" },
  { cert = "${second!.cert}", key = "${second!.key}" },
  "${third!.cert}:${third!.key}",
]
tls-alpn = ["h2", "http/1.1"]
log-format = "json"
`);
  await using program = await Program.spawn(["--config", file.path]);
  assertMatch(
    await program.logged(/ended at/),
    /certificate \S+2\.pem ended at .*: clients refuse/,
  );
  const ask = (...args: string[]) => sClient(program.port, ["-CAfile", authority.cert, ...args]);
  const [v12, v13, v11, h2, none, two, sub, other] = await Promise.all([
    ask("-tls1_2", "-servername", "one.example"),
    ask("-tls1_3", "-servername", "one.example", "-alpn", "http/1.1"),
    ask("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"),
    ask("-alpn", "http/1.1,h2"),
    ask("-alpn", "other"),
    ask("-servername", "two.example"),
    ask("-servername", "a.two.example"),
    ask("-servername", "x.example"),
  ]);
  assertStringIncludes(v12!, "New, TLSv1.2");
  assertStringIncludes(v12!, "Verify return code: 0 (ok)");
  assertStringIncludes(v13!, "New, TLSv1.3");
  assertStringIncludes(v13!, "ALPN protocol: http/1.1");
  assertStringIncludes(v11!, "alert protocol version");
  assertStringIncludes(h2!, "ALPN protocol: h2");
  assertStringIncludes(none!, "alert no application protocol");
  assertStringIncludes(two!, "certificate has expired");
  assertStringIncludes(two!, "subject=CN = two.example");
  assertStringIncludes(sub!, "subject=CN = *.two.example");
  assertStringIncludes(other!, "subject=CN = one.example");
  await program.logged(/tls-failed, the latest from/);
  const metrics = await program.status();
  assertEquals(metrics.certificates.length, 3);
  assert(metrics.certificates[1].expires_in_s < 0);
  assertEquals(metrics.ended["tls-failed"], 2);
});

test("curl is served over TLS, and the access log says what was agreed on", async (authority) => {
  const pair = authority.issue();
  const ok = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
  await using server = new TestServer(async (conn) => {
    await conn.read(new Uint8Array(1000));
    await writeAll(conn, new TextEncoder().encode(ok));
  });
  await using program = await Program.start([server.address], [
    ...flags(pair),
    ...["--tls-alpn", "http/1.1", "--tls-min", "1.3"],
  ]);
  const { success, stdout } = await new Deno.Command("curl", {
    args: ["-s", "-m", "10", "--cacert", authority.cert, `https://localhost:${program.port}/`],
  }).output();
  assertEquals([success, new TextDecoder().decode(stdout)], [true, "ok\n"]);
  const [entry] = await program.entries(1);
  const { reason, tls_version, alpn, server_name } = entry!;
  assertEquals(
    [reason, tls_version, alpn, server_name],
    ["done", "1.3", "http/1.1", "localhost"],
  );
  const old = await sClient(program.port, ["-tls1_2"]);
  assertStringIncludes(old, "alert protocol version");
});

test("what is no pair is said in one line, with status 2", async (authority) => {
  const { cert, key } = authority.issue();
  const other = authority.issue();
  const cases: [string[], RegExp][] = [
    [["--tls-cert", cert, "--tls-key", other.key], /--tls-key .*: is not that of the certificate/],
    [["--tls-cert", cert], /--tls-cert .*: has no private key in it/],
    [["--tls-key", key], /--tls-key .*: must be none without --tls-cert/],
    [["--tls-cert", "/no/such"], /--tls-cert "\/no\/such": cannot be read: there is no such file/],
    [["--certificates", `${cert}:${other.key}`], /--certificates .*: \S+key is not that of/],
  ];
  await Promise.all(cases.map(async ([args, expected]) => {
    const { code, stderr } = await runProgram(["--check-config", ...args, "0", "9"]);
    assertEquals([code, stderr.trim().split("\n").length], [2, 1], stderr);
    assertMatch(stderr, expected);
  }));
});

test(
  "2,000 half-open handshakes in two threads leave nothing, and hold up nobody",
  async (authority) => {
    await using server = new TestServer(echo);
    await using program = await Program.start([server.address], [
      ...flags(authority.issue()),
      ...["--threads", "2", "--tls-handshakes", "500", "--greeting-timeout", "1h"],
      ...["--accept-proxy", "127.0.0.2"],
    ], "ulimit -n 8192");
    assertEquals(await echoed(program.port, authority), "hello");
    await program.entries(1);
    const descriptors = hasProc ? openDescriptors(program.pid) : 0;
    const memory: number[] = [];
    for (let wave = 0; wave < 2; wave++) {
      const conns: Deno.Conn[] = [];
      for (let i = 0; i < 2000; i++) {
        const conn = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
        await writeAll(conn, HALF);
        conns.push(conn);
      }
      await until(
        async () => (await program.status()).tls_pending <= 1000,
        "the oldest are closed",
      );
      assertEquals(await echoed(program.port, authority), "hello");
      for (const conn of conns) conn.close();
      await until(async () => (await program.status()).tls_pending === 0, "all have left");
      if (!hasProc) continue;
      await nothingLeft(program.pid, { destinations: [server.port], descriptors, more: 16 });
      memory.push(residentMemory(program.pid));
    }
    if (hasProc) assert(memory[1]! - memory[0]! < 30 * 2 ** 20, `${memory} bytes`);
  },
  { "it counts descriptors in /proc": !hasProc },
);

test("a PROXY header comes before the handshake", async (authority) => {
  await using server = new TestServer(echo);
  await using program = await Program.start([server.address], [
    ...flags(authority.issue()),
    ...["--accept-proxy", "127.0.0.1"],
  ]);
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
  await writeAll(conn, joined(V2.header));
  using tls = await Deno.startTls(conn, { hostname: "localhost", caCerts: [authority.text] });
  await writeAll(tls, new TextEncoder().encode("x"));
  await readExactly(tls, 1);
  tls.close();
  assertEquals((await program.entries(1))[0]!.client, V2.client);
});

test("a drain lets a handshake end, and serves whose it is", async (authority) => {
  await using server = new TestServer(echo);
  await using program = await Program.start([server.address], flags(authority.issue()));
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
  await until(async () => (await program.status()).tls_pending === 1, "it has begun");
  program.signal("SIGTERM");
  await program.logged(/draining/);
  using tls = await Deno.startTls(conn, { hostname: "localhost", caCerts: [authority.text] });
  await writeAll(tls, new TextEncoder().encode("served"));
  assertEquals(new TextDecoder().decode(await readExactly(tls, 6)), "served");
  await tls.closeWrite();
  assertEquals(await tls.read(new Uint8Array(1)), null);
  assertEquals(await program.ended(), 0);
});

test("files that change are served without a reload, and a reload with bad ones changes nothing", async (authority) => {
  await using server = new TestServer(echo);
  const file = `${authority.folder}/served`;
  const pair = authority.issue({ file, names: ["one.example"] });
  await using program = await Program.start([server.address], flags(pair));
  assertEquals(await echoed(program.port, authority, "one.example"), "hello");
  authority.issue({ file, names: ["two.example"] });
  await program.logged(/has changed: for two.example until/);
  assertEquals(await echoed(program.port, authority, "two.example"), "hello");
  Deno.writeTextFileSync(pair.key, "nonsense");
  await program.logged(/is no good, the one before it stays: \S+ has no private key in it/);
  assertEquals(await echoed(program.port, authority, "two.example"), "hello");
});

test("connections of other programs to an inner port are closed, and told", async (authority) => {
  await using server = new TestServer(echo);
  await using program = await Program.start([server.address], flags(authority.issue()));
  assertEquals(await echoed(program.port, authority), "hello");
  const inner = listeningPorts(program.pid).find((port) => port !== program.port)!;
  using stranger = await Deno.connect({ hostname: "127.0.0.1", port: inner });
  const line = await program.logged(/connection of another program/);
  assertStringIncludes(line, `127.0.0.1:${stranger.localAddr.port}`);
  assertEquals(await echoed(program.port, authority), "hello");
}, {
  "it looks for ports in /proc": !hasProc,
  "this runtime needs no inner ports": HAS_NODE_TLS,
});

test("no piece of an answer waits for the one before it to be acknowledged", async (authority) => {
  const [exchanges, patience] = [20, 25];
  await using server = new TestServer(async (conn) => {
    (conn as Deno.TcpConn).setNoDelay();
    for (let i = 0; i < exchanges; i++) {
      const question = await readExactly(conn, 8);
      await writeAll(conn, question.subarray(0, 4));
      // In one read both would be one piece.
      await new Promise((resolve) => setTimeout(resolve, 2));
      await writeAll(conn, question.subarray(4));
    }
  });
  await using program = await Program.start([server.address], flags(authority.issue()));
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
  conn.setNoDelay();
  using tls = await Deno.startTls(conn, { hostname: "localhost", caCerts: [authority.text] });
  const times: number[] = [];
  for (let i = 0; i < exchanges; i++) {
    const begun = performance.now();
    await writeAll(tls, new Uint8Array(8));
    await readExactly(tls, 8);
    times.push(performance.now() - begun);
  }
  const median = times.toSorted((one, other) => one - other)[exchanges / 2]!;
  assert(median < patience, `${median} ms`);
}, { "the runtime's own server waits: Deno before 2.8": !HAS_NODE_TLS });

/** The ports of loopback that a process listens on. */
function listeningPorts(pid: number): number[] {
  const own = new Set([...Deno.readDirSync(`/proc/${pid}/fd`)].flatMap(({ name }) => {
    try {
      return [/^socket:\[(\d+)\]$/.exec(Deno.readLinkSync(`/proc/${pid}/fd/${name}`))?.[1]];
    } catch {
      return [];
    }
  }));
  return Deno.readTextFileSync(`/proc/${pid}/net/tcp`).split("\n").flatMap((line) => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    if (state !== "0A" || !own.has(inode)) return [];
    return [parseInt(local!.split(":")[1]!, 16)];
  });
}

test("with few descriptors all clients are served in the end", async (authority) => {
  await using server = new TestServer(echo);
  const limit = "ulimit -n 64";
  await using program = await Program.start([server.address], flags(authority.issue()), limit);
  await Promise.all(Array.from({ length: 40 }, async () => {
    assertEquals(await echoed(program.port, authority), "hello");
  }));
  await until(async () => (await program.status()).ended.done === 40, "all sessions are done");
  assertEquals(program.log.filter((line) => /"warning"|"error"/.test(line)), []);
}, { "it has a limit of its own": !hasProc });
