import { assertEquals, assertThrows, fail } from "@std/assert";
import { accessLogFormat } from "../../src/logging/access_format.ts";
import { AccessLog } from "../../src/logging/access_log.ts";
import { Losses } from "../../src/logging/losses.ts";
import { TemplateError } from "../../src/config/values/access_template.ts";
import { BufferPool } from "../../src/net/buffer_pool.ts";
import { readSettings } from "../../src/config/options.ts";
import { adopt } from "../../src/net/socket.ts";
import { Session } from "../../src/session/session.ts";
import { socketPair } from "../support/servers.ts";

const TIME = new Date("2026-01-02T03:04:05.678Z");

function format(accessLogFormatText: string, listener = "8080") {
  const settings = readSettings({ accessLogFormat: accessLogFormatText });
  const line = accessLogFormat(settings, { listener });
  return (session: Session) => line(session, TIME);
}

async function servedSession(): Promise<Session> {
  const { near, far } = await socketPair();
  const session = new Session(adopt(far), { id: 7, now: 1000, buffers: new BufferPool() });
  session.startReading();
  session.destination = { name: "9001" };
  session.attempts = 2;
  session.connectStartedAt = 1001.5;
  session.leaveQueue(1001.5);
  session.connectedAt = 1001.75;
  session.up.bytes = 10;
  session.down.bytes = 20;
  session.conclude("done");
  session.close(1100.1234567);
  near.close();
  return session;
}

async function refusedSession(): Promise<Session> {
  const { near, far } = await socketPair();
  const session = new Session(adopt(far), { id: 8, now: 0, buffers: new BufferPool() });
  session.startReading();
  session.abort("client-gone");
  session.close(5);
  near.close();
  return session;
}

Deno.test("a served session has all its times, in milliseconds", async () => {
  const session = await servedSession();
  assertEquals(
    format("text")(session),
    `2026-01-02T03:04:05.678Z id=1.7 listener=8080 client=${session.clientName} destination=9001 ` +
      "reason=done queue=1.5ms connect=0.25ms total=100.123ms up=10 down=20 attempts=2",
  );
  assertEquals(JSON.parse(format("json")(session)), {
    time: "2026-01-02T03:04:05.678Z",
    id: "1.7",
    listener: "8080",
    client: session.clientName,
    destination: "9001",
    reason: "done",
    queue_ms: 1.5,
    connect_ms: 0.25,
    total_ms: 100.123,
    bytes_up: 10,
    bytes_down: 20,
    attempts: 2,
  });
});

Deno.test("what a session did not reach is a dash, or null", async () => {
  const session = await refusedSession();
  assertEquals(
    format("text")(session),
    `2026-01-02T03:04:05.678Z id=1.8 listener=8080 client=${session.clientName} destination=- ` +
      "reason=client-gone queue=5ms connect=- total=5ms up=0 down=0 attempts=0",
  );
  const entry = JSON.parse(format("json")(session));
  assertEquals([entry.destination, entry.queue_ms, entry.connect_ms], [null, 5, null]);
  assertEquals(
    format("{destination}|{queue}|{connect:us}|{connect:s}|{total}")(session),
    "-|5|-|-|5",
  );
});

Deno.test("the format auto follows that of the log", async () => {
  const session = await servedSession();
  const settings = readSettings({ logFormat: "json" });
  const line = accessLogFormat(settings, { listener: "8080" })(session, TIME);
  assertEquals(line, format("json")(session));
  const text = readSettings({ logFormat: "json", accessLogFormat: "text" });
  assertEquals(accessLogFormat(text, { listener: "8080" })(session, TIME), format("text")(session));
});

Deno.test("a template has every field with its units", async () => {
  const session = await servedSession();
  const [ip, port] = session.clientName.split(":");
  const fields: [string, string][] = [
    ["{time}", "2026-01-02T03:04:05.678Z"],
    ["{time:rfc3339}", "2026-01-02T03:04:05.678Z"],
    ["{time:unix}", "1767323045"],
    ["{time:unix_ms}", "1767323045678"],
    ["{id}", "1.7"],
    ["{listener}", "8080"],
    ["{client}", session.clientName],
    ["{client_ip}", ip!],
    ["{client_port}", port!],
    ["{peer}", session.peerName],
    ["{destination}", "9001"],
    ["{reason}", "done"],
    ["{queue}", "1.5"],
    ["{queue:us}", "1500"],
    ["{queue:s}", "0.0015"],
    ["{connect:ms}", "0.25"],
    ["{total:us}", "100123"],
    ["{total:ms}", "100.123"],
    ["{total:s}", "0.100123"],
    ["{bytes_up}", "10"],
    ["{bytes_down}", "20"],
    ["{attempts}", "2"],
  ];
  for (const [field, value] of fields) assertEquals(format(field)(session), value, field);
});

