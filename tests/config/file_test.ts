import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fc } from "../support/properties.ts";
import { parseCommand } from "../../src/cli/command.ts";
import { type Config, nameOf, type ProgramConfig } from "../../src/config/config.ts";
import { formatNetwork } from "../../src/net/networks.ts";
import type { Address } from "../../src/net/address.ts";
import { UsageError } from "../../src/base/errors.ts";
import { keyOf, optionNames } from "../../src/config/options.ts";
import { configOfFile, problemsOfFile, TestFile } from "../support/config_file.ts";
import { cpuTime } from "../support/cpu.ts";

/** What every file of these tests needs besides what it is about. */
const ADDRESSES = 'listen = "8080"\ndestinations = ["9001"]\n';

function only({ listeners }: ProgramConfig): Config {
  assertEquals(listeners.length, 1);
  return listeners[0]!;
}

function rulesOf({ rules }: Config): string[] {
  return rules.map((rule) => `${rule.verdict} ${formatNetwork(rule)}`);
}

Deno.test("a file with listen and destinations is one listener, as the command line makes it", async () => {
  const config = only(
    await configOfFile(`
      # numbers may be integers or strings
      listen = 8080
      destinations = [9001, "10.0.0.7:9003,workers=4"]
      workers = 7
      queue = "10"
      queue-timeout = "5s"
      idle-timeout = 0
      threads = "auto"
      allow = "10.0.0.0/8,::1"
    `),
  );
  const command = await parseCommand(
    "8080 9001 10.0.0.7:9003,workers=4 --workers 7 --queue 10 --queue-timeout 5s --idle-timeout 0 --threads auto --allow 10.0.0.0/8,::1"
      .split(" "),
  );
  assert(command.kind === "serve");
  assertEquals(config, command.config.listeners[0]);
});

Deno.test("every option of the command line is a key of the file", async () => {
  for (const name of optionNames()) {
    const lines = await problemsOfFile(`${keyOf(name)} = "\\u0000"\n${ADDRESSES}`);
    assertEquals(lines.length, 1);
    assertStringIncludes(lines[0]!, `FILE:1: ${keyOf(name)} "\\u0000": must be `);
  }
});

Deno.test("tables of listeners take the options of the top level unless they have their own", async () => {
  const { listeners, settings } = await configOfFile(`
    log-level = "debug"
    workers = 4
    queue = 10
    [[listener]]
    listen = "8080"
    destinations = ["9001", "9002,workers=2"]
    [[listener]]
    listen = "8081"
    destinations = ["9001"]
    workers = 5
  `);
  assertEquals(listeners.map(({ workers, queue }) => [workers, queue]), [[4, 10], [5, 10]]);
  assertEquals(listeners.map(({ logLevel }) => logLevel), ["debug", "debug"]);
  assertEquals(listeners[0]!.destinations.map(({ workers }) => workers), [4, 2]);
  assertEquals(settings.logLevel, "debug");
});

Deno.test("a flag wins over table, top level and default", async () => {
  const file = `
    workers = 4
    log-format = "json"
    [[listener]]
    listen = "8080"
    destinations = ["9001"]
    [[listener]]
    listen = "8081"
    destinations = ["9001"]
    workers = 5
  `;
  const { listeners, settings } = await configOfFile(file, "--workers=9", "--log-format", "text");
  assertEquals(listeners.map(({ workers }) => workers), [9, 9]);
  assertEquals([settings.logFormat, listeners[1]!.logFormat], ["text", "text"]);
});

Deno.test("allow and deny keep the order of the file, in which deny may come first", async () => {
  const file = `deny = ["10.0.0.1", "::1"]\nallow = "10.0.0.0/8"\n${ADDRESSES}`;
  assertEquals(rulesOf(only(await configOfFile(file))), [
    "deny 10.0.0.1/32",
    "deny ::1/128",
    "allow 10.0.0.0/8",
  ]);
});

Deno.test("rules is the one list for an order that allow and deny cannot have", async () => {
  const file = `rules = ["deny 10.0.0.1", "allow 10.0.0.0/8,::1", "deny 0.0.0.0/0"]\n${ADDRESSES}`;
  assertEquals(rulesOf(only(await configOfFile(file))), [
    "deny 10.0.0.1/32",
    "allow 10.0.0.0/8",
    "allow ::1/128",
    "deny 0.0.0.0/0",
  ]);
});

