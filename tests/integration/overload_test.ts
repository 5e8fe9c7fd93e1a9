import { assert, assertEquals } from "@std/assert";
import { listener, start } from "../support/instance.ts";
import { request, TestServer, tryClose, until } from "../support/servers.ts";

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
