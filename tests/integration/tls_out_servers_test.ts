// TLS to the servers of packages, by names that a name server knows, and behind TLS with clients.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { hasNodeTls } from "../../src/net/tls/node_tls.ts";
import { TestFile } from "../support/config_file.ts";
import { NEEDING_DNSMASQ, startDnsmasq } from "../support/dnsmasq.ts";
import { needing, run, serve } from "../support/packaged_servers.ts";
import { Program } from "../support/program.ts";
import {
  echo,
  freePort,
  randomBytes,
  readAll,
  request,
  tryClose,
  until,
  writeAll,
} from "../support/servers.ts";
import { TlsFiles } from "../support/tls_files.ts";
import { lacks, serveByOpenssl, TlsServer } from "../support/tls_servers.ts";
import { unless } from "../support/unless.ts";

const NEEDS = { "there is no openssl": !TlsFiles.isPossible };
// The binary may have another runtime than this one.
const HAS_NODE_TLS = hasNodeTls() && Deno.env.get("IAWLB_BINARY") === undefined;

let files!: TlsFiles;
if (TlsFiles.isPossible) {
  files = new TlsFiles();
  for (const name of ["server", "client"]) files.make(name);
  files.make("other-ca", { by: "other-ca", authority: true });
  files.make("app", { san: "DNS:app.test" });
  files.make("host", { san: "DNS:a.app.test,IP:127.0.0.1" });
  addEventListener("unload", () => files[Symbol.dispose]());
}

function redis(auth: "yes" | "no") {
  return serve("redis-server", ({ port, folder }) => [
    ...["--port", "0", "--tls-port", `${port}`, "--bind", "127.0.0.1", "--dir", folder],
    ...["--save", "", "--tls-cert-file", files.cert("server"), "--tls-key-file"],
    ...[files.key("server"), "--tls-ca-cert-file", files.cert("ca"), "--tls-auth-clients", auth],
  ]);
}

async function hasState(program: Program, state: string, number = 0): Promise<void> {
  const states = async () => (await program.status()).destinations[number].state;
  await until(async () => await states() === state, `it is ${state}`);
}

Deno.test(
  unless("TLS out: redis is checked and served, with a certificate where it wants one", {
    ...NEEDS,
    ...needing("redis-server", "redis-server"),
  }),
  async () => {
    const checked = `,tls,tls-ca=${files.cert("ca")},check=redis`;
    await using open = await redis("no");
    await using closed = await redis("yes");
    const shown = `,tls-cert=${files.cert("client")},tls-key=${files.key("client")}`;
    const cases: [destination: string, served: boolean][] = [
      [`127.0.0.1:${open.port}${checked}`, true],
      [`127.0.0.1:${closed.port}${checked}`, false],
    ];
    if (HAS_NODE_TLS) cases.push([`127.0.0.1:${closed.port}${checked}${shown}`, true]);
    for (const [destination, served] of cases) {
      await using program = await Program.start([destination], ["--check-interval", "50ms"]);
      await hasState(program, served ? "up" : "down");
      if (served) {
        const big = "x".repeat(300_000);
        const cli = (...args: string[]) => run("redis-cli", ["-p", `${program.port}`, ...args]);
        assertEquals(await cli("SET", "a", "b"), "OK\n");
        assertEquals(
          await run("redis-cli", ["-p", `${program.port}`, "-x", "SET", "c"], big),
          "OK\n",
        );
        assertEquals(await cli("GET", "c"), `${big}\n`);
      }
      assertEquals(await program.terminate(), 0);
    }
  },
);

