import { assert, assertEquals, assertMatch } from "@std/assert";
import { Authority, hasOpenssl } from "../support/authority.ts";
import { TestFile } from "../support/config_file.ts";
import { launchPassed, runPassed, startPassed } from "../support/passed.ts";
import { hasProc, openDescriptors } from "../support/process.ts";
import { programLine, runProgram } from "../support/program.ts";
import { joined, V2 } from "../support/proxy_headers.ts";
import {
  answer,
  echo,
  freePort,
  readAll,
  readExactly,
  request,
  TestServer,
  until,
  writeAll,
} from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const BINARY = Deno.env.get("IAWLB_BINARY") !== undefined;
const OBSTACLES = { "Linux only": !hasProc, "there is no python3": !await has("python3") };
const CAPABLE = { ...OBSTACLES, "the binary's runtime cannot": BINARY };

async function has(program: string): Promise<boolean> {
  const found = new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" });
  return await found.output().then(({ success }) => success, () => false);
}

function exists(path: string): boolean {
  try {
    return Deno.lstatSync(path) !== undefined;
  } catch {
    return false;
  }
}

/** A destination that answers nobody until it is told to. */
function heldServer() {
  const hold = Promise.withResolvers<void>();
  const order: string[] = [];
  const server = new TestServer(async (conn) => {
    await hold.promise;
    const text = new TextDecoder().decode(await readAll(conn));
    order.push(text);
    await writeAll(conn, new TextEncoder().encode(text));
  });
  return { server, order, release: () => hold.resolve() };
}

/** How many descriptors a process may have from now on. */
async function limit(pid: number, most: number): Promise<void> {
  await new Deno.Command("prlimit", { args: [`--pid=${pid}`, `--nofile=${most}:`] }).output();
}

/** Connections that wait in the kernel to be accepted at a port. */
function backlogOf(port: number): number {
  const hex = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = Deno.readTextFileSync("/proc/net/tcp").split("\n").map((row) =>
    row.trim().split(/\s+/)
  );
  const row = rows.find((fields) => fields[1]?.endsWith(hex) && fields[3] === "0A");
  return parseInt(row![4]!.split(":")[1]!, 16);
}

Deno.test(
  unless("a passed port is the listener's that has its address, and both halves close", CAPABLE),
  async () => {
    await using server = new TestServer(echo);
    const port = freePort();
    await using program = await startPassed({ sockets: [`tcp:127.0.0.1:${port}`] }, [
      "--log-format=json",
      `127.0.0.1:${port}`,
      server.address,
    ]);
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await writeAll(conn, new TextEncoder().encode("one"));
    assertEquals(await readExactly(conn, 3), new TextEncoder().encode("one"));
    await conn.closeWrite();
    assertEquals(await readAll(conn), new Uint8Array());
    const [entry] = await program.entries(1);
    const { port: clientPort } = conn.localAddr as Deno.NetAddr;
    assertEquals([entry!.reason, entry!.client], ["done", `127.0.0.1:${clientPort}`]);
    const big = "x".repeat(3_000_000);
    assertEquals(await request(port, big), big);
    assertEquals(await program.terminate(), 0);
  },
);

Deno.test(
  unless("a reset by the client ends a session of a passed port as it does any", CAPABLE),
  async () => {
    await using server = new TestServer(echo);
    const port = freePort();
    await using program = await startPassed({ sockets: [`tcp:127.0.0.1:${port}`] }, [
      "--log-format=json",
      `127.0.0.1:${port}`,
      server.address,
    ]);
    const client = new Deno.Command("python3", {
      args: [
        "-c",
        "import socket,struct,sys\n" +
        `one=socket.create_connection(('127.0.0.1',${port}))\n` +
        "one.send(b'x');one.recv(1)\n" +
        "one.setsockopt(socket.SOL_SOCKET,socket.SO_LINGER,struct.pack('ii',1,0));one.close()",
      ],
    });
    assert((await client.output()).success);
    const [entry] = await program.entries(1);
    assertEquals([entry!.bytes_up, entry!.bytes_down], [1, 1]);
    assertMatch(entry!.reason, /client/);
    assertEquals(await program.terminate(), 0);
  },
);

