import { assertEquals, assertStringIncludes } from "@std/assert";
import { errorOf, TestAdmin } from "../support/admin.ts";

const TOKEN = "correct-horse-battery";
const PAGE = { body: "hello", contentSecurityPolicy: "default-src 'self'" };

function status(admin: TestAdmin, ...headers: string[]): Promise<number> {
  return admin.rawStatus(["GET /status HTTP/1.1", ...headers, "Connection: close"]);
}

for (
  const host of [
    "localhost",
    "LOCALHOST:1",
    "127.0.0.1",
    "127.0.0.1:65535",
    "127.9.9.9",
    "[::1]:80",
    "[::ffff:127.0.0.1]",
  ]
) {
  Deno.test(`a request for ${host} is let in, as it may come through a forwarded port`, async () => {
    await using admin = await TestAdmin.start();
    assertEquals(await status(admin, `Host: ${host}`), 200);
  });
}

for (
  const host of [
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "10.0.0.1",
    "0.0.0.0",
    "2130706433",
    "0x7f.1",
    "localhost.",
    "[::]",
    "[::ffff:10.0.0.1]",
  ]
) {
  Deno.test(`a request for ${host} is refused, as its page may have rebound a name`, async () => {
    await using admin = await TestAdmin.start({ page: PAGE });
    assertEquals(await status(admin, `Host: ${host}`), 403);
    const page = ["GET / HTTP/1.1", `Host: ${host}`, "Connection: close"];
    assertEquals(await admin.rawStatus(page), 403);
  });
}

for (
  const headers of [
    ["Host: "],
    ["Host: a b"],
    ["Host: user@localhost"],
    ["Host: localhost:x"],
    ["Host: localhost/status"],
    ["Host: localhost", "Host: localhost"],
    ["Host: evil.example", "Host: localhost"],
  ]
) {
  Deno.test(`a request with ${headers.join(" and ")} is malformed`, async () => {
    await using admin = await TestAdmin.start();
    assertEquals(await status(admin, ...headers), 400);
  });
}

Deno.test("a target that names another host than the Host header is malformed", async () => {
  await using admin = await TestAdmin.start();
  const head = ["GET http://evil.example/status HTTP/1.1", "Host: localhost", "Connection: close"];
  assertEquals(await admin.rawStatus(head), 400);
});

Deno.test("a health check without a Host, as HAProxy sends it, is answered", async () => {
  await using admin = await TestAdmin.start();
  assertEquals(await admin.rawStatus(["GET /healthz HTTP/1.0"]), 200);
});

Deno.test("with a token any host will do", async () => {
  await using admin = await TestAdmin.start({ token: TOKEN });
  const authorization = `Authorization: Bearer ${TOKEN}`;
  assertEquals(await status(admin, "Host: balancer.example:9090", authorization), 200);
});

Deno.test("a page of another site is refused, whatever it asks for", async () => {
  await using admin = await TestAdmin.start({ page: PAGE });
  const own = `http://${admin.address}`;
  for (
    const origin of ["http://evil.example", "null", "http://127.0.0.1", "file://", "garbage", ""]
  ) {
    for (const method of ["GET", "POST", "OPTIONS", "DELETE"]) {
      for (const path of ["/", "/status", "/drain", "/nothing"]) {
        const head = [`${method} ${path} HTTP/1.1`, `Host: ${admin.address}`, "Connection: close"];
        assertEquals(await admin.rawStatus([...head, `Origin: ${origin}`]), 403, origin);
      }
    }
  }
  assertEquals(await status(admin, `Host: ${admin.address}`, `Origin: ${own}`), 200);
  assertEquals(await status(admin, "Host: localhost", "Origin: http://localhost:80"), 200);
  assertEquals(admin.operations.asked, []);
});

Deno.test("an image or a link of another site gets the page at most", async () => {
  await using admin = await TestAdmin.start({ page: PAGE });
  for (const site of ["cross-site", "same-site"]) {
    const headers = { "sec-fetch-site": site };
    await errorOf(await admin.fetch("/events", { headers }), 403);
    assertEquals(await (await admin.fetch("/", { headers })).text(), "hello");
  }
  const own = await admin.fetch("/status", { headers: { "sec-fetch-site": "same-origin" } });
  await own.text();
  assertEquals(own.status, 200);
});

Deno.test("with a token nothing is told without it but the page and the health", async () => {
  await using admin = await TestAdmin.start({ page: PAGE, token: TOKEN });
  const paths = ["/status", "/sessions", "/metrics", "/events", "/openapi.json", "/nothing"];
  for (const path of paths) {
    const response = await admin.fetch(path);
    assertEquals(response.headers.get("www-authenticate"), 'Bearer realm="iawlb"');
    await errorOf(response, 401);
  }
  for (const authorization of ["Bearer wrong", `Basic ${TOKEN}`, TOKEN, `Bearer ${TOKEN}x`]) {
    await errorOf(await admin.fetch("/status", { headers: { authorization } }), 401);
  }
  await errorOf(await admin.fetch("/drain", { method: "POST", body: "{}" }), 401);
  for (const path of ["/", "/healthz"]) {
    const response = await admin.fetch(path);
    await response.text();
    assertEquals(response.status, 200);
  }
  for (const authorization of [`Bearer ${TOKEN}`, `bearer  ${TOKEN}`]) {
    const response = await admin.fetch("/status", { headers: { authorization } });
    await response.text();
    assertEquals(response.status, 200);
  }
  assertEquals(admin.operations.asked, []);
});

for (
  const path of [
    "//status",
    "/status/",
    "/STATUS",
    "/x/../status",
    "/%73tatus",
    "/./status",
    "/status%00",
    "/sessions/..",
    "/sessions/{id}",
    "/sessions/1",
    "/sessions/1.1/",
    "/sessions/1.1%20",
    "/sessions/-1.1",
    "/sessions/1.9999999999999999",
    "/destinations/%2e%2e/1.1",
    "/__proto__",
    "/constructor/1.1",
  ]
) {
  Deno.test(`there is no ${path}`, async () => {
    await using admin = await TestAdmin.start();
    const rest = ["HTTP/1.1", "Host: localhost", "Connection: close"];
    const methods = path.includes("s/") ? ["DELETE"] : ["GET", "DELETE"];
    for (const method of methods) {
      const [version, ...headers] = rest;
      assertEquals(await admin.rawStatus([`${method} ${path} ${version}`, ...headers]), 404);
    }
    assertEquals(admin.operations.asked, []);
  });
}

Deno.test("a method that a path lacks is answered with those that it has", async () => {
  await using admin = await TestAdmin.start();
  for (
    const [method, path, allow] of [
      ["POST", "/status", "GET, HEAD"],
      ["GET", "/drain", "POST"],
      ["HEAD", "/reload", "POST"],
      ["GET", "/destinations/1.1", "PATCH, DELETE"],
      ["PUT", "/destinations/x", "PATCH, DELETE"],
      ["OPTIONS", "/sessions", "GET, HEAD"],
      ["TRACE", "/", "GET, HEAD"],
      ["get", "/status", "GET, HEAD"],
      ["BREW", "/status", "GET, HEAD"],
    ]
  ) {
    const answer = await admin.raw([
      `${method} ${path} HTTP/1.1`,
      "Host: localhost",
      "Connection: close",
    ]);
    assertStringIncludes(answer, " 405 ");
    assertEquals(/^allow: (.*)\r$/im.exec(answer)?.[1], allow);
  }
});
