import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { FatalError } from "../../src/base/errors.ts";
import type { LogTarget, SyslogAddress } from "../../src/config/log_target.ts";
import { OPTIONS } from "../../src/config/options.ts";
import { formatSyslog, Syslog, type SyslogMessage } from "../../src/logging/syslog.ts";
import { until } from "../support/servers.ts";
import { parseSyslog, SyslogReceiver } from "../support/syslog_receiver.ts";

const TIME = Date.parse("2026-01-02T03:04:05.678Z");
const FORMAT = {
  facility: "daemon",
  ident: "iawlb",
  hostname: "lb1",
  pid: 42,
  maxBytes: 2048,
} as const;

function message(text: string, rest: Partial<SyslogMessage> = {}): SyslogMessage {
  return { id: "log", severity: "info", time: TIME, text, ...rest };
}

function addressOf(receiver: { address: string }): SyslogAddress {
  const target = OPTIONS.log.parse(`syslog:${receiver.address}`);
  assert(target?.kind === "syslog");
  return target.address;
}

function open(receiver: { address: string }) {
  const troubles: string[] = [];
  const syslog = Syslog.open(addressOf(receiver), { onTrouble: (text) => troubles.push(text) });
  return { syslog, troubles };
}

Deno.test("a message has the header of RFC 5424", () => {
  const datagram = formatSyslog(message("hello"), FORMAT);
  assertEquals(
    new TextDecoder().decode(datagram),
    "<30>1 2026-01-02T03:04:05.678Z lb1 iawlb 42 log - hello",
  );
  const severities = (["error", "warning", "info", "debug"] as const).map((severity) =>
    parseSyslog(formatSyslog(message("", { severity }), FORMAT)).severity
  );
  assertEquals(severities, [3, 4, 6, 7]);
});

Deno.test("a message says the facility and the name that were chosen", () => {
  const format = { ...FORMAT, facility: "local7", ident: "lb[1]" } as const;
  const { facility, severity, app } = parseSyslog(formatSyslog(message("hello"), format));
  assertEquals([facility, severity, app], [23, 6, "lb[1]"]);
});

Deno.test("only a text beyond ASCII has a byte order mark", () => {
  const texts = ["plain", "grün 🌱"].map((text) =>
    parseSyslog(formatSyslog(message(text), FORMAT))
  );
  assertEquals(texts.map(({ text, marked }) => [text, marked]), [
    ["plain", false],
    ["grün 🌱", true],
  ]);
});

Deno.test("line breaks and control characters do not end a message", () => {
  const datagram = formatSyslog(message("a\nb\r\t\x1b[31m\0"), FORMAT);
  assertEquals(parseSyslog(datagram).text, "a\\x0ab\\x0d \\x1b[31m\\x00");
  const marks = formatSyslog(message("\x9b2J\u202e\u2028"), FORMAT);
  assertEquals(parseSyslog(marks).text, "\\x9b2J\\u{202e}\\u{2028}");
});

Deno.test("a text that is too long ends at the border of a character", () => {
  const text = "🌱".repeat(1000);
  for (const maxBytes of [480, 481, 482, 483]) {
    const datagram = formatSyslog(message(text), { ...FORMAT, maxBytes });
    assert(datagram.length <= maxBytes && datagram.length > maxBytes - 4);
    assert(text.startsWith(parseSyslog(datagram).text));
  }
});

Deno.test("--log takes the documented addresses and no others", () => {
  const allowed: [string, LogTarget][] = [
    ["stderr", { kind: "stderr" }],
    ["syslog", { kind: "syslog", address: { transport: "unix", path: "/dev/log" } }],
    ["syslog:unix:/run/l", { kind: "syslog", address: { transport: "unix", path: "/run/l" } }],
    [
      "syslog:udp:loghost:514",
      { kind: "syslog", address: { transport: "udp", hostname: "loghost", port: 514 } },
    ],
    [
      "syslog:[::1]:514",
      { kind: "syslog", address: { transport: "udp", hostname: "::1", port: 514 } },
    ],
    [
      "syslog:udp.:514",
      { kind: "syslog", address: { transport: "udp", hostname: "udp.", port: 514 } },
    ],
  ];
  for (const [text, target] of allowed) {
    assertEquals(OPTIONS.log.parse(text), target, text);
    assertEquals(OPTIONS.log.parse(OPTIONS.log.format(target)), target, text);
  }
  const others = "stdout syslog: syslog:514 syslog:udp:514 syslog:udp:unix:/a syslog:unix:a " +
    "syslog:host:0 syslog:unix: syslogd syslog:dns:53 syslog:unixgram:/a syslog:srv:_x._udp";
  for (const text of others.split(" ")) assertEquals(OPTIONS.log.parse(text), undefined, text);
});

