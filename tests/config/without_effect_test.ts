import { assert, assertEquals } from "@std/assert";
import { parseCommand } from "../../src/cli/command.ts";
import { TestFile } from "../support/config_file.ts";

async function warningsOf(...args: string[]): Promise<readonly string[]> {
  const command = await parseCommand(args);
  assert(command.kind === "serve");
  return command.config.warnings ?? [];
}

async function warningsOfFile(content: string, ...flags: string[]): Promise<string[]> {
  using file = new TestFile(content);
  const warnings = await warningsOf("--config", file.path, ...flags);
  return warnings.map((line) => line.replaceAll(file.path, "FILE"));
}

const NO_ANSWERS = ["--queue-timeout", "0", "--reject-with", "examples/reject-http"];

/** An option that counts for nothing by itself, what is said then, and with what it counts. */
const COMPANIONS: [option: string[], why: string, needs: string[][]][] = [
  [
    ["--shed-target", "1s"],
    "without --when-overloaded shed or newest",
    [["--when-overloaded", "shed"], ["--when-overloaded", "newest"]],
  ],
  [
    ["--shed-interval", "1s"],
    "without --when-overloaded shed or newest",
    [["--when-overloaded", "shed"], ["--when-overloaded", "newest"]],
  ],
  [
    ["--workers-max", "9"],
    "without --workers auto",
    [["--workers", "auto"], ["9002,workers=auto"]],
  ],
  [["--fair-by", "sni"], "without --queue-order fair", [["--queue-order", "fair"]]],
  [["--fair-mask", "24,48"], "without --queue-order fair", [["--queue-order", "fair"]]],
  [
    ["--per-ip-mask", "24,48"],
    "without --max-per-ip or --rate-per-ip",
    [["--max-per-ip", "9"], ["--rate-per-ip", "9"]],
  ],
  [["--hash-mask", "24,48"], "without --balance hash", [["--balance", "hash"]]],
  [["--hash-wait", "2s"], "without --balance hash", [["--balance", "hash"]]],
  [
    NO_ANSWERS,
    "without --overflow reject, --queue-timeout or --when-overloaded shed or newest",
    [["--overflow", "reject"], ["--queue-timeout", "1s"], ["--when-overloaded", "shed"]],
  ],
  [
    ["--accept-proxy-timeout", "1s"],
    "without --accept-proxy",
    [["--accept-proxy", "127.0.0.1"]],
  ],
  [
    ["--greeting-timeout", "1s"],
    "without --tls-cert, a destination that has sni or alpn, or --fair-by sni",
    [["9002,sni=a.example"], ["9002,alpn=h2"], ["--queue-order", "fair", "--fair-by", "sni"]],
  ],
  ...["--check-interval", "--check-timeout"].map((name): typeof COMPANIONS[number] => [
    [name, "1s"],
    "without --check or --agent-check",
    [["--check", "tcp"], ["--agent-check", "9"], ["9002,check=tcp"], ["9002,agent-check=9"]],
  ]),
  [
    ["--resolver", "127.0.0.53"],
    "without a destination or an agent that is a name",
    [["localhost:9002"], ["dns:web:80"], ["127.0.0.1:9002,agent-check=web:9"]],
  ],
  [
    ["--resolve-interval", "5s"],
    "without a destination dns: or srv:, or a name and addresses as --resolver",
    [["dns:web:80"], ["srv:web"], ["--resolver", "127.0.0.53", "web:80"]],
  ],
  [
    ["--resolve-empty", "drain"],
    "without a destination dns: or srv:",
    [["dns:web:80"], ["srv:web"]],
  ],
  [
    ["--access-log-format", "json", "--access-log", "off"],
    "with --access-log off",
    [["--access-log", "on"]],
  ],
  ...[["--syslog-facility", "local0"], ["--syslog-ident", "lb"]].map((
    option,
  ): typeof COMPANIONS[number] => [
    option,
    "without --log or --access-log syslog",
    [["--log", "syslog"], ["--access-log", "syslog"]],
  ]),
  [
    ["--batch-delay", "1ms", "--batch-size", "1"],
    "with --batch-size 1",
    [["--batch-size", "2"]],
  ],
];

