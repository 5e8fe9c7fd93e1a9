import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fc } from "../support/properties.ts";
import { type Check, formatCheck } from "../../src/config/values/check.ts";
import { parseCommand } from "../../src/cli/command.ts";
import type { ProgramConfig } from "../../src/config/config.ts";
import type { DestinationConfig } from "../../src/config/destination_text.ts";
import { differences } from "../../src/config/differences.ts";
import { DESTINATION_OPTIONS } from "../../src/config/options/destination.ts";
import {
  readDestination,
  splitDestination,
  writeDestination,
} from "../../src/config/destination_text.ts";
import { UsageError } from "../../src/base/errors.ts";
import { readSettings } from "../../src/config/options.ts";
import { configOf } from "../support/config.ts";
import { configOfFile, printedFile, problemsOfFile } from "../support/config_file.ts";

const defaults = readSettings({});

function read(text: string): DestinationConfig {
  const problems: string[] = [];
  const destination = readDestination({ text, defaults }, (problem) => problems.push(problem));
  assertEquals(problems, []);
  return destination as DestinationConfig;
}

Deno.test("a backslash makes a comma or a backslash one of its own, and is itself otherwise", () => {
  const cases: Record<string, string[]> = {
    "9001": ["9001"],
    "9001,workers=4,backup": ["9001", "workers=4", "backup"],
    "unix:/a\\,b,backup": ["unix:/a,b", "backup"],
    "unix:/a\\\\,backup": ["unix:/a\\", "backup"],
    "unix:/a\\b\\": ["unix:/a\\b\\"],
    "9001,check=send:PING\\r\\n\\,expect:PONG": ["9001", "check=send:PING\\r\\n,expect:PONG"],
    "9001,check=send:a\\\\\\,b\\,expect:c": ["9001", "check=send:a\\,b,expect:c"],
    "9001,": ["9001", ""],
    ",,\\": ["", "", "\\"],
    "": [""],
  };
  for (const [text, parts] of Object.entries(cases)) assertEquals(splitDestination(text), parts);
});

Deno.test("whatever the parts are, what is written is split the same", () => {
  const part = fc.string({ unit: fc.constantFrom("\\", ",", "=", "a", "é", "😀", "\n", "\ud800") });
  fc.assert(fc.property(part, fc.option(part), (address, check) => {
    const text = writeDestination(address, check === null ? {} : { check });
    assertEquals(splitDestination(text), [address, ...check === null ? [] : [`check=${check}`]]);
  }));
});

const words = fc.string({ unit: fc.constantFrom("a", ",", "\\", "\r", "\n", "\t", "é", "=", " ") });
const checks: fc.Arbitrary<Check | null> = fc.oneof(
  fc.constantFrom(null, { kind: "tcp" } as const, { kind: "http", path: "/a,b\\c?d=e" } as const),
  fc.tuple(words, words.filter((text) => text !== "")).map(([send, expect]) => {
    return { kind: "talk", send, expect } as const;
  }),
);

Deno.test("a destination that is written is read back the same", () => {
  const addresses = fc.constantFrom("9001", "a.b:1", "[::1]:9", "unix:/a,b\\c\\,d", "localhost:80");
  const numbers = fc.record({
    workers: fc.integer({ min: 1, max: 1_000_000 }),
    weight: fc.nat(256),
    backup: fc.nat(256),
    check: checks,
  });
  fc.assert(fc.property(addresses, numbers, (address, options) => {
    const text = writeDestination(address, {
      workers: String(options.workers),
      weight: String(options.weight),
      backup: String(options.backup),
      check: formatCheck(options.check),
    });
    const { workers, weight, backup, check, name } = read(text);
    assertEquals({ workers, weight, backup, check }, options);
    assertEquals(name, address);
    const [written] = splitDestination(text);
    assertEquals(written, address);
  }));
});

