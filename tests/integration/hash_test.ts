// --balance hash with the real program: the same client has the same destination, also after a restart,
// in another thread, and when others come and go.
import { assert, assertEquals } from "@std/assert";
import { connect } from "node:net";
import { makePolicy } from "../../src/balancer/policies/policies.ts";
import type { AddressMask } from "../../src/net/masked_address.ts";
import { Destination } from "../../src/destinations/destination.ts";
import { configOf } from "../support/config.ts";
import { hasProc, nothingLeft, openDescriptors } from "../support/process.ts";
import { Program, runProgram } from "../support/program.ts";
import { ResettingServer } from "../support/resetting.ts";
import {
  answer,
  readAll,
  request,
  TestServer,
  tryClose,
  until,
  writeAll,
} from "../support/servers.ts";

const HASH = ["--balance", "hash", "--accept-proxy", "127.0.0.1"];

/** What an access log calls the clients of these networks, here and in the headers. */
const CLIENTS = [
  ...Array.from({ length: 25 }, (_, i) => `10.1.${i}.7`),
  ...Array.from({ length: 15 }, (_, i) => `2001:db8:${i}::7`),
];

/** A header that says who the client is. */
function header(client: string): string {
  return client.includes(":")
    ? `PROXY TCP6 ${client} 2001:db8::1 56324 443\r\n`
    : `PROXY TCP4 ${client} 192.0.2.1 56324 443\r\n`;
}

/** Servers that answer with their numbers, from 1. */
class Servers implements AsyncDisposable {
  readonly all: readonly TestServer[];

  constructor(number: number) {
    this.all = Array.from({ length: number }, (_, i) => new TestServer(answer(`${i + 1}`)));
  }

  get addresses(): string[] {
    return this.all.map(({ address }) => address);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map((server) => server[Symbol.asyncDispose]()));
  }
}

/** The order of the destinations for a client: the policy itself is tested with what is fixed. */
function orderOf(
  destinations: readonly string[],
  hashMask?: AddressMask,
): (client: string) => string[] {
  const { destinations: configs } = configOf(["1", ...destinations]);
  return (client) => {
    const policy = makePolicy("hash", { ...hashMask && { hashMask } });
    for (const [i, config] of configs.entries()) {
      const one = new Destination(config, () => 0, i + 1);
      policy.add(one);
      policy.binding!.note(one, true);
    }
    const session = { clientAddress: { transport: "tcp", hostname: client, port: 1 } } as never;
    const order: string[] = [];
    for (let one = policy.binding!.choose(session); one; one = policy.binding!.choose(session)) {
      order.push(`${one.number}`);
      policy.binding!.note(one, false);
    }
    return order;
  };
}

/** The clients whose orders begin with these numbers. */
function clientsOf(order: (client: string) => string[], first: string, number = 1): string[] {
  const found: string[] = [];
  for (let i = 0; found.length < number; i++) {
    const client = `10.2.${i >> 8}.${i & 255}`;
    if (order(client).join("").startsWith(first)) found.push(client);
  }
  return found;
}

async function served(port: number): Promise<string[]> {
  return await Promise.all(CLIENTS.map((client) => request(port, `${header(client)}x`)));
}

for (const threads of ["1", "2"]) {
  Deno.test(`with --threads ${threads} each client has its destination, after each start`, async () => {
    await using servers = new Servers(4);
    const destinations = servers.addresses.map((address, i) => `${address},weight=${i % 2 + 1}`);
    const expected = CLIENTS.map((client) => orderOf(destinations)(client)[0]!);
    assertEquals(new Set(expected).size, 4);
    for (const turned of [false, true]) {
      await using program = await Program.start(
        turned ? destinations.toReversed() : destinations,
        [...HASH, "--threads", threads],
      );
      const descriptors = hasProc ? openDescriptors(program.pid) : 0;
      for (let i = 0; i < 2; i++) assertEquals(await served(program.port), expected);
      const ports = servers.all.map(({ port }) => port);
      if (hasProc) await nothingLeft(program.pid, { destinations: ports, descriptors, more: 16 });
      assertEquals(await program.terminate(), 0);
    }
  });
}

Deno.test("two instances agree on each client, whatever order they have the destinations in", async () => {
  await using servers = new Servers(4);
  const destinations = servers.addresses.map((address, i) => `${address},weight=${i % 2 + 1}`);
  await using one = await Program.start(destinations, HASH);
  await using two = await Program.start(destinations.toReversed(), HASH);
  const [first, second] = await Promise.all([served(one.port), served(two.port)]);
  assertEquals(first, second);
  assertEquals(new Set(first).size, 4);
  // Nor does it matter which of them knows first that one is gone.
  servers.all[0]!.stopListening();
  const others = await served(one.port);
  assertEquals(await served(two.port), others);
  assert(!others.includes("1"), `${others}`);
  for (const program of [one, two]) assertEquals(await program.terminate(), 0);
});