Deno.test(
  unless("one socket of both families, two of one each, and what is bound beside them", CAPABLE),
  async () => {
    await using server = new TestServer(answer("ok"));
    const [both, each, own] = [freePort(), freePort(), freePort()];
    const listener = (listen: string) => {
      return `[[listener]]\nlisten = "${listen}"\ndestinations = ["${server.address}"]\n`;
    };
    const listeners = [`${both}`, `${each}`, `127.0.0.1:${own}`].map(listener);
    using file = new TestFile(`log-format = "json"\n${listeners.join("")}`);
    const sockets = [`tcp:[::]:${both}`, `tcp:0.0.0.0:${each}`, `only6:[::]:${each}`];
    await using program = await startPassed({ sockets }, ["--config", file.path]);
    await program.logged(new RegExp(`listening on 127.0.0.1:${own}`));
    for (const port of [both, each]) {
      for (const hostname of ["127.0.0.1", "::1"]) {
        using conn = await Deno.connect({ hostname, port });
        await writeAll(conn, new TextEncoder().encode("hello"));
        await conn.closeWrite();
        assertEquals(new TextDecoder().decode(await readAll(conn)), "ok");
      }
    }
    assertEquals(await request(own, "hello"), "ok");
    const clients = (await program.entries(5)).map(({ client }) => client.replace(/\d+$/, ""));
    assertEquals(clients.sort(), ["127.0.0.1:", "127.0.0.1:", "127.0.0.1:", "[::1]:", "[::1]:"]);
    assertEquals(await program.terminate(), 0);
  },
);

Deno.test(
  unless("the same socket twice is accepted from twice, and nobody is served twice", CAPABLE),
  async () => {
    await using server = new TestServer(answer("ok"));
    const port = freePort();
    await using program = await startPassed({ sockets: [`tcp:127.0.0.1:${port}`, "again"] }, [
      "--log-format=json",
      `127.0.0.1:${port}`,
      server.address,
    ]);
    const answers = await Promise.all(Array.from({ length: 300 }, () => request(port, "x")));
    assertEquals(answers.filter((text) => text !== "ok"), []);
    assertEquals(server.accepted, 300);
    assertEquals(await program.terminate(), 0);
  },
);

Deno.test(
  unless(
    "while the queue is full clients wait in the kernel, and all are served in order",
    CAPABLE,
  ),
  async () => {
    const { server, order, release } = heldServer();
    await using _server = server;
    const port = freePort();
    await using program = await startPassed({ sockets: [`tcp:127.0.0.1:${port}`] }, [
      "--log-format=json",
      "--workers=1",
      "--queue=4",
      `127.0.0.1:${port}`,
      server.address,
    ]);
    const before = openDescriptors(program.pid);
    const conns: Deno.TcpConn[] = [];
    for (let i = 0; i < 600; i++) {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port });
      await writeAll(conn, new TextEncoder().encode(`${i}`));
      await conn.closeWrite();
      conns.push(conn);
    }
    await until(async () => (await program.status()).waiting === 4, "the queue is full");
    // Two of the session that is served, and what the runtime has taken in one look.
    const taken = openDescriptors(program.pid) - before;
    assert(taken <= 2 + 4 + 128, `${taken} descriptors are taken`);
    assert(backlogOf(port) >= 600 - 5 - 128, `${backlogOf(port)} wait in the kernel`);
    release();
    await Promise.all(conns.map(async (conn, i) => {
      assertEquals(new TextDecoder().decode(await readAll(conn)), `${i}`);
      conn.close();
    }));
    assertEquals(order, order.toSorted((a, b) => Number(a) - Number(b)));
    assertEquals(await program.terminate(), 0);
  },
);