Deno.test(
  unless("TLS out: of dns: and srv: the name is the one that was asked", {
    ...NEEDS,
    ...NEEDING_DNSMASQ,
  }),
  async () => {
    await using app = new TlsServer(files.pair("app"), echo);
    // It is the host of the record, and has its address; none of which says whose service it is.
    await using host = new TlsServer(files.pair("host"), echo);
    await using dns = await startDnsmasq([
      ...["--host-record=app.test,127.0.0.1", "--host-record=a.app.test,127.0.0.1"],
      `--srv-host=_good._tcp.app.test,a.app.test,${app.port}`,
      `--srv-host=_bad._tcp.app.test,a.app.test,${host.port}`,
    ]);
    const tls = `,tls,tls-ca=${files.cert("ca")}`;
    for (const text of [`dns:app.test:${app.port}`, "srv:_good._tcp.app.test"]) {
      await using program = await Program.start([text + tls], ["--resolver", dns.address]);
      assertEquals(await request(program.port, "named"), "named");
      assertEquals((await program.status()).destinations[0].tls_name, "app.test");
      assertEquals(await program.terminate(), 0);
    }
    for (const text of [`dns:app.test:${host.port}`, "srv:_bad._tcp.app.test"]) {
      await using program = await Program.start([text + tls], ["--resolver", dns.address]);
      assertMatch(
        await program.logged(/is down/),
        /only for a\.app\.test.* expected was app\.test/,
      );
      assertEquals(await program.terminate(), 0);
    }
  },
);

Deno.test(
  unless("TLS out: behind TLS with clients nothing is lost, and curl sees nothing of it", {
    ...NEEDS,
    ...lacks("curl"),
  }),
  async () => {
    await using web = await serveByOpenssl(files, "server");
    await using server = new TlsServer(files.pair("server"), async (conn) => {
      // Both directions at a time, and then the end of each on its own.
      await echo(conn);
      await conn.closeWrite();
    });
    const tls = `,tls,tls-ca=${files.cert("ca")}`;
    const front = ["--tls-cert", files.cert("server"), "--tls-key", files.key("server")];
    await using one = await Program.start([`127.0.0.1:${web.port}${tls}`], front);
    const args = ["-sS", "--cacert", files.cert("ca"), `https://localhost:${one.port}/`];
    assertMatch(await run("curl", args), /Cipher/);
    assertEquals(await one.terminate(), 0);
    await using other = await Program.start([`127.0.0.1:${server.port}${tls}`], front);
    const sent = randomBytes(8_000_000);
    const client = await Deno.connectTls({
      ...{ hostname: "localhost", port: other.port },
      caCerts: [files.pair("ca").cert],
    });
    const reading = readAll(client);
    await writeAll(client, sent);
    await client.closeWrite();
    const received = await reading.finally(() => tryClose(client));
    assert(received.length === sent.length && received.every((byte, i) => byte === sent[i]));
    assertEquals((await other.entries(1))[0]!.reason, "done");
    assertEquals(await other.terminate(), 0);
  },
);

Deno.test(
  unless("TLS out: a reload reads tls-ca again, for sessions that come then", NEEDS),
  async () => {
    await using server = new TlsServer(files.pair("server"), echo);
    const ca = `${files.folder}/replaced.pem`;
    const replace = (by: string) => Deno.writeTextFileSync(ca, files.pair(by).cert);
    replace("other-ca");
    using file = new TestFile(
      `listen = "127.0.0.1:${freePort()}"\nlog-format = "json"\nfall = 1\nretries = 0\n` +
        `destinations = ["127.0.0.1:${server.port},name=it,tls,tls-ca=${ca}"]\n`,
    );
    await using program = await Program.spawn(["--config", file.path]);
    await program.logged(/it is down: .*from no authority in .*replaced\.pem/);
    const reload = async (by: string) => {
      replace(by);
      const before = program.log.length;
      program.signal("SIGHUP");
      const said = () => program.log.slice(before).some((line) => /reload: .*tls-ca/.test(line));
      await until(said, "it says that tls-ca is another");
    };
    await reload("ca");
    await hasState(program, "up");
    using client = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
    const buffer = new Uint8Array(10);
    const exchange = async () => {
      await writeAll(client, new Uint8Array(10));
      return await client.read(buffer);
    };
    assertEquals(await exchange(), 10);
    await reload("other-ca");
    assertEquals(await exchange(), 10);
    assertEquals(await request(program.port, "new").catch(() => ""), "");
    assertEquals(await exchange(), 10);
    await reload("ca");
    await hasState(program, "up");
    assertEquals(await request(program.port, "newer"), "newer");
    client.close();
    assertEquals(await program.terminate(), 0);
  },
);