Deno.test("rules of a table replace those of the top level, and flags replace both", async () => {
  const file = `
    deny = ["10.0.0.1"]
    listener = [
      { listen = "1", destinations = ["9001"] },
      { listen = "2", destinations = ["9001"], allow = ["10.0.0.2"] },
      { listen = "3", destinations = ["9001"], deny = [] },
    ]
  `;
  const { listeners } = await configOfFile(file);
  assertEquals(listeners.map(rulesOf), [["deny 10.0.0.1/32"], ["allow 10.0.0.2/32"], []]);
  const flagged = await configOfFile(file, "--deny", "::1");
  assertEquals(flagged.listeners.map(rulesOf), [["deny ::1/128"], ["deny ::1/128"], [
    "deny ::1/128",
  ]]);
});

Deno.test("the admin address is loopback, unless there is a token file", async () => {
  const config = async (admin: string, more = "") => {
    return (await configOfFile(`admin = ${admin}\n${more}\n${ADDRESSES}`)).settings.admin;
  };
  const local: Address = { transport: "tcp", hostname: "127.0.0.1", port: 9090 };
  assertEquals(await config("9090"), local);
  assertEquals(await config('"127.0.0.1:9090"'), local);
  assertEquals(await config('"[::1]:0"'), { transport: "tcp", hostname: "::1", port: 0 });
  assertEquals(await config('"unix:/run/a"'), { transport: "unix", path: "/run/a" });
  assertEquals(await config('"off"'), null);
  const token = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(token, "sixteen-characters");
    const open = await config('"10.0.0.7:9090"', `admin-token-file = "${token}"`);
    assertEquals(open, { transport: "tcp", hostname: "10.0.0.7", port: 9090 });
    assertEquals(await config('"10.0.0.7:9090"', `admin-read-token-file = "${token}"`), open);
    const both = `admin-token-file = "${token}"\nadmin-read-token-file = "${token}"\n`;
    assertEquals(await problemsOfFile(`${ADDRESSES}${both}`), [
      `FILE:4: admin-read-token-file "${token}": has the token that may everything; must be ` +
      "another one",
    ]);
  } finally {
    await Deno.remove(token);
  }
  assertEquals(await problemsOfFile(`${ADDRESSES}admin-token-file = "/nowhere"`), [
    'FILE:3: admin-token-file "/nowhere": cannot be read, there is no such file; must be a file ' +
    "whose first line is the token",
  ]);
  for (const address of ["10.0.0.7:9090", "0.0.0.0:9090", "[::]:9090", "example.org:9090"]) {
    assertEquals(await problemsOfFile(`${ADDRESSES}admin = "${address}"`), [
      `FILE:3: admin "${address}": is not only for this machine; must be PORT, 127.0.0.1:PORT, ` +
      "[::1]:PORT or unix:/path, unless admin-token-file is given",
    ]);
  }
});

Deno.test("however TOML writes a key or a line, it means the same", async () => {
  const plain = await configOfFile('listen = "8080"\ndestinations = ["9001"]\nworkers = 4\n');
  const others = [
    "\uFEFFlisten = '8080'\ndestinations = ['''9001''']\nworkers = 0x4",
    'listen = "8080"\r\ndestinations = [\r\n"9001", # ünï\r\n]\r\n"workers" = 4\r\n',
    '\'listen\' = """\n8080"""\n"destin\\u0061tions" = [\'9001\'\n,]\nworkers="4"',
    '"work\\u0065rs" = 4\n\n\n# 語\nlisten="8080"\ndestinations=["9001"]',
  ];
  for (const text of others) assertEquals(await configOfFile(text), plain, text);
});

const KEYS = "PORT, HOST:PORT, IPV4:PORT, [IPV6]:PORT or unix:/path";
const WORKERS = "must be a whole number from 1 to 1000000, or auto";

