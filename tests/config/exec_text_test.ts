import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { UsageError } from "../../src/base/errors.ts";
import { readListener } from "../../src/config/config.ts";
import {
  type DestinationConfig,
  readDestination,
  splitDestination,
  writeDestination,
} from "../../src/config/destination_text.ts";
import { DESTINATION_OPTIONS } from "../../src/config/options/destination.ts";
import { EXEC_OPTIONS, execOptionNames } from "../../src/config/options/exec.ts";
import { readSettings } from "../../src/config/options.ts";
import { serviceOptionNames } from "../../src/config/options/service.ts";
import { formatPlace } from "../../src/config/service_address.ts";
import { configOfFile, printedFile, problemsOfFile } from "../support/config_file.ts";
import { unless } from "../support/unless.ts";

const defaults = readSettings({});
const isRoot = Deno.uid() === 0;

function read(text: string): { destination: DestinationConfig; problems: string[] } {
  const problems: string[] = [];
  const destination = readDestination({ text, defaults }, (problem) => problems.push(problem));
  return { destination: destination as DestinationConfig, problems };
}

Deno.test("a program stands behind its options, and all behind exec: is its own", () => {
  const { destination, problems } = read(
    `workers=4,name=x,exec:/bin/x a,b 'c d' "\\\\" e=1,workers=9`,
  );
  assertEquals(problems, []);
  const { address, workers, name, key } = destination;
  assert(address.transport === "exec");
  assertEquals(address.command, ["/bin/x", "a,b", "c d", "\\", "e=1,workers=9"]);
  assertEquals([workers, name], [4, "x"]);
  assertEquals(key, "exec:/bin/x a,b 'c d' '\\' e=1,workers=9");
  assertEquals(read("EXEC: 'cat'").destination.key, "exec:cat");
  const { name: long } = read(`exec:/bin/sh -c '${"a\nb".repeat(100)}'`).destination;
  assertMatch(long, /^exec:\/bin\/sh -c 'a ba ba b.*…$/);
  assert(long.length <= 201, long);
  assertEquals(read("name=a\\,exec:b,exec:cat").problems.length, 1);
});

Deno.test("what was written of a program is read again as the same", () => {
  const texts = { workers: "3", argv0: "a,b\\c", name: "n" };
  const text = writeDestination("exec:/bin/x 'a b',c", texts);
  assertEquals(text, "argv0=a\\,b\\\\c,workers=3,name=n,exec:/bin/x 'a b',c");
  assertEquals(splitDestination(text), [
    "exec:/bin/x 'a b',c",
    ...["argv0=a,b\\c", "workers=3", "name=n"],
  ]);
  for (const text of ["exec:cat", "exec:/bin/x 'a b' ''"]) {
    assertEquals(formatPlace(read(text).destination.address), text);
  }
});

Deno.test("what no program can be is a mistake", () => {
  const cases: Record<string, RegExp> = {
    "exec:": /must name a program, such as exec:/,
    "exec:''": /must name a program/,
    "exec:53": /must name a program, not the number 53; a host of that name ends in a dot/,
    "exec:x 'a": /has a quote ' that is not closed/,
    "exec:x\\": /ends in a backslash/,
    "exec:x \0": /has a character 0/,
    [`exec:x${" a".repeat(1000)}`]: /has 1001 words; must be at most 1000/,
    [`exec:${"x".repeat(70_000)}`]: /has 70000 characters/,
    "send-proxy=v1,exec:x": /has send-proxy, which is nothing for a program/,
    "agent-check=9,exec:x": /has agent-check, which is nothing for a program/,
    "delay=1s,exec:x": /has delay, which is for service:http only/,
    "user=a b,exec:x": /user "a b" must be a name or a number/,
    "9001,user=nobody": /has user, which is for exec: only/,
    "service:echo,argv0=x": /has argv0, which is for exec: only/,
    "9001,exec:x": /has the unknown option "9001"/,
  };
  for (const [text, pattern] of Object.entries(cases)) {
    assertMatch(read(text).problems.join("\n"), pattern, text.slice(0, 40));
  }
});

Deno.test("no option of a program is called like another one", () => {
  const others = [...Object.keys(DESTINATION_OPTIONS), ...serviceOptionNames(), "address", "exec"];
  for (const name of execOptionNames()) assert(!others.includes(name), name);
  assertEquals(EXEC_OPTIONS.user.parse("none"), "");
});

Deno.test({
  ...unless("a user and a group are looked up, and others are mistakes", { "no root": !isRoot }),
  fn() {
    const accountOf = (text: string) => {
      const { address } = read(text).destination;
      return address.transport === "exec" ? address.account : undefined;
    };
    assertEquals(accountOf("user=nobody,exec:x"), { uid: 65534, gid: 65534 });
    assertEquals(accountOf("user=nobody,group=0,exec:x"), { uid: 65534, gid: 0 });
    assertEquals(accountOf("user=12345,group=54321,exec:x"), { uid: 12345, gid: 54321 });
    assertEquals(accountOf("group=root,exec:x"), { uid: 0, gid: 0 });
    assertEquals(accountOf("exec:x"), undefined);
    assertMatch(read("user=no-such,exec:x").problems[0]!, /"no-such" is not in \/etc\/passwd/);
    assertMatch(read("group=no-such,exec:x").problems[0]!, /"no-such" is not in \/etc\/group/);
    assertMatch(read("user=54321,exec:x").problems[0]!, /must have group, too/);
    assertEquals(read("user=nobody,exec:x").destination.key, "user=nobody,exec:x");
  },
});

Deno.test("programs have a check of their file alone, and no datagrams", () => {
  const listen = (listen: string, destination: string, options = {}) =>
    readListener({ listen, destinations: [destination], options, rules: [] });
  listen("8080", "check=tcp,exec:cat");
  const cases: [string, string, Record<string, string>, RegExp][] = [
    ["udp:8080", "exec:cat", {}, /is UDP, where there is none; must be udp:PORT/],
    ["8080", "check=http:/,exec:cat", {}, /has the check http:\/, .*must be check=tcp/],
    ["8080", "exec:cat", { check: "redis" }, /has the check redis/],
    ["exec:cat", "9001", {}, /exec/],
  ];
  for (const [address, destination, options, pattern] of cases) {
    const error = assertThrows(() => listen(address, destination, options), UsageError);
    assertMatch(error.message, pattern);
  }
});

const file = (destination: string) => `listen = "8080"\ndestinations = [${destination}]\n`;

Deno.test("in a file a program is a text, or a table with its words", async () => {
  const { listeners: [listener] } = await configOfFile(file(
    `"exec:cat", "workers=2,exec:/bin/x 'a b', c", { exec = ["/bin/x", "a b", "c,d"], workers = 4 },
     { address = "exec:tac -r", name = "tac" }`,
  ));
  assertEquals(listener!.configured.map(({ key, workers }) => [key, workers]), [
    ["exec:cat", 256],
    ["exec:/bin/x 'a b,' c", 2],
    ["exec:/bin/x 'a b' c,d", 4],
    ["exec:tac -r", 256],
  ]);
  const printed = await printedFile(file('{ exec = ["/bin/x", "a b", "c,d"], workers = 4 }'));
  assertMatch(printed, /"workers=4,exec:\/bin\/x 'a b' c,d"/);
});

Deno.test("mistakes of such a table are told with their lines", async () => {
  const cases: Record<string, RegExp> = {
    '{ exec = "cat" }':
      /:2: destinations.exec "cat": must be a list of one text or more, such as \[/,
    "{ exec = [] }": /must be a list of one text or more/,
    '{ exec = ["x", 1] }': /must be a list of one text or more/,
    '{ exec = [""] }': /must name a program/,
    '{ exec = ["x"], address = "9001" }': /has address and exec; must have one of them/,
    '{ exe = ["x"] }': /no such key; the nearest is exec/,
    '{ address = "9001", argv0 = "x" }': /has argv0, which is for exec: only/,
  };
  for (const [destination, pattern] of Object.entries(cases)) {
    assertMatch((await problemsOfFile(file(destination))).join("\n"), pattern, destination);
  }
});

Deno.test("half-close abandon with a program is warned of, and exec-grace without one", async () => {
  const abandon = `half-close = "abandon"\n${file('"exec:tac"')}`;
  const { warnings = [] } = await configOfFile(abandon);
  assertEquals(warnings.length, 1);
  assertMatch(warnings[0]!, /:1: half-close abandon ends "exec:tac" when its client finishes/);
  const idle = (await configOfFile(`exec-grace = "1s"\n${file('"9001"')}`)).warnings ?? [];
  assertMatch(idle.join(), /exec-grace has no effect without a destination exec:/);
  assertEquals((await configOfFile(file('"exec:tac"'))).warnings, []);
});
