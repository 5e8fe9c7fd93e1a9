import { assert, assertEquals, assertMatch } from "@std/assert";
import { childrenOf, livingWith, type ProcessInfo } from "../support/processes.ts";
import { hasProc, openDescriptors } from "../support/process.ts";
import { Program, runProgram } from "../support/program.ts";
import { freePort, readAll, readExactly, request, until, writeAll } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const isRoot = Deno.uid() === 0;
const needsProc = { "no /proc": !hasProc };

/** A text that only the processes of one test have among their arguments. */
function mark(): string {
  return `mark-${crypto.randomUUID()}`;
}

/** The processes of a program that have this text among their arguments. */
function runningWith(text: string, program: Program): ProcessInfo[] {
  return livingWith(text).filter(({ pid }) => pid !== program.pid);
}

async function connect(port: number): Promise<Deno.Conn> {
  return await Deno.connect({ hostname: "127.0.0.1", port });
}

Deno.test("a process serves each session, and both halves of it close by themselves", async () => {
  await using program = await Program.start(["exec:cat"]);
  using conn = await connect(program.port);
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
  using conn = await connect(program.port);
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
  using conn = await connect(program.port);
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

Deno.test("status and signal that a process ended with are in the access log, in each of its forms", async () => {
  const format = ["--access-log-format", "{reason} {exit_status} {exit_signal}"];
  const listen = () => `127.0.0.1:${freePort()}`;
  const script = "exec:/bin/sh -c 'read x; case $x in k) kill -9 $$;; *) exit $x;; esac'";
  await using template = await Program.spawn([listen(), script, ...format]);
  await request(template.port, "7\n");
  await request(template.port, "k\n");
  await until(() => template.out.length === 2, "both are told");
  assertEquals(template.out, ["done 7 -", "done - SIGKILL"]);
  await using text = await Program.spawn([listen(), script, "--access-log-format", "text"]);
  await request(text.port, "3\n");
  await until(() => text.out.length === 1, "it is told");
  assertMatch(text.out[0]!, / destination=exec:\/bin\/sh\\x20-c.* exit_status=3 exit_signal=- att/);
  for (const program of [template, text]) assertEquals(await program.terminate(), 0);
});

Deno.test("how it ended is told of a program that takes nothing and says nothing, too", async () => {
  const script = "exec <&-; sleep 0.2; exit 5";
  await using program = await Program.start([`exec:/bin/sh -c '${script}'`]);
  using conn = await connect(program.port);
  const writing = (async () => {
    for (;;) await writeAll(conn, bytes("x".repeat(1000)));
  })().catch(() => {});
  const [entry] = await program.entries(1);
  assertEquals([entry!.reason, entry!.exit_status], ["server-reset", 5]);
  await writing;
  assertEquals(await program.terminate(), 0);
});

Deno.test("standard error is told line by line with the session, and not without limit", async () => {
  const few = "echo one >&2; printf 'two\\033[31m\\n\\nthree' >&2";
  const many = "i=0; while [ $i -lt 5000 ]; do echo line $i >&2; i=$((i+1)); done";
  await using program = await Program.start([`exec:/bin/sh -c "read -r x; eval \\"\\$x\\""`]);
  await request(program.port, `${few}\n`);
  const told = () => program.log.map((line) => JSON.parse(line)).filter(({ line }) => line);
  await until(() => told().length === 3, "three lines are told");
  assertEquals(told().map(({ id, line }) => [id, line]), [
    [1, "one"],
    [1, "two\\u{1b}[31m"],
    [1, "three"],
  ]);
  await request(program.port, `${many}\n`);
  await program.entries(2);
  const lines = told().filter(({ id }) => id === 2);
  assert(lines.length > 0 && lines.length < 200, `${lines.length}`);
  await until(async () => {
    await request(program.port, "echo more >&2\n");
    return program.log.some((line) => /further lines? of its standard error left out/.test(line));
  }, "what is left out is told");
  assertEquals(await program.terminate(), 0);
});

Deno.test({
  ...unless("as many processes run as there are workers, and the others wait", needsProc),
  async fn() {
    await using program = await Program.start(["workers=2,exec:cat"]);
    const conns = await Promise.all([1, 2, 3].map(() => connect(program.port)));
    await until(async () => (await program.status()).waiting === 1, "one waits");
    assertEquals(childrenOf(program.pid).length, 2);
    for (const conn of conns) {
      await writeAll(conn, bytes("x"));
      assertEquals(await readExactly(conn, 1), bytes("x"));
      await conn.closeWrite();
      await readAll(conn);
      conn.close();
    }
    assertEquals(await program.terminate(), 0);
  },
});

Deno.test({
  ...unless("a process that outlives its session gets SIGTERM, with its group", needsProc),
  async fn() {
    const name = mark();
    const script = 'sleep 1000 & trap "exit 9" TERM; while :; do sleep 0.1; done';
    const options = ["--half-close-timeout", "200ms"];
    await using program = await Program.start([`exec:/bin/bash -c '${script}' ${name}`], options);
    const conn = await connect(program.port);
    await until(() => runningWith(name, program).length >= 1, "it runs");
    const { group } = runningWith(name, program)[0]!;
    await until(
      () => livingWith("").filter((one) => one.group === group).length > 1,
      "with another",
    );
    conn.close();
    const [entry] = await program.entries(1);
    assertEquals([entry!.exit_status, entry!.exit_signal], [9, null]);
    assert(entry!.total_ms < 4000, `${entry!.total_ms}`);
    const left = () => livingWith("").filter((one) => one.group === group);
    await until(() => left().length === 0, "nothing is left of its group");
    assertEquals(await program.terminate(), 0);
  },
});

Deno.test({
  ...unless("one that ignores SIGTERM gets SIGKILL after --exec-grace", needsProc),
  async fn() {
    const name = mark();
    const script = 'trap "" TERM; sleep 1000 & while :; do sleep 1; done';
    const options = ["--exec-grace", "300ms", "--half-close-timeout", "200ms"];
    await using program = await Program.start([`exec:/bin/bash -c '${script}' ${name}`], options);
    const conn = await connect(program.port);
    await until(() => runningWith(name, program).length >= 1, "it runs");
    const { group } = runningWith(name, program)[0]!;
    conn.close();
    const [entry] = await program.entries(1);
    assertEquals([entry!.exit_status, entry!.exit_signal], [null, "SIGKILL"]);
    assert(entry!.total_ms >= 500, `${entry!.total_ms}`);
    const left = () => livingWith("").filter((one) => one.group === group);
    await until(() => left().length === 0, "nothing is left of its group");
    assertEquals(await program.terminate(), 0);
  },
});

Deno.test({
  ...unless("a drain that is over, and a second signal, leave no process behind", needsProc),
  async fn() {
    for (const how of ["--drain-timeout", "second signal"]) {
      const name = mark();
      const options = how.startsWith("--") ? [how, "200ms"] : ["--exec-grace", "1h"];
      const ignoring = how.startsWith("--") ? "" : 'trap "" TERM; ';
      const destination = `exec:/bin/bash -c '${ignoring}while :; do sleep 1; done' ${name}`;
      await using program = await Program.start([destination], options);
      using _conn = await connect(program.port);
      await until(() => runningWith(name, program).length >= 1, "it runs");
      program.signal("SIGTERM");
      if (!how.startsWith("--")) {
        await program.logged(/draining/);
        program.signal("SIGTERM");
      }
      assertEquals(await program.ended(), 1);
      assertEquals(livingWith(name), []);
    }
  },
});

Deno.test({
  ...unless("a drain lets a session with a program finish", needsProc),
  async fn() {
    await using program = await Program.start(["exec:/usr/bin/tac"]);
    using conn = await connect(program.port);
    await writeAll(conn, bytes("1\n2\n"));
    await until(async () => (await program.status()).active === 1, "it is served");
    program.signal("SIGTERM");
    await program.logged(/draining/);
    await conn.closeWrite();
    assertEquals(await readAll(conn), bytes("2\n1\n"));
    assertEquals(await program.ended(), 0);
  },
});

Deno.test({
  ...unless("iawlb that is killed leaves no process that stays: their input ends", needsProc),
  async fn() {
    const name = mark();
    const destination = `exec:/bin/bash -c 'cat; :' ${name}`;
    await using program = await Program.start([destination]);
    const conns = await Promise.all(Array.from({ length: 20 }, () => connect(program.port)));
    await until(() => runningWith(name, program).length === 20, "they run");
    program.signal("SIGKILL");
    await until(() => runningWith(name, program).length === 0, "all have ended");
    for (const conn of conns) conn.close();
  },
});

Deno.test("one that cannot be started is a failed connect, and is back when it can", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/a program`;
  await using program = await Program.start([`name=it,exec:'${path}'`]);
  // Also before anybody comes.
  await program.logged(/destination it is down: .*there is no such file/);
  const answer = request(program.port, "x");
  await Deno.writeTextFile(path, "#!/bin/sh\nread x; echo here\n");
  await Deno.chmod(path, 0o755);
  assertEquals(await answer, "here\n");
  const { destinations: [destination] } = await program.status();
  assertEquals(destination.state, "up");
  assert(destination.failures > 0);
  assertEquals(await program.terminate(), 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("its check is whether its file can be run", async () => {
  const path = await Deno.makeTempFile();
  const checks = ["--check", "tcp", "--check-interval", "50ms"];
  await using program = await Program.start([`name=it,exec:${path}`], checks);
  await program.logged(/destination it is down: .*its file is not executable/);
  await Deno.writeTextFile(path, "#!/bin/sh\nexit 0\n");
  await Deno.chmod(path, 0o755);
  await program.logged(/destination it is up/);
  assertEquals((await program.status()).accepted, 0);
  assertEquals(await program.terminate(), 0);
  await Deno.remove(path);
});

Deno.test({
  ...unless("a program runs as its user, without supplementary groups", { "no root": !isRoot }),
  async fn() {
    const script = "id -u; id -g; grep ^Groups: /proc/self/status";
    const limit = 'setpriv --groups 4,24 true && exec setpriv --groups 4,24 "$@"; true';
    await using program = await Program.start(
      [`user=nobody,exec:/bin/sh -c '${script}'`, `backup,group=12,exec:/bin/sh -c '${script}'`],
      [],
      limit,
    );
    assertMatch(await request(program.port, ""), /^65534\n65534\nGroups:\s*\n$/);
    assertEquals(await program.terminate(), 0);
  },
});

Deno.test("with UDP it is a mistake, told with the reason", async () => {
  const { code, stderr } = await runProgram([`udp:127.0.0.1:${freePort()}`, "exec:cat"]);
  assertEquals(code, 2);
  assertMatch(stderr, /is a program, which has a connection as its standard input and output/);
});

Deno.test({
  ...unless("hundreds of sessions at a time leave neither zombies nor descriptors", needsProc),
  async fn() {
    const name = mark();
    const destination = `workers=50,exec:/bin/sh -c 'exec cat' ${name}`;
    await using program = await Program.start([destination]);
    assertEquals(await request(program.port, "warm"), "warm");
    await until(() => childrenOf(program.pid).length === 0, "the first one is gone");
    const before = openDescriptors(program.pid);
    const texts = Array.from({ length: 300 }, (_, i) => `${i}`);
    const answers = await Promise.all(texts.map((text) => request(program.port, text)));
    assertEquals(answers, texts);
    await until(() => childrenOf(program.pid).length === 0, "no process is left, zombies included");
    // Many at a time take turns, for which the process connects to itself once.
    await until(() => openDescriptors(program.pid) <= before + 2, "descriptors are as before");
    const entries = await program.entries(301);
    assert(entries.every(({ exit_status }) => exit_status === 0));
    assertEquals(await program.terminate(), 0);
  },
});

Deno.test({
  ...unless("while no process can be started, those who come wait, and all are served", {
    "no root": !isRoot,
    ...needsProc,
  }),
  async fn() {
    const limit = "prlimit --pid $$ --nproc=4";
    const destination = "name=it,user=31337,group=31337,exec:/bin/cat";
    await using program = await Program.start([destination], [], limit);
    const conns = await Promise.all(Array.from({ length: 9 }, () => connect(program.port)));
    await program.logged(/it is full, connecting to it pauses: .*[Rr]esource temporarily/);
    assert(childrenOf(program.pid).length <= 5);
    for (const conn of conns) {
      await writeAll(conn, bytes("x"));
      assertEquals(await readExactly(conn, 1), bytes("x"));
      conn.close();
    }
    const entries = await program.entries(9);
    for (const { reason, exit_status } of entries) assertEquals([reason, exit_status], ["done", 0]);
    assertEquals(await program.terminate(), 0);
  },
});