/** Files and the beginnings of all lines that they have to give. */
const PROBLEMS: readonly (readonly [name: string, content: string, ...lines: string[]])[] = [
  ["a value out of bounds", `${ADDRESSES}workers = 0`, `FILE:3: workers 0: ${WORKERS}`],
  ["a text", `${ADDRESSES}workers = "x"`, `FILE:3: workers "x": ${WORKERS}`],
  ["a negative number", `${ADDRESSES}workers = -1`, `FILE:3: workers -1: ${WORKERS}`],
  ["a huge number", `${ADDRESSES}workers = 99999999999999999999`, "FILE:3: workers 99999999999999"],
  [
    "a float",
    `${ADDRESSES}workers = 1.5`,
    `FILE:3: workers 1.5: is a float; ${WORKERS}`,
  ],
  [
    "a boolean",
    `${ADDRESSES}keepalive = true`,
    'FILE:3: keepalive true: is a boolean; must be one of on, off, in quotes: keepalive = "on"',
  ],
  [
    "a date",
    `${ADDRESSES}queue-timeout = 1979-05-27T07:32:00Z`,
    "FILE:3: queue-timeout 1979-05-27T07:32:00Z: is a date or time; must be a number with a unit",
  ],
  [
    "a time without unit",
    `${ADDRESSES}queue-timeout = 30`,
    "FILE:3: queue-timeout 30: must be a number with a unit",
  ],
  ["a list", `${ADDRESSES}workers = [1]`, `FILE:3: workers [1]: is a list; ${WORKERS}`],
  [
    "an inline table",
    `${ADDRESSES}workers = { max = 1, min = 2 }`,
    `FILE:3: workers { max = 1, min = 2 }: is a table; ${WORKERS}`,
  ],
  ["a table", `${ADDRESSES}[workers]\nmax = 1`, `FILE:3: workers: is a table; ${WORKERS}`],
  [
    "an integer for a path",
    `${ADDRESSES}access-log = 5`,
    "FILE:3: access-log 5: is an integer; must be on, off, syslog or the path of a file, i",
  ],
  [
    "a template with an unknown field",
    `${ADDRESSES}access-log-format = "{tiem}"`,
    'FILE:3: access-log-format "{tiem}": has the unknown field {tiem}; the nearest is {time}',
  ],
  [
    "a dotted key",
    `${ADDRESSES}workers.max = 1`,
    "FILE:3: workers.max 1: no such key; the nearest",
  ],
  [
    "quoted keys",
    `${ADDRESSES}"wor kers" = 1\n"a\\nb" = 1\n"" = 1`,
    'FILE:3: "wor kers" 1: no such key; the nearest is workers',
    'FILE:4: "a\\nb" 1: no such key',
    'FILE:5: "" 1: no such key',
  ],
  [
    "an option of a destination beside it",
    `${ADDRESSES}sni = "a.example"\ntls = true`,
    'FILE:3: sni "a.example": no such key; it is one of a table in destinations',
    "FILE:4: tls true: no such key; it is one of a table in destinations",
  ],
  [
    "an unknown key",
    `${ADDRESSES}queueTimeout = "5s"`,
    'FILE:3: queueTimeout "5s": no such key; the nearest is queue-timeout',
  ],
  [
    "the key __proto__",
    `${ADDRESSES}__proto__ = 1\nconstructor = 1`,
    "FILE:3: __proto__ 1: no such key",
    "FILE:4: constructor 1: no such key",
  ],
  [
    "an unknown table",
    `${ADDRESSES}[logs]\nlevel = 1\n[logs.x]\ny = 1`,
    "FILE:3: logs: no such table; the only one is [[listener]]",
  ],
  ["no listen", 'workers = 4\ndestinations = ["9001"]', "FILE:1: listen is missing; must be"],
  ["no destinations", 'listen = "8080"', "FILE:1: destinations is missing; must be a list of"],
  [
    "destinations that are no list",
    'listen = "8080"\ndestinations = "9001"',
    'FILE:2: destinations "9001": must be a list of addresses, such as ["9001"',
  ],
  [
    "destinations in one text",
    'listen = "8080"\ndestinations = "9001, 9002,workers=4"',
    'FILE:2: destinations "9001, 9002,workers=4": must be a list of addresses, such as ' +
    '["9001", "9002,workers=4"]',
  ],
  [
    "a table that is called almost like a listener",
    `${ADDRESSES}[[listner]]\nlisten = "8081"`,
    "FILE:3: listner: no such table; the only one is [[listener]]",
  ],
  [
    "nothing but a table that is called almost like a listener",
    '[[listner]]\nlisten = "8081"\ndestinations = ["9001"]',
    "FILE:1: listner: no such table; the only one is [[listener]]",
  ],
  [
    "a table of settings, and no destinations",
    'listen = "8081"\n[global]\nthreads = 2',
    "FILE:1: destinations is missing",
    "FILE:2: global: no such table; the only one is [[listener]]",
  ],
  [
    "a URL where there is an address",
    `${ADDRESSES}admin = "http://localhost:9090/"`,
    'FILE:3: admin "http://localhost:9090/": must be HOST:PORT without http://, such as localhost:9090',
  ],
  [
    "no destination",
    'listen = "8080"\ndestinations = []',
    "FILE:2: destinations []: must be a list of addresses",
  ],
  [
    "destinations of any type",
    'listen = 1.5\ndestinations = [\n  true,\n  ["9001"],\n  "x y",\n  "9001,workers=0,x,weight=",\n]',
    `FILE:1: listen 1.5: must be ${KEYS}`,
    "FILE:3: destinations true: must be an address in quotes",
    'FILE:4: destinations ["9001"]: must be an address in quotes',
    `FILE:5: destinations "x y": must be ${KEYS} with a port from 1 to 65535`,
    `FILE:6: destinations "9001,workers=0,x,weight=": workers "0" ${WORKERS}`,
    'FILE:6: destinations "9001,workers=0,x,weight=": has the unknown option "x"; must be',
    'FILE:6: destinations "9001,workers=0,x,weight=": weight "" must be a whole number from 0 to',
  ],
  [
    "destinations that are tables",
    'listen = "8080"\ndestinations = [\n{ address = 9001, wokers = 4, check = "x",\nbackup = "yes" },\n' +
    '{ workers = 0, weight = { a = 1 } },\n{ address = "9002,workers=2" },\n{ address = "x y" }, true]',
    "FILE:3: destinations.wokers 4: no such key; the nearest is workers",
    'FILE:3: destinations.check "x": must be off, tcp',
    'FILE:4: destinations.backup "yes": must be true, false or a whole number from 0 to 256',
    "FILE:5: destinations.workers 0: must be a whole number from 1 to",
    "FILE:5: destinations.weight { a = 1 }: is a table; must be a whole number from 0 to 256",
    'FILE:5: destinations: address is missing; must be as in { address = "9001" }',
    'FILE:6: destinations.address "9002,workers=2": has no options, which are keys of the table',
    'FILE:7: destinations true: must be an address in quotes, such as "9001", or a table',
    'FILE:7: destinations "x y": must be PORT',
  ],
  [
    "a destination twice and the listener itself",
    'listen = "8080"\ndestinations = [\n  "9001",\n  "localhost:9001,backup",\n  "8080",\n]',
    'FILE:4: destinations "localhost:9001,backup": is the same as "9001" in line 3; give each',
    'FILE:5: destinations "8080": is the listen address, so that it would connect to itself',
  ],
  [
    "limits that threads cannot share",
    `threads = 8\nqueue = 5\nmax-per-ip = 3\nlisten = "1"\ndestinations = [\n"9001,workers=2"]`,
    'FILE:1: threads "8": max-per-ip in line 3 counts in one thread only; must be 1',
    'FILE:1: threads "8": queue 5 in line 2 cannot be divided by it; must be at most 5',
    'FILE:1: threads "8": the workers of "9001,workers=2" in line 6 cannot be divided by it',
  ],
  [
    "networks",
    `${ADDRESSES}allow = ["10.0.0.0/33",\n "::1", 5]\ndeny = "x"`,
    'FILE:3: allow "10.0.0.0/33": must be addresses or CIDR ranges',
    "FILE:4: allow 5: must be addresses or CIDR ranges",
    'FILE:5: deny "x": must be addresses or CIDR ranges',
  ],
  [
    "rules",
    `${ADDRESSES}rules = [\n"permit ::1",\n"allow",\n"deny ::1/129"]\nallow = []`,
    "FILE:3: rules: cannot stand beside allow or deny",
    'FILE:4: rules "permit ::1": must be allow or deny, a space and addresses',
    'FILE:5: rules "allow": must be allow or deny',
    'FILE:6: rules "deny ::1/129": must be allow or deny',
  ],
  [
    "listener as a single table",
    '[listener]\nlisten = "8080"\nx = 1',
    "FILE:1: listener: must be [[listener]], in two brackets",
  ],
  ["listener as no table", "listener = 5", "FILE:1: listener: must be [[listener]]"],
  [
    "listener as a list of anything",
    'listener = [\n{ listen = "8080", destinations = ["9001"] },\n5]',
    "FILE:3: listener 5: must be a table",
  ],
  ["a listener without anything", "[[listener]]", "FILE:1: listen is", "FILE:1: destinations is"],
  [
    "a table within a listener",
    `[[listener]]\n${ADDRESSES}[listener.queue]\nx = 1\n[listener.foo]\nx = 1`,
    "FILE:4: queue: is a table; must be a whole number",
    "FILE:6: foo: no such key",
  ],
  [
    "lists of tables that are no listeners",
    `[[destinations]]\nx = 1\n[[destinations]]\nx = 1\n[[x.y]]\nz = 1\n[[listener]]\n${ADDRESSES}[[listener.queue]]`,
    "FILE:1: destinations: address is missing; must be as in",
    "FILE:1: destinations: cannot stand beside the [[listener]]",
    "FILE:2: destinations.x 1: no such key",
    "FILE:3: destinations: address is missing",
    "FILE:4: destinations.x 1: no such key",
    "FILE:5: x.y: no such key",
    "FILE:10: queue: is a table; must be",
  ],
  [
    "a listener beside listeners",
    `${ADDRESSES}[[listener]]\nlisten = "8081"\ndestinations = ["9001"]`,
    "FILE:1: listen: cannot stand beside the [[listener]] in line 3; must be in a [[listener]]",
    "FILE:2: destinations: cannot stand beside the [[listener]] in line 3",
  ],
  [
    "listeners at one address",
    ["8080", "0.0.0.0:8080", "10.0.0.7:8080", "unix:/a", "8081", "0", "0", "unix:/a"]
      .map((listen) => `[[listener]]\nlisten = "${listen}"\ndestinations = ["9001"]`).join("\n"),
    'FILE:5: listen "0.0.0.0:8080": collides with "8080" in line 2; must be another port or host',
    'FILE:8: listen "10.0.0.7:8080": collides with "8080" in line 2',
    'FILE:23: listen "unix:/a": collides with "unix:/a" in line 11',
  ],
  [
    "a listener at the admin address",
    `admin = 8080\n${ADDRESSES}`,
    'FILE:1: admin "8080": collides with the listener "8080" in line 2; must be another port',
  ],
  [
    "an empty file",
    "",
    "FILE: is empty; must have listen and destinations, or [[listener]] tables",
  ],
  ["a file of comments", "# nothing\n\n", "FILE: is empty; must have"],
  ["no listener at all", "workers = 4", "FILE: has no listener; must have listen and"],
  ["an empty list of listeners", "listener = []", "FILE:1: listener: must be [[listener]]"],
  [
    "what is not TOML",
    `${ADDRESSES}workers 4`,
    'FILE:3: "workers 4": is not TOML: expected equal (=) token (in column 9)',
  ],
  [
    "a text without quotes",
    `${ADDRESSES}queue-timeout = 5s # x`,
    'FILE:3: "queue-timeout = 5s # x": is not TOML: ',
  ],
  [
    "a key twice",
    `${ADDRESSES}workers = 1\r\nworkers = 2\r\n`,
    'FILE:4: "workers = 2": is not TOML: defining a key multiple times is invalid',
  ],
  ["a line break within a text", '"\n', 'FILE:1: "\\"": is not TOML: '],
  ["a control character", 'listen = "a\0b"', 'FILE:1: "listen = \\"a\\u0000b\\"": is not TOML: '],
];

