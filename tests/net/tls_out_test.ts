import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { DialError } from "../../src/net/dial.ts";
import { connect } from "../../src/net/connect.ts";
import type { Stream } from "../../src/net/stream.ts";
import { hasNodeTls } from "../../src/net/tls/node_tls.ts";
import type { TlsOutTerms } from "../../src/net/tls/out_terms.ts";
import { TlsOut } from "../../src/net/tls/out.ts";
import { trustAsTold } from "../../src/net/tls/roots.ts";
import { MOST_UNFINISHED, Unfinished } from "../../src/net/tls/unfinished.ts";
import { Between } from "../support/between.ts";
import { readAll, tryClose, until, writeAll } from "../support/servers.ts";
import { TlsFiles } from "../support/tls_files.ts";
import { unless } from "../support/unless.ts";

const NEEDS = { "there is no openssl": !TlsFiles.isPossible };
const NEEDS_NODE = { ...NEEDS, "it needs Deno 2.8": !hasNodeTls() };

/** Ways to speak TLS: by the runtime, around by a connection to itself, by Node.js. */
const WAYS = ["direct", "around", "node"] as const;
type Way = typeof WAYS[number];

// Whatever the runtime has read before: all ways are tried.
trustAsTold(true);

let files: TlsFiles | undefined;
if (TlsFiles.isPossible) {
  files = new TlsFiles();
  files.make("server");
  files.make("client");
  files.make("expired", { expired: true });
  files.make("stranger", { by: "stranger" });
  addEventListener("unload", () => files![Symbol.dispose]());
}

function termsOf(way: Way, different: Partial<TlsOutTerms> = {}): TlsOutTerms {
  return {
    name: "localhost",
    roots: { path: files!.cert("ca"), text: files!.pair("ca").cert },
    own: way === "node" ? files!.pair("client") : undefined,
    insecure: false,
    ...different,
  };
}

function outBy(way: Way, different: Partial<TlsOutTerms> = {}): TlsOut {
  const full = new Unfinished(undefined);
  if (way === "around") Object.defineProperty(full, "full", { value: true });
  return new TlsOut(termsOf(way, different), { unfinished: full });
}

/** A server of TLS, and a stream to it. */
class Scene implements Disposable {
  readonly listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...files!.pair("server") });
  server!: Deno.TlsConn;
  stream!: Stream;

  static async start(way: Way): Promise<Scene> {
    const scene = new Scene();
    const accepted = scene.listener.accept();
    const { port } = scene.listener.addr as Deno.NetAddr;
    const raw = await connect({ hostname: "127.0.0.1", port });
    const { signal } = new AbortController();
    const starting = outBy(way).start(raw, { signal, where: "there" });
    scene.server = await accepted;
    await scene.server.handshake();
    scene.stream = await starting;
    return scene;
  }

  [Symbol.dispose](): void {
    this.stream.close();
    tryClose(this.server);
    tryClose(this.listener);
  }
}

function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

async function contentsOf(stream: Stream): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (;;) {
    const buffer = new Uint8Array(64 * 1024);
    const number = await stream.read(buffer);
    if (number === 0) break;
    pieces.push(buffer.subarray(0, number));
  }
  return new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer());
}

async function send(stream: Stream, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await stream.write(bytes.subarray(sent));
}

/** A message of a handshake that is none, and then records without end. */
async function flood(conn: Deno.Conn): Promise<number> {
  const record = new Uint8Array(5 + 16_384);
  record.set([22, 3, 3, 0x40, 0]);
  let sent = 0;
  try {
    await conn.read(new Uint8Array(4096));
    await writeAll(conn, Uint8Array.of(...record.subarray(0, 5), 2, 0, 0xff, 0xff));
    await writeAll(conn, new Uint8Array(16_380));
    for (; sent < 64 * 2 ** 20; sent += record.length) await writeAll(conn, record);
  } catch {
    // It has been closed.
  }
  conn.close();
  return sent;
}