Deno.test("messages reach a Unix-domain socket, and nothing is left in the file system", async () => {
  const directory = await Deno.makeTempDir();
  {
    await using receiver = SyslogReceiver.unix(`${directory}/log`);
    using folders = new MadeFolders();
    const { syslog, troubles } = open(receiver);
    assertEquals(folders.made.length, 1);
    for (const folder of folders.made) {
      assertThrows(() => Deno.statSync(folder), Deno.errors.NotFound);
    }
    for (let i = 0; i < 100; i++) syslog.send(message(`number ${i}`, { id: "access" }));
    await syslog.close({ patience: 2000 });
    await until(() => receiver.messages.length === 100, "all have arrived");
    assertEquals(receiver.texts, Array.from({ length: 100 }, (_, i) => `number ${i}`));
    const { facility, severity, time, app, pid, id } = receiver.messages[0]!;
    assertEquals([facility, severity, app, pid, id], [3, 6, "iawlb", `${Deno.pid}`, "access"]);
    assertEquals(Date.parse(time), TIME);
    assertEquals([syslog.dropped, troubles], [0, []]);
  }
  await Deno.remove(directory, { recursive: true });
});

/** Sees which temporary folders are made here: where they are made, others make theirs. */
class MadeFolders implements Disposable {
  readonly made: string[] = [];
  readonly #make = Deno.makeTempDirSync;

  constructor() {
    Deno.makeTempDirSync = (options) => {
      const folder = this.#make(options);
      this.made.push(folder);
      return folder;
    };
  }

  [Symbol.dispose](): void {
    Deno.makeTempDirSync = this.#make;
  }
}

Deno.test("a message is sent that comes in the very moment in which the one before is sent", async () => {
  await using receiver = SyslogReceiver.udp();
  const { syslog } = open(receiver);
  const other = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const texts: string[] = [];
  for (let turns = 0; turns < 30; turns++) {
    // The runtime finishes both in the same look at the sockets, and who waits goes on turn by turn.
    syslog.send(message(`${turns} before`));
    await other.send(new Uint8Array(1), other.addr);
    for (let turn = 0; turn < turns; turn++) await null;
    syslog.send(message(`${turns} after`));
    texts.push(`${turns} before`, `${turns} after`);
    await until(() => receiver.messages.length >= texts.length, `after ${turns} turns`, 2000);
  }
  assertEquals(receiver.texts, texts);
  other.close();
  await syslog.close({ patience: 2000 });
});

for (const hostname of ["127.0.0.1", "::1"]) {
  Deno.test(`messages reach UDP at ${hostname}, at most 2048 bytes each`, async () => {
    await using receiver = SyslogReceiver.udp(hostname);
    const { syslog } = open(receiver);
    syslog.send(message("x".repeat(5000)));
    syslog.send(message("short"));
    await receiver.received(/^short$/);
    await syslog.close({ patience: 2000 });
    assertEquals(receiver.longest, 2048);
  });
}

Deno.test("a host name is looked up", async () => {
  await using receiver = SyslogReceiver.udp();
  const { syslog } = open({ address: receiver.address.replace("127.0.0.1", "localhost") });
  syslog.send(message("hello"));
  await receiver.received(/^hello$/);
  await syslog.close({ patience: 2000 });
});

Deno.test("what a daemon that is away does not get is counted, and told when it is back", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/log`;
  const { syslog, troubles } = open({ address: `unix:${path}` });
  for (let i = 0; i < 3; i++) syslog.send(message("lost"));
  await syslog.flush();
  assertEquals([syslog.dropped, troubles.length], [3, 1]);
  assertMatch(troubles[0]!, /^syslog at unix:\S+ cannot be reached, messages are lost.*: ENOENT$/);
  {
    await using receiver = SyslogReceiver.unix(path);
    syslog.send(message("kept"));
    await receiver.received(/kept/);
    assertEquals(receiver.texts, ["3 messages could not be sent to syslog and are lost", "kept"]);
    assertEquals(receiver.messages[0]!.severity, 4);
  }
  syslog.send(message("lost"));
  await syslog.flush();
  {
    await using receiver = SyslogReceiver.unix(path);
    syslog.send(message("kept"));
    await receiver.received(/kept/);
    assertEquals(receiver.texts[0], "1 messages could not be sent to syslog and are lost");
  }
  await syslog.close({ patience: 2000 });
  assertEquals(syslog.dropped, 4);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("a daemon that has stopped reading costs a bounded amount of memory and no waiting", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/log`;
  const socket = Deno.listenDatagram({ transport: "unixpacket", path });
  const { syslog, troubles } = open({ address: `unix:${path}` });
  const began = performance.now();
  for (let i = 0; i < 20_000; i++) syslog.send(message("x"));
  assert(syslog.dropped >= 9000 && performance.now() - began < 5000);
  await syslog.close({ patience: 500 });
  assertMatch(troubles[0]!, /it does not keep up$/);
  assert(syslog.dropped > 19_000 && syslog.dropped < 20_000, `${syslog.dropped}`);
  socket.close();
  await Deno.remove(directory, { recursive: true });
});

Deno.test("a socket that cannot be had is a fatal error in one line", () => {
  const makeTempDirSync = Deno.makeTempDirSync;
  Deno.makeTempDirSync = () => {
    throw new Deno.errors.NotFound("No such file or directory");
  };
  try {
    const address: SyslogAddress = { transport: "unix", path: "/dev/log" };
    assertThrows(
      () => Syslog.open(address, { onTrouble() {} }),
      FatalError,
      "Cannot open a socket for syslog at unix:/dev/log: No such file or directory",
    );
  } finally {
    Deno.makeTempDirSync = makeTempDirSync;
  }
});
