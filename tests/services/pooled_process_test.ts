import { assert, assertEquals, assertRejects } from "@std/assert";
import { pipe } from "../../src/net/pipe.ts";
import type { Stream } from "../../src/net/stream.ts";
import { writeAll } from "../../src/net/write_all.ts";
import { daytime } from "../../src/services/clock.ts";
import { echo } from "../../src/services/echo.ts";
import { serveInTurn } from "../../src/services/in_turn.ts";
import { PooledProcess } from "../../src/services/pooled_process.ts";
import { SILENT } from "../../src/services/service.ts";
import { Random } from "../support/random.ts";

/** Sessions that one process would serve, which is at the other end of a pipe here. */
function pooled(connect: () => Stream, exchange?: (port: number) => Stream) {
  const { near, far } = pipe();
  const servant = { connect, ...(exchange && { exchange }) };
  const served = serveInTurn(far, servant).catch(() => {}).finally(() => far.close());
  return { process: new PooledProcess(1, Object.assign(near, { finish() {} })), served };
}

async function readToEnd(stream: Stream): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const buffer = new Uint8Array(70_000);
  for (;;) {
    const number = await stream.read(buffer);
    if (number === 0) break;
    parts.push(buffer.slice(0, number));
  }
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
}

Deno.test("sessions of one process follow each other, each with its own bytes and its own end", async () => {
  const random = new Random(7);
  const { process, served } = pooled(() => echo().connect({ name: "-" }));
  for (let i = 1; i <= 20; i++) {
    const bytes = Uint8Array.from({ length: random.below(200_000) }, () => random.below(256));
    const free = Promise.withResolvers<string>();
    const stream = process.open(free.resolve);
    const reading = readToEnd(stream);
    await writeAll(stream, bytes);
    await stream.closeWrite();
    assertEquals(await reading, bytes);
    stream.close();
    assertEquals(await free.promise, "free");
    assertEquals([process.sessions, process.busy], [i, false]);
  }
  process.end();
  await served;
});

Deno.test("a service that speaks first does, and what it does not want is thrown away", async () => {
  const { process, served } = pooled(() => daytime(SILENT).connect({ name: "-" }));
  for (let i = 0; i < 3; i++) {
    const free = Promise.withResolvers<string>();
    const stream = process.open(free.resolve);
    await writeAll(stream, new Uint8Array(300_000));
    assert(new TextDecoder().decode(await readToEnd(stream)).endsWith("-UTC\r\n"));
    stream.close();
    assertEquals(await free.promise, "free");
  }
  process.end();
  await served;
});

Deno.test("a session that is cut kills its process; one that dies is told to its session", async () => {
  const cut = pooled(() => echo().connect({ name: "-" }));
  const outcome = Promise.withResolvers<string>();
  const stream = cut.process.open(outcome.resolve);
  await writeAll(stream, new Uint8Array(10));
  stream.close();
  assertEquals(await outcome.promise, "killed");
  await cut.served;
  const { near, far } = pipe();
  const process = new PooledProcess(2, Object.assign(near, { finish() {} }));
  const told = Promise.withResolvers<string>();
  const open = process.open(told.resolve);
  await far.read(new Uint8Array(4));
  far.close();
  await assertRejects(() => open.read(new Uint8Array(10)), Error, "has ended");
  open.close();
  assertEquals(await told.promise, "killed");
});

function pooledEcho() {
  const service = echo();
  return pooled(
    () => service.connect({ name: "-" }),
    (port) => service.exchange!({ name: "-", port }),
  );
}

Deno.test("datagrams of a process are answered one for one, whatever their length", async () => {
  const random = new Random(7);
  const { process, served } = pooledEcho();
  const buffer = new Uint8Array(70_000);
  for (let i = 1; i <= 10; i++) {
    const free = Promise.withResolvers<string>();
    const stream = process.exchange(40_000 + i, free.resolve);
    for (const length of [0, 1, 65_507, random.below(65_507), 0]) {
      const datagram = Uint8Array.from({ length }, () => random.below(256));
      const reading = stream.read(buffer);
      await stream.write(datagram);
      assertEquals(buffer.subarray(0, await reading), datagram);
    }
    // Somebody may wait for an answer, and answers may be on their way, when a session is over.
    const late = i % 2 === 0 ? stream.read(buffer) : stream.write(new Uint8Array(1000));
    late.catch(() => {});
    stream.close();
    assertEquals(await free.promise, "free");
    if (i % 2 === 0) await assertRejects(() => late, Deno.errors.BadResource);
    assertEquals([process.sessions, process.busy], [i, false]);
  }
  // Nor do two services that answer each other go on for ever behind processes.
  const free = Promise.withResolvers<string>();
  const looped = process.exchange(7, free.resolve);
  await looped.write(new Uint8Array(10));
  const reading = assertRejects(() => looped.read(buffer), Deno.errors.BadResource);
  looped.close();
  await reading;
  assertEquals(await free.promise, "free");
  process.end();
  await served;
});

Deno.test("a process that dies with datagrams, or does not say that they are over, is told to its pool", async () => {
  const { near, far } = pipe();
  let killed = 0;
  const raw = Object.assign(near, { finish() {} });
  const process = new PooledProcess(
    1,
    new Proxy(raw, {
      get(target, name) {
        if (name === "close") return () => (killed++, target.close());
        const value = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    }),
  );
  const outcome = Promise.withResolvers<string>();
  const stream = process.exchange(40_000, outcome.resolve);
  const reading = stream.read(new Uint8Array(10));
  const ignored = far.read(new Uint8Array(100));
  // It takes what it gets and says nothing.
  void (async () => {
    await ignored;
    while (await far.read(new Uint8Array(100)).catch(() => 0) > 0);
  })();
  stream.close();
  await assertRejects(() => reading, Error);
  assertEquals([await outcome.promise, killed > 0], ["killed", true]);
  far.close();
  const dying = pipe();
  const other = new PooledProcess(2, Object.assign(dying.near, { finish() {} }));
  const told = Promise.withResolvers<string>();
  const open = other.exchange(40_000, told.resolve);
  await dying.far.read(new Uint8Array(100));
  dying.far.close();
  await assertRejects(() => open.read(new Uint8Array(10)), Error, "has ended");
  open.close();
  assertEquals(await told.promise, "killed");
});