Deno.test("a check of one destination counts instead of the listener's, also off", () => {
  const texts = ["8080", "9001", "9002,check=off", "9003,check=http:/a\\,b", "9004,check=tcp"];
  const { destinations } = configOf(texts, { check: "expect:x" });
  assertEquals(destinations.map(({ check }) => formatCheck(check)), [
    "expect:x",
    "off",
    "http:/a,b",
    "tcp",
  ]);
});

Deno.test("what is wrong with an option is said with what is allowed", () => {
  const problems = (text: string) => {
    const all: string[] = [];
    readDestination({ text, defaults }, (problem) => all.push(problem));
    return all;
  };
  const [check] = problems("9001,check=send:PING,expect:PONG");
  assertStringIncludes(check!, 'check "send:PING" must be off, tcp, http:/PATH');
  const [, unknown] = problems("9001,check=send:PING,expect:PONG");
  assertStringIncludes(
    unknown!,
    'unknown option "expect:PONG"; must be workers=N|auto, workers-max=N',
  );
  assertEquals(problems("9001,check=tcp,check=off"), ["has check twice; give it once"]);
  assertEquals(problems(`9001${",x".repeat(1000)}`).length, 10);
});

/** The configuration without the texts that it was read from. */
function values({ settings, listeners }: ProgramConfig): unknown {
  return { settings, listeners: listeners.map(({ texts: _, ...listener }) => listener) };
}

Deno.test("a destination in a file may be a table, in every way that TOML has for it", async () => {
  const text = await configOfFile(`listen = "8080"
    destinations = ["9001", '9002,workers=4,weight=2,backup,check=send:a\\\\\\,b\\,expect:c',
      'unix:/a\\,b,check=tcp']`);
  const check = `'send:a\\,b,expect:c'`;
  const files = [
    `listen = "8080"
    destinations = [9001, { address = "9002", workers = 4, weight = "2", backup = true, check = ${check} },
      { check = "tcp", backup = false, "address" = 'unix:/a\\,b' }]`,
    `listen = "8080"
    [[destinations]]
    address = 9001
    [[destinations]]
    address = "9002"
    workers = 4
    weight = 2
    backup = true
    check = ${check}
    [[destinations]]
    address = 'unix:/a\\,b'
    check = "tcp"`,
  ];
  for (const file of files) {
    assertEquals(values(await configOfFile(file)), values(text), file);
    const listener = file.replace("listen", "[[listener]]\nlisten")
      .replaceAll("[[destinations]]", "[[listener.destinations]]");
    assertEquals(values(await configOfFile(listener)), values(text), listener);
    const printed = await printedFile(file);
    assertEquals(values(await configOfFile(printed)), values(text), printed);
  }
});

Deno.test("names and protocols of hellos may be lists", async () => {
  const of = (options: string) =>
    configOfFile(`listen = "8080"\ndestinations = [{ address = "9001", ${options} }]`);
  const lists = await of('sni = ["A.example", "*.a.example"], alpn = ["h2", "http/1.1"]');
  const texts = await of('sni = "a.example|*.a.example", alpn = "h2|http/1.1"');
  assertEquals(lists.listeners[0]!.destinations, texts.listeners[0]!.destinations);
  assertEquals((await of("sni = []")).listeners[0]!.destinations[0]!.sni, []);
  const lines = await problemsOfFile(
    `listen = "8080"\ndestinations = [{ address = 9001, sni = ["a.example", "b/"], alpn = [1] }]`,
  );
  assertEquals(lines.length, 2);
  assertStringIncludes(lines[0]!, 'FILE:2: destinations.sni ["a.example", "b/"]: must be names ');
  assertStringIncludes(lines[1]!, "FILE:2: destinations.alpn [1]: is a list; must be names ");
});

