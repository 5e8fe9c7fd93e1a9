import { assertEquals, assertMatch } from "@std/assert";
import { TestFile } from "../support/config_file.ts";
import { Program, runProgram } from "../support/program.ts";
import { freePort, readAll, request, until, writeAll } from "../support/servers.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("several threads start programs", async () => {
  await using program = await Program.start(["workers=8,exec:cat"], ["--threads", "2"]);
  const texts = Array.from({ length: 40 }, (_, i) => `${i}`);
  assertEquals(await Promise.all(texts.map((text) => request(program.port, text))), texts);
  for (const { exit_status } of await program.entries(40)) assertEquals(exit_status, 0);
  assertEquals(await program.terminate(), 0);
});

Deno.test("a reload that changes a program leaves its sessions theirs", async () => {
  const port = freePort();
  const text = (word: string) => {
    return `listen = "127.0.0.1:${port}"\nlog-format = "json"\nexec-grace = "${word.length}s"
      destinations = [{ exec = ["/bin/sh", "-c", "read x; echo ${word} $x"] }]`;
  };
  using file = new TestFile(text("one"));
  await using program = await Program.spawn(["--config", file.path]);
  using before = await Deno.connect({ hostname: "127.0.0.1", port });
  await until(async () => (await program.status()).active === 1, "it is served");
  file.write(text("three"));
  program.signal("SIGHUP");
  await program.logged(/reload: destination .* removed/);
  assertEquals(await request(port, "b\n"), "three b\n");
  await writeAll(before, bytes("a\n"));
  assertEquals(await readAll(before), bytes("one a\n"));
  assertEquals(await program.terminate(), 0);
});

Deno.test("an operator adds a program, with a token", async () => {
  const folder = await Deno.makeTempDir();
  const token = `${folder}/token`;
  await Deno.writeTextFile(token, "a-token-of-the-test-with-enough-characters");
  await Deno.chmod(token, 0o600);
  const admin = `127.0.0.1:${freePort()}`;
  const options = ["--admin", admin, "--admin-token-file", token];
  await using program = await Program.start(
    ["exec:/bin/false", "weight=0,exec:/bin/true"],
    options,
  );
  const ctl = (...args: string[]) => runProgram(["ctl", admin, "--token-file", token, ...args]);
  const added = await ctl("add", "name=new,workers=3,exec:/bin/echo 'a  b', c");
  assertEquals([added.code, added.stderr], [0, ""]);
  assertEquals((await ctl("set", "exec:/bin/false", "weight=0")).code, 0);
  assertEquals(await request(program.port, ""), "a  b, c\n");
  const list = await ctl("status");
  assertMatch(list.stdout, /new/);
  assertEquals(await program.terminate(), 0);
  await Deno.remove(folder, { recursive: true });
});
