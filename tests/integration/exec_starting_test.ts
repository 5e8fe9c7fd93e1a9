import { assert, assertEquals, assertMatch } from "@std/assert";
import { bytes, connectTo } from "../support/exec.ts";
import { childrenOf } from "../support/processes.ts";
import { hasProc } from "../support/process.ts";
import { Program, runProgram } from "../support/program.ts";
import { freePort, readAll, readExactly, request, until, writeAll } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const isRoot = Deno.uid() === 0;
const needsProc = { "no /proc": !hasProc };

Deno.test({
  ...unless("as many processes run as there are workers, and the others wait", needsProc),
  async fn() {
    await using program = await Program.start(["workers=2,exec:cat"]);
    const conns = await Promise.all([1, 2, 3].map(() => connectTo(program.port)));
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
  ...unless("while no process can be started, those who come wait, and all are served", {
    "no root": !isRoot,
    ...needsProc,
  }),
  async fn() {
    const limit = "prlimit --pid $$ --nproc=4";
    const destination = "name=it,user=31337,group=31337,exec:/bin/cat";
    await using program = await Program.start([destination], [], limit);
    const conns = await Promise.all(Array.from({ length: 9 }, () => connectTo(program.port)));
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

Deno.test({
  ...unless("nor is a thread needed by then that the runtime had ended", {
    "no root": !isRoot,
    "no binary, which others may run": !Deno.env.get("IAWLB_BINARY"),
    ...needsProc,
  }),
  async fn() {
    const account = "--reuid 31338 --regid 31338 --clear-groups";
    await using program = await Program.start(
      ["name=it,exec:/bin/sh -c 'read time; echo; exec sleep $time'"],
      [],
      `setpriv ${account} true && exec setpriv ${account} "$@"`,
    );
    // Longer than the runtime keeps threads that have nothing to do.
    await request(program.port, "11\n");
    const tasks = [...Deno.readDirSync(`/proc/${program.pid}/task`)].length;
    const limit = `${account} prlimit --pid ${program.pid} --nproc=${tasks + 1}`.split(" ");
    assert((await new Deno.Command("setpriv", { args: limit }).output()).success);
    const answers = Array.from({ length: 6 }, () => request(program.port, "0.1\n"));
    await program.logged(/it is full, connecting to it pauses: .*[Rr]esource temporarily/);
    assertEquals((await Promise.all(answers)).join(""), "\n".repeat(6));
    assertEquals(await program.terminate(), 0);
  },
});