for (const way of WAYS) {
  const needs = way === "node" ? NEEDS_NODE : NEEDS;

  Deno.test(
    unless(
      `TLS, ${way}: a server that floods the handshake is left, and not kept in memory`,
      needs,
    ),
    async () => {
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const flooding = listener.accept().then(flood);
      const raw = await connect({ hostname: "127.0.0.1", port: listener.addr.port });
      const { signal } = new AbortController();
      const error = await assertRejects(
        () => outBy(way).start(raw, { signal, where: "there" }),
        DialError,
      );
      assertMatch(error.message, /what came is no TLS/);
      assert(await flooding < 32 * 2 ** 20);
    },
  );

  Deno.test(
    unless(`TLS, ${way}: a megabyte there and one back, each end told on its own`, needs),
    async () => {
      using scene = await Scene.start(way);
      const up = crypto.getRandomValues(new Uint8Array(65_536));
      const all = new Uint8Array(16 * up.length);
      for (let i = 0; i < 16; i++) all.set(up, i * up.length);
      const received = readAll(scene.server);
      await send(scene.stream, all);
      await scene.stream.closeWrite();
      assertEquals(await received, all);
      // The other direction goes on after that.
      const back = contentsOf(scene.stream);
      await writeAll(scene.server, all);
      await scene.server.closeWrite();
      assertEquals(await back, all);
    },
  );

  Deno.test(
    unless(`TLS, ${way}: a server that finishes first still gets what comes`, needs),
    async () => {
      const before = descriptors();
      using scene = await Scene.start(way);
      await writeAll(scene.server, new TextEncoder().encode("bye"));
      await scene.server.closeWrite();
      assertEquals(new TextDecoder().decode(await contentsOf(scene.stream)), "bye");
      const received = readAll(scene.server);
      await send(scene.stream, new TextEncoder().encode("late"));
      scene.stream.close();
      assertEquals(new TextDecoder().decode(await received), "late");
      scene[Symbol.dispose]();
      await until(() => descriptors() <= before, "all is closed");
    },
  );

  Deno.test(unless(`TLS, ${way}: a connection that is cut has no end`, needs), async () => {
    const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...files!.pair("server") });
    const front = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const accepted = listener.accept();
    const through = (async () => {
      const outer = await front.accept();
      const inner = await Deno.connect({ port: (listener.addr as Deno.NetAddr).port });
      const copies = [[outer, inner], [inner, outer]].map(async ([from, to]) => {
        const buffer = new Uint8Array(16_384);
        for (let n; (n = await from!.read(buffer)) !== null;) {
          await writeAll(to!, buffer.slice(0, n));
        }
      });
      return { outer, inner, copies: Promise.allSettled(copies) };
    })();
    const raw = await connect({ hostname: "127.0.0.1", port: (front.addr as Deno.NetAddr).port });
    const { signal } = new AbortController();
    const starting = outBy(way).start(raw, { signal, where: "there" });
    const server = await accepted;
    await server.handshake();
    const stream = await starting;
    await writeAll(server, new TextEncoder().encode("half an ans"));
    const buffer = new Uint8Array(100);
    assertEquals(await stream.read(buffer), 11);
    const { outer, inner, copies } = await through;
    outer.close();
    await assertRejects(() => stream.read(buffer), Error);
    stream.close();
    inner.close();
    tryClose(server);
    await copies;
    listener.close();
    front.close();
  });

  Deno.test(
    unless(`TLS, ${way}: closing ends a read that waits, and frees everything`, needs),
    async () => {
      const before = descriptors();
      const scene = await Scene.start(way);
      const reading = assertRejects(() => scene.stream.read(new Uint8Array(10)), Error);
      await send(scene.stream, new Uint8Array(3));
      scene.stream.close();
      await reading;
      scene[Symbol.dispose]();
      await until(() => descriptors() <= before + 2, `${before} descriptors, not ${descriptors()}`);
    },
  );

  Deno.test(
    unless(`TLS, ${way}: whoever is somebody else is refused, and it is said who`, needs),
    async () => {
      const messageOf = async (different: Partial<TlsOutTerms>, name = "server") => {
        const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...files!.pair(name) });
        const serving = (async () => {
          const conn = await listener.accept();
          await conn.handshake().catch(() => {});
          tryClose(conn);
        })();
        const { port } = listener.addr as Deno.NetAddr;
        const raw = await connect({ hostname: "127.0.0.1", port });
        const { signal } = new AbortController();
        const out = outBy(way, different);
        const starting = out.start(raw, { signal, where: "there" });
        const error = await assertRejects(() => starting, DialError);
        assertEquals(error.fault, "gone");
        listener.close();
        await serving;
        return error.message;
      };
      for (const name of ["other.example", "10.0.0.1"]) {
        const message = await messageOf({ name });
        assertMatch(message, /^there: TLS: its certificate is only for .*127\.0\.0\.1/);
        assert(message.includes(`expected was ${name}`), message);
      }
      const roots = { path: "/other.pem", text: files!.pair("stranger").cert };
      assertMatch(
        await messageOf({ roots }),
        /its certificate is from no authority in \/other\.pem/,
      );
      assertMatch(await messageOf({}, "expired"), /its certificate has expired on 2021-01-01/);
      assertMatch(await messageOf({}, "stranger"), /from no authority in .*ca\.pem/);
      assertMatch(await messageOf({ roots: undefined }), /from no authority in the system's/);
    },
  );

  Deno.test(
    unless(`TLS, ${way}: a server that never answers costs at most so many descriptors`, needs),
    async () => {
      const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const conns: Deno.Conn[] = [];
      const serving = (async () => {
        for await (const conn of listener) conns.push(conn);
      })();
      const { port } = listener.addr as Deno.NetAddr;
      let taken = 0;
      const host = {
        enter: (n: number) => void (taken += n),
        leave: (n: number) => void (taken -= n),
      };
      const unfinished = new Unfinished(host);
      if (way === "around") Object.defineProperty(unfinished, "full", { value: true });
      const out = new TlsOut(termsOf(way), { host, unfinished });
      const before = descriptors();
      for (let i = 0; i < 2 * MOST_UNFINISHED; i++) {
        const limit = new AbortController();
        const raw = await connect({ hostname: "127.0.0.1", port });
        const starting = out.start(raw, { signal: limit.signal, where: "there" });
        await until(() => conns.length === i + 1, "it was accepted");
        limit.abort(new Error("too late"));
        await assertRejects(() => starting, Error, "too late");
      }
      const held = way === "direct" ? MOST_UNFINISHED : 0;
      await until(() => taken === held, `${held} descriptors are counted`);
      // One at the other end of each, which is in this process.
      await until(
        () => descriptors() - before - conns.length <= held + 2,
        "others are free again",
      );
      for (const conn of conns) conn.close();
      await until(() => taken === 0 && unfinished.number === 0, "all are free again");
      await until(() => descriptors() <= before + 2, "all descriptors are free again");
      listener.close();
      await serving;
    },
  );
}

