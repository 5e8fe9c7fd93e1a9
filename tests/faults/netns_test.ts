import { assert, assertEquals } from "@std/assert";
import { deadline } from "@std/async/deadline";
import { DestinationProcess } from "../support/destination_process.ts";
import { type Host, Network, runOn, whyNoNetwork } from "../support/namespaces.ts";
import { nothingLeft, openDescriptors } from "../support/process.ts";
import { Program } from "../support/program.ts";
import {
  discard,
  echo,
  randomBytes,
  readAll,
  readExactly,
  TestServer,
  until,
  writeAll,
} from "../support/servers.ts";

/** What takes this long takes for ever. */
const PATIENCE_MS = 10_000;

const HELLO = new TextEncoder().encode("hello");

const obstacle = await whyNoNetwork();
const skipped = obstacle && ` (skipped: no network of namespaces here: ${obstacle})`;

/** A test with a network of its own, which has a machine for the program. */
function test(name: string, body: (network: Network, host: Host) => Promise<void>): void {
  Deno.test(`${name}${skipped}`, {
    ignore: skipped !== "",
    sanitizeOps: true,
    sanitizeResources: true,
  }, async () => {
    await using network = await Network.make();
    await body(network, await network.host());
  });
}

/** Starts the program on a machine. */
async function start(host: Host, destinations: string[], options: string[]): Promise<Program> {
  const args = [...options, "--log-format", "json", `${host.address}:0`, ...destinations];
  return await Program.spawn(args, `set -- ${host.prefix.join(" ")} "$@"`);
}

/** Starts a destination on a machine. */
async function startDestination(host: Host): Promise<DestinationProcess> {
  const destination = new DestinationProcess(`${host.address}:9000`, host.prefix);
  await destination.start();
  return destination;
}

/** A destination that this process is. */
function serveHere(network: Network, handle: (conn: Deno.TcpConn) => Promise<void>) {
  const { address } = network.here;
  const server = new TestServer(handle, { hostname: address });
  return { server, address: `${address}:${server.port}` };
}

function connect(host: Host, { port }: Program): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: host.address, port });
}

/** Sends a destination process's request and returns its answer. */
async function ask(host: Host, program: Program, text: string): Promise<Uint8Array> {
  using conn = await connect(host, program);
  await writeAll(conn, new TextEncoder().encode(text));
  return await deadline(readAll(conn), PATIENCE_MS);
}

async function greet(conn: Deno.Conn): Promise<void> {
  await writeAll(conn, HELLO);
  assertEquals(await readExactly(conn, HELLO.length), HELLO);
}

/** The other end of a connection of the program's to this process. */
function endpoint(conn: Deno.TcpConn): string {
  const { hostname, port } = conn.localAddr as Deno.NetAddr;
  return `${hostname}:${port}`;
}

function assertBetween(actual: number, least: number, most: number): void {
  assert(actual >= least && actual <= most, `${actual} is not from ${least} to ${most}`);
}

test("a destination that swallows packets costs a delay and no storm", async (network, host) => {
  await using silent = await startDestination(await network.host());
  await using other = await startDestination(await network.host());
  await network.countConnects(silent.address);
  await network.cut(silent.address);
  await using program = await start(host, [silent.address, other.address], [
    "--connect-timeout",
    "500ms",
  ]);
  const descriptors = openDescriptors(program.pid);
  const began = performance.now();
  await Promise.all(Array.from({ length: 20 }, async () => {
    for (let i = 0; i < 10; i++) {
      assertEquals(await ask(host, program, "100 1000 7\n"), new Uint8Array(1000).fill(7));
    }
  }));
  const entries = await program.entries(200);
  const connects = await network.counted();
  // The first try, and then one at a time.
  const probes = 2 + Math.floor((performance.now() - began) / 500);
  assertEquals(entries.filter((entry) => entry.reason !== "done"), []);
  assertEquals(entries.filter(({ destination }) => destination !== other.address), []);
  const delayed = entries.filter(({ attempts }) => attempts > 1);
  assertBetween(delayed.length, 1, 20);
  for (const { attempts, total_ms } of delayed) {
    assertEquals(attempts, 2);
    assertBetween(total_ms, 500, 10_000);
  }
  assertBetween(connects, delayed.length, delayed.length + probes);
  await program.logged(new RegExp(`${silent.address} is down: no connection within 500 ms`));

  await network.clear();
  await program.logged(new RegExp(`${silent.address} is up again`));
  for (let i = 0; i < 4; i++) assertEquals((await ask(host, program, "0 5 7\n")).length, 5);
  const later = (await program.entries(204)).slice(200);
  assertEquals(later.filter(({ attempts }) => attempts !== 1), []);
  assert(later.some(({ destination }) => destination === silent.address));
  await nothingLeft(program.pid, { destinations: [9000], descriptors, more: 8 });
  assertEquals(await program.terminate(), 0);
});