for (const [name, content, ...beginnings] of PROBLEMS) {
  Deno.test(`wrong in a file: ${name}`, async () => {
    const lines = await problemsOfFile(content);
    assertEquals(lines.map((line, i) => line.slice(0, beginnings[i]?.length)), beginnings);
  });
}

Deno.test("a text without quotes is answered with how to write it", async () => {
  const [line] = await problemsOfFile(`${ADDRESSES}overflow = reject`);
  assertStringIncludes(line!, '; a text must have quotes: overflow = "reject"');
});

Deno.test("all problems of all tables are told, in the order of the file, each once", async () => {
  const lines = await problemsOfFile(`wokers = 1
queue-timeout = "5"
[[listener]]
listen = "8080"
destinations = ["9001", "9001"]
[[listener]]
listen = "8080"
destinations = ["x y"]
check = "https"
`);
  const places = lines.map((line) => /^FILE:(\d+): [a-z-]+ /.exec(line)?.[1]);
  assertEquals(places, ["1", "2", "5", "7", "8", "9"], lines.join("\n"));
});

Deno.test("a listener has a name of its own, which no other one has", async () => {
  const table = (listen: string, more = "") =>
    `[[listener]]\nlisten = "${listen}"\ndestinations = ["9001"]\n${more}\n`;
  const { listeners } = await configOfFile(table("1", 'name = "web"') + table("2"));
  assertEquals(listeners.map(nameOf), ["web", "2"]);
  const same = table("1", 'name = "web"') + table("2", 'name = "web"');
  assertEquals(await problemsOfFile(same), [
    'FILE:8: name "web": is what the listener "1" in line 2 is called; must be another',
  ]);
  const like = table("http") + table("2", 'name = "http"');
  assertEquals(await problemsOfFile(like), [
    'FILE:8: name "http": is what the listener "http" in line 2 is called; must be another',
  ]);
  assertEquals(await problemsOfFile(`name = "web"\n${table("1")}${table("2")}`), [
    "FILE:1: name: cannot stand beside the [[listener]] in line 2; must be in a " +
    "[[listener]] of its own",
  ]);
  assertEquals(await problemsOfFile(table("1") + table("2"), "--name", "web"), [
    '--name "web": is what the listener "1" in line 2 is called; must be another',
  ]);
  const [only] = (await configOfFile(table("1"), "--name", "web")).listeners;
  assertEquals(nameOf(only!), "web");
  assertEquals((await configOfFile(table("0") + table("0"))).listeners.map(nameOf), ["0", "0"]);
});