Deno.test(
  unless("TLS: what no server reads is held with a number, and given up in the end", NEEDS),
  async () => {
    const scene = await Scene.start("direct");
    const unfinished = new Unfinished(undefined);
    assertEquals(unfinished.number, 0);
    const piece = new Uint8Array(65_536);
    let waits = false;
    const writing = (async () => {
      for (;;) {
        const write = scene.stream.write(piece);
        const timer = setTimeout(() => waits = true, 200);
        await write;
        clearTimeout(timer);
      }
    })().catch(() => {});
    await until(() => waits, "the server takes no more");
    const before = descriptors();
    scene.stream.close();
    scene.server.close();
    await writing;
    await until(() => descriptors() < before, "it is closed with its server");
    scene[Symbol.dispose]();
  },
);

Deno.test(unless("TLS: without a verification everybody is believed", NEEDS_NODE), async () => {
  const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...files!.pair("server") });
  const accepted = listener.accept();
  const raw = await connect({ hostname: "127.0.0.1", port: (listener.addr as Deno.NetAddr).port });
  const out = new TlsOut({ name: "x.example", roots: undefined, own: undefined, insecure: true });
  const starting = out.start(raw, { signal: new AbortController().signal, where: "there" });
  const server = await accepted;
  await server.handshake();
  const stream = await starting;
  const received = readAll(server);
  await send(stream, new TextEncoder().encode("hello"));
  stream.close();
  assertEquals(new TextDecoder().decode(await received), "hello");
  tryClose(server);
  listener.close();
});

Deno.test("it is known which runtimes can show a certificate", () => {
  assertEquals(["2.7.11", "2.8.0", "2.9.6", "3.0.0"].map(hasNodeTls), [false, true, true, true]);
  assert(typeof hasNodeTls() === "boolean");
});

for (const way of WAYS) {
  const name =
    "a server that just closes when it was told the end has ended, if it had said all before";
  Deno.test(unless(`${name}: ${way}`, way === "node" ? NEEDS_NODE : NEEDS), async () => {
    const [before, after] = ["before", "after"].map((text) => new TextEncoder().encode(text));
    for (
      const [says, expected] of [
        [{ first: before }, 0],
        [{}, "cut"],
        [{ first: before, then: after }, "cut"],
      ] as [{ first?: Uint8Array; then?: Uint8Array }, number | "cut"][]
    ) {
      using listener = Deno.listenTls({
        hostname: "127.0.0.1",
        port: 0,
        ...files!.pair("server"),
      });
      await using between = new Between((listener.addr as Deno.NetAddr).port);
      const raw = await connect({ hostname: "127.0.0.1", port: between.port });
      const { signal } = new AbortController();
      const starting = outBy(way).start(raw, { signal, where: "there" });
      using server = await listener.accept();
      await server.handshake();
      const stream = await starting;
      const buffer = new Uint8Array(100);
      if (says.first) {
        await writeAll(server, says.first);
        assertEquals(await stream.read(buffer), says.first.length);
      }
      await stream.closeWrite();
      assertEquals(await server.read(buffer), null);
      if (says.then) {
        await writeAll(server, says.then);
        assertEquals(await stream.read(buffer), says.then.length);
      }
      await between.cut();
      const read = stream.read(buffer);
      if (expected === 0) assertEquals(await read, 0);
      else await assertRejects(() => read, Deno.errors.UnexpectedEof);
      stream.close();
    }
  });
}
