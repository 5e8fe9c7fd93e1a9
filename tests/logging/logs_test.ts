import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { BufferPool } from "../../src/net/buffer_pool.ts";
import { FatalError } from "../../src/base/errors.ts";
import { openLogs } from "../../src/logging/logs.ts";
import { portable, type PortableRecord } from "../../src/logging/record.ts";
import { type OptionName, readSettings } from "../../src/config/options.ts";
import { adopt } from "../../src/net/socket.ts";
import { Session } from "../../src/session/session.ts";
import { socketPair } from "../support/servers.ts";
import { SyslogReceiver } from "../support/syslog_receiver.ts";
import { unless } from "../support/unless.ts";

/** Settings that leave the outputs of the test run alone. */
function settings(given: Partial<Record<OptionName, string>>) {
  return readSettings({ accessLog: "off", accessLogFormat: "{listener} {id}", ...given });
}

async function endedSession(id: number): Promise<Session> {
  const { near, far } = await socketPair();
  const session = new Session(adopt(far), { id, now: 0, buffers: new BufferPool() });
  session.startReading();
  session.conclude("done");
  session.close(1);
  near.close();
  return session;
}

/** What takes messages instead of standard error. */
function forward() {
  const records: PortableRecord[] = [];
  return {
    records,
    messages: () => records.map(({ message }) => message.join("")),
    to: {
      log: (record: PortableRecord) => void records.push(record),
      access: { write: (bytes: Uint8Array) => Promise.resolve(bytes.length) },
    },
  };
}

Deno.test("an access log file is appended to", async () => {
  const path = await Deno.makeTempFile();
  for (const id of [1, 2]) {
    const logs = openLogs(settings({ accessLog: path }));
    logs.access.add(await endedSession(id), "8080");
    await logs.close();
  }
  assertEquals(await Deno.readTextFile(path), "8080 1.1\n8080 1.2\n");
  await Deno.remove(path);
});

Deno.test("a change while running counts from the next line on, and what was taken is kept", async () => {
  const directory = await Deno.makeTempDir();
  const [first, second] = [`${directory}/1`, `${directory}/2`];
  const logs = openLogs(settings({ accessLog: first }));
  const sessions = await Promise.all([1, 2, 3, 4, 5].map(endedSession));
  logs.access.add(sessions[0]!, "8080");
  logs.apply(settings({ accessLog: second }));
  logs.access.add(sessions[1]!, "8080");
  logs.apply(settings({ accessLog: second, accessLogFormat: "{id}" }));
  logs.access.add(sessions[2]!, "8080");
  logs.apply(settings({ accessLog: "off" }));
  logs.access.add(sessions[3]!, "8080");
  logs.apply(settings({ accessLog: first }));
  logs.access.add(sessions[4]!, "9090");
  await logs.close();
  assertEquals(await Deno.readTextFile(first), "8080 1.1\n9090 1.5\n");
  assertEquals(await Deno.readTextFile(second), "8080 1.2\n1.3\n");
  await Deno.remove(directory, { recursive: true });
});

Deno.test("a change that fails leaves everything as it is", async () => {
  const path = await Deno.makeTempFile();
  const logs = openLogs(settings({ accessLog: path, logLevel: "error" }));
  assertThrows(
    () => logs.apply(settings({ accessLog: "/nowhere/log", accessLogFormat: "{id}" })),
    FatalError,
    'Cannot open the access log "/nowhere/log"',
  );
  logs.access.add(await endedSession(1), "8080");
  await logs.close();
  assertEquals(await Deno.readTextFile(path), "8080 1.1\n");
  await Deno.remove(path);
});

Deno.test("lines around a reopening are in one of the files, in order, and none is missing", async () => {
  const path = await Deno.makeTempFile();
  const logs = openLogs(settings({ accessLog: path, accessLogFormat: "{id}", logLevel: "error" }));
  const sessions = await Promise.all(Array.from({ length: 100 }, (_, id) => endedSession(id)));
  for (const session of sessions) {
    logs.access.add(session, "8080");
    if (session.id === 50) Deno.renameSync(path, `${path}.1`);
    if (session.id % 10 === 0) logs.reopen();
    // Some of the lines have been written by then, some have not.
    if (session.id === 30) await logs.flush();
  }
  await logs.close();
  const ids = (lines: string) => {
    return lines.trimEnd().split("\n").map((line) => Number(line.slice("1.".length)));
  };
  const [old, fresh] = [`${path}.1`, path].map((file) => ids(Deno.readTextFileSync(file)));
  assertEquals([...old!, ...fresh!], sessions.map(({ id }) => id));
  assertEquals(old!.at(-1), 50);
  await Promise.all([Deno.remove(path), Deno.remove(`${path}.1`)]);
});

Deno.test("if the file cannot be opened again the old one stays in use, and the log says so", async () => {
  const directory = await Deno.makeTempDir();
  const logs = openLogs(settings({ accessLog: `${directory}/a`, logLevel: "error" }));
  await Deno.rename(directory, `${directory}-moved`);
  logs.reopen();
  logs.access.add(await endedSession(1), "8080");
  await logs.close();
  assertEquals(await Deno.readTextFile(`${directory}-moved/a`), "8080 1.1\n");
  assertMatch(logs.events.recent[0]!.message, /Cannot open .*; the old one stays in use/);
  await Deno.remove(`${directory}-moved`, { recursive: true });
});

