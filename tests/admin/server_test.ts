import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Address, parseAddress, type SocketAddress } from "../../src/net/address.ts";
import { isBoundAsMeant, serveAdmin } from "../../src/admin/server.ts";
import { FatalError, UsageError } from "../../src/base/errors.ts";
import { RecentEvents } from "../../src/logging/recent_events.ts";
import { OperationError } from "../../src/operations/operations.ts";
import { errorOf, TestAdmin } from "../support/admin.ts";
import { destination, FakeOperations, listener, liveSession } from "../support/fake_operations.ts";
import { getLogger } from "@logtape/logtape";
import { tryClose, until } from "../support/servers.ts";

const PAGE = {
  body: "<!doctype html>hello",
  contentSecurityPolicy: "default-src 'self'; frame-ancestors 'none'",
};

/** A start that should fail. */
async function start(address: Address, token?: string): Promise<void> {
  const log = getLogger("iawlb");
  const options = { address, token, events: new RecentEvents(), log };
  const server = await serveAdmin(new FakeOperations(), options);
  await server.close();
}

Deno.test("the health is 200 while every listener has a destination that is up, otherwise 503", async () => {
  await using admin = await TestAdmin.start({ limits: { snapshotAge: 0 } });
  const { operations } = admin;
  async function health(): Promise<[number, unknown]> {
    const response = await admin.fetch("/healthz");
    return [response.status, await response.json()];
  }
  assertEquals(await health(), [200, { status: "ok" }]);
  operations.listeners = [
    listener(1),
    listener(2, { destinations: [destination("2.1", { state: "suspect" })] }),
  ];
  assertEquals(await health(), [503, { status: "no destination up" }]);
  operations.listeners[1]!.destinations.push(destination("2.2", { state: "untried" }));
  assertEquals(await health(), [503, { status: "no destination up" }]);
  operations.listeners[1]!.destinations.push(destination("2.3"));
  assertEquals(await health(), [200, { status: "ok" }]);
  operations.listeners.push(listener(3, { state: "draining", destinations: [] }));
  assertEquals(await health(), [200, { status: "ok" }]);
  operations.state = "draining";
  assertEquals(await health(), [503, { status: "draining" }]);
});

Deno.test("that the program drains is told at once, however lately it was looked at", async () => {
  const drain = new AbortController();
  const limits = { snapshotAge: 60_000 };
  await using admin = await TestAdmin.start({ limits, draining: drain.signal });
  const ask = async () => {
    const answer = await admin.fetch("/healthz");
    await answer.body?.cancel();
    return answer.status;
  };
  assertEquals(await ask(), 200);
  admin.operations.state = "draining";
  drain.abort();
  assertEquals(await ask(), 503);
});

Deno.test("the status is the status of the program", async () => {
  await using admin = await TestAdmin.start();
  const status = await (await admin.fetch("/status")).json();
  assertEquals(status.version, "1.2.3");
  assertEquals(status.listeners, admin.operations.listeners);
});

Deno.test("however many ask, the program is looked at once in a while", async () => {
  await using admin = await TestAdmin.start({ limits: { snapshotAge: 60_000 } });
  const paths = ["/status", "/healthz", "/metrics", "/sessions?limit=50", "/sessions?limit=7"];
  for (let i = 0; i < 10; i++) {
    await Promise.all(paths.map(async (path) => (await admin.fetch(path)).text()));
  }
  assertEquals(admin.operations.looks.status, 1);
  assert(admin.operations.looks.sessions <= 2);
});

Deno.test("a snapshot grows old", async () => {
  await using admin = await TestAdmin.start();
  await (await admin.fetch("/status")).text();
  await until(async () => {
    await (await admin.fetch("/status")).text();
    return admin.operations.looks.status === 3;
  }, "the status was looked at a third time");
});

Deno.test("whoever looks after a change sees it", async () => {
  await using admin = await TestAdmin.start({ limits: { snapshotAge: 60_000 } });
  await (await admin.fetch("/status")).text();
  const body = JSON.stringify({ state: "drain" });
  await (await admin.fetch("/destinations/1.1", { method: "PATCH", body })).text();
  const { listeners } = await (await admin.fetch("/status")).json();
  assertEquals(listeners[0].destinations[0].state, "drain");
});

