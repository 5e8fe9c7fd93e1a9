import { assert, assertEquals, assertRejects } from "@std/assert";
import { connect } from "../../src/net/connect.ts";
import { adopt } from "../../src/net/socket.ts";
import type { Stream } from "../../src/net/stream.ts";
import { hasProc, openDescriptors } from "../support/process.ts";
import { discard, freePort, socketPair, TestServer, until } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const SOURCES = new URL("../../src/", import.meta.url);

Deno.test("one module alone connects", async () => {
  const callers: string[] = [];
  for (const path of await sources(SOURCES)) {
    const text = await Deno.readTextFile(path);
    const code = text.replace(/\/\*[^]*?\*\/|\/\/.*$/gm, "");
    const connects =
      /\bDeno\s*\.\s*connect(?:Tls)?\b|\{[^}]*\bconnect(?:Tls)?\b[^}]*\}\s*=\s*Deno\b/;
    // What it has for descriptors that somebody else has opened is not meant.
    const byNode = /node:(?:net|tls)\b/.test(code) && /\b(?:connect|createConnection)\b/.test(code);
    if (connects.test(code) || byNode) callers.push(path.pathname.slice(SOURCES.pathname.length));
  }
  // That one speaks TLS over a connection that it is given.
  assertEquals(callers.toSorted(), ["net/connect.ts", "net/tls/by_node.ts"]);
});

Deno.test("a connect that is given up in the turn in which it succeeds is closed", {
  ignore: !hasProc,
}, async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const target = { hostname: "127.0.0.1", port: listener.addr.port };
  const { near, far } = await socketPair();
  const reader = adopt(near);
  const before = openDescriptors(Deno.pid);
  for (let i = 0; i < 100; i++) {
    const attempt = new AbortController();
    // The runtime finishes the read and the connect in the same look at the sockets, in this order.
    const read = reader.read(new Uint8Array(1)).then(() => attempt.abort(new Error("enough")));
    const written = far.write(new Uint8Array(1));
    const connecting = connect(target, attempt).then((conn) => conn.close(), () => {});
    await Promise.all([read, written, connecting]);
    (await listener.accept()).close();
  }
  assertEquals(openDescriptors(Deno.pid), before);
  reader.close();
  far.close();
});

Deno.test("a connect that is given up in its first turn costs no descriptor", async () => {
  await using server = new TestServer(discard);
  const target = { hostname: "127.0.0.1", port: server.port };
  const wanted = new AbortController();
  const before = hasProc ? openDescriptors(Deno.pid) : 0;
  for (let i = 0; i < 100; i++) {
    const attempt = new AbortController();
    const connecting = connect(target, attempt);
    queueMicrotask(() => attempt.abort(new Error("enough")));
    await assertRejects(() => connecting, Error, "enough");
  }
  // The same signal serves for many.
  for (let i = 0; i < 10; i++) (await connect(target, wanted)).close();
  await until(() => server.open === 0, "all connections are closed");
  if (hasProc) await until(() => openDescriptors(Deno.pid) <= before, "descriptors are back");
});

Deno.test("a signal that is aborted already begins no connect", async () => {
  await using server = new TestServer(discard);
  for (const target of [{ hostname: "127.0.0.1", port: server.port }, { path: "/nowhere" }]) {
    const signal = AbortSignal.abort(new Error("too late"));
    await assertRejects(() => connect(target, { signal }), Error, "too late");
  }
  assertEquals(server.accepted, 0);
});

Deno.test("a connect to a path that is given up is closed", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/s`;
    using listener = Deno.listen({ transport: "unix", path });
    const attempt = new AbortController();
    const connecting = connect({ path }, attempt);
    attempt.abort(new Error("enough"));
    await assertRejects(() => connecting, Error, "enough");
    using far = await listener.accept();
    assertEquals(await far.read(new Uint8Array(1)), null);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a connect that nobody answers gives its descriptor back at once", {
  ignore: !hasProc,
}, async () => {
  // A listener whose backlog is full swallows what comes.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
  const target = { hostname: "127.0.0.1", port: listener.addr.port };
  const conns: Stream[] = [];
  const attempts: AbortController[] = [];
  const pending: Promise<unknown>[] = [];
  const before = openDescriptors(Deno.pid);
  for (let i = 0; i < 10; i++) {
    const attempt = new AbortController();
    attempts.push(attempt);
    pending.push(connect(target, attempt).then((conn) => conns.push(conn), (error) => error));
  }
  await until(() => openDescriptors(Deno.pid) === before + 10, "all have begun");
  await until(() => conns.length >= 2, "the backlog is full");
  const reason = new Error("enough");
  for (const attempt of attempts) attempt.abort(reason);
  const results = await Promise.all(pending);
  assert(results.includes(reason), "none was given up");
  for (const conn of conns) conn.close();
  assertEquals(openDescriptors(Deno.pid), before);
});

Deno.test("a refused connect says so, with the system's name for it", async () => {
  const error = await assertRejects(
    () => connect({ hostname: "127.0.0.1", port: freePort() }),
    Deno.errors.ConnectionRefused,
  );
  assertEquals((error as { code?: string }).code, "ECONNREFUSED");
});

/** Runs a script on a machine of its own, where the kernel has two ports for clients. */
function onTwoPorts(...command: string[]): Deno.Command {
  const setUp = "ip link set lo up && echo 40004 40005 >/proc/sys/net/ipv4/ip_local_port_range";
  const args = ["--map-root-user", "--net", "sh", "-c", `${setUp} && exec "$@"`, "sh", ...command];
  return new Deno.Command("unshare", { args, stderr: "null" });
}

const canUnshare = hasProc && await onTwoPorts("true").output()
  .then(({ success }) => success, () => false);

Deno.test(
  unless("a connect that meets itself is refused, and its port is free again", {
    "no namespaces here": !canUnshare,
  }),
  async () => {
    const main = new URL("../support/self_connect_main.ts", import.meta.url).pathname;
    const { stdout } = await onTwoPorts(Deno.execPath(), "run", "-A", main, "40004").output();
    const { connected, refused, met, listened } = JSON.parse(new TextDecoder().decode(stdout));
    assertEquals({ connected, listened }, { connected: 0, listened: true });
    assertEquals(met, 3, `${refused} were refused`);
  },
);

async function sources(folder: URL): Promise<URL[]> {
  const found: URL[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) found.push(...await sources(new URL(`${name}/`, folder)));
    else if (/\.tsx?$/.test(name)) found.push(new URL(name, folder));
  }
  return found;
}
