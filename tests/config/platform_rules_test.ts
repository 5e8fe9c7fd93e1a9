import { assertEquals, assertStringIncludes } from "@std/assert";
import { parseCommand } from "../../src/cli/command.ts";
import {
  checkListenerPlatform,
  checkPlatform,
  LISTENER_DIFFERENCES,
  PROGRAM_DIFFERENCES,
  refusedOn,
  sharesPorts,
  type System,
} from "../../src/config/platform_rules.ts";
import { ConfigProblems } from "../../src/config/problems.ts";
import { flagOf } from "../../src/config/options.ts";
import { signalsOf } from "../../src/program/signals.ts";

const ignore = Deno.build.os !== "linux";

/** What each part is refused for. */
async function refusals(os: System, ...args: string[]): Promise<string[]> {
  const addresses = args.at(-1)!.startsWith("exec:") ? args.splice(-1) : ["127.0.0.1:9001"];
  const command = await parseCommand([...args, "127.0.0.1:0", ...addresses]);
  if (command.kind !== "serve") throw new Error("it serves nothing");
  const { config } = command;
  const refused: string[] = [];
  for (const listener of config.listeners) {
    checkListenerPlatform(listener, {
      report: (part, problem) => refused.push(`${JSON.stringify(part)} ${problem}`),
    }, os);
  }
  const problems = new ConfigProblems();
  const options = Object.fromEntries(
    Object.entries(config.written!.options).map(([name, text]) => [name, { text }]),
  );
  const source = { listeners: [], options } as unknown as Parameters<
    typeof checkPlatform
  >[1]["source"];
  checkPlatform(config.settings, { source, problems, os });
  return [...refused, ...problems.lines.map(([text]) => text)];
}

Deno.test("threads that share a port are refused where the kernel does not deal connections out", {
  ignore,
}, async () => {
  for (const os of ["darwin", "windows"] as const) {
    assertEquals(await refusals(os, "--threads", "2"), [
      '{"option":"threads"} only Linux deals the connections of a port out among threads; must be 1',
    ]);
    assertEquals(await refusals(os, "--threads", "1"), []);
  }
  assertEquals(await refusals("linux", "--threads", "2"), []);
  assertEquals((["linux", "darwin", "windows"] as const).map((os) => sharesPorts(os)), [
    true,
    false,
    false,
  ]);
});

Deno.test("what Windows has no means for is refused in one line each", { ignore }, async () => {
  assertEquals(await refusals("windows", "--umask", "0027", "--log", "syslog"), [
    '--umask "0027": there is no umask on Windows; must be inherit',
    '--log "syslog": there is no socket of syslog on Windows; must be stderr or syslog:HOST',
  ]);
  assertEquals(await refusals("windows", "--log", "syslog:127.0.0.1:514"), []);
  assertEquals(await refusals("darwin", "--umask", "0027", "--log", "syslog"), []);
});

Deno.test("a program as a destination is refused on Windows", { ignore }, async () => {
  const [problem] = await refusals("windows", "exec:/bin/cat");
  assertStringIncludes(problem!, "Windows has no process groups");
  assertEquals(await refusals("darwin", "exec:/bin/cat"), []);
});

Deno.test("Windows has two signals that stop and none that tell something", () => {
  assertEquals(signalsOf("windows"), { stops: ["SIGINT", "SIGBREAK"], notices: [] });
  assertEquals(signalsOf("darwin").notices, ["SIGHUP", "SIGUSR1", "SIGUSR2"]);
});

Deno.test("the page about platforms has every option that a system refuses", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/platforms.md", import.meta.url));
  for (const { option } of [...PROGRAM_DIFFERENCES, ...LISTENER_DIFFERENCES]) {
    const row = page.split("\n").find((line) => line.startsWith(`| \`${flagOf(option)}`)) ?? "";
    const [, , linux, mac, windows] = row.split("|").map((cell) => cell.trim());
    const verdict = (os: System) => refusedOn(os).includes(option) ? "refused" : "yes";
    assertEquals([linux, mac, windows], [verdict("linux"), verdict("darwin"), verdict("windows")]);
  }
});
