import { assert, assertEquals, assertLess } from "@std/assert";
import { Program } from "../support/program.ts";
import { Client, pathOf, postgresFolders, RealServer } from "../support/real_servers.ts";
import { readAll, TestServer, tryClose, until, writeAll } from "../support/servers.ts";

const ONE_SLOT = ["--workers", "1", "--half-close", "abandon"];

/** The programs that a test needs; where one is missing its name says which, and it is left out. */
type Needs = Readonly<Record<string, string | undefined>>;

function test(name: string, needs: Needs, body: () => Promise<void>): void {
  const missing = Object.keys(needs).filter((program) => needs[program] === undefined);
  if (missing.length > 0) Deno.test.ignore(`${name} (there is no ${missing.join(", no ")})`, body);
  else Deno.test(name, body);
}

const curl = pathOf("curl");
const redis = pathOf("redis-cli");
const redisServer = pathOf("redis-server");
const psql = pathOf("psql", postgresFolders());
const postgres = pathOf("postgres", postgresFolders());

test("curl -m gives up: its request is left, and the next one is served", { curl }, async () => {
  const busy = Promise.withResolvers<void>();
  await using server = new TestServer(async (conn) => {
    const buffer = new Uint8Array(1000);
    const length = await conn.read(buffer) ?? 0;
    const head = new TextDecoder().decode(buffer.subarray(0, length));
    if (head.startsWith("GET /slow")) return await busy.promise;
    await writeAll(
      conn,
      new TextEncoder().encode("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
    );
    await readAll(conn);
  });
  using _ = { [Symbol.dispose]: () => busy.resolve() };
  await using program = await Program.start([server.address], ONE_SLOT);
  const url = `http://127.0.0.1:${program.port}`;
  const impatient = [1, 2, 3].map(() => new Client(curl!, ["-s", "-m", "0.5", `${url}/slow`]));
  for (const client of impatient) assertEquals((await client.ended()).code, 28);
  const patient = new Client(curl!, ["-s", "-m", "5", `${url}/fast`]);
  assertEquals(await patient.ended(), { code: 0, text: "ok" });
  const entries = await program.entries(4);
  const reasons = entries.map(({ reason }) => reason);
  assertEquals(reasons, ["client-gone", "client-gone", "client-gone", "done"]);
});

/** What Redis says to a line, or nothing while it does something else. */
async function oneLine(port: number, line: string): Promise<string | undefined> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const timer = setTimeout(() => conn.close(), 500);
  try {
    await writeAll(conn, new TextEncoder().encode(`${line}\r\nQUIT\r\n`));
    return new TextDecoder().decode(await readAll(conn));
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
    tryClose(conn);
  }
}

test(
  "redis-cli is killed in a command that blocks: its slot is free",
  { redis, redisServer },
  async () => {
    await using server = await RealServer.redis();
    await using program = await Program.start([server.address], ONE_SLOT);
    const cli = (...args: string[]) => new Client(redis!, ["-p", `${program.port}`, ...args]);
    for (const [i, command] of [["BLPOP", "nothing", "0"], ["DEBUG", "SLEEP", "5"]].entries()) {
      await using blocked = cli(...command);
      const direct = (line: string) => oneLine(server.port, line);
      await until(async () => {
        const clients = await direct("CLIENT LIST");
        return clients === undefined || clients.includes("cmd=blpop");
      }, "the server has the command");
      blocked.kill();
      const gone = (await program.entries(2 * i + 1))[2 * i]!;
      assertEquals([gone.reason, gone.bytes_down], ["client-gone", 0]);
      assertLess(gone.total_ms, 4500, "long before it was answered");
      assertEquals(await cli("PING").ended(), { code: 0, text: "PONG" });
      assertEquals((await program.entries(2 * i + 2))[2 * i + 1]!.reason, "done");
    }
  },
);

test("psql is killed while its query runs: its slot is free", { psql, postgres }, async () => {
  await using server = await RealServer.postgres();
  await using program = await Program.start([server.address], ONE_SLOT);
  const query = (text: string) => {
    const place = ["-h", "127.0.0.1", "-p", `${program.port}`, "-U", "postgres"];
    return new Client(psql!, ["-X", "-A", "-t", ...place, "-c", text]);
  };
  await using sleeps = query("select pg_sleep(60)");
  const direct = () => {
    const place = ["-h", "127.0.0.1", "-p", `${server.port}`, "-U", "postgres"];
    const text = "select count(*) from pg_stat_activity where query like 'select pg_sleep%'";
    return new Client(psql!, ["-X", "-A", "-t", ...place, "-c", text]).ended();
  };
  await until(async () => (await direct()).text === "1", "the query runs");
  await using next = query("select 'served'");
  await until(async () => (await program.status()).waiting === 1, "the next one waits");
  const begun = performance.now();
  sleeps.kill();
  assertEquals(await next.ended(), { code: 0, text: "served" });
  assertLess(performance.now() - begun, 30_000, "long before the query ends");
  const [gone] = await program.entries(1);
  assertEquals(gone!.reason, "client-gone");
  assert(gone!.bytes_down > 0, "what came before was answered");
});
