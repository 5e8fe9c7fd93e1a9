import { assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { needing, run } from "../support/packaged_servers.ts";
import { Program } from "../support/program.ts";
import { freePort, readAll, request, until, writeAll } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const GIT = needing("git", "git");
const RSYNC = needing("rsync", "rsync");
const SSH = { ...needing("sshd", "openssh-server"), "no root": Deno.uid() !== 0 };

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "iawlb-" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  ...unless("git clones and fetches through git daemon --inetd", GIT),
  fn: () =>
    withFolder(async (folder) => {
      const [work, bare, clone] = ["work", "bare", "clone"].map((name) => join(folder, name));
      const git = (...args: string[]) =>
        run("git", [
          "-c",
          "safe.directory=*",
          "-c",
          "user.name=x",
          "-c",
          "user.email=x@y",
          ...args,
        ]);
      await git("init", "-q", "-b", "main", work!);
      await Deno.writeTextFile(join(work!, "file"), "content\n".repeat(10_000));
      await git("-C", work!, "add", ".");
      await git("-C", work!, "commit", "-q", "-m", "one");
      await git("clone", "-q", "--bare", work!, bare!);
      const daemon = `/usr/bin/git -c safe.directory=* daemon --inetd --export-all ` +
        `--base-path='${folder}' '${folder}'`;
      await using program = await Program.start([`workers=2,exec:${daemon}`]);
      await git("clone", "-q", `git://127.0.0.1:${program.port}/bare`, clone!);
      assertEquals(
        await Deno.readTextFile(join(clone!, "file")),
        await Deno.readTextFile(join(work!, "file")),
      );
      const heads = await Promise.all([1, 2, 3, 4].map(() => {
        return run("git", ["ls-remote", `git://127.0.0.1:${program.port}/bare`, "HEAD"]);
      }));
      for (const head of heads) assertMatch(head, /^[\da-f]{40}\s+HEAD\n$/);
      for (const { exit_status } of await program.entries(5)) assertEquals(exit_status, 0);
      assertEquals(await program.terminate(), 0);
    }),
});

Deno.test({
  ...unless("rsync --server --daemon . hands out files", RSYNC),
  fn: () =>
    withFolder(async (folder) => {
      const [from, to] = ["from", "to"].map((name) => join(folder, name));
      await Deno.mkdir(from!);
      const bytes = crypto.getRandomValues(new Uint8Array(60_000));
      await Deno.writeFile(join(from!, "file"), bytes);
      const config = join(folder, "rsyncd.conf");
      await Deno.writeTextFile(
        config,
        `use chroot = no\nlog file = /dev/null\n[it]\npath = ${from}\n`,
      );
      const words = ["/usr/bin/rsync", "--server", "--daemon", `--config=${config}`, "."];
      await using program = await Program.start([`exec:${words.join(" ")}`]);
      const source = `rsync://127.0.0.1:${program.port}/it/`;
      assertMatch(await run("rsync", [source.replace(/it\/$/, "")]), /^it\s*$/m);
      await run("rsync", ["-a", source, to!]);
      assertEquals(await Deno.readFile(join(to!, "file")), bytes);
      assertEquals(await program.terminate(), 0);
    }),
});

Deno.test({
  ...unless("sshd -i serves a login with a command", SSH),
  fn: () =>
    withFolder(async (folder) => {
      const file = (name: string) => join(folder, name);
      for (const name of ["host", "key"]) {
        await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file(name)]);
      }
      await Deno.copyFile(file("key.pub"), file("authorized"));
      const created = await Deno.mkdir("/run/sshd").then(() => true, () => false);
      const options = ["UsePAM=no", "StrictModes=no", `AuthorizedKeysFile=${file("authorized")}`]
        .flatMap((option) => ["-o", option]);
      const words = ["/usr/sbin/sshd", "-i", "-e", "-f", "/dev/null", "-h", file("host")];
      await using program = await Program.start([`exec:${[...words, ...options].join(" ")}`]);
      const answer = await run("ssh", [
        ...["-F", "/dev/null", "-i", file("key"), "-p", `${program.port}`],
        ...["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes"]
          .flatMap((option) => ["-o", option]),
        ...["root@127.0.0.1", "echo hello; cat"],
      ], "from standard input");
      assertEquals(answer, "hello\nfrom standard input");
      await program.entries(1);
      assertEquals(await program.terminate(), 0);
      if (created) await Deno.remove("/run/sshd").catch(() => {});
    }),
});

Deno.test("a script answers HTTP as one of CGI would", async () => {
  await withFolder(async (folder) => {
    const script = join(folder, "answer");
    await Deno.writeTextFile(
      script,
      `#!/bin/sh
read -r method path _
while read -r line && [ "$line" != "$(printf '\\r')" ]; do :; done
body="$method $path for $TCPREMOTEIP as $0
"
printf 'HTTP/1.0 200 OK\\r\\nContent-Length: %s\\r\\n\\r\\n%s' "\${#body}" "$body"
`,
    );
    await Deno.chmod(script, 0o755);
    await using program = await Program.start([`exec:${script}`]);
    const response = await fetch(`http://127.0.0.1:${program.port}/a?b`);
    assertEquals(await response.text(), `GET /a?b for 127.0.0.1 as ${script}\n`);
    assertEquals(await program.terminate(), 0);
  });
});

Deno.test("a program is told another name than its path, and its ends close by themselves, too", async () => {
  const script = "echo $0; read x; echo $x >&2; exec tac";
  await using program = await Program.start([`argv0=a name,exec:/bin/sh -c '${script}'`]);
  // Without a name behind it, $0 is what the shell was called.
  assertEquals(await request(program.port, "one\n2\n3\n"), "a name\n3\n2\n");
  const lines = Array.from({ length: 50_000 }, (_, i) => `line ${i}\n`);
  const text = await request(program.port, `one\n${lines.join("")}`);
  assertEquals(text, `a name\n${lines.toReversed().join("")}`);
  await until(() => program.log.some((line) => JSON.parse(line).line === "one"), "it is told");
  for (const { exit_status } of await program.entries(2)) assertEquals(exit_status, 0);
  const path = `127.0.0.1:${freePort()}`;
  await using other = await Program.spawn([path, "argv0=x,exec:/no/such/program"]);
  void request(other.port, "x").catch(() => {});
  await other.logged(/there is no such file/);
  await program.terminate();
});

Deno.test("what goes through a program with another name is whole, both ways", async () => {
  await using program = await Program.start(["argv0=x,exec:/bin/cat"]);
  const sent = new Uint8Array(3_000_000);
  for (let i = 0; i < sent.length; i += 60_000) {
    crypto.getRandomValues(sent.subarray(i, i + 60_000));
  }
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
  const sending = writeAll(conn, sent).then(() => conn.closeWrite());
  const got = await readAll(conn);
  await sending;
  assertEquals(got.length, sent.length);
  assertEquals(got.findIndex((byte, i) => byte !== sent[i]), -1);
  assertEquals(await program.terminate(), 0);
});