Deno.test("as many sessions are listed as are asked for, and all are counted", async () => {
  await using admin = await TestAdmin.start({ limits: { snapshotAge: 0 } });
  admin.operations.live = Array.from({ length: 200 }, (_, i) => liveSession(`1.${i}`));
  async function list(query: string): Promise<{ sessions: unknown[]; total: number }> {
    return await (await admin.fetch(`/sessions${query}`)).json();
  }
  assertEquals((await list("?limit=1")).total, 5);
  assertEquals((await list("")).sessions.length, 100);
  assertEquals((await list("?limit=3")).sessions, admin.operations.live.slice(0, 3));
  assertEquals((await list("?limit=10000")).total, 200);
});

for (const query of ["limit=0", "limit=10001", "limit=x", "limit=", "limit=1&limit=2", "limt=1"]) {
  Deno.test(`a list of sessions cannot be asked for with ?${query}`, async () => {
    await using admin = await TestAdmin.start();
    await errorOf(await admin.fetch(`/sessions?${query}`), 422);
  });
}

Deno.test("a session is ended, once", async () => {
  await using admin = await TestAdmin.start();
  admin.operations.live = [liveSession("1.7")];
  const response = await admin.fetch("/sessions/1.7", { method: "DELETE" });
  assertEquals([response.status, await response.text()], [204, ""]);
  assertStringIncludes(
    await errorOf(await admin.fetch("/sessions/1.7", { method: "DELETE" }), 404),
    "1.7",
  );
});

Deno.test("a destination is added, changed and removed", async () => {
  await using admin = await TestAdmin.start();
  const wanted = { listener: "8080", address: "9004", workers: 4, weight: 2, backup: true };
  const added = await admin.fetch("/destinations", {
    method: "POST",
    body: JSON.stringify(wanted),
    headers: { "content-type": "application/json; charset=utf-8" },
  });
  assertEquals(added.status, 201);
  assertEquals((await added.json()).limit, 4);
  const change = { state: "maint", workers: 1, weight: 256 };
  const changed = await admin.fetch("/destinations/1.2", {
    method: "PATCH",
    body: JSON.stringify(change),
  });
  assertEquals(changed.status, 200);
  assertEquals((await changed.json()).state, "maint");
  const removed = await admin.fetch("/destinations/1.2", { method: "DELETE" });
  assertEquals([removed.status, await removed.json()], [202, {}]);
  assertEquals(admin.operations.asked, [
    ["addDestination", wanted],
    ["changeDestination", "1.2", change],
    ["removeDestination", "1.2"],
  ]);
});

Deno.test("a drain and a reload need no body, but its type", async () => {
  await using admin = await TestAdmin.start();
  const headers = { "content-type": "application/json" };
  admin.operations.reloaded = { changes: ["added 9004"], needs_restart: ["threads"] };
  const reloaded = await admin.fetch("/reload", { method: "POST", headers });
  assertEquals([reloaded.status, await reloaded.json()], [200, admin.operations.reloaded]);
  await errorOf(await admin.fetch("/drain", { method: "POST" }), 415);
  const drained = await admin.fetch("/drain", { method: "POST", headers, body: "{}" });
  assertEquals([drained.status, await drained.json()], [202, {}]);
  assertEquals(admin.operations.asked, [["reload"], ["beginDrain"]]);
});

Deno.test("a configuration that is not allowed is answered with all its errors", async () => {
  await using admin = await TestAdmin.start();
  admin.operations.failure = new UsageError("a.toml:3: first\na.toml:9: second");
  const response = await admin.fetch("/reload", { method: "POST", body: "" });
  assertEquals(response.status, 422);
  assertEquals(await response.json(), {
    error: "a.toml:3: first (and 1 more)",
    errors: ["a.toml:3: first", "a.toml:9: second"],
  });
});

for (const [kind, status] of [["missing", 404], ["invalid", 422], ["conflict", 409]] as const) {
  Deno.test(`an operation that is ${kind} is answered with ${status}`, async () => {
    await using admin = await TestAdmin.start();
    admin.operations.failure = new OperationError(kind, `it is ${kind}`);
    const body = JSON.stringify({ address: "9" });
    for (
      const [path, init] of [
        ["/destinations", { method: "POST", body }],
        ["/destinations/1.1", { method: "PATCH", body: '{"weight":2}' }],
        ["/destinations/1.1", { method: "DELETE" }],
        ["/sessions/1.1", { method: "DELETE" }],
        ["/reload", { method: "POST", body: "{}" }],
      ] as const
    ) {
      assertEquals(await errorOf(await admin.fetch(path, init), status), `it is ${kind}`);
    }
  });
}

