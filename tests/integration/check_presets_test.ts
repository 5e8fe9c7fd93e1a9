// Each preset against the real server of a Debian package, which must not mind being checked.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { parseAddress } from "../../src/net/address.ts";
import { parseCheck } from "../../src/config/values/check.ts";
import { CheckError } from "../../src/destinations/conversation.ts";
import { runCheck } from "../../src/destinations/probe.ts";
import { connectorTo } from "../../src/destinations/connector.ts";
import { find, needing, run, serve } from "../support/packaged_servers.ts";
import { until } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const ROOT = Deno.build.os !== "windows" && Deno.uid() === 0;

/** Checks a server so many times, one after the other. */
async function check(text: string, at: { port: number; hostname?: string }, times = 1) {
  const { hostname = "127.0.0.1", port } = at;
  const connector = connectorTo(parseAddress(`${hostname}:${port}`, { minPort: 1 }));
  for (let i = 0; i < times; i++) {
    const { signal } = new AbortController();
    await runCheck(parseCheck(text)!, { connector, host: "test", signal, timeout: 5000 });
  }
}

Deno.test({
  ...unless("redis passes, with a password as well, and fails while it cannot save", {
    ...needing("redis-server", "redis-server"),
  }),
  async fn() {
    await using server = await serve("redis-server", ({ port, folder }) => [
      ...["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder, "--save", ""],
      ...["--loglevel", "notice", "--enable-protected-configs", "yes"],
    ]);
    const { port, folder } = server;
    const cli = (...args: string[]) => run("redis-cli", ["-p", `${port}`, ...args]);
    await check("redis", server, 20);
    const errors = (await cli("info", "errorstats")).match(/errorstat_\w+/g);
    assertEquals(errors, null, "the server has counted no error");
    // A folder that is gone is one that it cannot save in.
    await Deno.mkdir(`${folder}/gone`);
    await cli("config", "set", "dir", `${folder}/gone`);
    await cli("config", "set", "save", "1 1");
    await Deno.remove(`${folder}/gone`);
    await cli("set", "a", "1");
    await assertRejects(
      async () => {
        for (let i = 0; i < 100; i++) {
          await check("redis", server);
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      },
      CheckError,
      "MISCONF",
    );
    await cli("config", "set", "dir", folder);
    await cli("config", "set", "save", "");
    await check("redis", server);
    await cli("config", "set", "requirepass", "secret");
    await check("redis", server, 5);
  },
});

Deno.test({
  ...unless("postgres passes, and says nothing about it in its log, with TLS or without", {
    ...needing("initdb", "postgresql"),
  }),
  async fn() {
    // It does not run as root.
    const as = (program: string) => {
      const path = find(program)!;
      const prefix = ["--reuid=postgres", "--regid=postgres", "--clear-groups", path];
      return ROOT ? { program: "setpriv", prefix } : { program: path, prefix: [] };
    };
    const { program, prefix } = as("postgres");
    await using server = await serve(program, async ({ port, folder }) => {
      const data = `${folder}/data`;
      const initdb = as("initdb");
      await run(initdb.program, [
        ...initdb.prefix,
        ...["-D", data, "-U", "postgres", "-A", "scram-sha-256", "--no-sync"],
        ...["--pwfile", await written(`${folder}/password`, "secret\n")],
      ]);
      const [key, certificate] = [`${data}/server.key`, `${data}/server.crt`];
      await run("openssl", [
        ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"],
        ...["-keyout", key, "-out", certificate],
      ]);
      if (ROOT) await run("chown", ["postgres", key, certificate]);
      await Deno.chmod(key, 0o600);
      return [
        ...prefix,
        ...["-D", data, "-p", `${port}`, "-k", folder, "-c", "listen_addresses=127.0.0.1"],
        ...["-c", "ssl=on", "-c", "max_connections=50"],
        ...["-c", "max_wal_senders=0"],
      ];
    });
    const ready = () => server.log().includes("ready to accept connections");
    for (let i = 0; !ready(); i++) {
      assert(i < 300, server.log());
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const before = server.log();
    await check("postgres", server, 30);
    await check("postgres:postgres", server, 30);
    await check("postgres:nobody", server, 5);
    // What it says of a connection it says at its end; one more is after all of these.
    const url = `postgres://postgres:secret@127.0.0.1:${server.port}/postgres`;
    assertEquals((await run("psql", [url, "-Atc", "select 1"])).trim(), "1");
    assertEquals(server.log(), before);
  },
});

async function written(path: string, text: string): Promise<string> {
  await Deno.writeTextFile(path, text, { mode: 0o644 });
  return path;
}

/** An address of this machine that is not loopback, of which MariaDB keeps no count. */
const OWN_ADDRESS = Deno.networkInterfaces().find(({ family, address, netmask }) => {
  return family === "IPv4" && !address.startsWith("127.") && netmask !== "255.255.255.255";
})?.address;

Deno.test({
  ...unless("mysql passes 150 times in a row, and MariaDB blocks nobody after that", {
    ...needing("mariadbd", "mariadb-server"),
    "loopback is all there is": OWN_ADDRESS === undefined,
  }),
  async fn() {
    await using server = await serve("mariadbd", async ({ port, folder }) => {
      const data = `${folder}/data`;
      const user = ROOT ? ["--user=root"] : [];
      await run("mariadb-install-db", [
        ...["--no-defaults", `--datadir=${data}`, "--auth-root-authentication-method=normal"],
        ...["--skip-test-db", ...user],
      ]);
      return [
        ...["--no-defaults", `--datadir=${data}`, `--port=${port}`, "--bind-address=0.0.0.0"],
        ...[`--socket=${folder}/socket`, `--pid-file=${folder}/pid`, "--log-warnings=2", ...user],
      ];
    });
    const client = (sql: string) => {
      return run("mariadb", [
        ...["--no-defaults", `--socket=${server.folder}/socket`, "-uroot", "-N", "-e", sql],
      ]);
    };
    const status = async (name: string) => {
      return Number((await client(`show global status like '${name}'`)).trim().split(/\s+/)[1]);
    };
    await client("create user iawlb; create user app identified by 'secret'");
    assertEquals((await client("select @@max_connect_errors")).trim(), "100");
    const at = { port: server.port, hostname: OWN_ADDRESS! };
    await check("mysql:iawlb", at, 1);
    const aborted = [await status("Aborted_connects"), await status("Aborted_clients")];
    const before = server.log();
    await check("mysql:iawlb", at, 150);
    assertEquals([await status("Aborted_connects"), await status("Aborted_clients")], aborted);
    assertEquals(server.log(), before);
    // One that is not there is said, and does no harm to the others.
    for (let i = 0; i < 150; i++) {
      await assertRejects(() => check("mysql:nobody", at), CheckError, "CREATE USER 'nobody'");
    }
    await run("mariadb", [
      ...[
        "--no-defaults",
        `-h${at.hostname}`,
        `-P${at.port}`,
        "-uapp",
        "-psecret",
        "-e",
        "select 1",
      ],
    ]);
    // What the preset is for: so many bare connects do block everybody.
    await check("tcp", at, 150);
    await assertRejects(() => check("mysql:iawlb", at), CheckError, "blocked");
  },
});

Deno.test({
  ...unless("smtp passes, and OpenSMTPD logs a session like any other", {
    ...needing("smtpd", "opensmtpd"),
    "root starts it": !ROOT,
  }),
  async fn() {
    await using server = await serve("smtpd", async ({ port, folder }) => {
      const config = [
        `listen on 127.0.0.1 port ${port}`,
        'action "local" mbox',
        'match for local action "local"',
      ];
      return ["-d", "-v", "-f", await written(`${folder}/smtpd.conf`, config.join("\n") + "\n")];
    });
    await check("smtp", server, 20);
    const quits = () => server.log().match(/disconnected reason=quit/g) ?? [];
    await until(() => quits().length >= 20, "each check has ended in order");
    assertEquals(/failed-command|error=/.test(server.log()), false, server.log());
  },
});
