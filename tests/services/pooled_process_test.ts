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
function pooled(connect: () => Stream) {
  const { near, far } = pipe();
  const served = serveInTurn(far, connect).catch(() => {}).finally(() => far.close());
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
