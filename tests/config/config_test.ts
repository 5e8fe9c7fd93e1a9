import { NO_TLS } from "../support/no_tls.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { formatNetwork } from "../../src/net/networks.ts";
import { readListener } from "../../src/config/config.ts";
import { DESTINATION_OPTION_FORMS } from "../../src/config/options/destination.ts";
import { UsageError } from "../../src/base/errors.ts";
import { configOf } from "../support/config.ts";

function readDestinations(...texts: string[]) {
  return configOf(["8080", ...texts]).destinations;
}

Deno.test("a destination has the default number of workers unless it says otherwise", () => {
  const [plain, special] = readDestinations("9001", "[::1]:9002,workers=4,weight=2,backup");
  assertEquals(plain, {
    address: { transport: "tcp", hostname: undefined, port: 9001 },
    key: "localhost:9001",
    name: "9001",
    workers: 256,
    "workers-max": 256,
    weight: 1,
    backup: 0,
    check: null,
    "send-proxy": "off",
    sni: [],
    alpn: [],
    ...NO_TLS,
    "agent-check": null,
  });
  assertEquals([special!.name, special!.workers, special!.weight], ["[::1]:9002", 4, 2]);
  assertEquals(special!.backup, 1);
});

Deno.test("a destination's options are checked", () => {
  const problems = {
    "9001,": 'unknown option ""',
    "9001,slow": 'unknown option "slow"',
    "9001,backup=yes": 'backup "yes" must be true, false or a whole number from 0 to 256',
    "9001,workers": 'unknown option "workers"',
    "9001,workers=": 'workers "" must be a whole number from 1',
    "9001,weight=257": 'weight "257" must be a whole number from 0 to 256',
    "9001,weight=1,weight=2": "has weight twice",
    "9001,send-proxy=v3": 'send-proxy "v3" must be one of off, v1, v2',
    "9001,send-proxy": 'has the unknown option "send-proxy"; must be ',
    "9001,backup,backup": "has backup twice",
    "9001,__proto__=1": 'unknown option "__proto__=1"',
  };
  for (const [text, problem] of Object.entries(problems)) {
    assertThrows(() => readDestinations(text), UsageError, problem);
  }
});

Deno.test("a destination can be given only once, however it is written", () => {
  const pairs = [["9001", "localhost:9001"], ["[::1]:1", "[0::1]:1"], ["a:1", "A:1"]];
  for (const pair of pairs) assertThrows(() => readDestinations(...pair), UsageError, "same as");
  assertThrows(() => readDestinations("9001", "9001,workers=2"), UsageError, "same as");
  assertEquals(readDestinations("9001", "127.0.0.1:9001").length, 2);
});

Deno.test("a destination is called by its name, which is unique in its listener", () => {
  const [named, plain] = readDestinations("9001,name=db1", "9002,name=none");
  assertEquals([named!.name, named!.key, plain!.name], ["db1", "localhost:9001", "9002"]);
  const longest = `a${"-_.9".repeat(16).slice(1)}`;
  assertEquals(readDestinations(`9001,name=${longest}`)[0]!.name, longest);
  for (const name of ["all", "", "1db", "-db", "db/1", "db 1", "dß", `${longest}x`]) {
    assertThrows(
      () => readDestinations(`9001,name=${name}`),
      UsageError,
      `name ${JSON.stringify(name)} must be a letter and at most 63 letters`,
    );
  }
  const like =
    'DESTINATION "9002,name=db1": is called like "9001,name=db1"; each must have another';
  assertThrows(() => readDestinations("9001,name=db1", "9002,name=db1"), UsageError, like);
  assertThrows(() => readDestinations("http", "9002,name=http"), UsageError, "is called like");
});

Deno.test("a destination cannot be the listen address itself", () => {
  const loops = [
    ["8080", "8080"],
    ["8080", "127.0.0.1:8080"],
    ["0.0.0.0:8080", "localhost:8080"],
    ["127.0.0.1:8080", "8080"],
    ["unix:/a", "unix:/a"],
  ];
  for (const loop of loops) {
    assertThrows(() => configOf(loop), UsageError, "connect to itself");
  }
  for (const fine of [["8080", "10.0.0.7:8080"], ["10.0.0.7:8080", "8080"], ["0", "8080"]]) {
    assertEquals(configOf(fine).destinations.length, 1);
  }
});

Deno.test("listen address, destinations and settings make the configuration, in their order", () => {
  const addresses = ["[::1]:0", "unix:/a", "b:1", "9001,workers=2"];
  const config = configOf(addresses, { workers: "7", queueTimeout: "5s" });
  assertEquals(config.listen, { transport: "tcp", hostname: "::1", port: 0 });
  assertEquals(config.destinations.map(({ name }) => name), ["unix:/a", "b:1", "9001"]);
  assertEquals(config.destinations.map(({ workers }) => workers), [7, 7, 2]);
  assertEquals([config.workers, config.queueTimeout], [7, 5000]);
});

