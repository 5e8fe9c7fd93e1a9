import { getLogger } from "@logtape/logtape";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { bind } from "../../../src/net/bind.ts";
import type { HttpHandler } from "../../../src/net/http/connection.ts";
import { HttpServer, type HttpServerOptions } from "../../../src/net/http/server.ts";
import { parseAddress } from "../../../src/net/address.ts";
import { readAll, tryClose, until, writeAll } from "../../support/servers.ts";

const log = getLogger("test");

/** A server on loopback, and what it tells of its answers. */
class TestHttp implements AsyncDisposable {
  readonly server: HttpServer;
  readonly port: number;
  completed = 0;
  failed = 0;

  private constructor(server: HttpServer, port: number) {
    this.server = server;
    this.port = port;
  }

  static async start(
    handler: HttpHandler = echo,
    options: Partial<HttpServerOptions> = {},
  ): Promise<TestHttp> {
    const address = parseAddress("127.0.0.1:0", { minPort: 0 });
    const bound = await bind(address, { tcpBacklog: 1024, log });
    const server = new HttpServer({
      bound,
      log,
      what: "accepting",
      handler(request, info) {
        info.completed.then(() => test.completed++, () => test.failed++);
        return handler(request, info);
      },
      ...options,
    });
    const test: TestHttp = new TestHttp(server, bound.port!);
    return test;
  }

  connect(): Promise<Deno.TcpConn> {
    return Deno.connect({ hostname: "127.0.0.1", port: this.port });
  }

