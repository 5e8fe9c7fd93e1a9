import { assertEquals, assertRejects } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import { parseAddress, type TcpEnd } from "../../src/net/address.ts";
import { FatalError } from "../../src/base/errors.ts";
import { Acceptor } from "../../src/balancer/acceptor.ts";
import type { Stream } from "../../src/net/stream.ts";
import { tryClose, until } from "../support/servers.ts";

const GATE = {
  room: () => Promise.resolve(),
  freeSlots: 1,
  idleWorkers: 0,
  open: true,
  affordable: true,
  afford: () => Promise.resolve(),
  enter: (stream: Stream) => stream,
};

/** A listener whose line has room for `room` connections and whose workers are `idle`. */
async function setUp(
  given: {
    room?: number;
    idle?: number;
    batchSize?: number;
    batchDelay?: number;
    address?: string;
  } = {},
) {
  const state = { room: given.room ?? Infinity, idle: given.idle ?? 0 };
  const batches: Stream[][] = [];
  const wake: (() => void)[] = [];
  const address = parseAddress(given.address ?? "127.0.0.1:0", { minPort: 0 });
  const listener = await Acceptor.open<Stream>(address, {
    settings: {
      backlog: 100,
      batchSize: given.batchSize ?? 0,
      batchDelay: given.batchDelay ?? 0,
    },
    gate: {
      affordable: true,
      afford: () => Promise.resolve(),
      get open() {
        return state.room > 0;
      },
      enter: (conn) => conn,
      async room(signal) {
        while (state.room <= 0 && !signal.aborted) {
          await new Promise<void>((resolve) => {
            wake.push(resolve);
            signal.addEventListener("abort", () => resolve(), { once: true });
          });
        }
      },
      get freeSlots() {
        return state.room;
      },
      get idleWorkers() {
        return state.idle;
      },
    },
    handOver(sessions) {
      state.room -= sessions.length;
      batches.push(sessions);
    },
    log: getLogger(["test", "listener"]),
  });
  const port = Number(/\d+$/.exec(listener.address)![0]);
  const clients: Deno.Conn[] = [];
  return {
    listener,
    batches,
    count: () => batches.reduce((sum, { length }) => sum + length, 0),
    makeRoom(places: number) {
      state.room += places;
      for (const resolve of wake.splice(0)) resolve();
    },
    get room() {
      return state.room;
    },
    async connect(number: number, hostname = "127.0.0.1") {
      for (let i = 0; i < number; i++) {
        clients.push(await Deno.connect({ hostname, port }));
      }
    },
    async [Symbol.asyncDispose]() {
      await listener.close();
      for (const conn of clients) tryClose(conn);
      for (const stream of batches.flat()) stream.close();
    },
  };
}

Deno.test("a single connection is handed over in the same turn", async () => {
  await using line = await setUp({ idle: 3 });
  await line.connect(1);
  await until(() => line.count() === 1, "it is handed over");
});

Deno.test("a batch is handed over when it holds --batch-size sessions", async () => {
  await using line = await setUp({ batchSize: 5, batchDelay: 60_000 });
  await line.connect(12);
  await until(() => line.count() === 10, "two batches are handed over");
  assertEquals(line.batches.map(({ length }) => length), [5, 5]);
  await line.listener.close();
  assertEquals(line.count(), 12, "the rest is handed over at the latest when it closes");
});

Deno.test("a batch that does not fill is handed over after --batch-delay", async () => {
  await using line = await setUp({ batchSize: 100, batchDelay: 100 });
  const began = performance.now();
  await line.connect(3);
  await until(() => line.count() === 3, "the batch is handed over");
  assertEquals([line.batches.length, performance.now() - began >= 95], [1, true]);
});

Deno.test("as many sessions as workers are idle are handed over without waiting", async () => {
  await using line = await setUp({ idle: 2, batchDelay: 60_000 });
  await line.connect(4);
  await until(() => line.count() === 4, "they are handed over");
  assertEquals(line.batches.map(({ length }) => length), [2, 2]);
});

