// --balance with the real program: how sessions are spread, and what changes at run time.
import { assert, assertEquals } from "@std/assert";
import { Program } from "../support/program.ts";
import {
  answer,
  freePort,
  readExactly,
  request,
  TestServer,
  until,
  writeAll,
} from "../support/servers.ts";

/** Servers that answer with their names, a letter each. */
class Servers implements AsyncDisposable {
  readonly all: readonly TestServer[];

  constructor(number: number) {
    this.all = Array.from({ length: number }, (_, i) => {
      return new TestServer(answer(String.fromCharCode(97 + i)));
    });
  }

  /** As destinations with the options of each. */
  with(...options: string[]): string[] {
    return this.all.map(({ address }, i) => [address, ...options[i] ? [options[i]] : []].join());
  }

  /** Sessions that each has had so far. */
  get served(): number[] {
    return this.all.map(({ accepted }) => accepted);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map((server) => server[Symbol.asyncDispose]()));
  }
}

async function inTurn(port: number, sessions: number): Promise<string> {
  let served = "";
  for (let i = 0; i < sessions; i++) served += await request(port, "x");
  return served;
}

const WEIGHTS = ["weight=1", "weight=2", "weight=3"];

Deno.test("round-robin is exact: one after the other, at once, and after some have ended", async () => {
  await using servers = new Servers(3);
  const options = ["--balance", "round-robin"];
  await using program = await Program.start(servers.with(...WEIGHTS), options);
  assertEquals(await inTurn(program.port, 24), "cbacbc".repeat(4));
  const all = await Promise.all(Array.from({ length: 60 }, () => request(program.port, "x")));
  assertEquals(["a", "b", "c"].map((name) => all.filter((one) => one === name).length), [
    10,
    20,
    30,
  ]);
  assertEquals(await inTurn(program.port, 6), "cbacbc");
  assertEquals(servers.served, [15, 30, 45]);
  assertEquals(await program.terminate(), 0);
});

Deno.test("random spreads by the weights, within what chance allows", async () => {
  await using servers = new Servers(3);
  await using program = await Program.start(servers.with(...WEIGHTS), ["--balance", "random"]);
  const sessions = 600;
  await inTurn(program.port, sessions);
  for (const [i, served] of servers.served.entries()) {
    const share = (i + 1) / 6;
    // Five standard deviations: once in a million runs it is more.
    const allowed = 5 * Math.sqrt(sessions * share * (1 - share));
    assert(Math.abs(served - sessions * share) <= allowed, `${servers.served}`);
  }
  assertEquals(await program.terminate(), 0);
});

Deno.test("first fills one destination after the other, and goes back as soon as there is room", async () => {
  const servers = [1, 2, 3].map((number) => {
    return new TestServer(async (conn) => {
      await readExactly(conn, 1);
      await writeAll(conn, Uint8Array.of(number));
      await conn.read(new Uint8Array(1));
    });
  });
  const destinations = servers.map(({ address }) => `${address},workers=2`);
  await using program = await Program.start(destinations, ["--balance", "first"]);
  const clients: Deno.TcpConn[] = [];
  const next = async () => {
    const client = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
    clients.push(client);
    await writeAll(client, new Uint8Array(1));
    return (await readExactly(client, 1))[0];
  };
  try {
    const numbers = [];
    for (let i = 0; i < 5; i++) numbers.push(await next());
    assertEquals(numbers, [1, 1, 2, 2, 3]);
    clients[1]!.close();
    clients[2]!.close();
    await until(async () => (await program.status()).active === 3, "two have ended");
    assertEquals([await next(), await next(), await next()], [1, 2, 3]);
  } finally {
    for (const client of clients) {
      try {
        client.close();
      } catch {
        // It was closed in the middle of the test.
      }
    }
    for (const server of servers) await server[Symbol.asyncDispose]();
  }
  assertEquals(await program.terminate(), 0);
});

/** Clients that come again and again, each with one request. */
class Load {
  sessions = 0;
  readonly lost: string[] = [];
  #stopped = false;
  readonly #clients: Promise<void>[];

  constructor(port: number, clients: number) {
    this.#clients = Array.from({ length: clients }, () => this.#run(port));
  }