Deno.test("a defect tells the client nothing", async () => {
  await using admin = await TestAdmin.start();
  admin.operations.failure = new Error("secret");
  const error = await errorOf(await admin.fetch("/sessions/1.1", { method: "DELETE" }), 500);
  assert(!error.includes("secret"));
});

Deno.test("the page is served with its policy, and cannot be framed", async () => {
  await using admin = await TestAdmin.start({ page: PAGE });
  const response = await admin.fetch("/");
  assertEquals(await response.text(), PAGE.body);
  assertEquals(response.headers.get("content-type"), "text/html; charset=utf-8");
  assertEquals(
    response.headers.get("content-security-policy"),
    "default-src 'self'; frame-ancestors 'none'",
  );
});

Deno.test("without a page there is none", async () => {
  await using admin = await TestAdmin.start();
  await errorOf(await admin.fetch("/"), 404);
});

Deno.test("every answer has the headers that protect it, and none for other sites", async () => {
  await using admin = await TestAdmin.start({ page: PAGE });
  for (const path of ["/", "/status", "/metrics", "/nothing", "/sessions?limit=x"]) {
    const response = await admin.fetch(path);
    await response.body?.cancel();
    const headers = Object.fromEntries(response.headers);
    assertEquals(headers["x-content-type-options"], "nosniff", path);
    assertEquals(headers["cache-control"], "no-store, no-transform", path);
    assertEquals(headers["referrer-policy"], "no-referrer", path);
    assertStringIncludes(headers["content-security-policy"]!, "frame-ancestors 'none'");
    assert(!Object.keys(headers).some((name) => name.startsWith("access-control-")), path);
  }
});

Deno.test("a HEAD is a GET without the body", async () => {
  await using admin = await TestAdmin.start({ page: PAGE });
  for (const path of ["/", "/healthz", "/status", "/sessions", "/metrics", "/openapi.json"]) {
    const head = await admin.fetch(path, { method: "HEAD" });
    assertEquals([head.status, await head.text()], [200, ""], path);
    const get = await admin.fetch(path);
    await get.text();
    assertEquals(head.headers.get("content-type"), get.headers.get("content-type"), path);
  }
});

Deno.test("it works over a Unix-domain socket that only owner and group may use", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/admin.sock`;
  const admin = await TestAdmin.start({ address: `unix:${path}` });
  assertEquals(admin.address, `unix:${path}`);
  assertEquals(Deno.statSync(path).mode! & 0o777, 0o660);
  const answer = await admin.raw(["GET /healthz HTTP/1.1", "Host: whatever", "Connection: close"]);
  assertStringIncludes(answer, '{"status":"ok"}');
  assertStringIncludes(await admin.raw(["GET /healthz HTTP/1.0"]), '{"status":"ok"}');
  const body = '{"address":"9004"}';
  const added = await admin.raw([
    "POST /destinations HTTP/1.1",
    "Host: localhost",
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    "Connection: close",
  ], body);
  assertStringIncludes(added, "HTTP/1.1 201 ");
  await admin.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a socket file that somebody answers on is not taken, a dead one is", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/admin.sock`;
  const address: Address = { transport: "unix", path };
  {
    await using _admin = await TestAdmin.start({ address: `unix:${path}` });
    await assertRejects(() => start(address), FatalError, "in use");
  }
  const dead = new Deno.Command(Deno.execPath(), {
    args: ["eval", `Deno.listen({ transport: "unix", path: "${path}" }); Deno.kill(Deno.pid, 9);`],
  });
  await dead.output();
  assert(Deno.lstatSync(path).isSocket);
  await start(address);
  Deno.writeTextFileSync(path, "precious");
  await assertRejects(() => start(address), FatalError, path);
  assertEquals(Deno.readTextFileSync(path), "precious");
  await Deno.remove(folder, { recursive: true });
});

for (const address of ["0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.com:0"]) {
  Deno.test(`${address} cannot be bound without a token`, async () => {
    const parsed = parseAddress(address, { minPort: 0 });
    await assertRejects(() => start(parsed), UsageError, "--admin-token-file");
  });
}

