// A configuration that is read holds nobody up, whatever is in it and whatever it is.
import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { TestFile } from "../support/config_file.ts";
import { hasProc, mainThreadMs } from "../support/process.ts";
import { Program, runProgram } from "../support/program.ts";
import { answer, echo, readExactly, TestServer, until, writeAll } from "../support/servers.ts";

/**
 * Longest round trip beside a reload, in milliseconds: far more than it takes. Of each round trip no
 * more counts than the program worked in it.
 */
const LONGEST_MS = 200;

const CONFIG = 'listen = "127.0.0.1:0"\ndestinations = ["9001"]\n';

/** Contents that a parser may stumble over, each with what the log says about it. */
const HOSTILE: Record<string, [content: string, problem: RegExp]> = {
  "a key of 20,000 parts": ["a.".repeat(20_000) + "a = 1\n", /:1: a key has too many parts; must/],
  "20,000 brackets": ["a = " + "[".repeat(20_000) + "]".repeat(20_000), /:1: brackets are nested/],
  "20,000 braces": ["a = " + "{a=".repeat(20_000), /:1: brackets are nested too deeply/],
  "a header of 20,000 parts": [`[${"a.".repeat(20_000)}a]\n`, /:1: a key has too many parts; mu/],
  "120,000 keys": [
    Array.from({ length: 120_000 }, (_, i) => `${i}=1`).join("\r"),
    /:1: has more keys and values than are allowed; must be at most 100000/,
  ],
  "a key of 16,000 letters": [
    `${CONFIG}"${"x".repeat(16_000)}" = 1`,
    /:3: x{200}… 1: no such key; the near/,
  ],
  "a field of 16,000 letters": [
    `${CONFIG}access-log-format = "{${"x".repeat(16_000)}}"`,
    /:3: access-log-format "{x+…": has the unknown field {x+…}; the nearest is/,
  ],
  "55,000 unknown keys": [
    Array.from({ length: 55_000 }, (_, i) => `key-no-${i} = 1\n`).join(""),
    /:1: key-no-0 1: no such key; the nearest is/,
  ],
  "100,000 elements that are no destinations": [
    `listen = "1"\ndestinations = [${"{},".repeat(25_000)}]`,
    /:2: destinations: address is missing/,
  ],
  "a text of a million characters": [`a = "${"x".repeat(1_000_000)}"`, /:1: a text has 1000002 ch/],
  "a text without an end": [`a = "${"x".repeat(1_000_000)}`, /:1: a text has 1000001 characters/],
  "a million escapes": [`a = "${"\\n".repeat(500_000)}"`, /:1: a text has 1000002 characters; m/],
  "a number of 900,000 digits": [`workers = ${"9".repeat(900_000)}`, /:1: has a word of more than/],
  "100,000 quotes": [`a = ${'"'.repeat(100_000)}`, /:1: a text has \d+ characters|is not TOML/],
  "a key twice in 50,000": [
    `${Array.from({ length: 50_000 }, (_, i) => `a${i}=1\n`).join("")}a0=1\n`,
    /:50001: "a0=1": is not TOML: defining a key multiple times/,
  ],
  "200 destinations of 4,000 commas": [
    `listen = "1"\ndestinations = [${`"9001${",".repeat(4000)}",`.repeat(200)}]`,
    /:2: destinations "9001,,,,,.*: has the unknown option ""; must be/,
  ],
  "a check of backslashes": [
    `${CONFIG}check = "send:${"\\\\\\\\".repeat(3900)}"`,
    /:3: check .*: must be off, tcp/,
  ],
  "a template of braces": [
    `${CONFIG}access-log-format = "${"{".repeat(15_999)}"`,
    /:3: access-log-format "{+…": has a single {; must be {{/,
  ],
  "networks": [
    `${CONFIG}deny = ["${"1.1.1.1/33,".repeat(1400)}"]`,
    /:3: deny .*: must be addresses or CIDR/,
  ],
  "an address of colons": [
    `listen = "[${":".repeat(16_000)}]:1"\ndestinations = ["1"]`,
    /:1: listen .*between the bra/,
  ],
  "half a megabyte of zeros": ["\0".repeat(500_000), /:1: .*is not TOML|has a word of more than/],
};

Deno.test("a reload holds nobody up and refuses in one line, whatever is in the file", async () => {
  await using server = new TestServer(echo);
  const good = CONFIG.replace('"9001"', `"${server.address}"`);
  using file = new TestFile(good);
  await using program = await Program.spawn(["--config", file.path]);
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
  const clock = hasProc ? () => mainThreadMs(program.pid) : () => performance.now();
  /** Reloads beside round trips until the log has a line; gives the longest of them. */
  const reload = async (content: string, line: () => string | undefined) => {
    file.write(content);
    program.signal("SIGHUP");
    let longest = 0;
    await until(
      async () => {
        const [begin, before] = [performance.now(), clock()];
        await writeAll(conn, new Uint8Array([1]));
        await readExactly(conn, 1);
        const took = Math.min(performance.now() - begin, clock() - before);
        longest = Math.max(longest, took);
        return line() !== undefined;
      },
      "the log tells of the reload",
      20_000,
    );
    return longest;
  };
  for (const [name, [content, problem]] of Object.entries(HOSTILE)) {
    const before = program.log.length;
    const find = (text: string) => program.log.slice(before).find((line) => line.includes(text));
    const refused = () => find("reload refused");
    const longest = await reload(content, refused);
    assertMatch(refused()!, problem, name);
    assertLess(refused()!.length, 1200, name);
    assertLess(longest, LONGEST_MS, `a round trip beside ${name}`);
    await reload(good, () => find("reload: nothing has changed"));
  }
});

Deno.test("a start refuses in lines, whatever is in the file", async () => {
  for (const [name, [content, problem]] of Object.entries(HOSTILE)) {
    using file = new TestFile(content);
    const { code, stderr } = await runProgram(["--config", file.path, "--check-config"]);
    assertEquals(code, 2, name);
    const lines = stderr.trimEnd().split("\n");
    assert(lines.every((line) => line.startsWith(`iawlb: ${file.path}:`)), name);
    assertMatch(lines[0]!, problem, name);
    assertLess(lines.length, 1002, name);
  }
});

/** Runs a function with paths that are no regular files, or none that can be read. */
async function withStrangeFiles(
  use: (files: Record<string, [path: string, problem: RegExp]>) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const path = (name: string) => `${folder}/${name}`;
    await new Deno.Command("mkfifo", { args: [path("fifo")] }).output();
    using _socket = Deno.listen({ transport: "unix", path: path("socket") });
    using sparse = await Deno.create(path("sparse"));
    await sparse.truncate(1 << 30);
    await Deno.symlink("/dev/zero", path("link"));
    await Deno.symlink("loop", path("loop"));
    await use({
      "a FIFO": [path("fifo"), /it is a FIFO, not a regular file/],
      "a socket": [path("socket"), /it is a socket, not a regular file/],
      "a directory": [folder, /it is a directory, not a regular file/],
      "a sparse file": [path("sparse"), /it has 1073741824 bytes; must be at most \d+/],
      "a device": ["/dev/zero", /it is a device, not a regular file/],
      "a device behind a link": [path("link"), /it is a device, not a regular file/],
      "a terminal": ["/dev/tty", /it is a device, not a regular file/],
      "a link to itself": [path("loop"), /Too many levels of symbolic links/],
      "something of the kernel": ["/proc/kmsg", /special file|permission denied/],
      "a descriptor": ["/proc/self/fd/0", /special file|not a regular file/],
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("what is no regular file is no configuration, at the start and at a reload", async () => {
  await withStrangeFiles(async (files) => {
    await using server = new TestServer(answer("served"));
    const config = await Deno.makeTempDir();
    const path = `${config}/iawlb.toml`;
    try {
      await Deno.writeTextFile(path, CONFIG.replace('"9001"', `"${server.address}"`));
      await using program = await Program.spawn(["--config", path]);
      for (const [name, [strange, problem]] of Object.entries(files)) {
        const { code, stderr } = await runProgram(["--config", strange]);
        assertEquals([code, stderr.split("\n").length], [2, 2], `${name}: ${stderr}`);
        assertMatch(stderr, problem, name);
        await Deno.remove(path);
        await Deno.symlink(strange, path);
        const before = program.log.length;
        program.signal("SIGHUP");
        const refused = () => {
          return program.log.slice(before).find((line) => line.includes("reload refused"));
        };
        await until(() => refused() !== undefined, `the reload of ${name} is refused`);
        assertMatch(refused()!, problem, name);
      }
      assertEquals(await program.terminate(), 0);
    } finally {
      await Deno.remove(config, { recursive: true });
    }
  });
});

Deno.test("what is no regular file has no token", async () => {
  await withStrangeFiles(async (files) => {
    for (const [name, [strange, problem]] of Object.entries(files)) {
      const args = ["--admin=0", `--admin-token-file=${strange}`, "127.0.0.1:0", "9001"];
      const { code, stderr } = await runProgram(args);
      assertEquals([code, stderr.split("\n").length], [2, 2], `${name}: ${stderr}`);
      assertMatch(stderr, /^iawlb: --admin-token-file "[^"]*": cannot be read, /, name);
      assertMatch(stderr, problem, name);
    }
  });
});

Deno.test("- is standard input, and a reload says that a change needs a restart", async () => {
  await using server = new TestServer(answer("served"));
  using file = new TestFile(CONFIG.replace('"9001"', `"${server.address}"`));
  for (const name of ["-", "/dev/stdin"]) {
    await using program = await Program.spawn(["--config", name], `exec <${file.path}`);
    program.signal("SIGHUP");
    await program.logged(
      /reload refused, nothing has changed: the configuration came from standard/,
    );
    assertEquals(await program.terminate(), 0);
    const checked = await runProgram(["--config", name, "--check-config"], `exec <${file.path}`);
    assertEquals(checked.stdout, "standard input is fine: 1 listener, 1 destination\n");
  }
});

Deno.test("standard input has the bounds of a file", async () => {
  const run = (from: string) => runProgram(["--config", "-"], from);
  const endless = await run("exec </dev/zero");
  assertEquals(endless.code, 2);
  assertMatch(
    endless.stderr,
    /^iawlb: standard input: cannot be read: it has more than 4194304 by/,
  );
  const empty = await run("exec </dev/null");
  assertMatch(empty.stderr, /^iawlb: standard input: is empty; must have/);
  using file = new TestFile("listen = x\n");
  const broken = await run(`exec <${file.path}`);
  assertMatch(broken.stderr, /^iawlb: standard input:1: "listen = x": is not TOML/);
  const folder = await run("exec </");
  assertEquals([folder.code, folder.stderr.split("\n").length], [2, 2]);
});