  async #run(port: number): Promise<void> {
    while (!this.#stopped) {
      try {
        const text = await request(port, "x");
        if (!/^[a-z]$/.test(text)) this.lost.push(`answered ${JSON.stringify(text)}`);
      } catch (error) {
        this.lost.push(String(error));
      }
      this.sessions++;
    }
  }

  /** Waits until so many more have been served. */
  async pass(sessions: number): Promise<void> {
    const wanted = this.sessions + sessions;
    await until(() => this.sessions >= wanted, `${sessions} sessions have passed`);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#clients);
  }
}

Deno.test("policies, weights and tiers change under load: nobody is lost, and who serves changes at once", async () => {
  const CLIENTS = 8;
  await using servers = new Servers(5);
  const directory = await Deno.makeTempDir();
  const path = `${directory}/iawlb.toml`;
  const port = freePort();
  const admin = `http://127.0.0.1:${freePort()}`;
  const write = (balance: string) => {
    const destinations = servers.with("", "", "", "backup", "backup=2");
    return Deno.writeTextFile(
      path,
      `listen = "127.0.0.1:${port}"\nadmin = "${admin.slice(7)}"\nbalance = "${balance}"\n` +
        `threads = 2\nworkers = 20\naccess-log = "off"\n` +
        `destinations = ${JSON.stringify(destinations)}\n`,
    );
  };
  const ask = async (method: string, path: string, body?: object) => {
    const response = await fetch(admin + path, {
      method,
      headers: { "content-type": "application/json" },
      ...body && { body: JSON.stringify(body) },
    });
    assertEquals(response.status, 200, await response.text());
  };
  const set = (number: number, change: object) => ask("PATCH", `/destinations/1.${number}`, change);
  await write("fifo");
  await using program = await Program.spawn(["--config", path]);
  await program.logged(/admin API on /);
  const load = new Load(port, CLIENTS);
  /** Who gets sessions from now on; those that were on their way do not count. */
  const serving = async () => {
    await load.pass(2 * CLIENTS);
    const before = servers.served;
    await load.pass(60);
    return servers.served.map((served, i) => served > before[i]! ? "abcde"[i] : "").join("");
  };
  try {
    for (const balance of ["round-robin", "random", "least-conn", "first", "fifo"]) {
      await write(balance);
      await ask("POST", "/reload");
      const all = balance === "first" ? /^a$/ : /^abc$/;
      assert(all.test(await serving()), balance);
      await set(1, { weight: 0 });
      assertEquals(await serving(), balance === "first" ? "b" : "bc", balance);
      await set(2, { weight: 0 });
      assertEquals(await serving(), "c", balance);
      await set(3, { weight: 0 });
      assertEquals(await serving(), "d", balance);
      await set(4, { backup: 3 });
      assertEquals(await serving(), "e", balance);
      await set(5, { backup: false });
      assertEquals(await serving(), "e", balance);
      await set(3, { weight: 256 });
      await set(5, { backup: true });
      assertEquals(await serving(), "c", balance);
    }
  } finally {
    await load.stop();
    await Deno.remove(directory, { recursive: true });
  }
  assertEquals(load.lost, []);
  assertEquals(await program.terminate(), 0);
});

Deno.test("a weight that is changed counts from the next session on", async () => {
  await using servers = new Servers(2);
  const admin = `127.0.0.1:${freePort()}`;
  const options = ["--balance", "round-robin", "--admin", admin];
  await using program = await Program.start(servers.with(), options);
  await program.logged(/admin API on /);
  const set = async (number: number, weight: number) => {
    const response = await fetch(`http://${admin}/destinations/1.${number}`, {
      method: "PATCH",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ weight }),
    });
    assertEquals((await response.json()).weight, weight);
  };
  assertEquals(await inTurn(program.port, 5), "ababa");
  await set(2, 4);
  const counts = async (sessions: number) =>
    (await inTurn(program.port, sessions)).split("a").length - 1;
  assertEquals(await counts(50), 10);
  await set(1, 0);
  assertEquals(await counts(10), 0);
  await set(1, 256);
  assertEquals(await counts(65), 64);
});

Deno.test("one that comes back is let in slowly, by its weight as well as its slots", async () => {
  await using steady = new TestServer(answer("a"));
  const port = freePort();
  const options = ["--balance", "round-robin", "--slow-start", "10m"];
  await using program = await Program.start([steady.address, `127.0.0.1:${port}`], options);
  await program.logged(/is down/);
  await using back = new TestServer(answer("b"), { port });
  await program.logged(/is up again/);
  // Its weight is a sixty-fourth for the first ten seconds.
  const served = await inTurn(program.port, 100);
  assert(back.accepted <= 10, served);
  assertEquals(await program.terminate(), 0);
});