Deno.test("what concerns the whole program is refused in the table of a listener", async () => {
  for (const name of optionNames("program")) {
    const lines = await problemsOfFile(`[[listener]]\n${ADDRESSES}${keyOf(name)} = "off"`);
    assertEquals(lines, [
      `FILE:4: ${keyOf(name)} "off": concerns the whole program; must stand at the top level, ` +
      "before the first [[listener]]",
    ]);
  }
});

Deno.test("the nearest key in a table of a listener is one that it may have", async () => {
  const [line] = await problemsOfFile(`[[listener]]\n${ADDRESSES}log-levels = "info"`);
  assert(!line!.includes("log-level;") && !/is log-level$/.test(line!), line);
});

Deno.test("a flag that only the file makes a problem is named as a flag", async () => {
  const file = 'queue = 2\nlisten = "8080"\ndestinations = ["9001"]';
  assertEquals(await problemsOfFile(file, "--threads=4"), [
    '--threads "4": queue 2 in line 1 cannot be divided by it; must be at most 2',
  ]);
  assertEquals(await problemsOfFile("threads = 4\n" + file, "--queue=3"), [
    'FILE:1: threads "4": --queue 3 cannot be divided by it; must be at most 3',
  ]);
  assertEquals(await problemsOfFile(file, "--admin=0.0.0.0:1"), [
    '--admin "0.0.0.0:1": is not only for this machine; must be PORT, 127.0.0.1:PORT, ' +
    "[::1]:PORT or unix:/path, unless --admin-token-file is given",
  ]);
});

