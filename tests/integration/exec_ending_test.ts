import { assert, assertEquals, assertMatch } from "@std/assert";
import { bytes, connectTo, mark, membersOf, runningWith } from "../support/exec.ts";
import { childrenOf, livingWith } from "../support/processes.ts";
import { hasProc, openDescriptors } from "../support/process.ts";
import { Program } from "../support/program.ts";
import { freePort, readAll, readExactly, request, until, writeAll } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const isRoot = Deno.uid() === 0;
const needsProc = { "no /proc": !hasProc };

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
  using conn = await connectTo(program.port);
  const writing = (async () => {
    for (;;) await writeAll(conn, bytes("x".repeat(1000)));
  })().catch(() => {});
  const [entry] = await program.entries(1);
  assertEquals([entry!.reason, entry!.exit_status], ["server-reset", 5]);
  await writing;
  assertEquals(await program.terminate(), 0);
});

Deno.test({
  ...unless("a process that outlives its session gets SIGTERM, with its group", needsProc),
  async fn() {
    const name = mark();
    const script = 'sleep 1000 & trap "exit 9" TERM; while :; do sleep 0.1; done';
    const options = ["--half-close-timeout", "200ms"];
    await using program = await Program.start([`exec:/bin/bash -c '${script}' ${name}`], options);
    const conn = await connectTo(program.port);
    await until(() => runningWith(name, program).length >= 1, "it runs");
    const { group } = runningWith(name, program)[0]!;
    await until(() => membersOf(group).length > 1, "with another");
    conn.close();
    const [entry] = await program.entries(1);
    assertEquals([entry!.exit_status, entry!.exit_signal], [9, null]);
    assert(entry!.total_ms < 4000, `${entry!.total_ms}`);
    await until(() => membersOf(group).length === 0, "nothing is left of its group");
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
    const conn = await connectTo(program.port);
    await until(() => runningWith(name, program).length >= 1, "it runs");
    const { group } = runningWith(name, program)[0]!;
    conn.close();
    const [entry] = await program.entries(1);
    assertEquals([entry!.exit_status, entry!.exit_signal], [null, "SIGKILL"]);
    assert(entry!.total_ms >= 500, `${entry!.total_ms}`);
    await until(() => membersOf(group).length === 0, "nothing is left of its group");
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
      using _conn = await connectTo(program.port);
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
    using conn = await connectTo(program.port);
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
    const conns = await Promise.all(Array.from({ length: 20 }, () => connectTo(program.port)));
    await until(() => runningWith(name, program).length === 20, "they run");
    program.signal("SIGKILL");
    await until(() => runningWith(name, program).length === 0, "all have ended");
    for (const conn of conns) conn.close();
  },
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
  ...unless("one that cannot be killed keeps its slot, and no drain", {
    "no root": !isRoot,
    "no binary, which others may run": !Deno.env.get("IAWLB_BINARY"),
  }),
  async fn() {
    const folder = await Deno.makeTempDir();
    await Deno.chmod(folder, 0o755);
    // One that becomes root also for those who ask who it is.
    const setpriv = `${folder}/setpriv`;
    await Deno.copyFile("/usr/bin/setpriv", setpriv);
    await Deno.chmod(setpriv, 0o4755);
    const name = mark();
    const script =
      `${setpriv} --reuid 0 /bin/bash -c "trap : TERM; echo; while sleep 0.1; do :; done"`;
    const options = ["--exec-grace", "100ms", "--half-close-timeout", "100ms"];
    await using program = await Program.start(
      [`workers=1,exec:${script} ${name}`],
      [...options, "--drain-timeout", "100ms"],
      'setpriv --reuid 31337 true && exec setpriv --reuid 31337 --regid 31337 --clear-groups "$@"',
    );
    const conn = await connectTo(program.port);
    await readExactly(conn, 1);
    conn.close();
    const line = await program.logged(/process \d+ has not ended after SIGKILL/);
    using _other = await connectTo(program.port);
    await until(async () => (await program.status()).waiting === 1, "its slot is not free");
    assertEquals(await program.terminate(), 1);
    Deno.kill(JSON.parse(line).pid, "SIGKILL");
    await until(() => livingWith(name).length === 0, "it has ended");
    await Deno.remove(folder, { recursive: true });
  },
});
