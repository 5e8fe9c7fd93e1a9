import { assert, assertEquals, assertMatch } from "@std/assert";
import { programLine, runProgram } from "../support/program.ts";
import { echo, freePort, readAll, TestServer, tryClose, writeAll } from "../support/servers.ts";
import {
  anySuperServer,
  SuperServer,
  type SuperServerKind,
  withoutSuperServer,
} from "../support/super_server.ts";
import { SyslogReceiver } from "../support/syslog_receiver.ts";
import { unless } from "../support/unless.ts";

const ANY = anySuperServer();
const KINDS: readonly SuperServerKind[] = ["openbsd-inetd", "xinetd", "systemd"];

async function withSyslog(act: (log: SyslogReceiver, flag: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    await using receiver = SyslogReceiver.unix(`${folder}/log`);
    await act(receiver, `--log=syslog:${receiver.address}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const kind of KINDS) {
  Deno.test({
    ...unless(`${kind} starts iawlb -i for each client`, withoutSuperServer(kind)),
    fn: async () => {
      await withSyslog(async (log, flag) => {
        await using server = new TestServer(echo);
        const dead = freePort();
        const places = [dead, server.port].map((port) => `127.0.0.1:${port}`);
        await using front = await SuperServer.start(kind, ["-i", ...places, flag]);
        // The server answers after its client has finished, which both of them have to be told.
        const texts = Array.from({ length: 4 }, (_, i) => `client ${i}\n`);
        assertEquals(await Promise.all(texts.map((text) => front.ask(text))), texts);
        const line = await log.received(/reason=done/);
        assertMatch(line.text, new RegExp(`destination=127.0.0.1:${server.port} reason=done`));
        assertEquals(line.id, "access");
        assertMatch((await log.received(/ is down: /)).text, /Connection refused/);
      });
    },
  });
}

Deno.test({
  ...unless("a service of iawlb serves a client of a super-server", withoutSuperServer(ANY)),
  fn: async () => {
    await using front = await SuperServer.start(ANY, ["serve", "echo", "-i"]);
    const text = "x".repeat(300_000);
    assertEquals(await front.ask(text) === text, true);
    await using daytime = await SuperServer.start(ANY, ["serve", "daytime", "-i"]);
    assertMatch(await daytime.ask(""), /^\w+day, \w+ \d+, \d{4} [\d:]+-UTC\r\n$/);
  },
});

Deno.test({
  ...unless("nothing of iawlb's own ever reaches the client", withoutSuperServer(ANY)),
  fn: async () => {
    const dead = `127.0.0.1:${freePort()}`;
    const all = [
      ["-i", dead],
      ["-i", "nonsense:address"],
      ["-i", dead, "--log", "stderr"],
      ["-i", dead, "--queue", "3"],
      ["-i", "srv:_x._tcp.example.com"],
      ["-i"],
      ["serve", "nonsense", "-i"],
      ["-i", "--help"],
      ["serve", "echo", "-i", "--help"],
      ["-i", "--version"],
      ["-i", "--demo"],
      ["--inetd=yes", dead],
    ];
    for (const args of all) {
      await using front = await SuperServer.start(ANY, args);
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: front.port });
      let received = 0;
      try {
        for await (const chunk of conn.readable) received += chunk.length;
      } catch (error) {
        assert(error instanceof Deno.errors.ConnectionReset);
      } finally {
        tryClose(conn);
      }
      assertEquals(received, 0, args.join(" "));
    }
  },
});

Deno.test("the descriptors may be pipes, files and nothing at all", async () => {
  const run = async (line: string) => {
    const { stdout, code } = await new Deno.Command("sh", {
      args: ["-c", line, "sh", ...programLine(), "serve"],
      stderr: "null",
    }).output();
    return { code, text: new TextDecoder().decode(stdout) };
  };
  assertEquals(await run('printf "a\\nb" | "$@" echo -i'), { code: 0, text: "a\nb" });
  assertEquals((await run('head -c 1000000 /dev/zero | "$@" echo -i')).text.length, 1_000_000);
  const { text } = await run('"$@" daytime -i </dev/null');
  assertMatch(text, /^\w+day, /);
  assertEquals((await run('"$@" daytime -i <&- >&- 2>&-')).text, "");
});

Deno.test("who cannot be connected anywhere is told by the end, and the status", async () => {
  await withSyslog(async (log, flag) => {
    const dead = [freePort(), freePort()].map((port) => `127.0.0.1:${port}`);
    const { code, stdout, stderr } = await runProgram(["-i", ...dead, flag]);
    assertEquals([code, stdout, stderr], [1, "", ""]);
    const { text } = await log.received(/reason=/);
    assertMatch(text, /reason=connect-failed .*attempts=2/);
  });
});

Deno.test("with --queue-timeout a client waits for a server that comes back", async () => {
  await withSyslog(async (log, flag) => {
    const port = freePort();
    const args = ["-i", `127.0.0.1:${port}`, flag, "--queue-timeout", "20s", "--retries", "100"];
    const ending = runProgram(args);
    await log.received(/ is down: /);
    await using _server = new TestServer(echo, { port, speaksFirst: true });
    const { code } = await ending;
    assertEquals(code, 0);
    assertMatch((await log.received(/reason=/)).text, /reason=done/);
  });
});

Deno.test("a client is known by its socket, or by the environment", async () => {
  await withSyslog(async (log, flag) => {
    const { code } = await new Deno.Command("sh", {
      args: ["-c", '"$@" <&-', "sh", ...programLine(), "serve", "daytime", "-i", flag],
      env: { REMOTE_ADDR: "192.0.2.7", REMOTE_PORT: "4711" },
    }).output();
    assertEquals(code, 0);
    assertMatch((await log.received(/reason=/)).text, /client=192.0.2.7:4711/);
  });
});

Deno.test("which destination is the first is what the policy says, and the next what is left", async () => {
  await withSyslog(async (log, flag) => {
    const [light, dead] = ["service:time,weight=1", `127.0.0.1:${freePort()},weight=256`];
    const serve = async (heavy: string, client: number) => {
      const { code } = await new Deno.Command("sh", {
        args: ["-c", '"$@" <&-', "sh", ...programLine(), "-i", light, heavy]
          .concat("--balance", "hash", flag),
        env: { REMOTE_ADDR: `192.0.2.${client}` },
      }).output();
      assertEquals(code, 0);
    };
    // Each has one chance in 257 not to begin with the heavy one.
    await Promise.all([1, 2, 3].map((client) => serve("service:daytime,weight=256", client)));
    await log.received(/destination=service:daytime reason=done/);
    await Promise.all([1, 2, 3].map((client) => serve(dead, client)));
    await log.received(/destination=service:time reason=done .*attempts=2/);
  });
});

Deno.test("where it is said who may come, nobody comes whose address is unknown", async () => {
  await withSyslog(async (log, flag) => {
    const serve = async (env: Record<string, string>) => {
      const { stdout, code } = await new Deno.Command("sh", {
        args: ["-c", '"$@" </dev/null', "sh", ...programLine(), "serve", "daytime", "-i", flag]
          .concat("--deny", "192.0.2.0/24"),
        env,
        stderr: "piped",
      }).output();
      return [stdout.length > 0, code];
    };
    assertEquals(await serve({ REMOTE_ADDR: "198.51.100.1" }), [true, 0]);
    assertEquals(await serve({ REMOTE_ADDR: "192.0.2.1" }), [false, 1]);
    assertEquals(await serve({}), [false, 1]);
    await log.received(/reason=done/);
  });
});

Deno.test({
  ...unless(
    "a client that finishes in the middle of an answer gets all of it",
    withoutSuperServer(ANY),
  ),
  fn: async () => {
    const piece = new Uint8Array(1024 * 1024);
    const pieces = 32;
    await using server = new TestServer(async (conn) => {
      for (let i = 0; i < pieces; i++) await writeAll(conn, piece);
      await conn.closeWrite();
      await readAll(conn);
    }, { speaksFirst: true });
    await using front = await SuperServer.start(ANY, ["-i", server.address, "--access-log", "off"]);
    using conn = await Deno.connect({ hostname: "127.0.0.1", port: front.port });
    await writeAll(conn, new TextEncoder().encode("go\n"));
    const first = await conn.read(new Uint8Array(64 * 1024)) ?? 0;
    // Most of the answer is still to come, and the end of this direction is there meanwhile.
    await conn.closeWrite();
    assertEquals(first + (await readAll(conn)).length, pieces * piece.length);
  },
});

Deno.test({
  ...unless("of a pipe that never ends no more is read when nobody reads the other one", {
    "on Windows": Deno.build.os === "windows",
  }),
  fn: async () => {
    const line = 'yes | { "$@"; echo "$?" >&2; } | head -c 3';
    const { stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", line, "sh", ...programLine(), "serve", "echo", "-i", "--log=syslog:127.0.0.1:9"],
    }).output();
    const [out, status] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals([out, status!.trim()], ["y\ny", "0"]);
  },
});
