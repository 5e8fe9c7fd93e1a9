// Who is served next: with --queue-order and --priority, through sockets, a reload, and threads.
import { assert, assertEquals } from "@std/assert";
import { Front } from "../support/front.ts";
import { Program, runProgram } from "../support/program.ts";
import { readAll, request, TestServer, until, writeAll } from "../support/servers.ts";
import { TestFile } from "../support/config_file.ts";

/** A header that says who the client is. */
function header(client: string): string {
  return client.includes(":")
    ? `PROXY TCP6 ${client} 2001:db8::1 56324 443\r\n`
    : `PROXY TCP4 ${client} 192.0.2.1 56324 443\r\n`;
}

/** A server that notes whom it serves, one at a time, and answers once it may. */
class Slow implements AsyncDisposable {
  readonly served: string[] = [];
  readonly server: TestServer;
  readonly #gate = Promise.withResolvers<void>();

  constructor() {
    this.server = new TestServer(async (conn) => {
      this.served.push(new TextDecoder().decode(await readAll(conn)));
      await this.#gate.promise;
      await writeAll(conn, new TextEncoder().encode("done"));
    });
  }

  /** Answers from now on at once. */
  open(): void {
    this.#gate.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.open();
    await this.server[Symbol.asyncDispose]();
  }
}

/** Clients that come one after the other, while one has the only slot. */
class Scene implements AsyncDisposable {
  readonly slow = new Slow();
  readonly #answers: Promise<string>[] = [];
  #front: Front | undefined;

  static async start(options: Parameters<typeof Front.start>[1]): Promise<Scene> {
    const scene = new Scene();
    scene.#front = await Front.start([`${scene.slow.server.address},workers=1`], options);
    scene.#answers.push(scene.front.send(header("192.0.2.200"), "-"));
    await until(() => scene.slow.served.length === 1, "the slot is taken");
    return scene;
  }

  get front(): Front {
    return this.#front!;
  }

  /** Clients come in this order, each as it is called and from its address. */
  async come(...clients: (readonly [name: string, address: string])[]): Promise<void> {
    for (const [name, address] of clients) {
      const { waiting } = this.front.balancer.status();
      this.#answers.push(this.front.send(header(address), name));
      await until(() => this.front.balancer.status().waiting > waiting, `${name} waits`);
    }
  }