Deno.test(
  unless("a descriptor that could not be had when somebody came is had later", CAPABLE),
  async () => {
    await using server = new TestServer(echo);
    const port = freePort();
    const program = await startPassed(
      { sockets: [`tcp:127.0.0.1:${port}`] },
      ["--log-format=json", `127.0.0.1:${port}`, server.address],
    );
    await using _program = program;
    const number = () => [...Deno.readDirSync(`/proc/${program.pid}/fd`)].length;
    const most = number() + 1;
    await limit(program.pid, most);
    const conns = [];
    for (let i = 0; i < 12; i++) conns.push(await Deno.connect({ hostname: "127.0.0.1", port }));
    await until(() => number() >= most, "there are no more");
    await limit(program.pid, 4096);
    for (const conn of conns) {
      await writeAll(conn, new TextEncoder().encode("x"));
      assertEquals(await readExactly(conn, 1), new TextEncoder().encode("x"));
      conn.close();
    }
    assertEquals(await program.terminate(), 0);
  },
);

Deno.test(
  unless("restarts under load refuse, reset and lose nobody", CAPABLE),
  async () => {
    await using server = new TestServer(echo);
    const port = freePort();
    const runs = 6;
    await using program = launchPassed({ sockets: [`tcp:127.0.0.1:${port}`], runs }, [
      "--log-format=json",
      `127.0.0.1:${port}`,
      server.address,
    ]);
    const started = () => program.log.filter((line) => line.includes("listening on ")).length;
    const failures: string[] = [];
    let served = 0;
    let over = false;
    await until(() => started() === 1, "it listens");
    const clients = Array.from({ length: 20 }, async () => {
      while (!over) {
        try {
          const text = `${served}`;
          if (await request(port, text) === text) served++;
          else failures.push("another answer");
        } catch (error) {
          failures.push(String(error));
        }
      }
    });
    for (let run = 1; run <= runs; run++) {
      await until(() => started() === run, `run ${run} listens`);
      const before = served;
      await until(() => served > before + 200, "it serves");
      if (run === runs) over = true;
      if (run === runs) await Promise.all(clients);
      program.signal("SIGTERM");
    }
    assertEquals(await program.ended(), 0);
    assertEquals(failures, []);
    assertEquals(server.accepted, served);
  },
);

Deno.test(
  unless("a UNIX socket whose name is its path is that listener's, through restarts", CAPABLE),
  async () => {
    await using server = new TestServer(echo);
    const folder = await Deno.makeTempDir();
    const path = `${folder}/front`;
    await using program = launchPassed({ sockets: [`unix:${path}`], names: path, runs: 3 }, [
      "--log-format=json",
      `unix:${path}`,
      server.address,
    ]);
    const started = () => program.log.filter((line) => line.includes("listening on ")).length;
    let served = 0;
    let over = false;
    await until(() => started() === 1, "it listens");
    const clients = Array.from({ length: 10 }, async () => {
      while (!over) {
        using conn = await Deno.connect({ transport: "unix", path });
        await writeAll(conn, new TextEncoder().encode("hello"));
        await conn.closeWrite();
        assertEquals(new TextDecoder().decode(await readAll(conn)), "hello");
        served++;
      }
    });
    for (let run = 1; run <= 3; run++) {
      await until(() => started() === run, `run ${run} listens`);
      const before = served;
      await until(() => served > before + 100, "it serves");
      if (run === 3) over = true;
      if (run === 3) await Promise.all(clients);
      program.signal("SIGTERM");
    }
    assertEquals(await program.ended(), 0);
    assert((await Deno.lstat(path)).isSocket, "the path stays");
    await Deno.remove(folder, { recursive: true });
  },
);

