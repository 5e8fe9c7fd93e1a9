import { assert, assertEquals, assertMatch } from "@std/assert";
import { hasNodeTls } from "../../src/net/tls/node_tls.ts";
import { TestFile } from "../support/config_file.ts";
import { run } from "../support/packaged_servers.ts";
import { Program, runProgram } from "../support/program.ts";
import {
  echo,
  freePort,
  randomBytes,
  readAll,
  request,
  TestServer,
  tryClose,
  until,
  writeAll,
} from "../support/servers.ts";
import { TlsFiles } from "../support/tls_files.ts";
import {
  lacks,
  serveByHaproxy,
  serveByNginx,
  serveByOpenssl,
  TlsServer,
} from "../support/tls_servers.ts";
import { unless } from "../support/unless.ts";

const NEEDS = { "there is no openssl": !TlsFiles.isPossible };
// The binary may have another runtime than this one.
const HAS_NODE_TLS = hasNodeTls() && Deno.env.get("IAWLB_BINARY") === undefined;
const NEEDS_NODE = { ...NEEDS, "it needs Deno 2.8": !HAS_NODE_TLS };

let files!: TlsFiles;
if (TlsFiles.isPossible) {
  files = new TlsFiles();
  for (const name of ["server", "client"]) files.make(name);
  files.make("other-ca", { by: "other-ca", authority: true });
  files.make("stranger", { by: "other-ca" });
  files.make("expired", { expired: true });
  files.make("early", { early: true });
  files.make("no-ip", { san: "DNS:localhost" });
  files.make("between", { authority: true });
  // What lies between is not sent.
  files.make("below", { by: "between" });
  files.make("self", { by: "self" });
  files.make("self-ca", { by: "self-ca", authority: true });
  addEventListener("unload", () => files[Symbol.dispose]());
}

/** A destination at a port, spoken to with what the test authority vouches for. */
function tlsTo(port: number, options = ""): string {
  return `127.0.0.1:${port},tls,tls-ca=${files.cert("ca")}${options}`;
}

const GET = "GET / HTTP/1.0\r\n\r\n";

Deno.test(
  unless("TLS out: openssl is verified by tls-ca and by the system's authorities", NEEDS),
  async () => {
    await using server = await serveByOpenssl(files, "server");
    await using older = await serveByOpenssl(files, "server", "-tls1_2");
    for (
      const [destination, version, limit] of [
        [tlsTo(server.port, ",check=http:/"), /TLSv1\.3/, undefined],
        [tlsTo(older.port), /TLSv1\.2/, undefined],
        [`localhost:${server.port},tls`, /TLSv1\.3/, `export SSL_CERT_FILE=${files.cert("ca")}`],
      ] as const
    ) {
      await using program = await Program.start(
        [destination],
        ["--check-interval", "50ms"],
        limit,
      );
      assertMatch(await request(program.port, GET), version);
      await until(
        async () => (await program.status()).destinations[0].state === "up",
        "it is up",
      );
      const [{ tls, tls_name: name }] = (await program.status()).destinations;
      assertEquals([tls, name], ["verified", destination.split(":")[0]]);
      assertEquals(await program.terminate(), 0);
    }
  },
);

