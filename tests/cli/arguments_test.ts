import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Command, parseCommand } from "../../src/cli/command.ts";
import { UsageError } from "../../src/base/errors.ts";
import { helpText } from "../../src/cli/help.ts";
import { formatNetwork } from "../../src/net/networks.ts";
import type { Option } from "../../src/config/option.ts";
import { flagOf, type OptionName, optionNames, OPTIONS } from "../../src/config/options.ts";

Deno.test("addresses and options make a configuration, in any order", async () => {
  const command = await parseCommand(["8080", "--workers", "4", "9001", "--queue=10", "9002"]);
  assert(command.kind === "serve");
  const { listen, destinations, workers, queue } = command.config.listeners[0]!;
  assertEquals([listen.transport, workers, queue], ["tcp", 4, 10]);
  assertEquals(destinations.map(({ name }) => name), ["9001", "9002"]);
});

Deno.test("an option given twice counts the last time", async () => {
  const command = await parseCommand(["--queue", "1", "--queue", "2", "8080", "9001"]);
  assert(command.kind === "serve");
  assertEquals(command.config.settings.queue, 2);
});

Deno.test("a list given several times is one list, in this order", async () => {
  const listener = async (...args: string[]) => {
    const command = await parseCommand([...args, "8080", "9001"]);
    assert(command.kind === "serve");
    return command.config.listeners[0]!;
  };
  const text = async (name: "priority" | "acceptProxy", ...args: string[]) => {
    const { format }: Option<unknown> = OPTIONS[name];
    return format((await listener(...args))[name]);
  };
  const [wide, narrow] = ["--priority=10.0.0.0/8=1", "--priority=10.1.0.0/16=0"];
  assertEquals(await text("priority", narrow, wide), "10.1.0.0/16=0,10.0.0.0/8=1");
  assertEquals(await text("priority", wide, "--priority=none"), "none");
  assertEquals(await text("priority", wide, "--priority=none", narrow), "10.1.0.0/16=0");
  const peers = ["--accept-proxy", "unix", "--accept-proxy", "192.0.2.1"];
  assertEquals(await text("acceptProxy", ...peers), "unix,192.0.2.1/32");
  const most = Array(200).fill("10.0.0.0/8").join() + "=1";
  await assertRejects(
    () => listener("--priority", most, "--priority", most),
    UsageError,
    "has 400 networks",
  );
});

Deno.test("help and version win over everything that is allowed", async () => {
  for (const args of [["--help"], ["-h", "8080"], ["8080", "9001", "--help"]]) {
    assertEquals(await parseCommand(args), { kind: "help" });
  }
  assertEquals(await parseCommand(["-V"]), { kind: "version" });
});

Deno.test("--demo takes options but no addresses", async () => {
  const command = await parseCommand(["--demo", "--log-format", "json"]);
  assert(command.kind === "demo");
  assertEquals(command.texts.options.logFormat, "json");
  await assertRejects(() => parseCommand(["--demo", "8080"]), UsageError, "takes no addresses");
});

Deno.test("an option that does not exist is answered with the nearest", async () => {
  await assertRejects(
    () => parseCommand(["--wokers", "4"]),
    UsageError,
    "the nearest is --workers",
  );
  await assertRejects(
    () => parseCommand(["--no-queue"]),
    UsageError,
    '"--no-queue": no such option',
  );
  await assertRejects(() => parseCommand(["-q"]), UsageError, '"-q": no such option');
});

Deno.test("every message is a single line", async () => {
  for (const args of [["8080", "a\nb:1"], ["--queue", "a\nb"], ["--a\nb"], ["8080", "1,\n"]]) {
    const { message } = await assertRejects(() => parseCommand(args), UsageError);
    assertEquals(message.split("\n").length, 1, message);
  }
});