Deno.test("a value that a flag overrides is checked all the same", async () => {
  assertEquals(await problemsOfFile(`${ADDRESSES}workers = 0`, "--workers=1"), [
    `FILE:3: workers 0: ${WORKERS}`,
  ]);
});

Deno.test("a file that cannot be read is named with the reason", async () => {
  const problem = async (path: string) => {
    return (await assertRejects(() => parseCommand(["--config", path]), UsageError)).message;
  };
  assertEquals(
    await problem("/nowhere/x.toml"),
    "/nowhere/x.toml: cannot be read: there is no such file",
  );
  assertEquals(
    await problem("/nowhere/a\nb"),
    '"/nowhere/a\\nb": cannot be read: there is no such file',
  );
  assertStringIncludes(
    await problem("/"),
    "/: cannot be read: it is a directory, not a regular file",
  );
  for (const path of ["/a\0b", "/etc/hostname/x", "/" + "x".repeat(300)]) {
    assertEquals((await problem(path)).split("\n").length, 1);
  }
});

Deno.test("a file that is no text in UTF-8 is refused", async () => {
  assertEquals(await problemsOfFile(new Uint8Array([0x61, 0xff, 0x3d])), [
    "FILE: is no text in UTF-8, which TOML must be",
  ]);
});

/** Generous for a busy machine; it takes a tenth of it. */
const FAST_MS = 5000;

