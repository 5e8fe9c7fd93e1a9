import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseServe } from "../../src/cli/command.ts";
import { UsageError } from "../../src/base/errors.ts";
import type { ProgramConfig } from "../../src/config/config.ts";
import type { DestinationConfig } from "../../src/config/destination_text.ts";
import { readDestination } from "../../src/config/destination_text.ts";
import { readListener } from "../../src/config/config.ts";
import { DESTINATION_OPTIONS } from "../../src/config/options/destination.ts";
import { keyOf, OPTIONS, readSettings } from "../../src/config/options.ts";
import {
  optionsOfService,
  SERVICE_OPTIONS,
  serviceNames,
  serviceOptionNames,
} from "../../src/config/options/service.ts";
import { formatPlace } from "../../src/config/service_address.ts";
import { threadsOf } from "../../src/config/thread_shares.ts";
import { configOfFile, problemsOfFile } from "../support/config_file.ts";

const defaults = readSettings({});

function read(text: string): { destination: DestinationConfig; problems: string[] } {
  const problems: string[] = [];
  const destination = readDestination({ text, defaults }, (problem) => problems.push(problem));
  return { destination: destination as DestinationConfig, problems };
}

Deno.test("a service is a destination with options of both kinds, and is called by what it is", () => {
  const text = "service:http,delay=1500ms,fail=12.5%,workers=4,name=slow";
  const { destination, problems } = read(text);
  assertEquals(problems, []);
  const { address, workers, name, key } = destination;
  assert(address.transport === "service");
  assertEquals([address.settings.delay, address.settings.fail], [1500, {
    kind: "share",
    share: 0.125,
  }]);
  assertEquals([workers, name, key], [4, "slow", "service:http,delay=1500ms,fail=12.5%\0slow"]);
  assertEquals(read("SERVICE:echo").destination.name, "service:echo");
  assertEquals(read("service:http,delay=0").destination.key, "service:http");
});

Deno.test("every service is read from what is written of it", () => {
  for (const service of serviceNames()) {
    const { destination } = read(`service:${service}`);
    assertEquals(formatPlace(destination.address), `service:${service}`);
  }
  for (const text of ["service:http,fail=5s,size=9,requests=0", "service:chat,members=3,line=99"]) {
    assertEquals(
      formatPlace(read(text).destination.address),
      text,
    );
  }
});

Deno.test("no option of a service is called like one of a destination, the program or a table", () => {
  const others = [
    ...Object.keys(OPTIONS).map(keyOf),
    ...Object.keys(DESTINATION_OPTIONS),
    "address",
  ];
  for (const name of serviceOptionNames()) assert(!others.includes(name), name);
  for (const name of serviceOptionNames()) {
    const { help } = SERVICE_OPTIONS[name];
    const [services = ""] = help.split(": ");
    assertEquals(
      services.split(", "),
      serviceNames().filter((service) => optionsOfService(service).includes(name)),
    );
  }
});

Deno.test("what does not belong to a service, or to none, is a mistake", () => {
  const cases: Record<string, RegExp> = {
    "service:ecko": /must name a service after service:, one of echo, .*; the nearest is echo/,
    "service:": /must name a service after service:/,
    "service:echo,delay=1s": /has delay, which is for service:http only/,
    "9001,members=3": /has members, which is for service:chat only/,
    "dns:a.b:1,members=3": /has members, which is for service:chat only/,
    "service:chat,size=3": /has size, which is for service:http only/,
    "service:chat,lines=3": /unknown option "lines=3"; must be members=N, line=N, workers=N/,
    "service:http,delay=soon": /delay "soon" must be a number with a unit/,
    "service:http,body=/nowhere": /body "\/nowhere" cannot be read: there is no such file/,
    "service:echo,send-proxy=v2": /has send-proxy, which is nothing for a service/,
    "service:echo,agent-check=9": /has agent-check, which is nothing for a service/,
    "service:http,fail=101%": /fail "101%" must be a share from 0% to 100%, or a time/,
  };
  for (const [text, expected] of Object.entries(cases)) {
    assert(
      read(text).problems.some((problem) => expected.test(problem)),
      `${text}: ${read(text).problems}`,
    );
  }
});

