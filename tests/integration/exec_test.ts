import { assertEquals } from "@std/assert";
import { bytes, connectTo } from "../support/exec.ts";
import { Program } from "../support/program.ts";
import { readAll, readExactly, request, writeAll } from "../support/servers.ts";

Deno.test("a process serves each session, and both halves of it close by themselves", async () => {
  await using program = await Program.start(["exec:cat"]);
  using conn = await connectTo(program.port);
  await writeAll(conn, bytes("one"));
  assertEquals(await readExactly(conn, 3), bytes("one"));
  await writeAll(conn, bytes("two"));
  assertEquals(await readExactly(conn, 3), bytes("two"));
  await conn.closeWrite();
  assertEquals(await readAll(conn), new Uint8Array());
  const [entry] = await program.entries(1);
  assertEquals([entry!.reason, entry!.destination], ["done", "exec:cat"]);
  assertEquals([entry!.exit_status, entry!.exit_signal], [0, null]);
  assertEquals([entry!.bytes_up, entry!.bytes_down], [6, 6]);
  assertEquals(await program.terminate(), 0);
});

Deno.test("tac answers a client that has finished, and a big answer comes whole", async () => {
  const lines = Array.from({ length: 100_000 }, (_, i) => `line ${i}\n`);
  await using program = await Program.start(["exec:/usr/bin/tac"]);
  assertEquals(await request(program.port, lines.join("")), lines.toReversed().join(""));
  assertEquals(await program.terminate(), 0);
});

Deno.test("a program has the environment that tcpserver and systemd give, and nothing else", async () => {
  const destination = "exec:/usr/bin/env";
  await using program = await Program.start([destination]);
  using conn = await connectTo(program.port);
  const { port } = conn.localAddr as Deno.NetAddr;
  const lines = new TextDecoder().decode(await readAll(conn)).trim().split("\n");
  assertEquals(lines.sort(), [
    "PROTO=TCP",
    "REMOTE_ADDR=127.0.0.1",
    `REMOTE_PORT=${port}`,
    "TCPLOCALIP=127.0.0.1",
    `TCPLOCALPORT=${program.port}`,
    "TCPREMOTEIP=127.0.0.1",
    `TCPREMOTEPORT=${port}`,
  ]);
  assertEquals(await program.terminate(), 0);
});

Deno.test("a program that ends closes the connection, whatever its client may still want to send", async () => {
  await using program = await Program.start(["exec:/bin/sh -c 'echo over; exec >&-; sleep 0.1'"]);
  using conn = await connectTo(program.port);
  assertEquals(await readAll(conn), bytes("over\n"));
  const [entry] = await program.entries(1);
  assertEquals([entry!.reason, entry!.exit_status], ["done", 0]);
  assertEquals(await program.terminate(), 0);
});

Deno.test("arguments come as they were written, and no shell sees them", async () => {
  const destination = `exec:/usr/bin/printf '[%s]' "a  b" '' $HOME;x,y \\* --`;
  await using program = await Program.start([destination]);
  assertEquals(await request(program.port, ""), "[a  b][][$HOME;x,y][*][--]");
  assertEquals(await program.terminate(), 0);
});