Deno.test("loopback needs no token, and the wildcard is bound with one", async () => {
  const token = "0123456789abcdef";
  for (const address of ["127.0.0.2:0", "localhost:0"]) {
    await start(parseAddress(address, { minPort: 0 }));
  }
  await start({ transport: "tcp", hostname: undefined, port: 0 }, token);
});

Deno.test("an address in use is named", async () => {
  await using admin = await TestAdmin.start();
  const address = parseAddress(admin.address, { minPort: 1 });
  await assertRejects(() => start(address), FatalError, `Cannot listen on ${admin.address}`);
});

Deno.test("closing does not wait for idle clients, and may be done twice", async () => {
  const admin = await TestAdmin.start();
  const idle = await admin.connect();
  await (await admin.fetch("/status")).text();
  await admin.close();
  await admin.close();
  tryClose(idle);
});

Deno.test("an aborted signal closes it", async () => {
  const life = new AbortController();
  await using admin = await TestAdmin.start({ signal: life.signal });
  life.abort();
  await until(async () => {
    try {
      (await admin.connect()).close();
      return false;
    } catch {
      return true;
    }
  }, "nobody listens");
});

Deno.test("what is bound has to be what was asked for, whatever form that has", () => {
  const tcp = (hostname: string, port = 80): SocketAddress => ({
    transport: "tcp",
    hostname,
    port,
  });
  const meant = (text: string, bound: SocketAddress, token?: string) => {
    return isBoundAsMeant(bound, {
      address: parseAddress(text, { minPort: 0 }),
      hasToken: token !== undefined,
    });
  };
  for (const own of ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]) {
    assert(meant("localhost:80", tcp(own)), own);
    assert(meant("localhost:0", tcp(own)), own);
  }
  assert(meant("127.0.0.1:80", tcp("127.0.0.1")));
  assert(meant("[::1]:80", tcp("::1")));
  for (const foreign of ["0.0.0.0", "::", "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"]) {
    for (const text of ["localhost:80", "127.0.0.1:80", "[::1]:80"]) {
      assert(!meant(text, tcp(foreign)), `${text} at ${foreign}`);
    }
    assert(!meant("80", tcp(foreign)), `without a token at ${foreign}`);
    assert(meant("80", tcp(foreign), "secret"), `with a token at ${foreign}`);
  }
  assert(!meant("127.0.0.1:80", tcp("127.0.0.1", 81)), "another port");
  assert(!meant("0.0.0.0:80", tcp("0.0.0.0", 81), "secret"), "another port with a token");
  assert(!meant("unix:/run/a.sock", tcp("127.0.0.1")), "not a path");
  assert(!meant("127.0.0.1:80", { transport: "unix", path: "/run/a.sock" }), "not a port");
  assert(meant("unix:/run/a.sock", { transport: "unix", path: "/run/.a.sock" }));
});

Deno.test("a program is added only by those who have shown a token", async () => {
  const bodies = [
    { exec: ["/bin/x", "a b"], user: "nobody", workers: 2 },
    { address: "exec:/bin/x 'a b'", workers: 2 },
  ];
  await using open = await TestAdmin.start();
  for (const body of bodies) {
    const answer = await open.fetch("/destinations", {
      method: "POST",
      body: JSON.stringify(body),
    });
    assertStringIncludes(await errorOf(answer, 403), "only with a token");
  }
  assertEquals(open.operations.asked, []);
  const token = "a-token-of-the-test-with-enough-characters";
  await using admin = await TestAdmin.start({ token });
  const headers = { authorization: `Bearer ${token}` };
  const add = (body: unknown) =>
    admin.fetch("/destinations", { method: "POST", body: JSON.stringify(body), headers });
  for (const body of bodies) {
    const answer = await add(body);
    assertEquals([answer.status, typeof await answer.json()], [201, "object"]);
  }
  const address = "exec:/bin/x 'a b'";
  assertEquals(admin.operations.asked, [
    ["addDestination", { address, user: "nobody", workers: 2 }],
    ["addDestination", { address, workers: 2 }],
  ]);
  for (const body of [{ exec: [] }, { exec: "x" }, { exec: [1] }, { exec: [""] }, {}]) {
    await errorOf(await add(body), 422);
  }
  await errorOf(await add({ exec: ["x"], address: "9001" }), 422);
});