Deno.test("the help has every option with its default, in 80 columns", () => {
  const help = helpText();
  for (const name of optionNames()) {
    const option: Option<unknown> = OPTIONS[name];
    const usage = `${flagOf(name)} ${option.form}`.trimEnd();
    const entry = `  ${usage}  (${option.format(option.default)})`;
    assert(help.split("\n").includes(entry), entry);
    const [title] = help.slice(0, help.indexOf(`${entry}\n`)).match(/^\S.*:$/gm)!.slice(-1);
    assertEquals(title, `${OPTIONS[name].group}:`, name);
  }
  assertEquals(help.split("\n").filter((line) => line.length > 80), []);
});

/** A value of each option that is not allowed. */
const BAD_VALUES: Record<OptionName, string> = {
  name: "all",
  workers: "0",
  workersMax: "0",
  threads: "65",
  balance: "roundrobin",
  hashMask: "24",
  hashWait: "1",
  queue: "1000001",
  maxConnections: "1e3",
  whenOverloaded: "drop",
  shedTarget: "0",
  shedInterval: "61m",
  overflow: "drop",
  maxWait: "-1s",
  rejectWith: "",
  maxPerIp: "0x10",
  ratePerIp: "1.5",
  perIpMask: "33,64",
  rateGuard: "256",
  allow: "10.0.0.0/33",
  deny: "example.org",
  queueOrder: "lifo",
  fairBy: "name",
  fairMask: "32/64",
  priority: "10.0.0.0/8=4",
  acceptProxy: "10.0.0.0/8,unix:/run",
  acceptProxyTimeout: "0",
  greetingTimeout: "0",
  tlsCert: "",
  tlsKey: "",
  certificates: ":",
  tlsMin: "1.1",
  tlsAlpn: "h2,h2",
  tlsClientCa: "",
  tlsHandshakes: "0",
  keepalive: "true",
  halfClose: "gone",
  queueTimeout: "30",
  connectTimeout: "5 s",
  idleTimeout: "10min",
  halfCloseTimeout: "1m30s",
  answerTimeout: "off",
  sessionTimeout: "366d",
  udpIdle: "0",
  udpAnswers: "-1",
  udpRequestTimeout: "5",
  udpBuffer: "16,256KB,16MiB",
  udpReplyPort: "other",
  drainTimeout: "5S",
  execGrace: "2h",
  retries: "1001",
  redispatch: "always",
  check: "https:/",
  checkInterval: "9ms",
  checkTimeout: "2000",
  fall: "three",
  rise: "-",
  slowStart: "-5s",
  sendProxy: "on",
  agentCheck: "0",
  resolver: "ns.example",
  resolveInterval: "999ms",
  resolveEmpty: "remove",
  backlog: "65536",
  socketMode: "0888",
  socketOwner: "a b",
  batchSize: "65536",
  batchDelay: "1001ms",
  logLevel: "INFO",
  logFormat: "xml",
  log: "syslog:514",
  syslogFacility: "kern",
  syslogIdent: "two words",
  accessLog: "",
  admin: "10.0.0.7",
  adminTokenFile: "",
  adminReadTokenFile: "",
  drainDelay: "2h",
  accessLogFormat: "jsno",
  daemon: "yes",
  pidFile: "",
  replace: "yes",
  user: "a:b",
  group: "a/b",
  umask: "08",
};

for (const [name, value] of Object.entries(BAD_VALUES) as [OptionName, string][]) {
  const flag = flagOf(name);
  const { allowed } = OPTIONS[name];
  Deno.test(`${flag} ${JSON.stringify(value)} is refused with what is allowed instead`, async () => {
    const message = `${flag} ${JSON.stringify(value)}: must be ${allowed}`;
    for (const given of [[`${flag}=${value}`], ...(isBare(name) ? [] : [[flag, value]])]) {
      assertEquals(await usageMessage([...given, "8080", "9001"]), message);
      assertEquals(await usageMessage(["8080", "9001", ...given]), message);
    }
  });
}

