import { assertEquals, assertRejects } from "@std/assert";
import { parseAddress } from "../../src/net/address.ts";
import { formatCheck, parseCheck } from "../../src/config/values/check.ts";
import { CheckError } from "../../src/destinations/conversation.ts";
import { runCheck } from "../../src/destinations/probe.ts";
import { connectorTo } from "../../src/destinations/connector.ts";
import { DialError } from "../../src/net/dial.ts";
import { discard, freePort, readAll, TestServer, writeAll } from "../support/servers.ts";

Deno.test("every form of a check is read, and written back as it was", () => {
  const texts = [
    "tcp",
    "http:/",
    "http:/health?full=1",
    "expect:SSH-2.0",
    "send:PING\\r\\n,expect:+PONG",
    "send:a\\,b\\\\,expect:c\\,d\\t",
  ];
  for (const text of texts) assertEquals(formatCheck(parseCheck(text)!), text);
  assertEquals(parseCheck("send:PING\\r\\n,expect:+PONG"), {
    kind: "talk",
    send: "PING\r\n",
    expect: "+PONG",
  });
  assertEquals([parseCheck("off"), formatCheck(null)], [null, "off"]);
});

Deno.test("everything else is not a check", () => {
  const texts = ["", "http", "http:", "http:x", "http:/a b", "send:x", "expect:", "expect:a,b"];
  for (const text of [...texts, "send:\\q,expect:x", "send:a,b,expect:c", "udp"]) {
    assertEquals(parseCheck(text), undefined, text);
  }
});

async function run(
  check: string,
  serve: (conn: Deno.Conn) => Promise<void>,
  signal = new AbortController().signal,
): Promise<void> {
  await using server = new TestServer(serve);
  const connector = connectorTo(parseAddress(server.address, { minPort: 1 }));
  await runCheck(parseCheck(check)!, { connector, host: "test", signal, timeout: 1000 });
}

function reply(text: string): (conn: Deno.Conn) => Promise<void> {
  return async (conn) => {
    await conn.read(new Uint8Array(1000));
    await writeAll(conn, new TextEncoder().encode(text));
    await discard(conn);
  };
}

Deno.test("a TCP check is passed by a connect", async () => {
  await run("tcp", discard);
});

Deno.test("an HTTP check is passed by a status from 200 to 399", async () => {
  for (const status of [200, 204, 302, 399]) await run("http:/", reply(`HTTP/1.1 ${status} x\r\n`));
  for (const status of [100, 404, 500]) {
    const failing = run("http:/", reply(`HTTP/1.1 ${status} x\r\n`));
    await assertRejects(() => failing, CheckError, `its check got HTTP ${status}`);
  }
  await assertRejects(() => run("http:/", reply("SSH-2.0\r\n")), CheckError, "no HTTP answer");
});

Deno.test("an HTTP check asks for the path", async () => {
  let request = "";
  await run("http:/health", async (conn) => {
    const buffer = new Uint8Array(1000);
    const n = await conn.read(buffer);
    request = new TextDecoder().decode(buffer.subarray(0, n!));
    await writeAll(conn, new TextEncoder().encode("HTTP/1.1 200 OK\r\n\r\n"));
  });
  assertEquals(request.split("\r\n").slice(0, 3), [
    "GET /health HTTP/1.1",
    "Host: test",
    "Connection: close",
  ]);
});

Deno.test("a text is expected, in however many pieces it comes", async () => {
  await run("send:PING\\n,expect:+PONG", async (conn) => {
    await conn.read(new Uint8Array(10));
    for (const piece of ["noise +P", "ON", "G\n"]) {
      await writeAll(conn, new TextEncoder().encode(piece));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await readAll(conn);
  });
  const failing = run("expect:SSH", (conn) => writeAll(conn, new TextEncoder().encode("HTTP")));
  await assertRejects(() => failing, CheckError, 'expected "SSH" in vain');
});

Deno.test("a destination that does not answer is given up by the signal", async () => {
  const reason = new Error("too late");
  const abort = new AbortController();
  setTimeout(() => abort.abort(reason), 50);
  await assertRejects(() => run("expect:x", discard, abort.signal), Error, "too late");
});

Deno.test("a destination that refuses has not failed its check but its connect", async () => {
  const connector = connectorTo(parseAddress(`127.0.0.1:${freePort()}`, { minPort: 1 }));
  const { signal } = new AbortController();
  const options = { connector, host: "test", signal, timeout: 1000 };
  await assertRejects(() => runCheck({ kind: "tcp" }, options), DialError);
});