Deno.test("what a file has too much of is refused in one line", async () => {
  const long = "x".repeat(1 << 22);
  const cases: Record<string, [content: string, line: string]> = {
    bytes: [`#${long}`, "FILE: cannot be read: it has 4194305 bytes; must be at most 4194304"],
    text: [`${ADDRESSES}x = "${"y".repeat(20_000)}"`, "FILE:3: a text has 20002 characters; must"],
    "text of several lines": [
      `x = """\n${"y\n".repeat(20_000)}"""`,
      "FILE:1: a text has 40007 characters; must be at most 16384",
    ],
    "text without an end": [`x = "${"y".repeat(20_000)}\ny = 1`, "FILE:1: a text has 20001 char"],
    escapes: [`x = "${"\\n".repeat(20_000)}"`, "FILE:1: a text has 40002 characters; must be at"],
    depth: [
      `\n\nx = ${"[".repeat(20_000)}${"]".repeat(20_000)}`,
      "FILE:3: brackets are nested too deeply; must be at most 16",
    ],
    "depth of braces": [`x = ${"{a=".repeat(17)}`, "FILE:1: brackets are nested too deeply; must"],
    "depth in several lines": [`x = ${"[\n".repeat(99)}`, "FILE:17: brackets are nested too deep"],
    "parts of a key": [
      `${"a.".repeat(20_000)}a = 1`,
      "FILE:1: a key has too many parts; must be a",
    ],
    "parts of a header": [
      `[${"a . ".repeat(99)}a]`,
      "FILE:1: a key has too many parts; must be at",
    ],
    "quoted parts": [`${'"a".'.repeat(99)}a = 1`, "FILE:1: a key has too many parts; must be at"],
    "a bare key": [
      `${"a".repeat(300)} = 1`,
      "FILE:1: has a word of more than 256 characters; must",
    ],
    digits: [`workers = ${"9".repeat(300)}`, "FILE:1: has a word of more than 256 characters; mu"],
    lines: ["\n".repeat(100_001), "FILE:100001: is one line too many; must be at most 100000"],
    values: [`x = [${"1,".repeat(110_000)}]`, "FILE:1: has more keys and values than are allowed"],
    listeners: [
      Array.from({ length: 1001 }, (_, i) => {
        return `[[listener]]\nlisten = "${10_000 + i}"\ndestinations = ["9001"]\n`;
      }).join(""),
      "FILE: has too many listeners; must be at most 1000",
    ],
    destinations: [
      `listen = "1"\ndestinations = [${Array.from({ length: 10_001 }, (_, i) => i + 10_000)}]`,
      "FILE:2: destinations: has 10001 entries; must be at most 10000",
    ],
    rules: [
      `${ADDRESSES}deny = [${'"::1",'.repeat(10_001)}]`,
      "FILE:3: allow and deny: have 10001 entries; must be at most 10000",
    ],
    "rules of many listeners": [
      `deny = [${'"::1,::2",'.repeat(100)}]\n` + Array.from({ length: 501 }, (_, i) => {
        return `[[listener]]\nlisten = "${10_000 + i}"\ndestinations = ["9001"]\n`;
      }).join(""),
      "FILE: allow and deny: have 100200 networks in all 501 listeners together, those of the top",
    ],
  };
  for (const [name, [content, line]] of Object.entries(cases)) {
    const begin = cpuTime();
    const [only, ...others] = await problemsOfFile(content);
    assertEquals([only?.slice(0, line.length), others], [line, []], name);
    assert(cpuTime() - begin < FAST_MS, name);
  }
});