Deno.test(
  unless("clients of a UNIX socket wait in the kernel as well, and none is lost", CAPABLE),
  async () => {
    const { server, release } = heldServer();
    await using _server = server;
    const folder = await Deno.makeTempDir();
    const path = `${folder}/front`;
    await using program = await startPassed({ sockets: [`unix:${path}`], names: path }, [
      "--log-format=json",
      "--workers=1",
      "--queue=4",
      `unix:${path}`,
      server.address,
    ]);
    const before = openDescriptors(program.pid);
    const conns: Deno.UnixConn[] = [];
    for (let i = 0; i < 500; i++) {
      const conn = await Deno.connect({ transport: "unix", path });
      await writeAll(conn, new TextEncoder().encode(`${i}`));
      await conn.closeWrite();
      conns.push(conn);
    }
    await until(async () => (await program.status()).waiting === 4, "the queue is full");
    const taken = openDescriptors(program.pid) - before;
    assert(taken <= 2 + 4 + 128, `${taken} descriptors are taken`);
    release();
    await Promise.all(conns.map(async (conn, i) => {
      assertEquals(new TextDecoder().decode(await readAll(conn)), `${i}`);
      conn.close();
    }));
    assertEquals(await program.terminate(), 0);
    await Deno.remove(folder, { recursive: true });
  },
);

Deno.test(
  unless("a listener that a reload removes and another one adds has its socket again", CAPABLE),
  async () => {
    await using server = new TestServer(answer("ok"));
    const [one, two] = [freePort(), freePort()];
    const listener = (port: number) => {
      return `[[listener]]\nlisten = "127.0.0.1:${port}"\ndestinations = ["${server.address}"]\n`;
    };
    const head = 'log-format = "json"\n';
    using file = new TestFile(head + listener(one));
    const sockets = [`tcp:127.0.0.1:${one}`, `tcp:127.0.0.1:${two}`];
    await using program = await startPassed({ sockets }, ["--config", file.path]);
    await program.logged(
      new RegExp(`127.0.0.1:${two} is a socket .* no listener has that address`),
    );
    const waiting = request(two, "hello");
    file.write(head + listener(two));
    program.signal("SIGHUP");
    assertEquals(await waiting, "ok");
    await program.logged(new RegExp(`127.0.0.1:${one} stays open where it came from`));
    const again = request(one, "hello");
    file.write(head + listener(one) + listener(two));
    program.signal("SIGHUP");
    assertEquals(await again, "ok");
    assertEquals(await program.terminate(), 0);
  },
);

Deno.test(
  unless("the admin API has a passed port, too", CAPABLE),
  async () => {
    await using server = new TestServer(answer("ok"));
    const [port, admin] = [freePort(), freePort()];
    const sockets = [`tcp:127.0.0.1:${port}`, `tcp:127.0.0.1:${admin}`];
    await using program = await startPassed({ sockets }, [
      `--admin=127.0.0.1:${admin}`,
      `127.0.0.1:${port}`,
      server.address,
    ]);
    await program.logged(/admin API on/);
    const health = await fetch(`http://127.0.0.1:${admin}/healthz`);
    assertEquals([health.status, (await health.text()).length > 0], [200, true]);
    assertEquals(program.log.filter((line) => line.includes("no listener has")), []);
    assertEquals(await program.terminate(), 0);
  },
);

Deno.test(
  unless("programs that are started have nothing of the passed sockets", CAPABLE),
  async () => {
    const port = freePort();
    const sockets = [`tcp:127.0.0.1:${port}`, `tcp:127.0.0.1:${freePort()}`];
    await using program = await startPassed({ sockets }, [
      `127.0.0.1:${port}`,
      "exec:/bin/sh -c 'ls -l /proc/self/fd; env'",
    ]);
    const text = await request(port, "hello");
    assertMatch(text, /pipe:/);
    assertEquals(/socket:|LISTEN_/.exec(text), null);
    assertEquals(await program.terminate(), 0);
  },
);

Deno.test(
  unless("what was passed to another process is not touched", CAPABLE),
  async () => {
    await using server = new TestServer(answer("ok"));
    const [port, other] = [freePort(), freePort()];
    const passing = { sockets: [`tcp:127.0.0.1:${other}`], pid: "1" };
    await using program = await startPassed(passing, [`127.0.0.1:${port}`, server.address]);
    assertEquals(await request(port, "hello"), "ok");
    assertEquals(program.log.filter((line) => line.includes("passed")), []);
    assertEquals(await program.terminate(), 0);
  },
);