Deno.test("what a listener tells servers it does not tell services", () => {
  const settings = readSettings({ sendProxy: "v2", agentCheck: "9999" });
  const destination = readDestination({ text: "service:echo", defaults: settings }, () => {
    throw new Error("nothing is wrong");
  })!;
  assertEquals([destination["send-proxy"], destination["agent-check"]], ["off", null]);
});

Deno.test("a room is there once, so that it has one thread", () => {
  const texts = { listen: "8080", destinations: ["service:chat"], rules: [] };
  const config = readListener({ ...texts, options: { threads: "auto" } });
  assertEquals(threadsOf(config), 1);
});

Deno.test("a table of the file may have options of a service, each checked", async () => {
  const config = await configOfFile(`
listen = "8080"
destinations = [
  { address = "service:http", delay = "250ms", size = 100, workers = 2 },
  { address = "service:chat", members = 10 },
]
`);
  assertEquals(config.listeners[0]!.configured.map(({ key }) => key), [
    "service:http,delay=250ms,size=100",
    "service:chat,members=10",
  ]);
  const problems = await problemsOfFile(`
listen = "8080"
destinations = [{ address = "service:http", delay = "soon", lines = 3 }]
`);
  assert(
    problems.some((line) => /destinations\.delay "soon": must be/.test(line)),
    problems.join("\n"),
  );
  assert(
    problems.some((line) => /lines 3: no such key; the nearest is line$/.test(line)),
    problems.join("\n"),
  );
});

async function served(...args: string[]): Promise<ProgramConfig> {
  const command = await parseServe(args);
  assert(command.kind === "serve");
  return command.config;
}

Deno.test("serve is a listener in front of its service, with so many slots as clients", async () => {
  const { listeners: [listener] } = await served(
    "http",
    "8080",
    "--delay",
    "1s",
    "--max-clients=9",
  );
  const [destination] = listener!.destinations;
  assertEquals(destination!.name, "service:http,delay=1s");
  assertEquals([destination!.workers, listener!.maxConnections], [9, 9]);
  const { listeners: [open], settings } = await served("syslog", "127.0.0.1:0");
  assertEquals([open!.destinations[0]!.workers, open!.maxConnections], [1_000_000, 0]);
  assertEquals([settings.accessLog, open!.accessLog], ["off", "off"]);
  assertEquals((await served("syslog", "1", "--access-log", "on")).settings.accessLog, "on");
});

Deno.test("what serve does not have is a mistake that says why", async () => {
  const cases: [string[], RegExp][] = [
    [[], /^SERVICE is missing: give one of echo, /],
    [["--max-clients", "3"], /^SERVICE is missing/],
    [["ecko", "8080"], /^SERVICE "ecko": must be one of echo, .*; the nearest is echo/],
    [["echo"], /^LISTEN is missing: give the address, such as: iawlb serve echo 8080/],
    [["echo", "8080", "9001"], /^"9001": one too many; iawlb serve echo has one LISTEN/],
    [["echo", "8080", "--size", "3"], /^--size: not an option of echo, but of http/],
    [["http", "8080", "--size", "three"], /^--size "three": must be a whole number from 0 to/],
    [["http", "8080", "--workers", "3"], /^--workers: not an option .*; see --max-clients/],
    [["http", "8080", "--check=tcp"], /^--check: not an option of iawlb serve/],
    [["http", "8080", "--resolver", "::1"], /^--resolver: not an option of iawlb serve/],
    [["http", "8080", "--demo"], /^--demo: not an option of iawlb serve/],
    [["http", "8080", "--max-clients", "x"], /^--max-clients "x": must be a whole number/],
    [["chat", "8080", "--threads", "2"], /is one room for all clients; must be 1/],
  ];
  for (const [args, expected] of cases) {
    try {
      await parseServe(args);
    } catch (error) {
      assert(error instanceof UsageError && expected.test(error.message), `${args}: ${error}`);
      continue;
    }
    throw new Error(`${args} is allowed`);
  }
  assertThrows(
    () => readListener({ listen: "8080", destinations: ["service:nine"], options: {}, rules: [] }),
    UsageError,
  );
});