Deno.test("a problem with a table names its own line", async () => {
  const lines = await problemsOfFile(`threads = 4
listen = "8080"
destinations = [
  { address = "9001", workers = 2 },
  { address = "localhost:9001" },
  { address = "8080",
    check = "x" },
]`);
  assertEquals(lines.map((line) => line.slice(0, 60)), [
    'FILE:5: destinations "localhost:9001": is the same as "9001,',
    'FILE:6: destinations "8080": is the listen address, so that ',
    'FILE:7: destinations.check "x": must be off, tcp, http:/PATH',
  ]);
});

Deno.test("a different check is a difference", () => {
  const of = (...texts: string[]) => configOf(["8080", ...texts]);
  const changes = differences(of("9001,check=off", "9002"), of("9001,check=tcp", "9002"));
  assertEquals(changes, ["destination 9001: check off → tcp"]);
});

async function served(...args: string[]) {
  const command = await parseCommand(args);
  assert(command.kind === "serve");
  return command;
}

Deno.test("a destination that is given several times is one with as many times its workers", async () => {
  const { config, notes } = await served("8080", "9001", "9002", "localhost:9001", "9001");
  const { destinations } = config.listeners[0]!;
  assertEquals(destinations.map(({ name, workers }) => [name, workers]), [["9001", 768], [
    "9002",
    256,
  ]]);
  assertEquals(notes, ["destination 9001 is given 3 times: it is one with 768 workers"]);
  const special = "9001,weight=2,workers=3,backup,check=send:a\\,expect:b";
  const merged = (await served("8080", special, special, "9002")).config.listeners[0]!;
  const { key: _, address: __, ...rest } = merged.destinations[0]!;
  assertEquals(rest, { ...rest, name: "9001", workers: 6, weight: 2, backup: 1 });
  assertEquals(formatCheck(rest.check), "send:a,expect:b");
  const limited = await served("--workers=1", "8080", "9001", "9001");
  assertEquals(limited.config.listeners[0]!.destinations[0]!.workers, 2);
  const anew = await limited.load();
  assertEquals(anew, limited.config);
});

Deno.test("--check-config and --print-config know one destination of several that are the same", async () => {
  const text = async (...args: string[]) => {
    const command = await parseCommand(args);
    assert(command.kind === "print");
    return command.text;
  };
  const args = ["8080", "9001", "9001", "9001"];
  const checked = await text(...args, "--check-config");
  assertEquals(checked, "the command line is fine: 1 listener, 1 destination");
  const printed = await text(...args, "--print-config");
  assertStringIncludes(printed, '\n  "9001,workers=768",  # command line\n]');
  const config = await configOfFile(printed);
  assertEquals(values(config), values((await served(...args)).config));
});

Deno.test("repeats with other options, or in a file, are refused", async () => {
  const problem = async (...args: string[]) => {
    return (await assertRejects(() => parseCommand(args), UsageError)).message;
  };
  for (const other of ["9001,workers=2", "9001,weight=2", "9001,backup", "9001,check=tcp"]) {
    assertEquals(
      await problem("8080", "9001", other),
      `DESTINATION "${other}": is the same as "9001" with other options; must be given once, or ` +
        "each time with the same",
    );
  }
  for (const wrong of ["9001,weigth=2", "9001,weight=999", "9001,agent-check=9100:"]) {
    for (const repeats of [["9001", wrong], [wrong, "9001"], [wrong, wrong]]) {
      assertStringIncludes(await problem("8080", ...repeats), `DESTINATION "${wrong}": `);
    }
  }
  const many = Array(3).fill("9001,workers=400000");
  assertStringIncludes(await problem("8080", ...many), 'workers "1200000" must be a whole number');
  const [line] = await problemsOfFile('listen = "8080"\ndestinations = ["9001", "9001"]');
  assertStringIncludes(line!, 'FILE:2: destinations "9001": is the same as "9001" in line 2');
});

Deno.test("the table of options has what each needs to be written and read", () => {
  for (const { default: value, format, parse } of Object.values(DESTINATION_OPTIONS)) {
    assertEquals(parse(format(value as never)), value as never);
  }
});
