import { assert, assertEquals } from "@std/assert";
import { listener, start } from "../support/instance.ts";
import { readAll, request, TestServer, tryClose, until } from "../support/servers.ts";

/** How long a client waits, and how long the server takes, in milliseconds. */
const PATIENCE_MS = 300;
const SERVICE_MS = 10;

/** A server that takes so long; balancers give it one request at a time. */
function slowServer(): TestServer {
  return new TestServer(async (conn) => {
    await conn.read(new Uint8Array(16));
    await new Promise((resolve) => setTimeout(resolve, SERVICE_MS));
    await conn.write(new TextEncoder().encode("ok"));
  });
}

/** A client that sends a request and leaves when its patience is over; whether it was answered. */
async function impatient(port: number, patience: number): Promise<boolean> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const timer = setTimeout(() => tryClose(conn), patience);
  try {
    await conn.write(new TextEncoder().encode("GET /"));
    return await conn.read(new Uint8Array(16)) === 2;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
    tryClose(conn);
  }
}

/** Clients come at three times the rate at which they can be answered. */
class Crowd implements AsyncDisposable {
  answered = 0;
  readonly #clients = new Set<Promise<unknown>>();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(port: number, patience = PATIENCE_MS) {
    this.#timer = setInterval(() => {
      for (let i = 0; i < 3; i++) {
        const client = impatient(port, patience).then((answered) =>
          this.answered += Number(answered)
        );
        this.#clients.add(client);
        client.finally(() => this.#clients.delete(client));
      }
    }, SERVICE_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#clients);
  }
}

for (const whenOverloaded of ["shed", "newest"]) {
  Deno.test(`--when-overloaded ${whenOverloaded} answers clients in time who are too many`, async () => {
    await using server = slowServer();
    const options = { workers: "1", whenOverloaded };
    await using program = await start(listener([server.address], options));
    const shed = async () => (await program.instance.status()).listeners[0]!.ended.shed ?? 0;
    await using crowd = new Crowd(program.port);
    while (await shed() < 20) await new Promise((resolve) => setTimeout(resolve, 20));
    const before = crowd.answered;
    // In order of arrival none of them would be.
    await until(() => crowd.answered >= before + 50, "fifty are answered in time");
    const { listeners: [status] } = await program.instance.status();
    assertEquals(status!.overloaded, 1);
    assert(status!.patience_ms > 0 && status!.patience_ms < 2 * PATIENCE_MS);
  });
}

Deno.test("--shed-target and --shed-interval say when who is shed, and a reload changes that", async () => {
  await using server = slowServer();
  const options = { workers: "1", whenOverloaded: "shed", shedInterval: "100ms" };
  await using program = await start(
    listener([server.address], { ...options, shedTarget: "50ms" }),
  );
  const status = async () => (await program.instance.status()).listeners[0]!;
  const shed = async () => (await status()).ended.shed ?? 0;
  // Nobody leaves: by what is seen of them all of them could wait for seconds.
  await using crowd = new Crowd(program.port, 20_000);
  while (await shed() < 20) await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals((await status()).overloaded, 1);
  await program.reload(listener([server.address], { ...options, shedTarget: "1h" }));
  const before = await shed();
  const answered = crowd.answered;
  await until(() => crowd.answered >= answered + 30, "thirty are answered");
  assertEquals(await shed(), before);
});

Deno.test("--when-overloaded shed lets clients wait who finish sending with their request", async () => {
  await using server = slowServer();
  const options = { workers: "1", whenOverloaded: "shed" };
  await using program = await start(listener([server.address], options));
  const answers = await Promise.all(
    Array.from({ length: 40 }, () => request(program.port, "hello")),
  );
  assertEquals(answers, Array(40).fill("ok"));
});

for (const whenOverloaded of ["shed", "newest"]) {
  Deno.test(`--when-overloaded ${whenOverloaded} leaves a burst alone though others come and leave`, async () => {
    await using server = new TestServer(async (conn) => {
      if (await conn.read(new Uint8Array(1)) === null) return;
      await new Promise((resolve) => setTimeout(resolve, 4 * SERVICE_MS));
      await conn.write(new TextEncoder().encode("ok"));
    });
    const options = { workers: "1", whenOverloaded, queue: "1000" };
    await using program = await start(listener([server.address], options));
    await using strangers = new Strangers(program.port);
    // They have shown what they do while others are served one by one.
    for (let i = 0; i < 20; i++) await ask(program.port, i);
    await until(() => strangers.left > 40, "strangers have left");
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, i) => ask(program.port, i)),
      );
      assertEquals(answers, Array(12).fill("ok"));
    }
    const { listeners: [status] } = await program.instance.status();
    assertEquals([status!.ended.shed ?? 0, status!.overloaded], [0, 0]);
  });
}

/** Sends a request of one byte, and reads until the end. */
async function ask(port: number, byte: number): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(new Uint8Array([byte]));
  return new TextDecoder().decode(await readAll(conn));
}

/** Some come and leave again and again: at once, or when they have waited for a while. */
class Strangers implements AsyncDisposable {
  left = 0;
  #over = false;
  readonly #all: Promise<void>[];

  constructor(port: number) {
    this.#all = [2, 30].map((patience) => this.#comeAndGo(port, patience));
  }

  async #comeAndGo(port: number, patience: number): Promise<void> {
    while (!this.#over) {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port });
      await new Promise((resolve) => setTimeout(resolve, patience));
      tryClose(conn);
      this.left++;
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    await Promise.all(this.#all);
  }
}
