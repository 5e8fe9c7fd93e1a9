import { assertEquals } from "@std/assert";
import type { OptionName } from "../../src/config/options.ts";
import { TestBalancer } from "../support/balancer.ts";
import { bytes } from "../support/proxy_headers.ts";
import { readAll, request, TestServer, until, writeAll } from "../support/servers.ts";

const ANSWER = "-ERR busy\r\n";
const SERVED = "served";

/** A server with one slot that takes some time for each session, of which some have ended. */
async function busy(options: Partial<Record<OptionName, string>>) {
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, ANSWER);
  const server = new TestServer(async (conn) => {
    await new Promise((resolve) => setTimeout(resolve, 25));
    await conn.write(bytes(SERVED));
  });
  const given: typeof options = { workers: "1", overflow: "reject", rejectWith: file };
  const test = await TestBalancer.start([server.address], given);
  for (let i = 0; i < 3; i++) await request(test.port, "x");
  await test.reconfigure({ ...given, acceptProxy: "127.0.0.1", maxWait: "500ms", ...options });
  return {
    test,
    async [Symbol.asyncDispose]() {
      await test[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await Deno.remove(file);
    },
  };
}

/** What so many connections of a client get that come together. */
async function come(port: number, client: string, number = 1): Promise<Promise<string>[]> {
  const header = bytes(`PROXY TCP4 ${client} 198.51.100.1 56324 443\r\nx`);
  const conns = await Promise.all(Array.from({ length: number }, () => Deno.connect({ port })));
  for (const conn of conns) await writeAll(conn, header);
  return conns.map(async (conn) => {
    using _closed = conn;
    return new TextDecoder().decode(await readAll(conn));
  });
}

/** Sixty connections of one client, and when some of them have been turned away one more client. */
async function crowd(test: TestBalancer, client: string): Promise<{ many: string[]; one: string }> {
  const many = await come(test.port, "203.0.113.7", 60);
  await until(() => (test.status.ended["refused-wait"] ?? 0) > 0, "some would wait too long");
  const [one] = await come(test.port, client);
  return { one: await one!, many: await Promise.all(many) };
}

Deno.test("where clients take turns, who waits behind itself for too long is turned away", async () => {
  await using running = await busy({ queueOrder: "fair" });
  const { many, one } = await crowd(running.test, "203.0.113.8");
  assertEquals(one, SERVED);
  // Its address came with the header: so everybody is told.
  assertEquals(new Set(many), new Set([SERVED, ANSWER]));
});

Deno.test("whom its class lets be next is not turned away for those who wait", async () => {
  await using running = await busy({ priority: "203.0.113.8=0" });
  const { many, one } = await crowd(running.test, "203.0.113.8");
  assertEquals(one, SERVED);
  assertEquals(new Set(many), new Set([SERVED, ANSWER]));
});