Deno.test(
  unless("TLS out: who is not the one that was expected is down, and why is said", NEEDS),
  async () => {
    const names = ["server", "expired", "stranger", "self-ca", "self", "early", "no-ip", "below"];
    const servers = names.map((name) => new TlsServer(files.pair(name), echo));
    // One that wants a certificate, and one that is too old.
    await using wanting = await serveByOpenssl(
      ...[files, "server", "-tls1_2", "-Verify", "1", "-verify_return_error"] as const,
    );
    const old = ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"];
    await using ancient = await serveByOpenssl(files, "server", ...old);
    await using plain = new TestServer(async (conn) => {
      await writeAll(conn, new TextEncoder().encode("220 plain.example\r\n"));
      await readAll(conn);
    });
    await using closing = new TestServer(() => Promise.resolve());
    const [server, expired, stranger, selfCa, self, early, noIp, below] = servers.map((one) =>
      one.port
    );
    const ca = (name: string) => `tls-name=localhost,tls-ca=${files.cert(name)}`;
    const cases: [destination: string, why: RegExp][] = [
      [
        tlsTo(server!, ",tls-name=a.example"),
        /its certificate is only for localhost.* expected was a\.example/,
      ],
      [tlsTo(expired!), /its certificate has expired on 2021-01-01/],
      [tlsTo(early!), /its certificate is not valid before 2048-01-01/],
      [tlsTo(noIp!), /its certificate is only for localhost, expected was 127\.0\.0\.1/],
      [tlsTo(stranger!), /its certificate is from no authority in .*ca\.pem/],
      [tlsTo(below!), /its certificate is from no authority in .*ca\.pem/],
      [tlsTo(wanting.port), /the server has refused it .* or wants a certificate, tls-cert/],
      [tlsTo(ancient.port), /the server has no TLS 1\.2 or 1\.3 \(ProtocolVersion\)/],
      [`127.0.0.1:${selfCa},tls,${ca("self-ca")}`, /marked as one of an authority \(CA:TRUE\)/],
      [tlsTo(plain.port), /what came is no TLS/],
      [tlsTo(closing.port), /the server has closed the connection during the handshake/],
    ];
    const destinations = cases.map(([text], i) => `${text},name=d${i}`);
    // One that is verified by its own certificate, which is that of no authority, serves all.
    destinations.push(`127.0.0.1:${self},tls,${ca("self")},name=good`);
    await using program = await Program.start(destinations, ["--fall", "1"]);
    for (const [i, [, why]] of cases.entries()) {
      // Of those with the same reason several are in one line.
      const down = new RegExp(`destination d${i} is down|destinations are down:.* d${i}\\b`);
      assertMatch(await program.logged(down), why);
    }
    assertEquals(await request(program.port, "to somebody\n"), "to somebody\n");
    assertEquals(await program.terminate(), 0);
    for (const server of servers) await server[Symbol.asyncDispose]();
  },
);

Deno.test(
  unless(
    "TLS out: the system's authorities are not those of tls-ca, nor the other way round",
    NEEDS,
  ),
  async () => {
    await using server = new TlsServer(files.pair("server"), echo);
    // The runtime is told to have these as its own as well, which must not count with tls-ca.
    const limit = `export DENO_TLS_CA_STORE=system SSL_CERT_FILE=${files.cert("ca")}`;
    const wrong = `127.0.0.1:${server.port},tls,tls-ca=${files.cert("other-ca")},name=wrong`;
    const right = `localhost:${server.port},tls,name=right`;
    for (const threads of ["1", "2"]) {
      const options = ["--fall", "1", "--threads", threads];
      await using program = await Program.start([wrong, right], options, limit);
      assertMatch(await program.logged(/wrong is down/), /from no authority in .*other-ca/);
      assertEquals(await request(program.port, "x"), "x");
      assertEquals(await program.terminate(), 0);
    }
  },
);

Deno.test(
  unless("TLS out: nginx has a PROXY header before the handshake, also with checks", {
    ...NEEDS,
    ...lacks("nginx"),
  }),
  async () => {
    await using server = await serveByNginx(files, "server");
    await using program = await Program.start(
      [tlsTo(server.port, ",tls-name=localhost,send-proxy=v2,check=http:/")],
      ["--threads", "2", "--check-interval", "50ms"],
    );
    const client = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
    await writeAll(client, new TextEncoder().encode(GET));
    const { port } = client.localAddr as Deno.NetAddr;
    const answer = new TextDecoder().decode(await readAll(client));
    assertMatch(answer, new RegExp(`\\n${port} localhost TLSv1\\.[23]`));
    client.close();
    // Its checks have one as well.
    assertEquals(program.log.filter((line) => line.includes("is down")), []);
    assertEquals(await program.terminate(), 0);
  },
);

Deno.test(
  unless("TLS out: HAProxy wants a certificate and gets it", {
    ...NEEDS_NODE,
    ...lacks("haproxy"),
  }),
  async () => {
    await using server = await serveByHaproxy(files, "server");
    const own = `,tls-cert=${files.cert("client")},tls-key=${files.key("client")}`;
    await using program = await Program.start([tlsTo(server.port, `${own},check=http:/`)]);
    assertMatch(await request(program.port, GET), /client client/);
    assertEquals(await program.terminate(), 0);
  },
);

Deno.test(
  unless("TLS out: HAProxy wants a certificate and gets none, which is said", {
    ...NEEDS,
    ...lacks("haproxy"),
  }),
  async () => {
    await using server = await serveByHaproxy(files, "server");
    await using program = await Program.start([tlsTo(server.port)], ["--fall", "1"]);
    // With TLS 1.3 it is said after the handshake, to each session.
    assertEquals(await request(program.port, GET).catch(() => ""), "");
    assertEquals((await program.entries(1))[0]!.reason, "server-reset");
    const said = /warning.*cuts its sessions: TLS: .*does it want a certificate, tls-cert\?/;
    await program.logged(said);
    assertEquals(await program.terminate(), 0);
  },
);