/** A client of TLS at a path is more than the runtime has. */
const GREETED = {
  tcp: "TLS behind a PROXY header on a passed port",
  unix: "a PROXY header on a path",
};
for (const [kind, what] of Object.entries(GREETED)) {
  Deno.test(
    unless(`${what}, through restarts`, {
      ...CAPABLE,
      "there is no openssl": !hasOpenssl,
    }),
    async () => {
      using authority = new Authority();
      const { cert, key } = authority.issue({ names: ["localhost"] });
      await using server = new TestServer(echo);
      const folder = await Deno.makeTempDir();
      const port = freePort();
      const path = `${folder}/front`;
      const where = kind === "tcp" ? `127.0.0.1:${port}` : `unix:${path}`;
      const passing = kind === "tcp"
        ? { sockets: [`tcp:${where}`] }
        : { sockets: [where], names: path };
      const tls = kind === "tcp" ? ["--tls-cert", cert, "--tls-key", key] : [];
      const options = { hostname: "localhost", caCerts: [authority.text] };
      const trusted = kind === "tcp" ? "127.0.0.0/8" : "unix";
      await using program = launchPassed({ ...passing, runs: 2 }, [
        ...["--log-format=json", `--accept-proxy=${trusted}`, ...tls],
        where,
        server.address,
      ]);
      const started = () => program.log.filter((line) => line.includes("listening on ")).length;
      for (let run = 1; run <= 2; run++) {
        await until(() => started() === run, `run ${run} listens`);
        const talks = Array.from({ length: 20 }, async () => {
          const conn = kind === "tcp"
            ? await Deno.connect({ hostname: "127.0.0.1", port })
            : await Deno.connect({ transport: "unix", path });
          await writeAll(conn, joined(V2.header));
          using stream = conn.localAddr.transport === "unix"
            ? conn
            : await Deno.startTls(conn as Deno.TcpConn, options);
          await writeAll(stream, new TextEncoder().encode("hello"));
          assertEquals(await readExactly(stream, 5), new TextEncoder().encode("hello"));
        });
        await Promise.all(talks);
        const entries = await program.entries(20 * run);
        assertEquals(entries.filter(({ client }) => client !== V2.client), []);
        program.signal("SIGTERM");
      }
      assertEquals(await program.ended(), 0);
      assertEquals(server.accepted, 40);
      await Deno.remove(folder, { recursive: true });
    },
  );
}

Deno.test(
  unless("one that has a passed port is not replaced by one without, and goes on", CAPABLE),
  async () => {
    await using server = new TestServer(answer("ok"));
    const folder = await Deno.makeTempDir();
    const port = freePort();
    const args = ["--pid-file", `${folder}/a.pid`, `127.0.0.1:${port}`, server.address];
    await using program = await startPassed({ sockets: [`tcp:127.0.0.1:${port}`] }, args);
    await until(() => exists(`${folder}/a.pid.socket`), "it can be asked");
    const { code, stderr } = await runProgram(["--replace", ...args]);
    assertEquals(code, 1);
    assertMatch(stderr, /Cannot listen on .*: the address is in use/);
    for (let i = 0; i < 10; i++) assertEquals(await request(port, "hello"), "ok");
    assertEquals(await program.terminate(), 0);
    assertEquals([...Deno.readDirSync(folder)], []);
    await Deno.remove(folder, { recursive: true });
  },
);

/** What is wrong with what was passed, and what is said. */
const WRONG: Readonly<Record<string, { sockets: string[]; fds?: string; says: RegExp }>> = {
  "LISTEN_FDS=abc": { sockets: [], fds: "abc", says: /LISTEN_FDS="abc" .*must be the number/ },
  "LISTEN_FDS=1000000000": { sockets: [], fds: "1000000000", says: /must be the number .* 10000/ },
  "more than was passed": { sockets: ["tcp:127.0.0.1:0"], fds: "9000", says: /descriptor \d+, / },
  "a descriptor that is closed": { sockets: ["closed"], says: /descriptor 3, which/ },
  "a file": { sockets: ["file"], says: /descriptor 3, .* is no socket; must be a listening/ },
  "a connection": { sockets: ["connection"], says: /is a connection, .*iawlb -i/ },
  "a socket of datagrams": { sockets: ["udp:127.0.0.1:0"], says: /is a socket of datagrams/ },
  "a UNIX socket without a path": {
    sockets: ["unix:@"],
    says: /is a UNIX socket, which does not tell its path; .*FileDescriptorName=/,
  },
};