test("--idle-timeout ends an answer whose destination vanishes", async (network, host) => {
  const size = 64_000_000;
  await using destination = await startDestination(await network.host());
  await using program = await start(host, [destination.address], ["--idle-timeout", "2s"]);
  using client = await connect(host, program);
  await writeAll(client, new TextEncoder().encode(`0 ${size} 7\n`));
  let received = (await readExactly(client, 1_000_000)).length;
  await network.cut(destination.address);
  const buffer = new Uint8Array(64 * 1024);
  let latest = performance.now();
  for (;;) {
    const n = await deadline(client.read(buffer), PATIENCE_MS);
    if (n === null) break;
    received += n;
    latest = performance.now();
  }
  assertBetween(performance.now() - latest, 1900, 10_000);
  const [entry] = await program.entries(1);
  assertEquals([entry!.reason, entry!.bytes_down], ["idle-timeout", received]);
  assert(received < size);
  assertEquals(await program.terminate(), 0);
});

test("--idle-timeout ends an answer whose client vanishes", async (network, host) => {
  const { server, address } = serveHere(network, async (conn) => {
    for (const chunk = new Uint8Array(64 * 1024);;) await writeAll(conn, chunk);
  });
  await using _ = server;
  await using program = await start(host, [address], ["--idle-timeout", "2s"]);
  using client = await connect(host, program);
  await readExactly(client, 1_000_000);
  await network.cut(endpoint(client));
  const began = performance.now();
  const [entry] = await program.entries(1);
  assertBetween(performance.now() - began, 1900, 10_000);
  assertEquals(entry!.reason, "idle-timeout");
  await until(() => server.open === 0, "the destination is free");
  assertEquals(await program.terminate(), 0);
});

test("--answer-timeout ends a session whose destination vanishes", async (network, host) => {
  const { server, address } = serveHere(network, discard);
  await using _ = server;
  await using program = await start(host, [address], ["--answer-timeout", "2s"]);
  using client = await connect(host, program);
  await until(() => server.open === 1, "the session is established");
  await writeAll(client, HELLO);
  const began = performance.now();
  await network.cut(address);
  assertEquals((await deadline(readAll(client), PATIENCE_MS)).length, 0);
  assertBetween(performance.now() - began, 1900, 10_000);
  const [entry] = await program.entries(1);
  assertEquals([entry!.reason, entry!.bytes_up], ["answer-timeout", HELLO.length]);
  assertEquals(await program.terminate(), 0);
});

/** Lets keepalive find a vanished peer of a machine's in three seconds. */
async function hastenKeepalive(host: Host): Promise<void> {
  for (const setting of ["time=1", "intvl=1", "probes=2"]) {
    await runOn(host, `sysctl -w net.ipv4.tcp_keepalive_${setting}`);
  }
}

/** Cuts an endpoint off once a machine has nothing left to send: only then keepalive asks. */
async function cutIdle(network: Network, host: Host, peer: string): Promise<void> {
  await until(async () => {
    const [, ...sockets] = (await runOn(host, "cat /proc/net/tcp")).trim().split("\n");
    return sockets.every((line) => line.trim().split(/\s+/)[4]!.startsWith("00000000:"));
  }, "everything is acknowledged");
  await network.cut(peer);
}

test("keepalive finds a client that has vanished", async (network, host) => {
  await hastenKeepalive(host);
  const { server, address } = serveHere(network, echo);
  await using _ = server;
  await using program = await start(host, [address], ["--idle-timeout", "0"]);
  using client = await connect(host, program);
  using other = await connect(host, program);
  await greet(client);
  await greet(other);
  await cutIdle(network, host, endpoint(client));
  const began = performance.now();
  const [entry] = await program.entries(1);
  assertBetween(performance.now() - began, 1000, 15_000);
  assertEquals([entry!.reason, entry!.client], ["client-reset", endpoint(client)]);
  await until(() => server.open === 1, "its destination is free");
  await greet(other);
  other.close();
  assertEquals(await program.terminate(), 0);
});

test("keepalive finds a destination that has vanished", async (network, host) => {
  await hastenKeepalive(host);
  const { server, address } = serveHere(network, echo);
  await using _ = server;
  await using program = await start(host, [address], ["--idle-timeout", "0"]);
  using client = await connect(host, program);
  await greet(client);
  await cutIdle(network, host, address);
  const began = performance.now();
  assertEquals(await deadline(client.read(new Uint8Array(1)), PATIENCE_MS), null);
  assertBetween(performance.now() - began, 1000, 15_000);
  const [entry] = await program.entries(1);
  assertEquals([entry!.reason, entry!.bytes_up, entry!.bytes_down], ["server-reset", 5, 5]);
  assertEquals(await program.terminate(), 0);
});

