import { assert, assertEquals } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import { syslogFilter } from "../../src/config/values/syslog_filter.ts";
import { SILENT } from "../../src/services/service.ts";
import { syslog, syslogLine } from "../../src/services/syslog.ts";
import { fc } from "../support/properties.ts";
import { until } from "../support/servers.ts";
import { StreamClient } from "../support/stream_client.ts";

const client = { name: "192.0.2.1:514" };
const now = new Date("2026-11-26T08:00:00Z");
const option = syslogFilter({ help: "" });

function shown(text: string, filter = "all"): string | undefined {
  const line = { bytes: new TextEncoder().encode(text), cut: false };
  return syslogLine(line, { client, filter: option.parse(filter)!, now });
}

Deno.test("a message is shown with when it came, from whom, its facility and its level", () => {
  const begin = "2026-11-26T08:00:00.000Z 192.0.2.1:514";
  assertEquals(
    shown("<34>Oct 11 22:14:15 mymachine su: failed"),
    `${begin} auth.crit Oct 11 22:14:15 mymachine su: failed`,
  );
  assertEquals(
    shown("<165>1 2003-08-24T05:14:15Z h a 8710 - - x"),
    `${begin} local4.notice 2003-08-24T05:14:15Z h a 8710 - - x`,
  );
  assertEquals(shown("no priority"), `${begin} user.notice no priority`);
  assertEquals(shown("<192>too high"), `${begin} user.notice <192>too high`);
  assertEquals(
    shown("<0>\x1b[2J\tdown\u202e\u0007"),
    `${begin} kern.emerg \\x1b[2J down\\x202e\\x07`,
  );
  assertEquals(shown(""), undefined);
});

Deno.test("whatever is sent, what is shown is one line that does nothing to a terminal", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(999), (rest, priority) => {
    const bytes = new Uint8Array([...new TextEncoder().encode(`<${priority}>`), ...rest]);
    const line = syslogLine({ bytes, cut: false }, { client, filter: [], now })!;
    assert(!/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(line), JSON.stringify(line));
  }));
});

Deno.test("a filter lets through what any of its parts does", () => {
  const passes = (filter: string, priority: number) =>
    shown(`<${priority}>x`, filter) !== undefined;
  for (let priority = 0; priority <= 191; priority++) {
    const [facility, level] = [priority >> 3, priority & 7];
    assertEquals(passes("mail.warning", priority), facility === 2 && level <= 4);
    assertEquals(passes("*.err+local7.debug", priority), level <= 3 || facility === 23);
    assertEquals(passes("mail.*+*.warn", priority), facility === 2 || level <= 4);
    assert(passes("all", priority));
  }
  for (
    const text of ["mail", "mail.loud", "post.info", "", ".info", "mail.", "mail.**", "mail.info+"]
  ) {
    assertEquals(option.parse(text), undefined, text);
  }
  for (const text of ["all", "*.err+local7.debug", "authpriv.notice"]) {
    assertEquals(option.format(option.parse(text)!), text);
  }
});

/** A service whose lines are read when a test says so. */
function open(show: (line: string) => Promise<void>) {
  return syslog(() => [], { ...SILENT, show, log: getLogger(["test", "quiet"]) });
}

Deno.test("messages are lines, or as long as the number before them says", async () => {
  const lines: string[] = [];
  const service = open((line) =>
    Promise.resolve(void lines.push(line.split(" ").slice(2).join(" ")))
  );
  const peer = new StreamClient(service.connect(client));
  await peer.send("<14>one\n<14>two\r\n11 <14>th\nree!6 <14>ab7 <14>cde<14>last");
  await peer.end();
  await peer.all();
  assertEquals(lines, [
    "user.info one",
    "user.info two",
    "user.info th\\x0aree!",
    "user.info ab",
    "user.info cde",
    "user.info last",
  ]);
  peer.close();
});

Deno.test("a line that begins with digits is shown with them unless they are its length", async () => {
  const whole = [
    "12notanumber",
    "12<14>no blank",
    "12  <14>two blanks",
    "007 <14>agent",
    "0 <14>nothing",
    "1234567890 <14>too many digits",
    "99 bottles",
    "42",
    "7 ",
  ];
  for (const end of [true, false]) {
    for (const text of whole) {
      const lines: string[] = [];
      const service = open((line) =>
        Promise.resolve(void lines.push(line.slice(line.indexOf("-", 20))))
      );
      const peer = new StreamClient(service.connect({ name: "-" }));
      // However it is cut.
      for (const byte of text) await peer.send(byte);
      await peer.send(end ? "\n6 <14>ab" : "");
      await peer.end();
      await peer.all();
      assertEquals(lines, [`- user.notice ${text}`, ...end ? ["- user.info ab"] : []]);
      peer.close();
    }
  }
});

Deno.test("a message that is too long is shown cut, and what follows it is read", async () => {
  const lines: string[] = [];
  const service = open((line) => Promise.resolve(void lines.push(line)));
  const peer = new StreamClient(service.connect(client));
  await peer.send(`<14>${"x".repeat(100_000)}\n50000 <14>${"y".repeat(49_996)}<14>z\n`);
  await peer.end();
  await peer.all();
  assertEquals(lines.map((line) => line.length < 8300 && line.at(-1)), ["…", "…", "z"]);
  peer.close();
});

Deno.test("who sends faster than its messages can be shown has to wait", async () => {
  let room = Promise.withResolvers<void>();
  let number = 0;
  const service = open(() => {
    number++;
    return room.promise;
  });
  const peer = new StreamClient(service.connect(client));
  let sent = 0;
  async function flood(): Promise<void> {
    for (; sent < 100; sent++) await peer.send(`<14>${"x".repeat(1000)}\n`);
    await peer.end();
  }
  const flooding = flood();
  await until(() => number === 1, "the first message is shown");
  // What the buffer of one message has room for was read.
  assert(sent < 20, `${sent}`);
  room.resolve();
  room = Promise.withResolvers();
  room.resolve();
  await flooding;
  await peer.all();
  assertEquals(number, 100);
  peer.close();
});

Deno.test("when it is to finish, those who are sending nothing are closed, and nobody else", async () => {
  const lines: string[] = [];
  const service = open((line) => Promise.resolve(void lines.push(line)));
  const idle = new StreamClient(service.connect(client));
  const busy = new StreamClient(service.connect(client));
  await busy.send("<14>half");
  // What was sent has been read once everything that can go on has.
  await new Promise((resolve) => setTimeout(resolve));
  service.finish!(true);
  await until(() => idle.ended, "the idle one is closed");
  assert(!busy.ended);
  await busy.send(" and half\n");
  await until(() => busy.ended, "the other one is closed after its message");
  assertEquals(lines.length, 1);
  for (const peer of [idle, busy]) peer.close();
});