  /** Lets all be served, and tells in which order they were. */
  async finish(): Promise<string> {
    this.slow.open();
    for (const answer of this.#answers) assertEquals(await answer, "done");
    return this.slow.served.slice(1).join(" ");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.slow[Symbol.asyncDispose]();
    await this.front[Symbol.asyncDispose]();
  }
}

/** So many sessions of one client. */
function many(number: number, name: string, address: string): [string, string][] {
  return Array.from({ length: number }, (_, i) => [`${name}${i + 1}`, address]);
}

Deno.test("beside 40 connections of one client, three single ones wait for one of each client", async () => {
  await using scene = await Scene.start({ queueOrder: "fair" });
  await scene.come(...many(40, "a", "10.0.0.1"));
  await scene.come(["b", "10.0.0.2"], ["c", "2001:db8::1"], ["d", "2001:db8:0:1::1"]);
  const { waiting, waiting_clients } = scene.front.balancer.status();
  assertEquals([waiting, waiting_clients], [43, 4]);
  const order = await scene.finish();
  assert(order.startsWith("a1 b c d a2 a3 a4 "), order);
  assertEquals(scene.front.balancer.status().waiting_clients, 0);
});

Deno.test("an IPv6 client is its /64, and --fair-mask says otherwise", async () => {
  const clients: [string, string][] = [
    ["a1", "2001:db8::1"],
    ["a2", "2001:db8::2"],
    ["b", "2001:db8:0:1::1"],
    ["c1", "10.0.0.1"],
    ["c2", "10.0.0.2"],
  ];
  await using usual = await Scene.start({ queueOrder: "fair" });
  await usual.come(...clients);
  assertEquals(await usual.finish(), "a1 b c1 c2 a2");
  await using other = await Scene.start({ queueOrder: "fair", fairMask: "24,128" });
  await other.come(...clients);
  assertEquals(await other.finish(), "a1 a2 b c1 c2");
  await using wide = await Scene.start({ queueOrder: "fair", fairMask: "24,48" });
  await wide.come(...clients);
  assertEquals(await wide.finish(), "a1 c1 a2 c2 b");
});

Deno.test("who has priority is next, and shares the slot with all others while it is busy", async () => {
  await using scene = await Scene.start({
    priority: "10.9.0.0/16,2001:db8:9::/48=0,10.3.0.0/16=3",
  });
  await scene.come(...many(3, "late", "10.3.0.1"), ...many(12, "usual", "10.0.0.1"));
  await scene.come(...many(4, "first", "10.9.0.1"), ...many(4, "sixth", "2001:db8:9::1"));
  const order = (await scene.finish()).split(" ");
  assertEquals(order[0], "first1");
  const before = order.slice(0, 11);
  const number = (name: string) => before.filter((one) => one.startsWith(name)).length;
  assertEquals([number("first") + number("sixth"), number("usual"), number("late")], [8, 2, 1]);
  // Each class by itself is in order.
  for (const name of ["first", "usual", "late"]) {
    const numbers = order.filter((one) => one.startsWith(name)).map((one) => {
      return Number(one.slice(name.length));
    });
    assertEquals(numbers, numbers.toSorted((a, b) => a - b));
  }
});

Deno.test("another order counts at once, and nobody who waits is lost or served twice", async () => {
  await using scene = await Scene.start({});
  await scene.come(...many(3, "a", "10.0.0.1"), ["b", "10.0.0.2"]);
  await scene.front.reconfigure({ queueOrder: "fair" });
  await scene.come(["c", "10.0.0.3"]);
  await scene.front.reconfigure({ queueOrder: "fair", priority: "10.0.0.3=1" });
  assertEquals(await scene.finish(), "c a1 b a2 a3");
  await using back = await Scene.start({ queueOrder: "fair", priority: "10.0.0.3=0" });
  await back.come(...many(3, "a", "10.0.0.1"), ["b", "10.0.0.2"], ["c", "10.0.0.3"]);
  await back.front.reconfigure({ priority: "none", queueOrder: "fifo" });
  assertEquals(back.front.balancer.status().waiting_clients, 0);
  assertEquals(await back.finish(), "a1 a2 a3 b c");
});

Deno.test("clients of a UNIX socket are served in the order in which they came", async () => {
  await using slow = new Slow();
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/s`;
    await using program = await Program.spawn([
      ...["--queue-order", "fair", "--log-format", "json"],
      ...[`unix:${path}`, `${slow.server.address},workers=1`],
    ]);
    const conns: Deno.Conn[] = [];
    for (let i = 0; i < 5; i++) {
      const conn = await Deno.connect({ transport: "unix", path });
      await writeAll(conn, new TextEncoder().encode(`${i}`));
      await conn.closeWrite();
      conns.push(conn);
      if (i === 0) await until(() => slow.served.length === 1, "the slot is taken");
      else await until(async () => (await waitingOf(program)) === i, `${i} wait`);
    }
    slow.open();
    for (const conn of conns) {
      await readAll(conn);
      conn.close();
    }
    assertEquals(slow.served.join(""), "01234");
    assertEquals(await program.terminate(), 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("SIGHUP goes from fifo to fair while sessions wait, in all threads, and each is served once", async () => {
  await using slow = new Slow();
  const text = (order: string) => {
    return `listen = "127.0.0.1:0"\ndestinations = ["${slow.server.address},workers=2"]
      threads = 2\naccept-proxy = "127.0.0.1"\nlog-format = "json"\n${order}`;
  };
  using file = new TestFile(text(""));
  await using program = await Program.spawn(["--config", file.path]);
  const names = Array.from({ length: 30 }, (_, i) => `s${i}`);
  const answers = names.map((name, i) => request(program.port, header(`10.0.0.${i % 4}`) + name));
  await until(async () => (await waitingOf(program)) === 28, "28 wait");
  file.write(text('queue-order = "fair"\npriority = ["10.0.0.1=0", "unix,::/0=3"]'));
  program.signal("SIGHUP");
  await program.logged(/reload/);
  const { waiting, waiting_clients } = await program.status();
  assertEquals(waiting, 28);
  assert(waiting_clients >= 4 && waiting_clients <= 8, `${waiting_clients}`);
  slow.open();
  assertEquals(await Promise.all(answers), names.map(() => "done"));
  assertEquals(slow.served.toSorted(), names.toSorted());
  assertEquals(await program.terminate(), 0);
});

Deno.test("--max-per-ip counts an IPv6 client by its /64, and --per-ip-mask says otherwise", async () => {
  await using scene = await Scene.start({ maxPerIp: "1" });
  await scene.come(["a", "2001:db8::1"]);
  await scene.front.send(header("2001:db8::2"), "b");
  assertEquals(scene.front.ended["refused-per-ip"], 1);
  await scene.come(["c", "2001:db8:0:1::1"]);
  await scene.front.reconfigure({ perIpMask: "32,128" });
  await scene.come(["d", "2001:db8::2"]);
  await scene.front.send(header("2001:db8::1"), "e");
  assertEquals(scene.front.ended["refused-per-ip"], 2);
  assertEquals(await scene.finish(), "a c d");
});

Deno.test("what is wrong with an order is said in one line", async () => {
  for (
    const [flag, value] of [
      ["--priority", "10.0.0.0/8=4"],
      ["--priority", "10.0.0.0/8"],
      ["--priority", "=1"],
      ["--priority", "none=1"],
      ["--priority", Array(257).fill("10.0.0.1=1").join()],
      ["--fair-mask", "0,64"],
      ["--queue-order", "lifo"],
    ] as const
  ) {
    const { code, stderr } = await runProgram([flag, value, "8080", "9001"]);
    assertEquals([code, stderr.split("\n").length], [2, 2], stderr);
    assert(stderr.includes(`${flag} `) && stderr.includes("must be"), stderr);
  }
});

async function waitingOf(program: Program): Promise<number> {
  return (await program.status()).waiting;
}