Deno.test(unless("TLS out: whoever is not verified is said loudly", NEEDS_NODE), async () => {
  await using server = new TlsServer(files.pair("stranger"), echo);
  await using program = await Program.start([`127.0.0.1:${server.port},tls,tls-insecure`]);
  await program.logged(/NOT VERIFIED \(tls-insecure\): whoever answers/);
  assertEquals(await request(program.port, "hello"), "hello");
  assertEquals((await program.status()).destinations[0].tls, "insecure");
  assertEquals(await program.terminate(), 0);
});

Deno.test(
  unless("TLS out: whoever is made unverified by an operator is said as loudly", NEEDS_NODE),
  async () => {
    await using server = new TlsServer(files.pair("stranger"), echo);
    const admin = freePort();
    await using program = await Program.start([`127.0.0.1:${server.port},name=one`], [
      "--admin",
      `127.0.0.1:${admin}`,
    ]);
    const ctl = async (...args: string[]) => {
      const { code, stderr } = await runProgram(["ctl", `127.0.0.1:${admin}`, ...args]);
      assertEquals([code, stderr], [0, ""]);
    };
    const warnings = () => program.log.filter((line) => line.includes("is NOT VERIFIED"));
    await ctl("set", "one", "tls", "tls-insecure");
    assertMatch(await program.logged(/NOT VERIFIED/), /warning.*destination one is NOT VERIFIED/);
    await ctl("set", "one", "weight=2");
    await ctl("add", `localhost:${server.port},tls,tls-insecure,name=two`);
    await program.logged(
      /warning.*by loopback \(127\.0\.0\.1:\d+\): destination two is NOT VERIFIED/,
    );
    assertEquals(warnings().length, 2);
    assertEquals(await program.terminate(), 0);
  },
);

Deno.test(
  unless("TLS out: an older runtime says what it cannot do", {
    ...NEEDS,
    "this one can": HAS_NODE_TLS,
  }),
  async () => {
    const { code, stderr } = await runProgram(["127.0.0.1:0", "127.0.0.1:1,tls,tls-insecure"]);
    assertEquals(code, 2);
    assertMatch(stderr, /has tls-insecure, which needs Deno 2\.8 or newer, and this is 2\./);
  },
);

Deno.test(
  unless("TLS out: what was sent before is not lost, and each end is told on its own", NEEDS),
  async () => {
    const sent = randomBytes(1_000_000);
    await using server = new TlsServer(files.pair("server"), async (conn) => {
      const received = await readAll(conn);
      await writeAll(conn, received);
      await conn.closeWrite();
    });
    await using program = await Program.start([tlsTo(server.port)], ["--workers", "1"]);
    const clients = await Promise.all([1, 2, 3].map(async () => {
      const client = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
      const reading = readAll(client);
      await writeAll(client, sent);
      await client.closeWrite();
      return await reading.finally(() => tryClose(client));
    }));
    for (const received of clients) assertEquals(received, sent);
    const entries = await program.entries(3);
    assertEquals(entries.map(({ reason }) => reason), ["done", "done", "done"]);
    assertEquals(await program.terminate(), 0);
  },
);

Deno.test(
  unless("TLS out: a server that ends without saying so is no end but a reset", NEEDS),
  async () => {
    // In front of one that speaks TLS is one that cuts its connections.
    await using inner = new TlsServer(files.pair("server"), async (conn) => {
      await conn.read(new Uint8Array(100));
      await writeAll(conn, new TextEncoder().encode("half an ans"));
      await readAll(conn);
    });
    const cut = Promise.withResolvers<void>();
    await using front = new TestServer(async (conn) => {
      using to = await Deno.connect({ hostname: "127.0.0.1", port: inner.port });
      await Promise.race([copy(conn, to), copy(to, conn), cut.promise]);
    }, { speaksFirst: true });
    await using program = await Program.start([tlsTo(front.port)]);
    using client = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
    await writeAll(client, new TextEncoder().encode("question"));
    assertEquals(await client.read(new Uint8Array(100)), 11);
    cut.resolve();
    const { reason } = (await program.entries(1))[0]!;
    assertEquals(reason, "server-reset");
  },
);