test("a request that a vanished destination kept goes to another", async (network, host) => {
  await hastenKeepalive(host);
  let asked = false;
  const { server: silent, address } = serveHere(network, async (conn) => {
    await readExactly(conn, HELLO.length);
    asked = true;
    await discard(conn);
  });
  const { server: second, address: other } = serveHere(network, echo);
  await using _ = silent;
  await using __ = second;
  await using program = await start(host, [address, other], ["--idle-timeout", "0"]);
  using client = await connect(host, program);
  await writeAll(client, HELLO);
  await until(() => asked, "the destination has the request");
  await cutIdle(network, host, address);
  assertEquals(await deadline(readExactly(client, HELLO.length), PATIENCE_MS), HELLO);
  client.close();
  const [entry] = await program.entries(1);
  assertEquals([entry!.reason, entry!.attempts, entry!.destination], ["done", 2, other]);
  assertEquals(await program.terminate(), 0);
});

test("a slow line that loses packets loses no byte, nor does a drain", async (network, host) => {
  const { server, address } = serveHere(network, echo);
  await using _ = server;
  await using program = await start(host, [address], []);
  await network.lose();
  await network.delay(host);
  console.log(`  2 % of the packets lost, ${await network.delay(network.here)}`);
  let halves = 0;
  const drain = Promise.withResolvers<void>();
  /** Sends one half, waits, then the other half. */
  async function session(pause?: Promise<void>): Promise<void> {
    const bytes = randomBytes(48 * 1024);
    const half = bytes.length / 2;
    using conn = await connect(host, program);
    await writeAll(conn, bytes.subarray(0, half));
    assertEquals(await readExactly(conn, half), bytes.subarray(0, half));
    halves++;
    await pause;
    const [back] = await Promise.all([
      readAll(conn),
      writeAll(conn, bytes.subarray(half)).then(() => conn.closeWrite()),
    ]);
    assertEquals(back, bytes.subarray(half));
  }
  await deadline(Promise.all(Array.from({ length: 40 }, () => session())), 3 * PATIENCE_MS);
  const last = Array.from({ length: 40 }, () => session(drain.promise));
  await until(() => halves === 80, "all sessions are in the middle", 3 * PATIENCE_MS);
  program.signal("SIGTERM");
  await program.logged(/draining/);
  drain.resolve();
  await deadline(Promise.all(last), 3 * PATIENCE_MS);
  assertEquals(await program.ended(), 0);
  const entries = program.access();
  assertEquals(entries.length, 80);
  assertEquals(entries.filter(({ reason }) => reason !== "done"), []);
  assert(await network.counted() > 0);
});

/** Ways to lose the way to a host: who loses it, how, how it is found again, what a connect says. */
const OUTAGES = [
  ["host", "ip route add unreachable", "ip route del unreachable", "No route to host"],
  ["host", "ip route add prohibit", "ip route del prohibit", "Permission denied"],
  ["router", "ip route add unreachable", "ip route del unreachable", "No route to host"],
  ["router", "ip link set down", "ip link set up", "Network is unreachable"],
] as const;

test("a destination without a route to it is left out at once", async (network, host) => {
  const away = await network.host();
  await using gone = await startDestination(away);
  await using other = await startDestination(await network.host());
  for (const [where, down, up, message] of OUTAGES) {
    const machine = where === "host" ? host : network.router;
    const target = down.includes("link") ? away.line : away.address;
    await runOn(machine, `${down} ${target}`);
    await using program = await start(host, [gone.address, other.address], []);
    const descriptors = openDescriptors(program.pid);
    for (let i = 0; i < 4; i++) assertEquals((await ask(host, program, "0 5 7\n")).length, 5);
    const entries = await program.entries(4);
    assertEquals(entries.map(({ destination }) => destination), Array(4).fill(other.address));
    // The first may come before it was tried.
    const repeated = entries.filter(({ attempts }) => attempts > 1);
    assert(repeated.length <= 1, `${repeated.length} were connected again`);
    assertEquals(entries.filter(({ total_ms }) => total_ms > 3000), []);
    await program.logged(new RegExp(`${gone.address} is down: .*${message}`));

    await runOn(machine, `${up} ${target}`);
    await program.logged(new RegExp(`${gone.address} is up again`));
    for (let i = 0; i < 4; i++) assertEquals((await ask(host, program, "0 5 7\n")).length, 5);
    const later = (await program.entries(8)).slice(4);
    assert(later.some(({ destination }) => destination === gone.address));
    await nothingLeft(program.pid, { destinations: [9000], descriptors, more: 8 });
    assertEquals(await program.terminate(), 0);
  }
});