Deno.test("what is just within the bounds is read", async () => {
  const fine = [
    `${ADDRESSES}#${"x".repeat(900_000)}`,
    `${ADDRESSES}${"\n".repeat(99_000)}`,
    `${ADDRESSES}access-log = "${"x".repeat(16_000)}"`,
    `${ADDRESSES}access-log = """${"x\n".repeat(8000)}"""`,
    `${ADDRESSES}access-log = '${"\\".repeat(16_000)}'`,
    `${ADDRESSES}deny = [${'"10.0.0.0/8, ::1",\n'.repeat(9000)}]`,
  ];
  for (const content of fine) assertEquals((await configOfFile(content)).listeners.length, 1);
});

Deno.test("large files are read within seconds, good ones and bad ones", async () => {
  const begin = cpuTime();
  const comments = ADDRESSES + "# comment\n".repeat(90_000);
  assertEquals((await configOfFile(comments)).listeners.length, 1);
  const bad = await problemsOfFile(
    ADDRESSES + Array.from({ length: 50_000 }, (_, i) => {
      return `unknown-${i} = 1\n`;
    }).join(""),
  );
  assertEquals(bad.length, 1001);
  assertEquals(bad[1000], "FILE: has further problems, which are not told");
  const listeners = Array.from({ length: 1000 }, (_, i) => {
    return `[[listener]]\nlisten = "${10_000 + i}"\ndestinations = ["9001", "9002"]\n`;
  });
  assertEquals((await configOfFile(listeners.join(""))).listeners.length, 1000);
  const destinations = Array.from({ length: 1000 }, (_, i) => `"${10_000 + i}"`);
  const one = await configOfFile(`listen = "80"\ndestinations = [${destinations}]`);
  assertEquals(one.listeners[0]!.destinations.length, 1000);
  const ms = cpuTime() - begin;
  assert(ms < FAST_MS, `${ms} ms`);
});

Deno.test("load reads the file anew, wherever the program has gone to", async () => {
  using file = new TestFile(`workers = 4\n${ADDRESSES}`);
  const here = Deno.cwd();
  const [, folder, name] = /^(.*)\/(.*)$/.exec(file.path)!;
  Deno.chdir(folder!);
  try {
    const command = await parseCommand(["--config", name!, "--queue", "5"]);
    assert(command.kind === "serve");
    Deno.chdir("/");
    assertEquals(only(command.config).workers, 4);
    file.write(`workers = 6\n${ADDRESSES}`);
    const config = only(await command.load());
    assertEquals([config.workers, config.queue], [6, 5]);
    file.write("workers = 0");
    const { message } = await assertRejects(() => command.load(), UsageError);
    assertEquals(message.split("\n").map((line) => line.split(": ")[0]), [name, `${name}:1`]);
  } finally {
    Deno.chdir(here);
  }
});

Deno.test("load of a command line without a file gives the same again", async () => {
  const command = await parseCommand(["8080", "9001", "--queue", "5"]);
  assert(command.kind === "serve");
  assertEquals(await command.load(), command.config);
});

Deno.test("any file is a configuration, or is refused with complete lines", async () => {
  const piece = fc.oneof(
    fc.constantFrom(...optionNames().map((name) => `${keyOf(name)} = `)),
    fc.constantFrom("listen = ", "destinations = ", "rules = ", "listener = ", "x.y = "),
    fc.constantFrom("[[listener]]", "[listener]", "[x]", "\n", "\r\n", "#", ".", ",", "\uFEFF"),
    fc.constantFrom('"8080"', '["9001"]', "'on'", "5", "0", "1.5", "true", "[", "]", "{", "}", '"'),
    fc.string({ maxLength: 3, unit: "binary" }),
  );
  const text = fc.array(fc.tuple(piece, fc.constantFrom("", "\n", "\n", " ")), { maxLength: 20 })
    .map((parts) => parts.flat().join(""));
  using file = new TestFile("");
  await fc.assert(
    fc.asyncProperty(text, async (text) => {
      file.write(text);
      try {
        await parseCommand(["--config", file.path]);
      } catch (error) {
        assert(error instanceof UsageError, String(error));
        for (const line of error.message.split("\n")) {
          assert(line.startsWith(`${file.path}:`), line);
        }
      }
    }),
    { numRuns: 2000 },
  );
});