/** Copies until the end, or until one of them is gone. */
async function copy(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(16_384);
  try {
    for (let n; (n = await from.read(buffer)) !== null;) {
      await writeAll(to, buffer.slice(0, n));
    }
  } catch {
    // One of them is gone.
  }
}

Deno.test(
  unless("TLS out: servers that never answer the hello are bounded, and others serve", NEEDS),
  async () => {
    const held: Deno.Conn[] = [];
    await using silent = new TestServer(async (conn) => {
      held.push(conn);
      await readAll(conn);
    }, { speaksFirst: true });
    await using server = new TlsServer(files.pair("server"), echo);
    await using program = await Program.start(
      [tlsTo(silent.port, ",name=silent"), tlsTo(server.port, ",name=good,workers=4,backup")],
      [
        "--connect-timeout",
        "300ms",
        "--fall",
        "3",
        "--retries",
        "3",
        "--connect-timeout",
        "200ms",
      ],
    );
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) => request(program.port, `${i}`)),
    );
    assertEquals(answers, Array.from({ length: 40 }, (_, i) => `${i}`));
    assertMatch(await program.logged(/silent is down/), /no connection within 200 ms/);
    const unfinished = async () => {
      return (await program.status()).destinations[0].tls_unfinished;
    };
    assert(await unfinished() > 0);
    silent.stopListening();
    for (const conn of held) tryClose(conn);
    await until(async () => await unfinished() === 0, "all descriptors are back");
    assertEquals(await program.terminate(), 0);
  },
);

Deno.test(
  unless("TLS out: sessions that a server cuts before its answer go to another one", NEEDS),
  async () => {
    const asked = Promise.withResolvers<void>();
    await using inner = new TlsServer(files.pair("server"), async (conn) => {
      await conn.read(new Uint8Array(100));
      asked.resolve();
      await readAll(conn);
    });
    await using cutting = new TestServer(async (conn) => {
      using to = await Deno.connect({ hostname: "127.0.0.1", port: inner.port });
      await Promise.race([copy(conn, to), copy(to, conn), asked.promise]);
    }, { speaksFirst: true });
    await using server = new TlsServer(files.pair("server"), echo);
    await using program = await Program.start(
      [tlsTo(cutting.port, ",name=cutting"), tlsTo(server.port, ",name=good")],
      ["--balance", "first"],
    );
    assertEquals(await request(program.port, "again"), "again");
    const { reason, destination } = (await program.entries(1))[0]!;
    assertEquals([reason, destination], ["done", "good"]);
    assertEquals(cutting.accepted >= 1, true);
    assertEquals(await program.terminate(), 0);
  },
);

Deno.test(
  unless("TLS out: a drain lets sessions finish", NEEDS),
  async () => {
    await using server = new TlsServer(files.pair("server"), echo);
    await using program = await Program.start([tlsTo(server.port)], ["--threads", "2"]);
    using client = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
    const buffer = new Uint8Array(10);
    await writeAll(client, new TextEncoder().encode("one"));
    assertEquals(await client.read(buffer), 3);
    program.signal("SIGTERM");
    await program.logged(/draining/);
    await writeAll(client, new TextEncoder().encode("three"));
    assertEquals(await client.read(buffer), 5);
    await client.closeWrite();
    assertEquals(await client.read(buffer), null);
    assertEquals(await program.ended(), 0);
  },
);