Deno.test("a host that is called like a reserved word is told how to write it, wherever it stands", async () => {
  const hint = "which is for destinations; a host of that name ends in a dot, as in dns.:53";
  const lines: Record<string, string[]> = {
    'LISTEN "dns:53"': ["dns:53", "9001"],
    '--admin "dns:53"': ["--admin", "dns:53", "8080", "9001"],
    '--log "syslog:dns:53"': ["--log", "syslog:dns:53", "8080", "9001"],
    '--log "syslog:udp:dns:53"': ["--log=syslog:udp:dns:53", "8080", "9001"],
  };
  for (const [subject, args] of Object.entries(lines)) {
    assertEquals(await usageMessage(args), `${subject}: must not begin with dns:, ${hint}`);
  }
  assertEquals(
    await usageMessage(["8080", "dns:53,workers=2"]),
    'DESTINATION "dns:53,workers=2": must be dns:HOST:PORT with a name that name servers know; ' +
      "a host of that name ends in a dot, as in dns.:53",
  );
  assertEquals(
    await usageMessage(["8080", "exec:53"]),
    'DESTINATION "exec:53": must name a program, not the number 53; ' +
      "a host of that name ends in a dot, as in exec.:53",
  );
  const dotted = ["--admin=dns.:1", "--log=syslog:udp.:514", "dns.:53", "exec.:1,workers=2"];
  const { message } = await assertRejects(() => parseCommand(dotted), UsageError);
  assertStringIncludes(message, '--admin "dns.:1": is not only for this machine');
});

/** Whether a flag stands for itself and takes no value after a blank. */
function isBare(name: OptionName): boolean {
  return (OPTIONS[name] as Option<unknown>).form === "";
}

/** The message of the usage error that a command line has to give. */
async function usageMessage(args: string[]): Promise<string> {
  const { message } = await assertRejects(() => parseCommand(args), UsageError);
  return message;
}

Deno.test("an option at the end, or before another one, lacks its value", async () => {
  for (const name of optionNames()) {
    const flag = flagOf(name);
    if (isBare(name)) continue;
    if (name !== "allow" && name !== "deny") {
      assertStringIncludes(
        await usageMessage([flag, "--log-level", "info", "1", "2"]),
        `${flag} ""`,
      );
    }
    assertStringIncludes(await usageMessage(["1", "2", flag]), `${flag} "": must be`);
  }
});

Deno.test("every option takes its default and sets exactly that", async () => {
  const settings = await settingsOf(["8080", "9001"]);
  for (const name of optionNames()) {
    const option: Option<unknown> = OPTIONS[name];
    if (name === "allow" || name === "deny") continue;
    const written = option.format(option.default);
    const given = isBare(name) ? [`${flagOf(name)}=${written}`] : [flagOf(name), written];
    assertEquals(await settingsOf([...given, "8080", "9001"]), settings, name);
  }
});

/** Everything but what it was read from. */
async function settingsOf(args: string[]) {
  const { texts: _, configured: __, ...settings } = (await serve(args)).config.listeners[0]!;
  return settings;
}

async function serve(args: string[]): Promise<Command & { kind: "serve" }> {
  const command = await parseCommand(args);
  assert(command.kind === "serve", args.join(" "));
  return command;
}

Deno.test("a flag sets its own setting and no other", async () => {
  const values: Partial<Record<OptionName, [text: string, value: unknown]>> = {
    maxConnections: ["99", 99],
    halfCloseTimeout: ["90s", 90_000],
    sessionTimeout: ["1.5h", 5_400_000],
    batchDelay: ["250ms", 250],
    overflow: ["reject", "reject"],
    accessLog: ["/var/log/a=b.log", "/var/log/a=b.log"],
    check: ["tcp", { kind: "tcp" }],
    drainTimeout: ["0", 0],
    drainDelay: ["10s", 10_000],
    execGrace: ["0", 0],
  };
  const settings = await settingsOf(["8080", "9001"]);
  for (const [name, [text, value]] of Object.entries(values)) {
    const destinations = settings.destinations.map((one): typeof one => {
      return name === "check" ? { ...one, check: value as typeof one.check } : one;
    });
    const expected = { ...settings, destinations, [name]: value };
    assertEquals(await settingsOf([`${flagOf(name)}=${text}`, "8080", "9001"]), expected, name);
  }
});

