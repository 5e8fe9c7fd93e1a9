import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseCommand } from "../src/cli.ts";
import { UsageError } from "../src/errors.ts";
import { helpText, optionRows } from "../src/help.ts";
import { flagOf, type Option, optionNames, OPTIONS } from "../src/options.ts";

Deno.test("addresses and options make a configuration, in any order", () => {
  const command = parseCommand(["8080", "--workers", "4", "9001", "--queue=10", "9002"]);
  assert(command.kind === "serve");
  const { listen, destinations, workers, queue } = command.config;
  assertEquals([listen.transport, workers, queue], ["tcp", 4, 10]);
  assertEquals(destinations.map(({ name }) => name), ["9001", "9002"]);
});

Deno.test("an option given twice counts the last time", () => {
  const command = parseCommand(["--queue", "1", "--queue", "2", "8080", "9001"]);
  assert(command.kind === "serve");
  assertEquals(command.config.queue, 2);
});

Deno.test("help and version win over everything that is allowed", () => {
  for (const args of [["--help"], ["-h", "8080"], ["8080", "9001", "--help"]]) {
    assertEquals(parseCommand(args), { kind: "help" });
  }
  assertEquals(parseCommand(["-V"]), { kind: "version" });
});

Deno.test("--demo takes options but no addresses", () => {
  const command = parseCommand(["--demo", "--log-format", "json"]);
  assert(command.kind === "demo");
  assertEquals(command.settings.logFormat, "json");
  assertThrows(() => parseCommand(["--demo", "8080"]), UsageError, "takes no addresses");
});

Deno.test("an option that does not exist is answered with the nearest", () => {
  assertThrows(() => parseCommand(["--wokers", "4"]), UsageError, "the nearest is --workers");
  assertThrows(() => parseCommand(["--no-queue"]), UsageError, '"--no-queue": no such option');
  assertThrows(() => parseCommand(["-q"]), UsageError, '"-q": no such option');
});

Deno.test("every message is a single line", () => {
  for (const args of [["8080", "a\nb:1"], ["--queue", "a\nb"], ["--a\nb"], ["8080", "1,\n"]]) {
    const { message } = assertThrows(() => parseCommand(args), UsageError);
    assertEquals(message.split("\n").length, 1, message);
  }
});

Deno.test("the help has every option with its default, in 80 columns", () => {
  const help = helpText();
  for (const name of optionNames()) {
    const option: Option<unknown> = OPTIONS[name];
    const entry = `  ${flagOf(name)} ${option.form}  (${option.format(option.default)})`;
    assert(help.split("\n").includes(entry), entry);
  }
  assertEquals(help.split("\n").filter((line) => line.length > 80), []);
});

Deno.test("the README's table of options is the program's", async () => {
  const readme = await Deno.readTextFile(new URL("../README.md", import.meta.url));
  const rows = readme.split("\n").map((line) => line.replace(/ +/g, " "));
  for (const row of optionRows()) assert(rows.includes(row), row);
});
