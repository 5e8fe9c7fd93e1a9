import { assert, assertEquals, assertMatch } from "@std/assert";
import { Program, runProgram } from "../support/program.ts";
import { answer, request, TestServer } from "../support/servers.ts";
import { TestFile } from "../support/config_file.ts";

const ADDRESSES = 'listen = "127.0.0.1:0"\ndestinations = ["9001"]\n';

Deno.test("the program serves what its file says, and flags win over the file", async () => {
  await using server = new TestServer(answer("served"));
  using file = new TestFile(`\uFEFF# für alle\r
listen = "127.0.0.1:0"\r
destinations = [ "${server.address},workers=2" ]\r
log-format = "text"\r
access-log = "off"\r
`);
  await using program = await Program.spawn(["--config", file.path, "--log-format=json"]);
  assertMatch(await program.logged(/listening on/), /^\{.*\(2 workers\)/);
  assertEquals(await request(program.port, "hello"), "served");
  assertEquals(await program.terminate(), 0);
  assertEquals(program.out, []);
});

Deno.test("with several listeners each message says of which it is", async () => {
  const table = '[[listener]]\nlisten = "127.0.0.1:0"\ndestinations = ["9"]\n';
  using file = new TestFile(`log-format = "text"\n${table}${table.replace("0.0.1", "0.0.2")}`);
  await using program = await Program.spawn(["--config", file.path]);
  await program.logged(/iawlb\.127\.0\.0\.1:0: listening on 127\.0\.0\.1:\d+/);
  await program.logged(/iawlb\.127\.0\.0\.2:0: listening on 127\.0\.0\.2:\d+/);
  assertEquals(await program.terminate(), 0);
  const drained = program.log.filter((line) => /\.[12]:0: drained/.test(line));
  assertEquals(drained.length, 2, program.log.join("\n"));
});

Deno.test("every problem of the file is a line of its own, and the exit status is 2", async () => {
  using file = new TestFile(`wokers = 4
listen = "8080"
destinations = ["9001", "9001"]
queue-timeout = 30
keepalive = on
`);
  const broken = await runProgram(["--config", file.path]);
  assertEquals([broken.code, broken.stdout], [2, ""]);
  assertMatch(broken.stderr, /^iawlb: \S+\.toml:5: "keepalive = on": is not TOML: [^\n]+\n$/);
  file.write((await Deno.readTextFile(file.path)).replace("on\n", '"on"\n'));
  const { code, stdout, stderr } = await runProgram(["--config", file.path]);
  assertEquals([code, stdout], [2, ""]);
  const lines = stderr.trimEnd().split("\n").map((line) => line.replace(file.path, "FILE"));
  const beginnings = [
    "iawlb: FILE:1: wokers 4: no such key; the nearest is workers",
    'iawlb: FILE:3: destinations "9001": is the same as "9001" in line 3; give each only once',
    "iawlb: FILE:4: queue-timeout 30: must be a number with a unit, such as",
  ];
  assertEquals(lines.map((line, i) => line.slice(0, beginnings[i]?.length)), beginnings);
});

/** Files and the one line that each gives, after its name. */
const BAD_FILES: Record<string, [content: string | Uint8Array, line: RegExp]> = {
  "that is empty": [
    "",
    /^ is empty; must have listen and destinations, or \[\[listener\]\] tables/,
  ],
  "without a listener": ["workers = 4\n", /^ has no listener; must have listen and/],
  "that is not TOML": ["listen 8080\n", /^1: "listen 8080": is not TOML: /],
  "that is not UTF-8": [new Uint8Array([0xff, 0xfe, 0, 0]), /^ is no text in UTF-8/],
  "with a float": [`${ADDRESSES}workers = 4.0\n`, /^3: workers 4.0: is a float; must be a whole/],
  "with a key twice": [`${ADDRESSES}queue = 1\nqueue = 1\n`, /^4: "queue = 1": is not TOML: /],
};

for (const [name, [content, line]] of Object.entries(BAD_FILES)) {
  Deno.test(`a file ${name} exits 2 with one line`, async () => {
    using file = new TestFile(content);
    for (const args of [[], ["--check-config"], ["--print-config"]]) {
      const { code, stdout, stderr } = await runProgram(["--config", file.path, ...args]);
      assertEquals([code, stdout], [2, ""]);
      assertEquals(stderr.split("\n").length, 2, stderr);
      const prefix = `iawlb: ${file.path}:`;
      assertEquals(stderr.slice(0, prefix.length), prefix);
      assertMatch(stderr.slice(prefix.length), line);
    }
  });
}

const BAD_COMMAND_LINES: [args: string[], line: RegExp][] = [
  [["--config", "/nowhere/x.toml"], /^\/nowhere\/x.toml: cannot be read: there is no such file$/],
  [["--config", "/"], /^\/: cannot be read: it is a directory, not a regular file$/],
  [["--config"], /^--config "": must be the path of a file, or - for standard input$/],
  [["--config="], /^--config "": must be the path of a file, or - for standard input$/],
  [["--config", "x", "8080", "9001"], /^"8080": --config takes no addresses; must be in the file$/],
  [["--config", "x", "--demo"], /^--config "x": --demo takes no configuration file$/],
  [["--demo", "--check-config"], /^--check-config: --demo has a configuration of its own$/],
  [["--print-config=x", "1", "2"], /^"--print-config=x": --print-config takes no value$/],
  [["--check-config"], /^LISTEN is missing/],
  [["--check-config", "8080", "8080"], /^DESTINATION "8080": is the LISTEN address/],
  [
    ["--admin", "0.0.0.0:9", "1", "2"],
    /^--admin "0.0.0.0:9": is not only for this machine; .*--admin-token-file/,
  ],
  [["--admin", "1", "1", "2"], /^--admin "1": collides with the listener "1"; must be another/],
];

for (const [args, line] of BAD_COMMAND_LINES) {
  Deno.test(`"iawlb ${args.join(" ")}" exits 2 with one line about it`, async () => {
    const { code, stdout, stderr } = await runProgram(args);
    assertEquals([code, stdout], [2, ""]);
    assertMatch(stderr, /^iawlb: [^\n]+\n$/);
    assertMatch(stderr.slice("iawlb: ".length).trimEnd(), line);
  });
}

Deno.test("--check-config counts listeners and destinations", async () => {
  using file = new TestFile(`
[[listener]]
${ADDRESSES}
[[listener]]
listen = "127.0.0.1:0"
destinations = ["9001", "9002", "9003"]
`);
  const { code, stdout, stderr } = await runProgram(["--config", file.path, "--check-config"]);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(stdout, `${file.path} is fine: 2 listeners, 4 destinations\n`);
  const flags = await runProgram(["--check-config", "8080", "9001"]);
  assertEquals([flags.code, flags.stdout], [
    0,
    "the command line is fine: 1 listener, 1 destination\n",
  ]);
});

Deno.test("what --print-config prints is a configuration file that prints the same", async () => {
  const args = ["--workers=4", "--deny=::1", "--allow=::/0", "--deny=0.0.0.0/0", "8080", "9001"];
  const { code, stdout, stderr } = await runProgram([...args, "--print-config"]);
  assertEquals([code, stderr], [0, ""]);
  assert(stdout.includes("\nworkers = 4  # --workers\n"), stdout);
  using file = new TestFile(stdout);
  const again = await runProgram(["--config", file.path, "--print-config"]);
  const plain = (text: string) => text.replace(/ {2}# .*/g, "");
  assertEquals(plain(again.stdout), plain(stdout));
  const line = stdout.split("\n").indexOf("workers = 4  # --workers") + 1;
  assert(again.stdout.includes(`\nworkers = 4  # ${file.path}:${line}\n`), again.stdout);
});

Deno.test("the example of the package is fine", async () => {
  const example = new URL("../../packaging/iawlb.toml", import.meta.url).pathname;
  const { code, stdout } = await runProgram(["--config", example, "--check-config"]);
  assertEquals([code, stdout], [0, `${example} is fine: 1 listener, 2 destinations\n`]);
});

Deno.test("a thousand listeners with a thousand wrong lines are all told", async () => {
  const tables = Array.from({ length: 1000 }, (_, i) => {
    return `[[listener]]\nlisten = "${10_000 + i}"\ndestinations = ["9001"]\nworkers = 0\n`;
  });
  using file = new TestFile(tables.join(""));
  const { code, stderr } = await runProgram(["--config", file.path]);
  const lines = stderr.trimEnd().split("\n");
  assertEquals([code, lines.length], [2, 1000]);
  assert(lines.every((line) => line.startsWith(`iawlb: ${file.path}:`)), stderr);
});
