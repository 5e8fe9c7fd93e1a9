import { assert, assertEquals, assertRejects } from "@std/assert";
import { parseCommand, parseServe } from "../../src/cli/command.ts";
import { UsageError } from "../../src/base/errors.ts";
import { TestFile } from "../support/config_file.ts";

const ignore = Deno.build.os === "windows";
const ADDRESSES = ["127.0.0.1:0", "127.0.0.1:9001"];

async function read(args: readonly string[], folder?: string) {
  const command = await parseCommand(args, { folder });
  assert(command.kind === "serve");
  return command;
}

async function problemOf(...args: string[]): Promise<string> {
  return (await assertRejects(() => parseCommand(args), UsageError)).message;
}

Deno.test("a daemon logs to syslog unless it is told otherwise", { ignore }, async () => {
  const { config: { settings, listeners } } = await read(["--daemon", ...ADDRESSES]);
  assertEquals([settings.log.kind, settings.accessLog], ["syslog", "syslog"]);
  assertEquals(listeners[0]!.accessLog, "syslog");
  const told = await read(["--daemon", "--access-log", "off", ...ADDRESSES]);
  assertEquals(told.config.settings.accessLog, "off");
  const plain = await read(["--daemon=false", ...ADDRESSES]);
  assertEquals([plain.config.settings.log.kind, plain.config.settings.accessLog], ["stderr", "on"]);
});

Deno.test("a daemon is refused logs on descriptors that it does not have", { ignore }, async () => {
  assertEquals(
    await problemOf("--daemon", "--log", "stderr", ...ADDRESSES),
    '--log "stderr": is /dev/null for a daemon; must be syslog or syslog:ADDRESS',
  );
  for (const name of ["on", "-", "/dev/stderr", "/proc/self/fd/1"]) {
    assertEquals(
      await problemOf("--daemon", "--access-log", name, ...ADDRESSES),
      `--access-log "${name}": is /dev/null for a daemon; must be off, syslog or the path of a file`,
    );
  }
});

Deno.test("a file says all of it, and where each comes from is shown", { ignore }, async () => {
  using file = new TestFile(
    'daemon = true\npid-file = "/run/a/a.pid"\nuser = "root"\ngroup = 0\numask = "027"\n' +
      'syslog-facility = "local3"\nlisten = "1"\ndestinations = ["2"]\n',
  );
  const wrong = await problemOf("--config", file.path);
  assert(wrong.includes(`${file.path}:4: group 0: is an integer; must be none, the name`), wrong);
  using fine = new TestFile((await Deno.readTextFile(file.path)).replace("= 0", '= "0"'));
  const { config: { settings } } = await read(["--config", fine.path]);
  assertEquals([settings.daemon, settings.pidFile, settings.umask], [true, "/run/a/a.pid", 0o27]);
  assertEquals([settings.user?.uid, settings.group?.gid], [0, 0]);
  const printed = await parseCommand(["--config", fine.path, "--print-config"]);
  assert(printed.kind === "print");
  for (
    const line of [
      `daemon = true  # ${fine.path}:1`,
      'log = "syslog"  # as a daemon',
      'access-log = "syslog"  # as a daemon',
      `user = "root"  # ${fine.path}:3`,
      `umask = "027"  # ${fine.path}:5`,
    ]
  ) assert(printed.text.split("\n").includes(line), `${line}\n${printed.text}`);
});

Deno.test("a user or group that this machine does not have is refused, and a number alone, too", async () => {
  assertEquals(
    await problemOf("--user", "no-such-user", ...ADDRESSES),
    '--user "no-such-user": this machine has no such user; must be one, or a number',
  );
  assertEquals(
    await problemOf("--group", "no-such-group", ...ADDRESSES),
    '--group "no-such-group": this machine has no such group; must be one, or a number',
  );
  assertEquals(
    await problemOf("--user", "4000000001", ...ADDRESSES),
    '--user "4000000001": is a number without a user, whose group nobody tells; must have group as well',
  );
  const { config: { settings } } = await read([
    ...["--user", "4000000001", "--group", "4000000002"],
    ...ADDRESSES,
  ]);
  assertEquals([settings.user?.uid, settings.group?.gid], [4000000001, 4000000002]);
});

Deno.test("relative paths are those of the folder in which a daemon was started", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/body`, "hello");
    await Deno.writeTextFile(`${folder}/sorry`, "busy");
    await Deno.writeTextFile(
      `${folder}/a.toml`,
      'access-log = "a.log"\nlisten = "1"\nreject-with = "sorry"\noverflow = "reject"\n' +
        'destinations = ["service:http,body=body"]\n' +
        'pid-file = "/run/a.pid"\n',
    );
    const args = ["--admin-token-file", "none", "--config", "a.toml"];
    const { config, load } = await read(args, folder);
    for (const { settings, listeners: [listener] } of [config, await load()]) {
      assertEquals(settings.accessLog, `${folder}/a.log`);
      assertEquals(settings.pidFile, "/run/a.pid");
      assertEquals(listener!.rejectWith.path, `${folder}/sorry`);
      assertEquals(listener!.texts.destinations, [`service:http,body=${folder}/body`]);
    }
    const flags = ["--access-log=b.log", "--reject-with", "sorry", "--overflow", "reject"];
    const typed = await read([...flags, "1", "service:http,body=body", "9001,name=a"], folder);
    const [listener] = typed.config.listeners;
    assertEquals(typed.config.settings.accessLog, `${folder}/b.log`);
    assertEquals(listener!.rejectWith.path, `${folder}/sorry`);
    assertEquals(listener!.texts.destinations, [
      `service:http,body=${folder}/body`,
      "9001,name=a",
    ]);
    const served = await parseServe(["http", "1", "--body", "body"], { folder });
    assert(served.kind === "serve");
    assertEquals(
      served.config.listeners[0]!.texts.destinations[0]!.split(",").sort()[0],
      `body=${folder}/body`,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a program with a relative path is that of the folder in which a daemon was started", async () => {
  const folder = await Deno.makeTempDir();
  const rest = '1 "a b" ./c,d';
  try {
    await Deno.writeTextFile(
      `${folder}/a.toml`,
      `listen = "1"\ndestinations = ['workers=2,exec:./x ${rest}', { exec = ["../y", "./z"] }, ` +
        `"exec:cat ./x", { address = "exec:bin/z ./x" }, "9001"]\n`,
    );
    const { config } = await read(["--config", "a.toml"], folder);
    assertEquals(config.listeners[0]!.texts.destinations, [
      `workers=2,exec:${folder}/x 1 'a b' ./c,d`,
      `exec:${folder.replace(/\/[^/]*$/, "")}/y ./z`,
      "exec:cat ./x",
      `exec:${folder}/bin/z ./x`,
      "9001",
    ]);
    const typed = await read(["1", "name=a,exec:./x 'a b'", "exec:cat", "9001"], folder);
    assertEquals(typed.config.listeners[0]!.texts.destinations, [
      `name=a,exec:${folder}/x 'a b'`,
      "exec:cat",
      "9001",
    ]);
    await assertRejects(() => read(["1", "exec:'./x"], folder), UsageError, "exec:'./x");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the demo does not go into the background", async () => {
  assertEquals(
    await problemOf("--demo", "--daemon"),
    "--daemon: --demo is to be looked at; must be without",
  );
});