for (const [option, why, needs] of COMPANIONS) {
  const name = option.find((word, i) => {
    return word.startsWith("--") && (i > 0 || option !== NO_ANSWERS) && word !== "--queue-timeout";
  });
  Deno.test(`${name} has no effect ${why}`, async () => {
    const plain = ["0", "127.0.0.1:9001"];
    assertEquals(await warningsOf(...option, ...plain), [`${name} has no effect ${why}`]);
    for (const more of needs) {
      const addresses = more.filter((word, i) => {
        return !word.startsWith("--") && !more[i - 1]?.startsWith("--");
      });
      const flags = more.filter((word) => !addresses.includes(word));
      assertEquals(await warningsOf(...option, ...flags, ...plain, ...addresses), [], `${more}`);
    }
  });
}

Deno.test("options of UDP have no effect for TCP, nor those of connections for UDP", async () => {
  const ofUdp = Object.entries({
    "--udp-idle": "5s",
    "--udp-answers": "1",
    "--udp-request-timeout": "2s",
    "--udp-buffer": "1,1KiB,1MiB",
    "--udp-reply-port": "any",
  });
  const ofTcp = Object.entries({
    "--keepalive": "off",
    "--idle-timeout": "1s",
    "--half-close-timeout": "1s",
    "--answer-timeout": "1s",
  });
  const [tcp, udp] = [["0", "127.0.0.1:9001"], ["udp:0", "udp:127.0.0.1:9001"]] as const;
  for (const option of ofUdp) {
    const line = `${option[0]} has no effect without udp: before LISTEN`;
    assertEquals(await warningsOf(...option, ...tcp), [line]);
    assertEquals(await warningsOf(...option, ...udp), []);
  }
  for (const option of ofTcp) {
    assertEquals(await warningsOf(...option, ...udp), [`${option[0]} has no effect for UDP`]);
    assertEquals(await warningsOf(...option, ...tcp), []);
  }
  const both = `
    udp-answers = 1
    idle-timeout = "1s"
    [[listener]]
    listen = "127.0.0.1:8001"
    destinations = ["127.0.0.1:9001"]
    [[listener]]
    listen = "udp:127.0.0.1:8001"
    destinations = ["udp:127.0.0.1:9001"]`;
  assertEquals(await warningsOfFile(both), []);
});

for (const flag of ["--admin-token-file", "--admin-read-token-file"]) {
  Deno.test(`${flag} has no effect without --admin`, async () => {
    const path = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(path, "a-secret-that-is-long-enough-to-be-one");
      await Deno.chmod(path, 0o600);
      const args = [flag, path, "0", "9001"];
      assertEquals(await warningsOf(...args), [`${flag} has no effect without --admin`]);
      assertEquals(await warningsOf("--admin", "0", ...args), []);
    } finally {
      await Deno.remove(path);
    }
  });
}

Deno.test("permissions and owner of a socket have no effect without a listener on a path", async () => {
  for (const option of [["--socket-mode", "0660"], ["--socket-owner", ":0"]]) {
    assertEquals(await warningsOf(...option, "0", "9001"), [
      `${option[0]} has no effect without a listener on unix:/path`,
    ]);
    assertEquals(await warningsOf(...option, "unix:/run/a.sock", "9001"), []);
  }
});

Deno.test("workers-max of a destination has no effect without workers=auto", async () => {
  assertEquals(await warningsOf("0", "9001,workers-max=4", "9002"), [
    'DESTINATION "9001,workers-max=4": workers-max has no effect without workers=auto',
  ]);
  assertEquals(await warningsOf("--workers", "auto", "0", "9001,workers-max=4"), []);
  assertEquals(await warningsOf("0", "9001,workers=auto,workers-max=4"), []);
});