Deno.test("addresses that look like numbers stay texts", async () => {
  assertStringIncludes(await usageMessage(["0x1f90", "9001"]), 'LISTEN "0x1f90"');
  assertStringIncludes(await usageMessage(["8080", "9e3"]), 'DESTINATION "9e3"');
  assertStringIncludes(await usageMessage(["", "9001"]), 'LISTEN ""');
  assertStringIncludes(await usageMessage(["-", "9001"]), 'LISTEN "-"');
});

Deno.test("after -- everything is an address", async () => {
  assertEquals((await serve(["--queue", "5", "--", "8080", "9001"])).config.listeners[0]!.queue, 5);
  assertStringIncludes(
    await usageMessage(["8080", "--", "--queue"]),
    'DESTINATION "--queue": must be',
  );
});

Deno.test("access rules keep the order of the command line, however they are written", async () => {
  const args = ["--deny", "10.0.0.1", "--allow=10.0.0.0/8,::1", "8080", "--deny=0.0.0.0/0", "9001"];
  const { rules } = (await serve(args)).config.listeners[0]!;
  assertEquals(rules.map((rule) => `${rule.verdict} ${formatNetwork(rule)}`), [
    "deny 10.0.0.1/32",
    "allow 10.0.0.0/8",
    "allow ::1/128",
    "deny 0.0.0.0/0",
  ]);
  assertStringIncludes(
    await usageMessage(["--deny", "x", "--deny", "::1", "1", "2"]),
    '--deny "x"',
  );
});

Deno.test("--demo takes every access rule, too", async () => {
  const args = ["--demo", "--deny", "10.0.0.1", "--deny", "10.0.0.2"];
  const command = await parseCommand(args);
  assert(command.kind === "demo");
  assertEquals(command.texts.rules, [
    { verdict: "deny", networks: "10.0.0.1" },
    { verdict: "deny", networks: "10.0.0.2" },
  ]);
});

Deno.test("--demo checks every access rule, too", async () => {
  assertStringIncludes(
    await usageMessage(["--demo", "--deny", "x", "--deny", "::1"]),
    '--deny "x"',
  );
});

Deno.test("a switch takes no value", async () => {
  for (const name of ["check-config", "print-config", "demo", "help", "version"]) {
    for (const value of ["", "1", "true", "no"]) {
      const arg = `--${name}=${value}`;
      assertEquals(await usageMessage([arg]), `${JSON.stringify(arg)}: --${name} takes no value`);
    }
  }
});

Deno.test("what follows a switch is not its value", async () => {
  assertEquals(await parseCommand(["--help", "false", "8080", "9001"]), { kind: "help" });
  assertEquals(await parseCommand(["-V", "false", "8080", "9001"]), { kind: "version" });
  for (const value of ["true", "false"]) {
    assertStringIncludes(
      await usageMessage(["--demo", value]),
      `"${value}": --demo takes no addresses`,
    );
  }
});

Deno.test("what is no option is named, whatever it looks like", async () => {
  const unknown = {
    "--quue=5": "--quue",
    "--__proto__": "--__proto__",
    "--constructor": "--constructor",
    "--queue.x": "--queue.x",
    "--queueTimeout": "--queueTimeout",
    "---queue": "---queue",
    "--=5": "--",
    "-5": "-5",
    "-q5": "-q5",
  };
  for (const [arg, name] of Object.entries(unknown)) {
    const message = await usageMessage([arg, "8080", "9001"]);
    assertStringIncludes(message, `"${name}": no such option; the nearest is --`);
  }
});

Deno.test("an option of a destination that stands alone is told where it belongs", async () => {
  for (const [name, form] of [["sni", "sni=NAME[|…]"], ["tls", "tls[=true|false]"]] as const) {
    const message = await usageMessage([`--${name}`, "8080", "9001"]);
    const place = `it is one of a DESTINATION, as in 10.0.0.7:9003,${form}`;
    assertStringIncludes(message, `"--${name}": no such option; ${place}`);
  }
  // What somebody remembers of a name is looked for before how it is spelt.
  assertStringIncludes(await usageMessage(["--cert", "a", "8080"]), "the nearest is --tls-cert");
});

