import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { errorOf, TestAdmin } from "../support/admin.ts";
import { readAll, tryClose, writeAll } from "../support/servers.ts";

const HEAD = [
  "POST /destinations HTTP/1.1",
  "Host: localhost",
  "Content-Type: application/json",
  "Connection: close",
];

for (
  const type of [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonp",
    "application/json, text/plain",
    "application/json; charset=latin1",
    "",
  ]
) {
  Deno.test(`a body of the type ${JSON.stringify(type)} is refused`, async () => {
    await using admin = await TestAdmin.start();
    const headers = { "content-type": type };
    const init = { method: "POST", body: '{"address":"9004"}', headers };
    await errorOf(await admin.fetch("/destinations", init), 415);
    await errorOf(await admin.fetch("/drain", init), 415);
    assertEquals(admin.operations.asked, []);
  });
}

Deno.test("a compressed body is refused", async () => {
  await using admin = await TestAdmin.start();
  const headers = { "content-encoding": "gzip" };
  await errorOf(await admin.fetch("/drain", { method: "POST", body: "{}", headers }), 415);
});

for (const body of ["{", "", "null", "[]", "7", '"x"', '{"address":"9"}x', "\xff"]) {
  Deno.test(`the body ${JSON.stringify(body)} is malformed`, async () => {
    await using admin = await TestAdmin.start();
    const bytes = Uint8Array.from(body, (char) => char.charCodeAt(0));
    await errorOf(await admin.fetch("/destinations", { method: "POST", body: bytes }), 400);
    assertEquals(admin.operations.asked, []);
  });
}

Deno.test("every field that is wrong is named, with its value and what is allowed", async () => {
  await using admin = await TestAdmin.start();
  const body =
    '{"adress":"9","workers":"4","weight":257,"backup":257,"send_proxy":"v3","listener":"","__proto__":{}}';
  const response = await admin.fetch("/destinations", { method: "POST", body });
  assertEquals(response.status, 422);
  const { error, errors } = await response.json();
  assertEquals(errors.length, 8);
  assert(errors.includes('send_proxy "v3": must be one of off, v1, v2'), error);
  for (
    const line of [
      '"adress": no such field; the nearest is "address"',
      'workers "4": must be a whole number from 1 to 1000000, or auto',
      "weight 257: must be a whole number from 0 to 256",
      "backup 257: must be true, false or a whole number from 0 to 256",
      'listener "": must be the number or the name of a listener',
      '"__proto__": no such field',
      "address is missing: must be PORT, HOST:PORT",
    ]
  ) {
    assert(errors.some((text: string) => text.startsWith(line)), `${line} in ${error}`);
    assertStringIncludes(error, line);
  }
  assertEquals(admin.operations.asked, []);
});

for (
  const workers of ["0", "-1", "1.5", "1e400", "1000001", "true", "null", "[4]", "{}"]
) {
  Deno.test(`a destination cannot have ${workers} workers`, async () => {
    await using admin = await TestAdmin.start();
    const init = { method: "PATCH", body: `{"workers":${workers}}` };
    const error = await errorOf(await admin.fetch("/destinations/1.1", init), 422);
    assertStringIncludes(error, "must be a whole number from 1 to 1000000");
  });
}

for (const body of ["{}", '{"state":"up"}', '{"state":null}', '{"constructor":1}']) {
  Deno.test(`a destination cannot be changed with ${body}`, async () => {
    await using admin = await TestAdmin.start();
    const response = await admin.fetch("/destinations/1.1", { method: "PATCH", body });
    assertStringIncludes(await errorOf(response, 422), "state");
    assertEquals(admin.operations.asked, []);
  });
}

Deno.test("a drain and a reload take no fields", async () => {
  await using admin = await TestAdmin.start();
  for (const path of ["/drain", "/reload"]) {
    const response = await admin.fetch(path, { method: "POST", body: '{"timeout":5}' });
    assertStringIncludes(await errorOf(response, 422), "timeout");
  }
  assertEquals(admin.operations.asked, []);
});

Deno.test("no body can change what all objects have", async () => {
  await using admin = await TestAdmin.start();
  const body = '{"address":"9","__proto__":{"polluted":true}}';
  await errorOf(await admin.fetch("/destinations", { method: "POST", body }), 422);
  assertEquals(Object.hasOwn(Object.prototype, "polluted"), false);
});

Deno.test("a body that is declared as too large is refused before it arrives", async () => {
  await using admin = await TestAdmin.start();
  using conn = await admin.connect();
  const head = [...HEAD, "Content-Length: 65537"].join("\r\n") + "\r\n\r\n";
  await writeAll(conn, new TextEncoder().encode(head));
  assertStringIncludes(await firstOf(conn), " 413 ");
});

Deno.test("a body that turns out to be too large is refused, and not read to its end", async () => {
  await using admin = await TestAdmin.start();
  using conn = await admin.connect();
  const head = [...HEAD, "Transfer-Encoding: chunked"].join("\r\n") + "\r\n\r\n";
  await writeAll(conn, new TextEncoder().encode(head));
  const chunk = new TextEncoder().encode(`1000\r\n${" ".repeat(4096)}\r\n`);
  let sending = true;
  async function send(): Promise<void> {
    while (sending) await writeAll(conn, chunk);
  }
  const sent = send().catch(() => {});
  assertStringIncludes(await firstOf(conn), " 413 ");
  sending = false;
  tryClose(conn);
  await sent;
});

Deno.test("a body of exactly 64 KiB is read", async () => {
  await using admin = await TestAdmin.start();
  const body = '{"address":"9004"}'.padEnd(64 * 1024);
  const response = await admin.fetch("/destinations", { method: "POST", body });
  await response.text();
  assertEquals(response.status, 201);
});

Deno.test("a client that does not finish its body is answered with 408", async () => {
  await using admin = await TestAdmin.start({ limits: { bodyTimeout: 100 } });
  using conn = await admin.connect();
  const head = [...HEAD, "Content-Length: 50"].join("\r\n") + '\r\n\r\n{"address":';
  await writeAll(conn, new TextEncoder().encode(head));
  assertStringIncludes(await firstOf(conn), " 408 ");
  assertEquals(admin.operations.asked, []);
});

Deno.test("a client that leaves within its body does no harm", async () => {
  await using admin = await TestAdmin.start();
  using conn = await admin.connect();
  const head = [...HEAD, "Content-Length: 50"].join("\r\n") + "\r\n\r\n{";
  await writeAll(conn, new TextEncoder().encode(head));
  await conn.closeWrite();
  await readAll(conn).catch(() => {});
  assertEquals((await (await admin.fetch("/healthz")).json()).status, "ok");
  assertEquals(admin.operations.asked, []);
});

/** The beginning of an answer; the rest may wait for the end of the request. */
async function firstOf(conn: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(4096);
  return new TextDecoder().decode(buffer.subarray(0, (await conn.read(buffer)) ?? 0));
}