Deno.test("nothing is accepted that has no place in the line", async () => {
  await using line = await setUp({ room: 3 });
  await line.connect(10);
  await until(() => line.count() === 3, "the line is full");
  line.makeRoom(2);
  await until(() => line.count() === 5, "two more have found room");
});

for (const batchSize of [0, 5]) {
  Deno.test(`nor at several addresses at the same time, batches of ${batchSize}`, async () => {
    await using line = await setUp({ room: 3, address: "localhost:0", batchSize, batchDelay: 1 });
    await Promise.all([line.connect(100), line.connect(100, "::1")]);
    for (let expected = 3; expected < 200; expected++) {
      await until(() => line.count() === expected, `${expected} have found room`);
      assertEquals(line.room, 0);
      line.makeRoom(1);
    }
    await line.listener.drain({ signal: new AbortController().signal });
    assertEquals(line.count(), 200);
  });
}

Deno.test("one address does not keep the others waiting", async () => {
  await using line = await setUp({ room: 10, address: "localhost:0" });
  await line.connect(50, "::1");
  await until(() => line.count() === 10, "the line is full");
  await line.connect(1);
  line.makeRoom(10);
  const isIpv4 = ({ remoteAddress }: Stream) => (remoteAddress as TcpEnd).hostname[0] === "1";
  await until(() => line.batches.flat().some(isIpv4), "IPv4 has had its turn");
});

Deno.test("a drain closes the socket while sessions pause, and lets them go on then", async () => {
  await using line = await setUp();
  const port = Number(line.listener.address.split(":")[1]);
  const isOpen = async () => {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => undefined);
    conn?.close();
    return conn !== undefined;
  };
  const seen: [string, Promise<boolean>][] = [];
  const pause = {
    hold: () => void seen.push(["hold", isOpen()]),
    release: () => void seen.push(["release", isOpen()]),
  };
  await line.listener.drain({ signal: new AbortController().signal, pause });
  assertEquals(seen.map(([what]) => what), ["hold", "release"]);
  assertEquals(await Promise.all(seen.map(([, open]) => open)), [true, false]);
});

Deno.test("a drain takes what the kernel has accepted, then refuses", async () => {
  await using line = await setUp({ room: 1 });
  await line.connect(20);
  await until(() => line.count() === 1, "the line is full");
  await line.listener.drain({ signal: new AbortController().signal });
  assertEquals(line.count(), 20);
  await assertRejects(() => line.connect(1), Deno.errors.ConnectionRefused);
});

Deno.test("an address in use is a fatal error with the reason", async () => {
  await using line = await setUp();
  const address = parseAddress(line.listener.address, { minPort: 0 });
  await assertRejects(
    () =>
      Acceptor.open<Stream>(address, {
        settings: { backlog: 1, batchSize: 0, batchDelay: 0 },
        gate: GATE,
        handOver: () => {},
        log: getLogger("test"),
      }),
    FatalError,
    "the address is in use",
  );
});

Deno.test("a socket file that a dead process has left behind is replaced", async () => {
  const path = `${await Deno.makeTempDir()}/app.sock`;
  await using _ = await leaveSocketFile(path);
  const listener = await Acceptor.open<Stream>({ transport: "unix", path }, {
    settings: { backlog: 1, batchSize: 0, batchDelay: 0 },
    gate: GATE,
    handOver: () => {},
    log: getLogger("test"),
  });
  assertEquals(listener.address, `unix:${path}`);
  await listener.close();
});

/** What a process leaves that is killed while it listens on a path. */
async function leaveSocketFile(path: string): Promise<AsyncDisposable> {
  const script = `Deno.listen({ transport: "unix", path: ${JSON.stringify(path)} });
    console.log("listening"); setInterval(() => {}, 1000);`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", script],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  return { [Symbol.asyncDispose]: () => Deno.remove(path).catch(() => {}) };
}