Deno.test("the parser's own name for addresses is no option", async () => {
  for (const args of [["--_=9", "8080"], ["--_", "9", "8080"]]) {
    assertStringIncludes(await usageMessage(args), '"--_": no such option');
  }
});

Deno.test("no message is longer than a line", async () => {
  const texts = ["\n", "8080\n", "a\r\nb:1", "unix:/a\nb", "unix:\n", "--x\n=1", "-\n"];
  for (const text of texts) {
    for (const args of [[text], [text, "9001"], ["8080", text], [text, text], ["--demo", text]]) {
      try {
        await parseCommand(args);
      } catch (error) {
        assert(error instanceof UsageError, String(error));
        assertEquals(error.message.split(/[\r\n]/).length, 1, error.message);
      }
    }
  }
});

Deno.test("the help says what every option, switch and destination option does", () => {
  const help = helpText().replace(/\s+/g, " ");
  for (const name of optionNames()) assertStringIncludes(help, OPTIONS[name].help, name);
  const words = ["--config FILE", "--check-config", "--print-config", "--demo", "-h, --help"];
  for (
    const word of [
      ...words,
      "-V, --version",
      "workers=N|auto",
      "workers-max=N",
      "weight=N",
      "backup",
    ]
  ) {
    assertStringIncludes(help, ` ${word} `);
  }
  assertStringIncludes(help, "PORT, HOST:PORT, IPV4:PORT, [IPV6]:PORT or unix:/path");
  for (const word of ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2", "Exit status: 0"]) {
    assertStringIncludes(help.slice(help.indexOf("Signals:")), word);
  }
});

Deno.test("--config takes no addresses, --demo no file, and a file has to be named", async () => {
  const problems: [args: string[], message: string][] = [
    [["--config", "x", "8080"], '"8080": --config takes no addresses; must be in the file'],
    [["--config", "x", "--demo"], '--config "x": --demo takes no configuration file'],
    [["--demo", "--print-config"], "--print-config: --demo has a configuration of its own"],
    [
      ["--config", "--workers", "4"],
      '--config "": must be the path of a file, or - for standard input',
    ],
  ];
  for (const [args, message] of problems) assertEquals(await usageMessage(args), message);
});

Deno.test("--check-config says in a line what the command line comes to", async () => {
  assertEquals(await parseCommand(["--check-config", "8080", "9001", "9002"]), {
    kind: "print",
    text: "the command line is fine: 1 listener, 2 destinations",
  });
});

Deno.test("the admin address is for this machine only, unless there is a token file", async () => {
  const { settings } = (await serve(["--admin", "9090", "8080", "9001"])).config;
  assertEquals(settings.admin, { transport: "tcp", hostname: "127.0.0.1", port: 9090 });
  assertEquals(settings.adminTokenFile, "");
  const open = ["--admin", "[::]:9090", "8080", "9001"];
  assertStringIncludes(await usageMessage(open), '--admin "[::]:9090": is not only for this');
  const none = [...open, "--admin-token-file", "/nowhere"];
  assertStringIncludes(await usageMessage(none), '--admin-token-file "/nowhere": cannot be read');
  const file = await Deno.makeTempFile();
  try {
    const given = [...open, "--admin-token-file", file];
    const empty = `--admin-token-file ${JSON.stringify(file)}: its first line has 0 characters`;
    assertStringIncludes(await usageMessage(given), empty);
    await Deno.writeTextFile(file, "sixteen-characters");
    assertEquals((await serve(given)).config.settings.adminTokenFile, file);
  } finally {
    await Deno.remove(file);
  }
  for (const local of ["[::1]:9090", "127.1.2.3:9090", "localhost:9090", "unix:/run/a"]) {
    assertEquals((await serve(["--admin", local, "8080", "9001"])).kind, "serve");
  }
  for (const other of ["127.0.0.1.example.org:1", "1.2.3.4:1", "[fe80::1]:1"]) {
    assertStringIncludes(await usageMessage(["--admin", other, "8080", "9001"]), "is not only");
  }
});