Deno.test("rules are taken in the given order, and once more by what they do", () => {
  const rules = [
    { verdict: "deny", networks: "10.0.0.0/8,::1" },
    { verdict: "allow", networks: "10.0.0.1" },
    { verdict: "deny", networks: "192.0.2.1" },
  ] as const;
  const config = readListener({ listen: "8080", destinations: ["9001"], options: {}, rules });
  assertEquals(config.rules.map(({ verdict }) => verdict), ["deny", "deny", "allow", "deny"]);
  assertEquals(config.deny.map(formatNetwork), ["10.0.0.0/8", "::1/128", "192.0.2.1/32"]);
  assertEquals(config.allow.map(formatNetwork), ["10.0.0.1/32"]);
});

Deno.test("a bad address is named with its role, its text and what is allowed", () => {
  const problems: [string[], string][] = [
    [["8080"], "DESTINATION is missing: give one or more after LISTEN"],
    [["65536", "9001"], 'LISTEN "65536": must be PORT, HOST:PORT'],
    [["65536", "9001"], "with a port from 0 to 65535"],
    [["8080,workers=4", "9001"], 'LISTEN "8080,workers=4": has workers behind it; must stand'],
    [["8080,tls", "9001"], 'LISTEN "8080,tls": has tls behind it; must stand behind a destination'],
    [["8080,fast", "9001"], 'LISTEN "8080,fast": must be'],
    [["8080", "9001,sni=a.example,b.example"], 'option "b.example"; must be sni=a.example|b.exa'],
    [["8080", "9001,alpn=h2,http/1.1,backup"], 'option "http/1.1"; must be alpn=h2|http/1.1'],
    [["8080", "https://app:443"], 'DESTINATION "https://app:443": must be HOST:PORT without https'],
    [["8080", "0"], 'DESTINATION "0": must be PORT, HOST:PORT'],
    [["8080", "0"], "with a port from 1 to 65535"],
    [
      ["8080", "9001", "unix:a,workers=2"],
      'DESTINATION "unix:a,workers=2": must name an absolute path',
    ],
    [["8080", "9001", "localhost:9001,backup"], 'DESTINATION "localhost:9001,backup": is the same'],
    [["8080", "9001", "localhost:9001,backup"], 'same as "9001"; give each only once'],
    [["8080", "9001,workers=x"], 'DESTINATION "9001,workers=x": workers "x" must be a whole'],
    [["8080", "9001,slow"], `must be ${DESTINATION_OPTION_FORMS}`],
  ];
  for (const [addresses, message] of problems) {
    assertThrows(() => configOf(addresses), UsageError, message);
  }
});

Deno.test("the value of a destination's option is taken whole", () => {
  for (const value of ["4=5", "4\n5", "4 ", "+4", "4.0"]) {
    const problem = `workers ${JSON.stringify(value)} must be`;
    assertThrows(() => readDestinations(`9001,workers=${value}`), UsageError, problem);
  }
});

Deno.test("the message about a missing destination is one line, whatever LISTEN is", () => {
  const { message } = assertThrows(() => configOf(["unix:/run/a\nb"]), UsageError);
  assertEquals(message.split("\n").length, 1, message);
});

Deno.test("a destination that only the kernel or the dialer leads back here is refused", () => {
  const loops = [
    ["8080", "app.localhost:8080"],
    ["[::]:8080", "[::1]:8080"],
    ["localhost:8080", "8080"],
    ["[::1]:8080", "localhost:8080"],
    ["localhost:8080", "127.0.0.1:8080"],
    ["127.0.0.1:8080", "app.localhost:8080"],
    ["127.0.0.1:8080", "0.0.0.0:8080"],
    ["[::1]:8080", "[::]:8080"],
    ["8080", "127.0.0.2:8080"],
  ];
  const accepted = loops.filter((loop) => {
    try {
      return configOf(loop);
    } catch (error) {
      if (error instanceof UsageError && error.message.includes("connect to itself")) return false;
      throw error;
    }
  });
  assertEquals(accepted, []);
});

Deno.test("a configuration is data that can be sent to another thread", () => {
  const config = configOf(
    [
      "127.0.0.1:0",
      "9001,check=redis",
      "9002,check=mysql:app",
      "unix:/a,check=http:/b,backup",
    ],
    {
      allow: "10.0.0.0/8,2001:db8::/33",
      deny: "0.0.0.0/0,::ffff:192.0.2.0/120",
      accessLogFormat: "{time} {client_ip} {reason}",
      log: "syslog:udp:127.0.0.1:514",
      accessLog: "/var/log/iawlb/access.log",
    },
  );
  assertEquals(structuredClone(config), config);
});
