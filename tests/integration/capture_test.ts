import { assert, assertEquals, assertMatch } from "@std/assert";
import { Program, programLine, runProgram } from "../support/program.ts";
import { echo, readExactly, TestServer, until, writeAll } from "../support/servers.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** The program with its admin API on a socket file. */
async function start(destinations: readonly string[], options: readonly string[] = []) {
  const folder = await Deno.makeTempDir();
  const address = `unix:${folder}/admin.sock`;
  const token = `${folder}/token`;
  await Deno.writeTextFile(token, "the-token-of-who-looks-inside\n");
  const admin = ["--admin", address, "--admin-token-file", token];
  const program = await Program.start(destinations, [...admin, ...options]);
  await program.logged(/admin API on /);
  return {
    ...{ folder, program, file: `${folder}/a.pcapng` },
    /** What stands before a command. */
    ctl: ["ctl", address, "--token-file", token],
    async [Symbol.asyncDispose]() {
      await program[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test({
  name: "Ctrl-C ends a capture: the file is whole, the status 0, and the log says who has looked",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using server = new TestServer(echo);
    await using site = await start([server.address]);
    using conn = await Deno.connect({ port: site.program.port });
    await writeAll(conn, bytes("earlier"));
    await readExactly(conn, 7);
    const [name, ...args] = [...programLine(), ...site.ctl];
    const child = new Deno.Command(name!, {
      args: [...args, "watch", "1.1", "--capture", site.file, "--json"],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const text = new Response(child.stdout).text();
    await site.program.logged(/by operator \(unix:.*looks into the bytes of session 1\.1/);
    await writeAll(conn, bytes("captured"));
    await readExactly(conn, 8);
    const captured = () => new TextDecoder("latin1").decode(Deno.readFileSync(site.file));
    await until(() => captured().split("captured").length === 3, "it is in the file");
    child.kill("SIGINT");
    assertEquals((await child.status).code, 0);
    const lines = (await text).trimEnd().split("\n").map((line) => JSON.parse(line));
    assertEquals(lines.map(({ kind }) => kind), ["session", "bytes", "bytes", undefined]);
    const { file, packets, ended } = lines.at(-1)!;
    assertEquals([file, packets, ended], [site.file, 5, "it was stopped"]);
    assertEquals(Deno.statSync(site.file).mode! & 0o777, 0o600);
    assertEquals(captured().split("captured").length, 3);
    assert(!captured().includes("earlier"));
    await site.program.logged(/looks no more into the bytes of session 1\.1: 1 session, 16 bytes/);
    await writeAll(conn, bytes("after"));
    assertEquals(new TextDecoder().decode(await readExactly(conn, 5)), "after");
  },
});

Deno.test("a drain ends a capture with what there was to its end; the limit ends it before", async () => {
  await using server = new TestServer(echo);
  await using site = await start([server.address]);
  const conn = await Deno.connect({ port: site.program.port });
  const all = runProgram([...site.ctl, "capture", "--listener", "1", "--file", site.file]);
  const few = runProgram([
    ...[...site.ctl, "watch", "--client", "127.0.0.1", "--capture", `${site.file}.few`],
    ...["--limit", "10KiB"],
  ]);
  const looks = () => site.program.log.filter((line) => line.includes("looks into the bytes of"));
  await until(() => looks().length === 2, "both look");
  await writeAll(conn, new Uint8Array(20_000));
  await readExactly(conn, 20_000);
  const { code, stdout } = await few;
  assertEquals(code, 0);
  assertMatch(
    stdout,
    /a\.pcapng\.few: 1 session, \d+ packets?, .*the limit of 10\.0 KiB is reached/,
  );
  assert(Deno.statSync(`${site.file}.few`).size <= 10 * 1024);
  site.program.signal("SIGTERM");
  await site.program.logged(/draining/);
  await writeAll(conn, bytes("last words"));
  await readExactly(conn, 10);
  conn.close();
  assertEquals(await site.program.ended(), 0);
  const { code: status, stdout: line } = await all;
  assertEquals(status, 0);
  assertMatch(line, /a\.pcapng: 1 session, \d+ packets, .*ended since all of them are over/);
  assert(new TextDecoder("latin1").decode(Deno.readFileSync(site.file)).includes("last words"));
});

Deno.test("without a token nobody looks: ctl says in one line what to do, and leaves no file", async () => {
  await using server = new TestServer(echo);
  const folder = await Deno.makeTempDir();
  const admin = `unix:${folder}/admin.sock`;
  await using program = await Program.start([server.address], ["--admin", admin]);
  await program.logged(/admin API on /);
  for (
    const command of [
      ["watch", "--listener", "1"],
      ["capture", "--listener", "1", "--file", `${folder}/a.pcapng`],
    ]
  ) {
    const { code, stdout, stderr } = await runProgram(["ctl", admin, ...command]);
    assertEquals([code, stdout], [1, ""]);
    assertMatch(
      stderr,
      /^[^\n]*only with a token: start iawlb with --admin-token-file FILE, and give ctl --token-file FILE\n$/,
    );
  }
  assertEquals(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["admin.sock"]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("processes are looked into as threads are", async () => {
  const destination = "service:echo,processes=accept,workers=2";
  await using site = await start([destination], ["--threads", "2"]);
  const shown = runProgram([...site.ctl, "watch", "--listener", "1", "--for", "1s"]);
  await site.program.logged(/looks into the bytes of all sessions at listener 1/);
  const conn = await Deno.connect({ port: site.program.port });
  await writeAll(conn, bytes("to a process\n"));
  await readExactly(conn, "to a process\n".length);
  conn.close();
  const { code, stdout } = await shown;
  assertEquals(code, 0);
  assertMatch(stdout, / 1\.\d+ > to a process\n.* 1\.\d+ < to a process\n[^]* is over: done/);
});