Deno.test("an option with its default value is not said to have no effect", async () => {
  const args = ["--shed-target", "auto", "--workers-max", "256", "--fair-mask", "32,64"];
  assertEquals(await warningsOf(...args, "0", "9001"), []);
});

Deno.test("what has no effect is named by the line of the file, once for all listeners", async () => {
  const listeners = (first: string) =>
    `shed-target = "1s"
    [[listener]]
    listen = "127.0.0.1:8001"
    destinations = ["127.0.0.1:9001", { address = "127.0.0.1:9002", workers-max = 4 }]
    ${first}
    [[listener]]
    listen = "127.0.0.1:8002"
    fair-mask = "24,48"
    destinations = ["127.0.0.1:9001"]`;
  const own = [
    "FILE:8: fair-mask has no effect without queue-order fair",
    'FILE:4: destinations "127.0.0.1:9002,workers-max=4": workers-max has no effect without ' +
    "workers=auto",
  ];
  assertEquals(await warningsOfFile(listeners("")), [
    "FILE:1: shed-target has no effect without when-overloaded shed or newest",
    ...own,
  ]);
  assertEquals(await warningsOfFile(listeners('when-overloaded = "shed"')), own);
  assertEquals(await warningsOfFile(listeners(""), "--when-overloaded", "newest"), own);
  assertEquals(
    (await warningsOfFile(listeners(""), "--shed-target", "2s"))[0],
    "--shed-target has no effect without --when-overloaded shed or newest",
  );
});

Deno.test("a file full of what has no effect is told of in few lines", async () => {
  const destinations = Array.from(
    { length: 100 },
    (_, i) => `"127.0.0.1:${9000 + i},workers-max=4"`,
  );
  const warnings = await warningsOfFile(
    `listen = "127.0.0.1:8001"\ndestinations = [${destinations}]`,
  );
  assertEquals(warnings.length, 21);
  assertEquals(warnings.at(-1), "further options have no effect, which are not told");
});

Deno.test("an entry that an earlier one hides is told, if it would do something else", async () => {
  const after = "the first that matches counts";
  for (
    const [args, told] of [
      [
        ["--priority=10.0.0.0/8=1,10.1.0.0/16=0"],
        [`--priority 10.1.0.0/16=0 has no effect after 10.0.0.0/8=1: ${after}`],
      ],
      [
        ["--priority=10.0.0.0/8=1", "--priority=10.0.0.0/8=2,unix=0,unix=1"],
        [
          `--priority 10.0.0.0/8=2 has no effect after 10.0.0.0/8=1: ${after}`,
          `--priority unix=1 has no effect after unix=0: ${after}`,
        ],
      ],
      [
        ["--allow=10.0.0.0/9", "--deny=10.127.0.0/16", "--deny=0.0.0.0/0", "--allow=::/0"],
        [`--deny 10.127.0.0/16 has no effect after --allow 10.0.0.0/9: ${after}`],
      ],
      [["--deny=10.0.0.1", "--allow=10.0.0.0/8", "--deny=0.0.0.0/0,::/0"], []],
      [["--deny=10.0.0.0/8,10.1.0.0/16,10.0.0.0/8"], []],
      [["--priority=10.0.0.0/9=1,10.128.0.0/9=0,2001:db8::/33=1,2001:db8:8000::/33=2"], []],
    ] as const
  ) assertEquals(await warningsOf(...args, "8080", "9001"), told);
  const file = 'listen="8080"\ndestinations=["9001"]\nallow = ["0.0.0.0/0"]\ndeny = ["10.0.0.1"]\n';
  assertEquals(await warningsOfFile(file), [
    `FILE:4: deny 10.0.0.1/32 has no effect after allow 0.0.0.0/0: ${after}`,
  ]);
});
