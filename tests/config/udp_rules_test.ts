import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UsageError } from "../../src/base/errors.ts";
import { parseCommand } from "../../src/cli/command.ts";
import { formatPlace } from "../../src/config/service_address.ts";
import { threadsOf } from "../../src/config/thread_shares.ts";
import { configOfFile, problemsOfFile } from "../support/config_file.ts";

/** What a listener of UDP cannot be combined with, as a command line, and what it is told. */
const WRONG: readonly [args: string, problem: string][] = [
  ["udp:53 9001", 'DESTINATION "9001": is not UDP, but its listener is; must be udp:PORT'],
  ["udp:53 unix:/run/x", "is not UDP, but its listener is"],
  ["53 udp:5353", 'DESTINATION "udp:5353": is UDP, but its listener is not'],
  ["udp:53 udp:53", "is the LISTEN address, so that it would connect to itself"],
  ["udp:53 udp:5353,udp:5354", 'unknown option "udp:5354"'],
  ["udp:x y", 'LISTEN "udp:x": has the port "x", but /etc/services has no UDP service'],
  ["udp: udp:53", 'LISTEN "udp:": must be'],
  ["udp:unix:/x udp:53", 'LISTEN "udp:unix:/x": must be udp:PORT or udp:HOST:PORT'],
  ["udp:0 udp:0", 'DESTINATION "udp:0": must be'],
  [
    "udp:53 udp:5353 --threads 2",
    '--threads "2": a UDP port cannot be shared by threads; must be 1',
  ],
  ["udp:53 udp:5353 --accept-proxy 10.0.0.0/8", "--accept-proxy"],
  ["udp:53 udp:5353 --send-proxy v2", "datagrams have no PROXY header before them"],
  ["udp:53 udp:5353,send-proxy=v1", "send-proxy must be off"],
  ["udp:53 udp:5353 --half-close abandon", "must be keep for UDP"],
  ["udp:53 udp:5353 --redispatch off", "must be left out for UDP"],
  ["udp:53 udp:5353 --reject-with /etc/hostname", "must be none for UDP"],
  ["udp:53 udp:5353 --when-overloaded shed", "must be hold for UDP"],
  ["udp:53 udp:5353 --check tcp", "has a check of connections, of which UDP has none"],
  ["53 5353 --check dns:example.org", "has a check of UDP; must be one of connections"],
  ["53 5353,check=udp:send:x\\,expect:y", "has a check of UDP; must be one of connections"],
  [
    "unixgram:/x udp:53",
    "must not begin with unixgram:, which is reserved (the runtime cannot send",
  ],
  ["udp:53 unixgram:/x", "so no answer could leave); a host of that name ends in a dot"],
];

for (const [args, problem] of WRONG) {
  Deno.test(`a usage error: iawlb ${args}`, async () => {
    const { message } = await assertRejects(() => parseCommand(args.split(" ")), UsageError);
    assertStringIncludes(message, problem);
    assertEquals(message.split("\n").length, 1);
  });
}

Deno.test("TCP and UDP can have the same port, and what is only for TCP stands once for all", async () => {
  const { listeners } = await configOfFile(`
    threads = 2
    half-close = "abandon"
    redispatch = "off"
    accept-proxy = "10.0.0.0/8"
    send-proxy = "v2"
    check = "tcp"
    queue = 7
    [[listener]]
    listen = "53"
    destinations = ["9001"]
    [[listener]]
    listen = "udp:53"
    destinations = ["udp:9001", { address = "udp:localhost:9002", check = "dns:example.org" }]
  `);
  const [tcp, udp] = listeners;
  assertEquals([threadsOf(tcp!), tcp!.halfClose, tcp!.queue], [2, "abandon", 7]);
  assertEquals([threadsOf(udp!), udp!.halfClose, udp!.queue], [1, "keep", 7]);
  assertEquals([udp!.acceptProxy, udp!.sendProxy, udp!.check], [[], "off", null]);
  assertEquals(udp!.destinations.map(({ address }) => formatPlace(address)), [
    "udp:9001",
    "udp:localhost:9002",
  ]);
});

Deno.test("what is only for TCP is wrong in the table of a listener of UDP", async () => {
  const lines = await problemsOfFile(`
    [[listener]]
    listen = "udp:53"
    destinations = ["udp:9001"]
    half-close = "abandon"
    [[listener]]
    listen = "53"
    destinations = ["9001"]
  `);
  assertEquals(lines, [
    'FILE:5: half-close "abandon": a client of UDP does not finish sending; must be keep for UDP',
  ]);
});

Deno.test("threads are one for UDP, also where as many as processors are asked for", async () => {
  const command = await parseCommand("udp:53 udp:5353 --threads auto".split(" "));
  if (command.kind !== "serve") throw new Error(command.kind);
  assertEquals(threadsOf(command.config.listeners[0]!), 1);
});