  /** Everything that comes for these bytes, until the server closes. */
  async raw(text: string): Promise<string> {
    using conn = await this.connect();
    await writeAll(conn, new TextEncoder().encode(text));
    return new TextDecoder().decode(await readAll(conn));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  close(patience = 1000): Promise<void> {
    return this.server.close({ patience });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Answers with the method, the URL and the body. */
async function echo(request: Parameters<HttpHandler>[0]): Promise<Response> {
  const body = request.body ? await new Response(request.body).text() : "";
  return text(`${request.method} ${request.url} ${body}`);
}

function text(body: string, init: ResponseInit = {}): Response {
  const length = String(new TextEncoder().encode(body).length);
  return new Response(body, { ...init, headers: { "content-length": length } });
}

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const LAST = "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const statuses = (answer: string) =>
  [...answer.matchAll(/HTTP\/1\.1 (\d+) [A-Z]/g)].map(([, status]) => Number(status));

Deno.test("requests of one connection are answered in turn, also if they are sent at once", async () => {
  await using http = await TestHttp.start();
  const post = "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
  const chunks = "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
    "3\r\nxyz\r\n0\r\n\r\n";
  const answer = await http.raw(GET + post + "\r\n" + chunks + LAST);
  assertEquals(statuses(answer), [200, 200, 200, 200]);
  assertMatch(answer, /GET http:\/\/a\/ .*POST http:\/\/a\/b abc.*\/c xyz.*\/last /s);
  await until(() => http.completed === 4, "all answers have ended");
});

Deno.test("an answer without a length comes in chunks, to HTTP/1.0 until the end", async () => {
  await using http = await TestHttp.start(() => {
    return new Response(new Blob(["a", "b".repeat(200_000)]).stream());
  });
  assertEquals((await (await fetch(http.url)).text()).length, 200_001);
  const old = await http.raw("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  assertMatch(old, /^connection: close\r$/im);
  assert(old.endsWith("ab" + "b".repeat(199_999)), "nothing but the body");
});

Deno.test("HTTP/1.0 keeps a connection if it asks for it", async () => {
  await using http = await TestHttp.start();
  const one = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
  const answer = await http.raw(one + "GET / HTTP/1.0\r\n\r\n");
  assertEquals(statuses(answer), [200, 200]);
  assertMatch(answer, /connection: keep-alive/i);
});

Deno.test("a HEAD has the headers of the answer and no body", async () => {
  await using http = await TestHttp.start();
  const answer = await http.raw("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n" + LAST);
  assertMatch(answer, /^HTTP\/1\.1 200 OK\r\ncontent-length: \d+\r\n[^]*?\r\n\r\nHTTP/);
});

Deno.test("whoever waits for 100 Continue gets it when the body is wanted, and only then", async () => {
  await using http = await TestHttp.start((request) => {
    return request.url.endsWith("/no") ? text("no", { status: 403 }) : echo(request);
  });
  const head = (path: string) =>
    `POST ${path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n` +
    "Content-Length: 3\r\nConnection: close\r\n\r\n";
  using conn = await http.connect();
  await writeAll(conn, new TextEncoder().encode(head("/yes")));
  const buffer = new Uint8Array(1000);
  const number = await conn.read(buffer);
  assertEquals(
    new TextDecoder().decode(buffer.subarray(0, number!)),
    "HTTP/1.1 100 Continue\r\n\r\n",
  );
  await writeAll(conn, new TextEncoder().encode("abc"));
  assertMatch(new TextDecoder().decode(await readAll(conn)), /\/yes abc$/);
  using other = await http.connect();
  await writeAll(other, new TextEncoder().encode(head("/no")));
  assertMatch(new TextDecoder().decode(await readAll(other)), /^HTTP\/1\.1 403 /);
});

Deno.test("an answer is not lost because its request was not read to the end", async () => {
  await using http = await TestHttp.start(() => text("too large", { status: 413 }));
  const length = 4 * 1024 * 1024;
  using conn = await http.connect();
  const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`;
  await writeAll(conn, new TextEncoder().encode(head + "x".repeat(100_000)));
  const answer = new TextDecoder().decode(await readAll(conn));
  assertMatch(answer, /^HTTP\/1\.1 413 /);
  assertMatch(answer, /connection: close/);
});

Deno.test("what is no request is answered with why, and the connection ends", async () => {
  await using http = await TestHttp.start();
  const answer = await http.raw("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n" + GET);
  assertEquals(statuses(answer), [400]);
  assertMatch(answer, /\{"error":"[^"]+"\}\n$/);
});

Deno.test("half a head, a slow head and silence are cut off in time", async () => {
  const limits = { headTimeout: 200, idleTimeout: 300 };
  await using http = await TestHttp.start(echo, { limits });
  const silent = await http.connect();
  const half = await http.connect();
  await writeAll(half, new TextEncoder().encode("GET / HTTP/1.1\r\nHo"));
  const idle = await http.connect();
  await writeAll(idle, new TextEncoder().encode(GET));
  const slow = await http.connect();
  const dripping = (async () => {
    try {
      for (;;) {
        await slow.write(new Uint8Array([65]));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    } catch {
      // It was cut off.
    }
  })();
  const begin = performance.now();
  await Promise.all([readAll(silent), readAll(half), readAll(idle), dripping]);
  assert(performance.now() - begin < 20_000);
  assertEquals(http.server.connections, 0);
  for (const conn of [silent, half, idle, slow]) conn.close();
});

Deno.test("a reader that does not read, or next to nothing, is cut off", async () => {
  const large = new Uint8Array(64 * 1024);
  for (const drip of [false, true]) {
    let made = 0;
    await using http = await TestHttp.start(
      () =>
        new Response(
          new ReadableStream({ pull: (body) => (made++, body.enqueue(large)) }),
        ),
      { limits: { readerPatience: 300, readerRate: 1024 * 1024 * 1024 } },
    );
    using conn = await http.connect();
    await writeAll(conn, new TextEncoder().encode(GET));
    let over = false;
    const reading = (async () => {
      try {
        while (drip && !over && await conn.read(new Uint8Array(10)) !== null) {
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      } catch {
        // It was cut off.
      }
    })();
    await until(() => http.failed === 1, "it was cut off");
    assertEquals(http.server.connections, 0);
    assert(made < 1000, `${made} pieces were made for nobody`);
    over = true;
    await reading;
  }
});

Deno.test("a body that fails cuts the connection, also if its reader does not read", async () => {
  let fail: (error: Error) => void;
  await using http = await TestHttp.start(() => {
    return new Response(
      new ReadableStream({
        start(controller) {
          fail = (error) => controller.error(error);
          for (let i = 0; i < 200; i++) controller.enqueue(new Uint8Array(64 * 1024));
        },
      }),
    );
  });
  using conn = await http.connect();
  await writeAll(conn, new TextEncoder().encode(GET));
  await until(() => http.server.connections === 1 && fail !== undefined, "it has begun");
  fail!(new Error("too slow"));
  await until(() => http.failed === 1 && http.server.connections === 0, "it was cut");
});

Deno.test("who holds connections cannot keep others out", async () => {
  await using http = await TestHttp.start(echo, { limits: { connections: 8 } });
  const held = await Promise.all(Array.from({ length: 50 }, () => http.connect()));
  await Promise.all(held.map((conn) => conn.write(new TextEncoder().encode("GET / HT"))));
  for (let i = 0; i < 20; i++) assertMatch(await http.raw(LAST), / 200 OK/);
  assert(http.server.connections <= 8);
  for (const conn of held) tryClose(conn);
});

Deno.test("who is being served is spared as long as others only wait", async () => {
  const go = Promise.withResolvers<void>();
  await using http = await TestHttp.start(async (request) => {
    if (!request.url.endsWith("/last")) await go.promise;
    return text("done");
  }, { limits: { connections: 4 } });
  using served = await http.connect();
  await writeAll(served, new TextEncoder().encode(GET));
  const held = await Promise.all(Array.from({ length: 20 }, () => http.connect()));
  assertMatch(await http.raw(LAST), / 200 OK/);
  go.resolve();
  assertMatch(new TextDecoder().decode(await readSome(served)), / 200 OK/);
  for (const conn of held) tryClose(conn);
});

Deno.test("without descriptors somebody has to make room", async () => {
  let free = 2;
  await using http = await TestHttp.start(echo, {
    claim: () => free === 0 ? undefined : (free--, () => void free++),
  });
  const held = await Promise.all(Array.from({ length: 10 }, () => http.connect()));
  assertMatch(await http.raw(LAST), / 200 OK/);
  assert(http.server.connections <= 2);
  for (const conn of held) tryClose(conn);
  await until(() => http.server.connections === 0, "all have left");
  assertEquals(free, 2);
});

Deno.test("with no room at all one is refused in so many words", async () => {
  await using http = await TestHttp.start(echo, { claim: () => undefined });
  assertMatch(await http.raw(""), /^HTTP\/1\.1 503 /);
});

Deno.test("closing lets answers under way end, for a while", async () => {
  const go = Promise.withResolvers<void>();
  for (const patient of [true, false]) {
    let begun = false;
    const http = await TestHttp.start(async () => {
      begun = true;
      await go.promise;
      return text("done");
    });
    using busy = await http.connect();
    using idle = await http.connect();
    await writeAll(busy, new TextEncoder().encode(GET));
    await until(() => begun && http.server.connections === 2, "both are there");
    const closing = http.close(patient ? 10_000 : 0);
    await readAll(idle).catch(() => {});
    if (patient) {
      go.resolve();
      assertMatch(new TextDecoder().decode(await readAll(busy)), /connection: close\r\n[^]*done$/);
    }
    await closing;
    assertEquals(http.server.connections, 0);
  }
});

Deno.test("nothing here is the runtime's own server, which variables move elsewhere", async () => {
  const folder = new URL("../../../src/", import.meta.url);
  for (const path of sources(folder)) {
    const code = await Deno.readTextFile(path);
    assert(!/Deno\.serve\b|node:http\b|Deno\.serveHttp/.test(code), `${path}`);
  }
});

function* sources(folder: URL): Generator<URL> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* sources(new URL(`${name}/`, folder));
    else if (name.endsWith(".ts")) yield new URL(name, folder);
  }
}

async function readSome(conn: Deno.Conn): Promise<Uint8Array> {
  const buffer = new Uint8Array(1000);
  return buffer.subarray(0, await conn.read(buffer) ?? 0);
}