Deno.test(
  unless("TLS out: a reload turns it on and off, and the API adds such a destination", NEEDS),
  async () => {
    // One port that speaks both.
    await using tls = new TlsServer(files.pair("server"), async (conn) => {
      await readAll(conn);
      await writeAll(conn, new TextEncoder().encode("over TLS"));
      await conn.closeWrite();
    });
    await using both = new TestServer(async (conn) => {
      const buffer = new Uint8Array(16_384);
      const n = await conn.read(buffer);
      if (buffer[0] !== 22) {
        await readAll(conn);
        await writeAll(conn, new TextEncoder().encode("in the clear"));
        return await conn.closeWrite();
      }
      using to = await Deno.connect({ hostname: "127.0.0.1", port: tls.port });
      await writeAll(to, buffer.slice(0, n!));
      const up = copy(conn, to).then(() => to.closeWrite()).catch(() => {});
      await copy(to, conn);
      await conn.closeWrite().catch(() => {});
      await up;
    });
    const admin = freePort();
    const content = (options: string) =>
      `listen = "127.0.0.1:${freePort()}"\nadmin = "127.0.0.1:${admin}"\n` +
      `destinations = ["127.0.0.1:${both.port},name=both${options}"]\n`;
    using file = new TestFile(content(""));
    await using program = await Program.spawn(["--config", file.path, "--log-format", "json"]);
    const port = program.port;
    const turn = async (options: string) => {
      const text = Deno.readTextFileSync(file.path).replace(
        /name=both[^"]*/,
        `name=both${options}`,
      );
      file.write(text);
      const before = program.log.length;
      program.signal("SIGHUP");
      await until(
        () => program.log.slice(before).some((line) => line.includes("reload")),
        "reloaded",
      );
    };
    const ask = () => request(port, "?");
    assertEquals(await ask(), "in the clear");
    const on = `,tls,tls-ca=${files.cert("ca")}`;
    await turn(on);
    assertEquals(await ask(), "over TLS");
    // A file that is wrong changes nothing.
    await turn(",tls,tls-ca=/none");
    await program.logged(/reload refused, .*cannot be read/);
    assertEquals(await ask(), "over TLS");
    await turn("");
    assertEquals(await ask(), "in the clear");
    const body = JSON.stringify({
      address: `127.0.0.1:${tls.port}`,
      name: "added",
      tls: true,
      tls_ca: files.cert("ca"),
    });
    const headers = { "content-type": "application/json" };
    const url = `http://127.0.0.1:${admin}/destinations`;
    const added = await fetch(url, { method: "POST", headers, body });
    const { id, tls: said } = await added.json();
    assertEquals([added.status, said], [201, "verified"]);
    const drained = await fetch(`${url}/1.1`, {
      method: "PATCH",
      headers,
      body: JSON.stringify({ state: "maint" }),
    });
    await drained.body?.cancel();
    assertEquals(await ask(), "over TLS");
    const off = await fetch(`${url}/${id}`, {
      method: "PATCH",
      headers,
      body: JSON.stringify({ tls_name: "wrong.example" }),
    });
    assertEquals((await off.json()).tls_name, "wrong.example");
    const none = await fetch(url, {
      method: "POST",
      headers,
      body: JSON.stringify({ address: "127.0.0.1:1", tls: "yes" }),
    });
    assertMatch((await none.json()).error, /tls/);
    assertEquals(none.status, 422);
  },
);

Deno.test(unless("TLS out: a UNIX socket is verified by tls-name", NEEDS), async () => {
  const path = `${files.folder}/socket`;
  await using tls = new TlsServer(files.pair("server"), echo);
  const listener = Deno.listen({ transport: "unix", path });
  const serving = (async () => {
    for await (const conn of listener) {
      Deno.connect({ hostname: "127.0.0.1", port: tls.port }).then(async (to) => {
        await Promise.all([
          copy(conn, to as Deno.Conn).then(() => to.closeWrite()).catch(() => {}),
          copy(to as Deno.Conn, conn).then(() => conn.closeWrite()).catch(() => {}),
        ]);
        tryClose(conn);
        tryClose(to);
      });
    }
  })();
  const options = `tls,tls-name=localhost,tls-ca=${files.cert("ca")}`;
  const program = await Program.start([`unix:${path},${options}`]);
  assertEquals(await request(program.port, "by path"), "by path");
  assertEquals(await program.terminate(), 0);
  listener.close();
  await serving;
});

Deno.test(unless("TLS out: ctl shows and changes it", NEEDS), async () => {
  await using server = new TlsServer(files.pair("server"), echo);
  const admin = freePort();
  await using program = await Program.start([`127.0.0.1:${server.port},name=one`], [
    "--admin",
    `127.0.0.1:${admin}`,
  ]);
  const set = await runProgram([
    ...["ctl", `127.0.0.1:${admin}`, "set", "one", "tls", `tls-ca=${files.cert("ca")}`],
  ]);
  assertEquals([set.code, set.stderr], [0, ""]);
  assertEquals(await request(program.port, "by ctl"), "by ctl");
  const shown = await runProgram(["ctl", `127.0.0.1:${admin}`, "status"]);
  assertMatch(shown.stdout, /TLS[^]*verified/);
  assertEquals(await program.terminate(), 0);
});

Deno.test(
  unless("TLS out: curl over HTTPS at the other end says what openssl s_client does", {
    ...NEEDS,
    ...lacks("curl"),
  }),
  async () => {
    await using server = await serveByOpenssl(files, "server");
    await using program = await Program.start([tlsTo(server.port)]);
    const page = await run("curl", ["-s", `http://127.0.0.1:${program.port}/`]);
    assertMatch(page, /Cipher/);
    assertEquals(await program.terminate(), 0);
  },
);
