import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { readArguments } from "../../src/cli/arguments.ts";
import { readAddresses } from "../../src/cli/command.ts";
import type { ProgramConfig } from "../../src/config/config.ts";
import { flagOf, type OptionName, optionNames, rowOf } from "../../src/config/options.ts";
import { starterFile } from "../../src/config/starter_file.ts";
import { parseCheck } from "../../src/config/values/check.ts";
import { configOfFile, TestFile } from "../support/config_file.ts";

/** The file for such a command line, and what that comes to by itself. */
async function fileOf(...args: string[]): Promise<{ text: string; config: ProgramConfig }> {
  const { source, config } = await readAddresses(readArguments(args));
  return { text: starterFile(source, "a.toml"), config };
}

/** Everything but what it was read from. */
function values({ settings, listeners }: ProgramConfig) {
  const program = optionNames("program").map((name) => [name, settings[name]]);
  return { program, listeners: listeners.map(({ texts: _, ...config }) => config) };
}

Deno.test("a file to begin with says what was given, and has no warnings", async () => {
  for (
    const args of [
      ["8080", "9001"],
      ["--workers", "4", "unix:/run/a b", "10.0.0.7:9001,workers=2,name=x", "9002,backup"],
      ["--admin", "9090", "--queue", "7", "[::1]:80", "dns:db:5432", "exec:/bin/cat 'a  b'"],
      [
        "--deny",
        "::1",
        "--allow",
        "10.0.0.0/8",
        "--deny",
        "0.0.0.0/0",
        "--log-format=json",
        "1",
        "2",
      ],
      ["udp:53", "udp:10.0.0.1:53"],
      ["8080", "9001", "9001", "9002"],
    ]
  ) {
    const { text, config } = await fileOf(...args);
    const read = await configOfFile(text);
    assertEquals(values(read), values(config), text);
    assertEquals(read.warnings, config.warnings);
  }
});

Deno.test("what it shows as comments are the defaults, and lines of a file", async () => {
  const { text, config } = await fileOf("8080", "9001");
  const all = text.replace(/^#(?=[a-z-]+ = )/gm, "");
  assert(all.split("\n").length === text.split("\n").length && all !== text);
  assertEquals(values(await configOfFile(all)), values(config));
  for (const line of text.split("\n")) assert(line.length <= 100, line);
});

Deno.test("it has a place for every option", async () => {
  using token = new TestFile("a-token-of-the-test-with-enough-characters\n");
  using other = new TestFile("another-token-of-the-test-with-more-of-them\n");
  const texts: Partial<Record<OptionName, string>> = {
    admin: "9090",
    adminTokenFile: token.path,
    adminReadTokenFile: other.path,
  };
  const names = optionNames().filter((name) => !rowOf(name).rule);
  const flags = names.map((name) => {
    const { format, default: usual } = rowOf(name);
    return `${flagOf(name)}=${texts[name] ?? format(usual)}`;
  });
  const args = flags.map((flag) => flag.replace(/=(true|false)$/, "=$1"));
  const booleans = names.filter((name) => rowOf(name).notation?.booleans).map(flagOf);
  const given = args.filter((arg) => !booleans.includes(arg.split("=")[0]!));
  const { text, config } = await fileOf(...given, "8080", "9001");
  assertEquals(values(await configOfFile(text)), values(config));
  assertStringIncludes(text, "\nadmin-read-token-file = ");
});

Deno.test("the checks that it names are some", async () => {
  const { text } = await fileOf("8080", "9001");
  const comment = /((?:^# .*\n)+)#check = "off"$/m.exec(text)![1]!;
  const named = [...comment.matchAll(/"([^"]+)"/g)].map(([, name]) => name!);
  assertEquals(named.length, 6);
  for (const name of named) assert(parseCheck(name), name);
});

Deno.test("how a change is put in force fits the admin address", async () => {
  const { text } = await fileOf("--admin", "127.0.0.1:9090", "8080", "9001");
  assertStringIncludes(text, "#   iawlb ctl 9090 reload ");
  assertStringIncludes((await fileOf("8080", "9001")).text, "#   kill -HUP PID ");
  const socket = await fileOf("--admin", "unix:/run/a", "8080", "9001");
  assertStringIncludes(socket.text, "#   iawlb ctl unix:/run/a reload ");
});