Deno.test("the level can change while running", async () => {
  const { to, messages } = forward();
  const logs = openLogs(settings({}), to);
  logs.log.debug("one");
  logs.apply(settings({ logLevel: "debug" }));
  logs.log.debug("two");
  logs.apply(settings({ logLevel: "error" }));
  logs.log.warning("three");
  assertEquals(messages(), ["two"]);
  await logs.close();
});

Deno.test("messages are events, but for those of level debug", async () => {
  const directory = await Deno.makeTempDir();
  const receiver = SyslogReceiver.unix(`${directory}/log`);
  const logs = openLogs(settings({ logLevel: "debug", log: `syslog:${receiver.address}` }));
  const before = new Date().toISOString();
  logs.log.debug("not this");
  logs.log.info("a {thing} happened", { thing: "flood" });
  assertEquals(logs.events.recent.map(({ level, message }) => ({ level, message })), [
    { level: "info", message: "a flood happened" },
  ]);
  assert(logs.events.recent[0]!.time >= before);
  await logs.close();
  await receiver.received(/flood/);
  assertEquals(receiver.texts, ["not this", "a flood happened"]);
  assertEquals(receiver.messages.map(({ severity }) => severity), [7, 6]);
  await receiver[Symbol.asyncDispose]();
  await Deno.remove(directory);
});

Deno.test("a message of another thread is the same message here", async () => {
  const inner = forward();
  const thread = openLogs(settings({}), inner.to);
  thread.log.info("{count} things: {error}", {
    count: 2,
    error: new TypeError("no"),
    nothing: undefined,
    function: () => {},
  });
  await thread.close();
  // What a message to another thread goes through.
  const [record] = structuredClone(inner.records);
  const outer = forward();
  const logs = openLogs(settings({}), outer.to);
  logs.emit(record!);
  await logs.close();
  const [again] = outer.records;
  assertEquals([again!.level, again!.timestamp], ["info", record!.timestamp]);
  assertMatch(outer.messages()[0]!, /^2 things: TypeError: no\n +at /);
  assertEquals(again!.properties.count, 2);
  assertMatch(again!.properties.error as string, /^TypeError: no\n/);
  assertEquals(portable({ ...again!, category: [] }), again);
});

Deno.test("without an access log nothing is written", async () => {
  const logs = openLogs(settings({}));
  logs.access.add(await endedSession(1), "8080");
  await logs.close();
});

Deno.test({
  name: "a change to a FIFO that nobody reads is made at once, and its lines wait for a reader",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const directory = await Deno.makeTempDir();
    const [file, fifo] = [`${directory}/file`, `${directory}/fifo`];
    await new Deno.Command("mkfifo", { args: [fifo] }).output();
    const logs = openLogs(settings({ accessLog: file, accessLogFormat: "{id}" }));
    logs.access.add(await endedSession(1), "8080");
    logs.apply(settings({ accessLog: fifo, accessLogFormat: "{id}" }));
    logs.access.add(await endedSession(2), "8080");
    logs.reopen();
    logs.access.add(await endedSession(3), "8080");
    // From the open on, which waits for the writer.
    const text = Deno.readTextFile(fifo);
    await logs.access.flush();
    await logs.close();
    assertEquals([await Deno.readTextFile(file), await text], ["1.1\n", "1.2\n1.3\n"]);
    assertEquals(logs.linesLost, { access: 0, log: 0 });
    await Deno.remove(directory, { recursive: true });
  },
});

Deno.test("what a syslog daemon does not get counts for the log that it is of", async () => {
  const directory = await Deno.makeTempDir();
  const logs = openLogs(settings({
    accessLog: "syslog",
    log: `syslog:unix:${directory}/nobody`,
    logLevel: "info",
  }));
  logs.log.info("one");
  for (const id of [1, 2, 3]) logs.access.add(await endedSession(id), "8080");
  await logs.close();
  assertEquals(logs.linesLost, { access: 3, log: 1 });
  await Deno.remove(directory);
});

Deno.test({
  ...unless("a file that was truncated, and is full again, has no torn line either", {
    "root mounts the disk": Deno.build.os !== "linux" || Deno.uid() !== 0,
  }),
  async fn() {
    const directory = await Deno.makeTempDir();
    const mount = new Deno.Command("mount", {
      args: ["-t", "tmpfs", "-o", "size=8k", "tmpfs", directory],
    });
    assertEquals((await mount.output()).code, 0);
    try {
      const path = `${directory}/log`;
      const long = "x".repeat(3000);
      const logs = openLogs(
        settings({ accessLog: path, accessLogFormat: `{id} ${long}`, logLevel: "error" }),
      );
      logs.access.add(await endedSession(1), "8080");
      await logs.flush();
      // As a rotation that copies and truncates does it.
      await Deno.truncate(path);
      for (const id of [2, 3, 4]) logs.access.add(await endedSession(id), "8080");
      await logs.close();
      assertEquals(await Deno.readTextFile(path), `1.2 ${long}\n1.3 ${long}\n`);
      assertEquals(logs.linesLost.access, 1);
    } finally {
      await new Deno.Command("umount", { args: [directory] }).output();
      await Deno.remove(directory);
    }
  },
});
