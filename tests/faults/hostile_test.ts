import { assert, assertEquals } from "@std/assert";
import { connect } from "node:net";
import {
  descriptorLimit,
  hasProc,
  nothingLeft,
  openDescriptors,
  residentMemory,
} from "../support/process.ts";
import { Program } from "../support/program.ts";
import {
  discard,
  echo,
  readExactly,
  request,
  TestServer,
  until,
  writeAll,
} from "../support/servers.ts";

const MIB = 1024 * 1024;
const IDLE = 5000;

/** Why a part cannot run here, for its name; empty if it can. */
const tooFew = hasProc && descriptorLimit() < IDLE * 3
  ? ` (skipped: needs ${IDLE * 3} descriptors, there are ${descriptorLimit()})`
  : "";

Deno.test(`${IDLE} idle connections cost little memory, and none after they are gone${tooFew}`, {
  ignore: !hasProc || tooFew !== "",
}, async () => {
  await using server = new TestServer(echo);
  await using program = await Program.start(
    [`${server.address},workers=${IDLE}`],
    ["--access-log", "off"],
  );
  const before = residentMemory(program.pid);
  const descriptors = openDescriptors(program.pid);
  const clients: Deno.TcpConn[] = [];
  for (let i = 0; i < IDLE; i += 100) {
    const some = Array.from({ length: 100 }, () => Deno.connect({ port: program.port }));
    clients.push(...await Promise.all(some));
  }
  await until(async () => (await program.status()).active === IDLE, "all are connected", 30_000);
  const each = (residentMemory(program.pid) - before) / IDLE;
  // Two buffers of 4 KiB, and sockets, promises and closures with garbage that is yet to collect.
  assert(each < 48 * 1024, `${Math.round(each)} bytes for an idle connection`);
  for (const client of clients) client.close();
  await until(async () => (await program.status()).active <= 1, "all are gone", 30_000);
  await until(() => openDescriptors(program.pid) <= descriptors + 5, "descriptors are free");
  assertEquals(await program.terminate(), 0);
});

Deno.test("clients that never read cost bounded memory", { ignore: !hasProc }, async () => {
  await using server = new TestServer(async (conn) => {
    const chunk = new Uint8Array(MIB);
    for (;;) await conn.write(chunk);
  });
  await using program = await Program.start([server.address]);
  const before = residentMemory(program.pid);
  const descriptors = openDescriptors(program.pid);
  const clients = await Promise.all(
    Array.from({ length: 50 }, () => Deno.connect({ port: program.port })),
  );
  await until(async () => (await program.status()).active === 50, "all are being served");
  let highest = 0;
  const end = performance.now() + 2000;
  while (performance.now() < end) {
    highest = Math.max(highest, residentMemory(program.pid));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  // One buffer of 256 KiB each at the most, and what the runtime needs while data moves.
  assert(highest - before < 64 * MIB, `${Math.round((highest - before) / MIB)} MiB for 50 readers`);
  for (const client of clients) client.close();
  await until(async () => (await program.status()).active === 0, "all are gone");
  await nothingLeft(program.pid, { destinations: [server.port], descriptors, more: 8 });
  assertEquals(await program.terminate(), 0);
});

Deno.test("a flood of connections that are reset at once harms nobody", async () => {
  await using server = new TestServer(echo);
  await using program = await Program.start([server.address], ["--access-log", "off"]);
  const descriptors = hasProc ? openDescriptors(program.pid) : 0;
  using steady = await Deno.connect({ port: program.port });
  const text = new TextEncoder().encode("steady");
  let flooding = true;
  const rounds = (async () => {
    let number = 0;
    while (flooding) {
      await writeAll(steady, text);
      assertEquals(await readExactly(steady, text.length), text);
      number++;
    }
    return number;
  })();
  for (let i = 0; i < 3000; i += 50) {
    await Promise.all(Array.from({ length: 50 }, () => connectAndReset(program.port)));
  }
  flooding = false;
  assert(await rounds > 10);
  assertEquals(await request(program.port, "hello"), "hello");
  await steady.closeWrite();
  const { ended } = await program.status();
  assertEquals(Object.keys(ended).filter((reason) => reason === "error"), []);
  await discard(steady);
  // What the program opens when it first needs it: to deal out turns, to tell how it is.
  const left = { destinations: [server.port], descriptors, more: 8 };
  if (hasProc) await nothingLeft(program.pid, left);
  assertEquals(await program.terminate(), 0);
});

Deno.test("a flood of clients that are reset while they are connected leaves nothing open", {
  ignore: !hasProc,
}, async () => {
  await using server = new TestServer(discard);
  await using program = await Program.start(
    [server.address],
    ["--access-log", "off", "--workers", "1"],
  );
  const descriptors = openDescriptors(program.pid);
  for (let i = 0; i < 4000; i += 4) {
    await Promise.all(Array.from({ length: 4 }, () => connectAndReset(program.port)));
  }
  const left = { destinations: [server.port], descriptors, more: 8 };
  await nothingLeft(program.pid, left);
  assertEquals(await program.terminate(), 0);
});

function connectAndReset(port: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.resetAndDestroy();
      resolve();
    });
    socket.on("error", () => resolve());
  });
}

Deno.test("a client that says nothing is dropped after --idle-timeout, also in a crowd", async () => {
  await using server = new TestServer(discard);
  await using program = await Program.start([server.address], ["--idle-timeout", "500ms"]);
  const descriptors = hasProc ? openDescriptors(program.pid) : 0;
  const clients = await Promise.all(
    Array.from({ length: 200 }, () => Deno.connect({ port: program.port })),
  );
  const entries = await program.entries(200);
  assertEquals(entries.filter(({ reason }) => reason !== "idle-timeout"), []);
  const late = entries.filter(({ total_ms }) => total_ms < 500 || total_ms > 10_000);
  assertEquals(late, []);
  for (const client of clients) client.close();
  const left = { destinations: [server.port], descriptors, more: 8 };
  if (hasProc) await nothingLeft(program.pid, left);
  assertEquals(await program.terminate(), 0);
});

Deno.test("a client that trickles bytes and one that is reset in the middle end as they are", async () => {
  await using server = new TestServer(echo);
  await using program = await Program.start([server.address]);
  using slow = await Deno.connect({ port: program.port });
  for (let i = 0; i < 50; i++) {
    await writeAll(slow, new Uint8Array([i]));
    assertEquals(await readExactly(slow, 1), new Uint8Array([i]));
  }
  await slow.closeWrite();
  await discard(slow);
  await new Promise<void>((resolve) => {
    const socket = connect(program.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.on("data", () => socket.resetAndDestroy());
    socket.on("close", () => resolve());
    socket.write("hello");
  });
  const reasons = (await program.entries(2)).map(({ reason }) => reason);
  assertEquals(reasons, ["done", "client-reset"]);
  assertEquals(await program.terminate(), 0);
});