for (const [what, { says, ...passing }] of Object.entries(WRONG)) {
  Deno.test(unless(`${what} is refused in one line`, CAPABLE), async () => {
    const folder = await Deno.makeTempDir();
    const sockets = passing.sockets.map((text) => text.replace("@", `${folder}/s`));
    const port = freePort();
    const { code, stderr } = await runPassed({ ...passing, sockets }, [`${port}`, "127.0.0.1:1"]);
    assertMatch(stderr, says);
    assertEquals([code, stderr.trim().split("\n").length], [2, 1]);
    await Deno.remove(folder, { recursive: true });
  });
}

Deno.test(unless("a passed port that is not quite the listener's is named", CAPABLE), async () => {
  const port = freePort();
  const { code, stderr } = await runPassed({ sockets: [`tcp:0.0.0.0:${port}`] }, [
    `127.0.0.1:${port}`,
    "127.0.0.1:1",
  ]);
  assertMatch(
    stderr,
    /in use by the socket that was passed .* for 0\.0\.0\.0:\d+; must be exactly/,
  );
  assertEquals(code, 1);
});

Deno.test(unless("several threads, and another process, are refused", CAPABLE), async () => {
  const port = freePort();
  const passing = { sockets: [`tcp:127.0.0.1:${port}`] };
  const rest = [`127.0.0.1:${port}`, "127.0.0.1:1"];
  const threads = await runPassed(passing, ["--threads=2", ...rest]);
  assertMatch(threads.stderr, /--threads: 127\.0\.0\.1:\d+ is a socket that was passed/);
  assertEquals(threads.code, 2);
  const daemon = await runPassed(passing, ["--daemon", ...rest]);
  assertMatch(daemon.stderr, /--daemon: 127\.0\.0\.1:\d+ was passed to this very process/);
  assertEquals(daemon.code, 2);
});

Deno.test(
  unless("systemd-socket-activate starts it for its first client, who is served", {
    ...CAPABLE,
    "there is no systemd-socket-activate": !await has("systemd-socket-activate"),
  }),
  async () => {
    await using server = new TestServer(answer("ok"));
    const port = freePort();
    const args = [`--listen=127.0.0.1:${port}`, ...programLine()];
    const env = { PATH: Deno.env.get("PATH")!, HOME: Deno.env.get("HOME") ?? "/" };
    const keep = ["--setenv=PATH", "--setenv=HOME", "--setenv=DENO_DIR"];
    const child = new Deno.Command("systemd-socket-activate", {
      args: [...keep, ...args, `127.0.0.1:${port}`, server.address],
      env,
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      await until(
        () => Deno.connect({ port }).then((conn) => (conn.close(), true), () => false),
        "",
      );
      assertEquals(await request(port, "hello"), "ok");
      assertEquals(await request(port, "hello"), "ok");
    } finally {
      child.kill();
      assertEquals((await child.status).code, 0);
    }
  },
);

Deno.test(
  unless("a runtime that cannot says so in one line", { ...OBSTACLES, "it can": !BINARY }),
  async () => {
    const { code, stderr } = await runPassed({ sockets: ["tcp:127.0.0.1:0"] }, [
      `127.0.0.1:${freePort()}`,
      "127.0.0.1:1",
    ]);
    assertMatch(stderr, /^iawlb: LISTEN_FDS=1 in the environment: .* needs Deno 2\.8 or newer, /);
    assertEquals([code, stderr.trim().split("\n").length], [2, 1]);
  },
);