Deno.test("the address of a client that comes itself counts, and --hash-mask says how much of it", async () => {
  await using servers = new Servers(3);
  const requestFrom = async (localAddress: string, port: number) => {
    const socket = connect({ host: "127.0.0.1", port, localAddress });
    socket.end("x");
    let text = "";
    for await (const chunk of socket) text += chunk;
    return text;
  };
  const clients = Array.from({ length: 12 }, (_, i) => `127.0.${i >> 1}.${10 + i}`);
  for (const mask of [{ v4: 32, v6: 128 }, { v4: 24, v6: 1 }]) {
    const options = ["--balance", "hash", "--hash-mask", `${mask.v4},${mask.v6}`];
    await using program = await Program.start(servers.addresses, options);
    const order = orderOf(servers.addresses, mask);
    for (const client of clients) {
      assertEquals(await requestFrom(client, program.port), order(client)[0], client);
    }
    const numbers = clients.map((client) => order(client)[0]);
    const pairs = numbers.filter((number, i) => i % 2 === 1 && number !== numbers[i - 1]);
    if (mask.v4 === 24) assertEquals(pairs, []);
    assertEquals(await program.terminate(), 0);
  }
});

Deno.test("clients of a UNIX socket have no address: they are spread, and wait for nobody", async () => {
  await using servers = new Servers(3);
  const folder = await Deno.makeTempDir();
  const path = `${folder}/socket`;
  try {
    await using program = Program.launch([
      ...["--balance", "hash", "--hash-wait", "1h", "--log-format", "json"],
      `unix:${path}`,
      ...servers.addresses,
    ]);
    await program.logged(/listening on /);
    const numbers: string[] = [];
    for (let i = 0; i < 9; i++) {
      using conn = await Deno.connect({ transport: "unix", path });
      await writeAll(conn, new Uint8Array(1));
      await conn.closeWrite();
      numbers.push(new TextDecoder().decode(await readAll(conn)));
    }
    for (const number of ["1", "2", "3"]) {
      assert(numbers.filter((one) => one === number).length >= 2, `${numbers}`);
    }
    assertEquals(await program.terminate(), 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Servers that answer when they are let, and a program with one slot at each. */
class Held implements AsyncDisposable {
  readonly servers: readonly TestServer[];
  readonly addresses: string[];
  readonly order: (client: string) => string[];
  readonly #holds: (() => void)[][] = [[], [], []];
  readonly #clients: Deno.TcpConn[] = [];
  program!: Program;

  constructor() {
    this.servers = this.#holds.map((holds, i) => {
      return new TestServer(async (conn) => {
        await new Promise<void>((resolve) => holds.push(resolve));
        await writeAll(conn, new TextEncoder().encode(`${i + 1}`));
        await conn.closeWrite();
      });
    });
    this.addresses = this.servers.map(({ address }) => address);
    this.order = orderOf(this.addresses);
  }

  async start(...options: string[]): Promise<void> {
    this.program = await Program.start(this.addresses, [...HASH, "--workers", "1", ...options]);
  }

  /**
   * A session of a client whose order begins with these numbers comes and waits, or is served.
   *
   * @param options.waiting How many wait then, which is not waited for if absent.
   */
  async come(
    first: string,
    { waiting, text = "x" }: { waiting?: number; text?: string } = {},
  ): Promise<Deno.TcpConn> {
    const { hostname, port } = { hostname: "127.0.0.1", port: this.program.port };
    const conn = await Deno.connect({ hostname, port });
    this.#clients.push(conn);
    const [client] = clientsOf(this.order, first);
    await writeAll(conn, new TextEncoder().encode(`${header(client!)}${text}`));
    if (waiting !== undefined) {
      await until(async () => (await this.state()).waiting === waiting, "it has come");
    }
    return conn;
  }

  async state(): Promise<{ waiting: number; active: number; accepted: number; ended: object }> {
    return await this.program.status();
  }

  /** Lets the sessions of a server end, as soon as it has some. */
  async release(number: number): Promise<void> {
    const holds = this.#holds[number - 1]!;
    await until(() => holds.length > 0, `${number} has a session`);
    for (const release of holds.splice(0)) release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const conn of this.#clients) tryClose(conn);
    for (const holds of this.#holds) for (const release of holds) release();
    await this.program?.[Symbol.asyncDispose]();
    for (const server of this.servers) await server[Symbol.asyncDispose]();
  }
}

/** What a client is answered; it leaves after that. */
async function textOf(conn: Deno.Conn): Promise<string> {
  const text = new TextDecoder().decode(await readAll(conn));
  conn.close();
  return text;
}

Deno.test("a full destination is waited for, then the next of the order with a free slot has the session", async () => {
  await using held = new Held();
  await held.start("--hash-wait", "1s");
  const first = await held.come("132", { waiting: 0 });
  await until(() => held.servers[0]!.open === 1, "the first is served");
  const from = performance.now();
  const second = await held.come("132");
  // Others pass by.
  const third = await held.come("2");
  await held.release(2);
  assertEquals(await textOf(third), "2");
  if (performance.now() - from < 900) assertEquals(held.servers[2]!.accepted, 0);
  await held.release(3);
  assertEquals(await textOf(second), "3");
  assert(performance.now() - from >= 1000);
  await held.release(1);
  assertEquals(await textOf(first), "1");
  const [entry] = (await held.program.entries(3)).filter(({ destination }) => {
    return destination === held.addresses[2];
  });
  assertEquals((await held.program.status()).unbound, 1);
  assert(entry!.queue_ms >= 1000, `${entry!.queue_ms} ms in the queue`);
  assertEquals(await held.program.terminate(), 0);
});

Deno.test("a session that its destination resets goes to the next of its order, and not back", async () => {
  await using reset = await ResettingServer.start("at once");
  await using servers = new Servers(2);
  const destinations = [reset.address, ...servers.addresses];
  await using program = await Program.start(destinations, HASH);
  const order = orderOf(destinations);
  for (const first of ["12", "13"]) {
    for (const client of clientsOf(order, first, 3)) {
      const text = await request(program.port, `${header(client)}x`);
      assertEquals(text, first === "12" ? "1" : "2");
    }
  }
  const entries = await program.entries(6);
  assertEquals(
    entries.map(({ reason, attempts }) => `${reason} ${attempts}`),
    Array(6).fill("done 2"),
  );
  assertEquals(await program.terminate(), 0);
});

Deno.test("bound sessions time out, leave, are killed, count for the queue, and are drained like others", async () => {
  await using held = new Held();
  const folder = await Deno.makeTempDir();
  try {
    const admin = `unix:${folder}/admin`;
    await held.start(
      "--hash-wait",
      "1h",
      "--queue",
      "2",
      "--queue-timeout",
      "20s",
      "--admin",
      admin,
    );
    const active = await held.come("1", { waiting: 0 });
    await until(() => held.servers[0]!.open === 1, "the first is served");
    const gone = await held.come("1", { waiting: 1, text: "" });
    gone.close();
    await until(async () => (await held.state()).waiting === 0, "it has left");
    await held.come("1", { waiting: 1 });
    const { stdout } = await runProgram(["ctl", admin, "sessions"]);
    const [id] = /^\d+\.\d+(?=.* waiting )/m.exec(stdout)!;
    const ended = await runProgram(["ctl", admin, "end", id]);
    assertEquals(ended.code, 0, ended.stderr);
    await until(async () => (await held.state()).waiting === 0, "it was killed");
    // Two wait for the first server, and nobody else is accepted though two are idle.
    const waiting = [await held.come("1", { waiting: 1 }), await held.come("1", { waiting: 2 })];
    const outside = await Deno.connect({ hostname: "127.0.0.1", port: held.program.port });
    const [other] = clientsOf(held.order, "2");
    await writeAll(outside, new TextEncoder().encode(`${header(other!)}x`));
    await outside.closeWrite();
    await held.release(1);
    assertEquals(await textOf(active), "1");
    // Now there is room for one more, which passes by the one that still waits.
    await held.release(2);
    assertEquals(await textOf(outside), "2");
    held.program.signal("SIGTERM");
    for (const conn of waiting) {
      await held.release(1);
      assertEquals(await textOf(conn), "1");
    }
    assertEquals(await held.program.ended(), 0);
    const reasons = held.program.access().map(({ reason }) => reason).sort();
    assertEquals(reasons, ["client-gone", "done", "done", "done", "done", "killed"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a bound session that nobody serves in time ends with queue-timeout", async () => {
  await using held = new Held();
  await held.start("--hash-wait", "1h", "--queue-timeout", "1s");
  const first = await held.come("1", { waiting: 0 });
  await until(() => held.servers[0]!.open === 1, "the first is served");
  await held.come("1");
  const [entry] = await held.program.entries(1);
  assertEquals([entry!.reason, entry!.attempts], ["queue-timeout", 0]);
  await held.release(1);
  assertEquals(await textOf(first), "1");
  assertEquals(await held.program.terminate(), 0);
});

/** Clients that come again and again, each with its address. */
class Load {
  readonly lost: string[] = [];
  /** Who served whom in the latest round that began and ended after {@linkcode clear}. */
  readonly latest = new Map<string, string>();
  #round = 0;
  #stopped = false;
  readonly #runs: Promise<void>[];

  constructor(port: number) {
    this.#runs = CLIENTS.map((client) => this.#run(port, client));
  }

  async #run(port: number, client: string): Promise<void> {
    while (!this.#stopped) {
      const round = this.#round;
      try {
        const text = await request(port, `${header(client)}x`);
        if (!/^\d$/.test(text)) this.lost.push(`${client}: ${JSON.stringify(text)}`);
        if (round === this.#round) this.latest.set(client, text);
      } catch (error) {
        this.lost.push(`${client}: ${error}`);
      }
    }
  }

  /** Who serves each client from now on. */
  async next(): Promise<Record<string, string>> {
    this.#round++;
    this.latest.clear();
    await until(() => this.latest.size === CLIENTS.length, "each client was served");
    return Object.fromEntries(this.latest);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#runs);
  }
}

Deno.test("under load only the clients of what comes and goes move, and nobody is lost", async () => {
  await using servers = new Servers(5);
  const folder = await Deno.makeTempDir();
  const path = `${folder}/iawlb.toml`;
  const admin = `unix:${folder}/admin`;
  const expected = (destinations: readonly string[], hashMask?: AddressMask) => {
    const order = orderOf(destinations, hashMask);
    const numbers = destinations.map((address) => `${servers.addresses.indexOf(address) + 1}`);
    const entries = CLIENTS.map((client) => [client, numbers[Number(order(client)[0]) - 1]]);
    return Object.fromEntries(entries);
  };
  const write = (options: string) =>
    Deno.writeTextFile(
      path,
      `listen = "127.0.0.1:0"\ndestinations = ${JSON.stringify(four)}\nthreads = 2\n` +
        `admin = "${admin}"\naccept-proxy = "127.0.0.1"\n${options}`,
    );
  const four = servers.addresses.slice(0, 4);
  await write('balance = "hash"\n');
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const program = stack.use(await Program.spawn(["--config", path, "--log-format", "json"]));
  await program.logged(/admin API on /);
  const ctl = async (...args: string[]) => {
    const { code, stderr } = await runProgram(["ctl", admin, ...args]);
    assertEquals(code, 0, stderr);
  };
  const load = new Load(program.port);
  stack.defer(() => load.stop());
  assertEquals(await load.next(), expected(four));
  const all = servers.addresses;
  await ctl("add", all[4]!);
  assertEquals(await load.next(), expected(all));
  await ctl("remove", all[1]!);
  assertEquals(await load.next(), expected(all.filter((_, i) => i !== 1)));
  await ctl("drain", all[2]!);
  assertEquals(await load.next(), expected(all.filter((_, i) => i !== 1 && i !== 2)));
  await ctl("ready", all[2]!);
  await ctl("set", all[3]!, "weight=0");
  assertEquals(await load.next(), expected(all.filter((_, i) => i !== 1 && i !== 3)));
  // What was changed by hand is as the file says again.
  await write('balance = "hash"\nhash-mask = "16,36"\nhash-wait = "20ms"\n');
  await ctl("reload");
  const coarse = expected(four, { v4: 16, v6: 36 });
  assert(JSON.stringify(coarse) !== JSON.stringify(expected(four)));
  assertEquals(await load.next(), coarse);
  await write('balance = "round-robin"\n');
  await ctl("reload");
  await load.next();
  await write('balance = "hash"\nhash-wait = "0"\n');
  await ctl("reload");
  assertEquals(await load.next(), expected(four));
  await load.stop();
  assertEquals(load.lost, []);
  const reasons = new Set(program.access().map(({ reason }) => reason));
  assertEquals([...reasons], ["done"]);
  assertEquals(await program.terminate(), 0);
});

Deno.test("a destination that goes down is skipped at once, and has its clients again when it is back", async () => {
  await using servers = new Servers(3);
  await using program = await Program.start(servers.addresses, [...HASH, "--hash-wait", "1h"]);
  const order = orderOf(servers.addresses);
  const expected = (without?: string) => {
    return CLIENTS.map((client) => order(client).filter((number) => number !== without)[0]!);
  };
  assertEquals(await served(program.port), expected());
  const [first] = servers.all as [TestServer];
  first.stopListening();
  // The first of its clients find out; all of them are served.
  assertEquals(await served(program.port), expected("1"));
  await using again = new TestServer(answer("1"), { port: first.port });
  await until(async () => {
    const numbers = await served(program.port);
    return numbers.join() === expected().join();
  }, "its clients are back");
  assert(again.accepted > 0);
  const entries = program.access();
  assertEquals(entries.filter(({ reason }) => reason !== "done"), []);
  assertEquals(await program.terminate(), 0);
});