Deno.test("a path that looks like an address and more is a path, of which no word ends", async () => {
  const session = await servedSession();
  for (const path of ["192.0.2.1 reason=none x:80", "a:80", "[::1]:80"]) {
    session.clientAddress = { transport: "unix", path };
    const name = `unix:${path.replaceAll(" ", "\\x20")}`;
    assertEquals(format("{client} {client_ip} {client_port}")(session), `${name} - -`);
  }
});

Deno.test("doubled braces, tabs and everything else in a template stand for themselves", async () => {
  const session = await servedSession();
  assertEquals(
    format('{{"id": {id}}}\\t{{{id}}}\\n$ü')(session),
    '{"id": 1.7}\t{1.7}\\n$ü',
  );
});

Deno.test("a template that is not allowed is told what exactly is wrong with it", () => {
  const bad: [string, string][] = [
    ["{destinaton}", "unknown field {destinaton}; the nearest is {destination}, all are {time:"],
    ["{}", "unknown field {}"],
    ["{constructor}", "unknown field {constructor}"],
    ["{total:mins}", 'unknown unit "mins" in {total:mins}; the nearest is ms, all are ms, us, s'],
    ["{total:}", 'unknown unit "" in {total:}'],
    ["{id:ms}", 'has the unit "ms" in {id:ms}; id has no units'],
    ["{id:}", 'has the unit "" in {id:}; id has no units'],
    ["{id} {", "has a single {; must be {{"],
    ["{id}}", "has a single }; must be }}"],
    ["jsno", "must be auto, text, json or a template with some of the fields {time:rfc3339|unix"],
    ["{{id}}", "at least one field; the fields are {time:rfc3339|unix|unix_ms} {id} {listener}"],
    ["{id}\n{id}", "no line breaks"],
  ];
  for (const [template, message] of bad) {
    assertThrows(
      () => readSettings({ accessLogFormat: template }),
      Error,
      message,
    );
  }
  const settings = { logFormat: "text", accessLogFormat: "{nothing}" } as const;
  assertThrows(() => accessLogFormat(settings, { listener: "" }), TemplateError);
});

Deno.test("a name with spaces or line breaks is one word, so that nobody can forge a line", async () => {
  const session = await servedSession();
  session.destination = { name: "unix:/a b\nreason=done\\\u2028\u202e\u3000\u{e0001}é" };
  const word = "unix:/a\\x20b\\x0areason=done\\x5c\\u2028\\u202e\\u3000\\u{e0001}é";
  assertEquals(format("{destination} {listener}", "unix:/x y")(session), `${word} unix:/x\\x20y`);
  assertEquals(format("text", "unix:/x y")(session).split(" ").slice(2, 5), [
    "listener=unix:/x\\x20y",
    `client=${session.clientName}`,
    `destination=${word}`,
  ]);
  assertEquals(format("json")(session).split("\n").length, 1);
});

Deno.test("lines stay in order when the log is turned off and on again before they are written", async () => {
  const written: string[] = [];
  let writes = 0;
  const slow = Promise.withResolvers<void>();
  const log = new AccessLog(readSettings({ accessLog: "-", accessLogFormat: "{id}" }), {
    openSyslog: () => fail("no syslog here"),
    stream: () => ({
      async write(bytes) {
        if (++writes === 1) await slow.promise;
        written.push(new TextDecoder().decode(bytes));
        return bytes.length;
      },
    }),
    losses: new Losses(() => fail("nothing is lost")),
  });
  log.add(await servedSession(), "8080");
  for (const accessLog of ["off", "-"]) {
    log.apply(readSettings({ accessLog, accessLogFormat: "{id}" }));
  }
  log.add(await refusedSession(), "8080");
  const closed = log.close();
  // The second writer would have written by then.
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve));
  slow.resolve();
  await closed;
  assertEquals(written, ["1.7\n", "1.8\n"]);
});
