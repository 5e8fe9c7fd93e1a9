import { assert, assertEquals } from "@std/assert";
import type { OptionName } from "../../src/config/options.ts";
import { TestBalancer } from "../support/balancer.ts";
import { V1 } from "../support/proxy_headers.ts";
import { readAll, TestServer, until, writeAll } from "../support/servers.ts";

const ANSWER = "-ERR busy\r\n";
const ENCODER = new TextEncoder();

/** A balancer whose only slot, and whose only place in the queue, are taken. */
async function full(options: Partial<Record<OptionName, string>>) {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/answer`;
  await Deno.writeTextFile(file, ANSWER);
  const server = new TestServer(async (conn) => void await readAll(conn));
  const given = { workers: "1", queue: "1", overflow: "reject", rejectWith: file, ...options };
  const test = await TestBalancer.start([server.address], given);
  const conns: Deno.TcpConn[] = [];
  const header = options.acceptProxy ? V1.header : new Uint8Array();
  for (let i = 0; i < 2; i++) {
    const conn = await Deno.connect({ port: test.port });
    conns.push(conn);
    await writeAll(conn, header);
    await writeAll(conn, ENCODER.encode("hello"));
    await until(() => test.status.active + test.status.waiting === i + 1, "it has its place");
  }
  return {
    test,
    given,
    file,
    conns,
    async [Symbol.asyncDispose]() {
      for (const conn of conns) conn.close();
      await test[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** What a client gets that sends a request at once. */
async function ask(port: number, request = "x".repeat(50_000)): Promise<string> {
  using conn = await Deno.connect({ port });
  const sent = writeAll(conn, ENCODER.encode(request)).catch(() => {});
  const answer = await readAll(conn).catch(() => new Uint8Array());
  await sent;
  return new TextDecoder().decode(answer);
}

Deno.test("a full queue answers with --reject-with, as often as is counted", async () => {
  await using running = await full({});
  const { test } = running;
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(test.port)));
  assertEquals(new Set(answers), new Set([ANSWER]));
  await until(() => test.status.answered === 20, "all are counted");
  assertEquals(test.status.ended, { "refused-overflow": 20 });
});

Deno.test("whose address is turned away is told nothing, whatever else is the matter", async () => {
  await using running = await full({});
  const { test, given } = running;
  await test.reconfigure({ ...given, deny: "127.0.0.1" });
  assertEquals(await ask(test.port), "");
  await test.reconfigure({ ...given, maxPerIp: "2" });
  assertEquals(await ask(test.port), "");
  await test.reconfigure({ ...given, ratePerIp: "1" });
  const begin = performance.now();
  const answers = [await ask(test.port), await ask(test.port), await ask(test.port)];
  if (performance.now() - begin < 900) assertEquals(answers, [ANSWER, "", ""]);
  assert(test.status.answered >= 1);
});

Deno.test("whose address is turned away is counted as such, be the queue full or not", async () => {
  await using running = await full({});
  const { test, given } = running;
  for (
    const [options, reason] of [
      [{ deny: "127.0.0.1" }, "refused-address"],
      [{ maxPerIp: "2", maxWait: "1ms" }, "refused-per-ip"],
    ] as const
  ) {
    await test.reconfigure({ ...given, ...options });
    for (let i = 0; i < 5; i++) await ask(test.port);
    assertEquals(test.status.ended[reason], 5);
  }
  await test.reconfigure({ ...given, rejectWith: "none", ratePerIp: "1" });
  for (let i = 0; i < 5; i++) await ask(test.port);
  const { ended, forecast } = test.status;
  assert((ended["refused-rate"] ?? 0) >= 3, JSON.stringify(ended));
  assertEquals((ended["refused-rate"] ?? 0) + (ended["refused-overflow"] ?? 0), 5);
  assert(forecast.turned_away_per_s <= 2 * 4, `${forecast.turned_away_per_s}`);
});

/** One whose header is waited for, while somebody who came later takes the only place. */
async function lateHeader(
  { test, conns }: Awaited<ReturnType<typeof full>>,
): Promise<Deno.TcpConn> {
  conns.pop()!.close();
  await until(() => test.status.waiting === 0, "a place is free");
  const late = await Deno.connect({ port: test.port });
  await until(() => test.status.greeting === 1, "its header is waited for");
  const sooner = await Deno.connect({ port: test.port });
  conns.push(sooner);
  await writeAll(sooner, V1.header);
  await until(() => test.status.waiting === 1, "the place is taken");
  return late;
}

Deno.test("whom a PROXY header says is denied counts as such where nobody has room", async () => {
  await using running = await full({ acceptProxy: "127.0.0.1", halfClose: "abandon" });
  const { test, given } = running;
  using late = await lateHeader(running);
  await test.reconfigure({ ...given, deny: "203.0.113.7" });
  await writeAll(late, V1.header);
  assertEquals(await readAll(late), new Uint8Array());
  assertEquals(test.status.ended["refused-address"], 1);
});

Deno.test("nobody is told anything before a PROXY header is read, and who has sent one is", async () => {
  await using running = await full({ acceptProxy: "127.0.0.1", halfClose: "abandon" });
  const { test } = running;
  assertEquals(await ask(test.port), "");
  assertEquals(test.status.answered, 0);
  // There is room while the header comes, and none any more after that.
  using late = await lateHeader(running);
  await writeAll(late, V1.header);
  assertEquals(new TextDecoder().decode(await readAll(late)), ANSWER);
});

Deno.test("who has waited for too long is told, and another file counts after a reload", async () => {
  await using running = await full({ queue: "10", queueTimeout: "50ms" });
  const { test, given, file, conns } = running;
  assertEquals(new TextDecoder().decode(await readAll(conns[1]!)), ANSWER);
  await Deno.writeTextFile(file, "something else");
  assertEquals(await ask(test.port), ANSWER);
  await test.reconfigure(given);
  assertEquals(await ask(test.port), "something else");
  await test.reconfigure({ ...given, rejectWith: "none" });
  assertEquals(await ask(test.port), "");
  assertEquals([test.status.answered, test.status.ended], [3, { "queue-timeout": 4 }]);
});

Deno.test("those who are being told hold up no drain, and count for nothing", async () => {
  const running = await full({});
  const { test, conns } = running;
  using told = await Deno.connect({ port: test.port });
  assertEquals(new TextDecoder().decode(await readAll(told)), ANSWER);
  for (const conn of conns) await conn.closeWrite();
  const begin = performance.now();
  assertEquals(await test.balancer.drain(), true);
  assert(performance.now() - begin < 900, "the drain waited for it");
  await running[Symbol.asyncDispose]();
});
