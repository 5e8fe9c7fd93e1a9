import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { top } from "../../src/client/top.ts";
import { UsageError } from "../../src/base/errors.ts";
import { FakeAdmin } from "../support/fake_admin.ts";
import { type Result, runProgram } from "../support/program.ts";
import { freePort, until } from "../support/servers.ts";
import { listenerOf, statusOf } from "../support/statuses.ts";
import { noTerminal, PROGRAM, Terminal } from "../support/terminal.ts";

const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";

/** Starts `iawlb top` in a terminal; the shell tells its settings before and after. */
function start(...args: string[]): Terminal {
  const line = [...PROGRAM, "top", ...args].map((word) => `'${word}'`).join(" ");
  return new Terminal(
    `echo before=$(stty -g); sh -c 'echo pid=$$; exec "$@"' sh ${line}; ` +
      "echo status=$?; echo after=$(stty -g)",
  );
}

/** Waits for the end and looks whether the terminal is as it was. Returns the exit status. */
async function restored(terminal: Terminal): Promise<number> {
  await terminal.ended();
  const { output } = terminal;
  assert(output.indexOf(ENTER) < output.lastIndexOf(LEAVE), JSON.stringify(output));
  assertEquals(output.split(ENTER).length, 2);
  assertEquals(output.split(LEAVE).length, 2);
  assertEquals(/after=(\S+)/.exec(output)![1], /before=(\S+)/.exec(output)![1]);
  return Number(/status=(\d+)/.exec(output)![1]);
}

function terminalTest(name: string, run: () => Promise<void>): void {
  const ignore = noTerminal !== undefined;
  Deno.test({ name: ignore ? `${name} (skipped: ${noTerminal})` : name, ignore, fn: run });
}

terminalTest("top appears, follows the program, and q gives the terminal back", async () => {
  await using admin = new FakeAdmin();
  await using terminal = start(admin.address);
  await terminal.shows("q quit");
  assertStringIncludes(terminal.output, "waiting 0/1024");
  admin.tell(statusOf({ uptime_ms: 61_000, listeners: [listenerOf({ waiting: 7, accepted: 9 })] }));
  await terminal.shows("waiting 7/1024");
  await terminal.shows("9.0");
  await terminal.type("q");
  assertEquals(await restored(terminal), 0);
});

terminalTest("every other way out of top gives the terminal back as well", async () => {
  for (const way of ["Ctrl-C", "SIGTERM", "SIGINT", "SIGHUP"] as const) {
    await using admin = new FakeAdmin();
    await using terminal = start(admin.address);
    await terminal.shows("q quit");
    if (way === "Ctrl-C") await terminal.type("\x03");
    else Deno.kill(Number(/pid=(\d+)/.exec(terminal.output)![1]), way);
    assertEquals([way, await restored(terminal)], [way, 0]);
  }
});

terminalTest("top ends with the program: well after a drain, else with status 1", async () => {
  for (const state of ["running", "draining"] as const) {
    await using admin = new FakeAdmin();
    admin.status = statusOf({ state });
    await using terminal = start(admin.address);
    await terminal.shows("q quit");
    admin.endStreams();
    assertEquals(await restored(terminal), state === "draining" ? 0 : 1);
    const message = `iawlb: ${admin.address} has ended the connection`;
    assertEquals(terminal.output.includes(message), state === "running");
  }
});

terminalTest("a status that cannot be shown ends top and gives the terminal back", async () => {
  await using admin = new FakeAdmin();
  await using terminal = start(admin.address);
  await terminal.shows("q quit");
  admin.tell({ ...statusOf({}), listeners: [{}] } as never);
  assertEquals(await restored(terminal), 1);
});

terminalTest("top follows the size of the terminal", async () => {
  await using admin = new FakeAdmin();
  await using terminal = start(admin.address);
  await terminal.shows("q quit");
  assertStringIncludes(terminal.output, "BYTES/S");
  let fastest = Infinity;
  for (let rows = 10; rows < 20; rows++) {
    const before = terminal.output.length;
    const began = performance.now();
    await terminal.resize(40, rows);
    // One of the old size may have been on its way.
    await until(() => {
      const frames = terminal.since(before).split("\x1b[H");
      return frames.some((text) => {
        const whole = text.includes("q quit") && text.split("\r\n").length === rows;
        return whole && !text.includes("BYTES/S");
      });
    }, `it is drawn in ${rows} rows`);
    fastest = Math.min(fastest, performance.now() - began);
  }
  // It is told: drawing once a second alone would take that long each time.
  assert(fastest < 800, `${fastest} ms`);
  await terminal.type("q");
  assertEquals(await restored(terminal), 0);
});

terminalTest("keys scroll, change the order, and pause", async () => {
  await using admin = new FakeAdmin();
  const listeners = Array.from({ length: 9 }, (_, i) => listenerOf({ id: i, name: `${8081 + i}` }));
  admin.status = statusOf({ listeners });
  await using terminal = start(admin.address);
  await terminal.shows("0 above");
  await terminal.type("\x1b[B");
  await terminal.shows("1 above");
  await terminal.type("\x1b[6~");
  await terminal.shows("22 above");
  await terminal.type("\x1b[5~\x1b[A");
  await terminal.type("s");
  await terminal.shows("sort: load");
  await terminal.type(" ");
  await terminal.shows("paused");
  const before = terminal.output.length;
  admin.tell(statusOf({ pid: 777, uptime_ms: 61_000 }));
  // It is drawn again each second, and is still what it was.
  await until(() => terminal.since(before).split("q quit").length > 2, "it is drawn twice");
  assert(!terminal.since(before).includes("pid 777"));
  await terminal.type(" ");
  await terminal.shows("pid 777", before);
  await terminal.type("q");
  assertEquals(await restored(terminal), 0);
});

terminalTest("top says when there is no news", async () => {
  await using admin = new FakeAdmin();
  await using terminal = start(admin.address);
  await terminal.shows("no news for ");
  const before = terminal.output.length;
  admin.tell(statusOf({}));
  await until(() => {
    const frame = terminal.since(before).split("\x1b[H").at(-1)!;
    return frame.includes("q quit") && !frame.includes("no news");
  }, "it is drawn without that");
  await terminal.type("q");
  assertEquals(await restored(terminal), 0);
});

terminalTest("top leaves the terminal alone if there is nothing to show", async () => {
  await using terminal = start(String(freePort()));
  await terminal.ended();
  assert(!terminal.output.includes("\x1b["), terminal.output);
  assertMatch(terminal.output, /iawlb: Cannot connect to \d+: [^\n]+\r\nstatus=1\r\n/);
});

/** Runs `iawlb` with standard output in a pipe. */
async function piped(...args: string[]): Promise<Result> {
  return await runProgram(args);
}

Deno.test("top --once is one table without escape codes, with measured rates", async () => {
  await using admin = new FakeAdmin();
  const result = piped("top", admin.address, "--once");
  await until(() => admin.streams === 1, "it follows the events");
  // The rates of a tenth of a second would say little.
  admin.tell(statusOf({ uptime_ms: 60_100, listeners: [listenerOf({ accepted: 250 })] }));
  admin.tell(statusOf({ uptime_ms: 61_000, listeners: [listenerOf({ accepted: 250 })] }));
  const { code, stdout, stderr } = await result;
  assertEquals([code, stderr], [0, ""]);
  assertEquals(stdout.split("\n"), [
    "iawlb  running  up 1m 1s  rates of 1 s  pid 4242  0.1.0",
    "8080  running  [::]:8080  balance fifo",
    "  waiting 0/1024 ▕                            ▏",
    "  active 0  accepted/s 250  ended/s 0  up 0 B/s  down 0 B/s",
    "  queue p50 - p99 -  session p50 - p99 -",
    "  ID   DESTINATION  STATE  ACTIVE             SESS/S  FAIL     BYTES/S  SESSIONS",
    "  1.1  9001         up       0/16  ▕       ▏       0     0         0 B         0",
    "  1.2  9002         up       0/16  ▕       ▏       0     0         0 B         0",
    "",
  ]);
});

Deno.test("top --json is a status in each line, with --once the full one at once", async () => {
  await using admin = new FakeAdmin();
  const { code, stdout } = await piped("top", "--json", "--once", admin.address);
  assertEquals([code, stdout], [0, `${JSON.stringify(admin.status)}\n`]);
  assertEquals(admin.requests, ["GET /status"]);
  const result = piped("top", "--json", admin.address);
  await until(() => admin.streams === 1, "it follows the events");
  admin.tell(statusOf({ state: "draining" }));
  admin.endStreams();
  const lines = (await result).stdout.trimEnd().split("\n").map((line) => JSON.parse(line).state);
  assertEquals(lines, ["running", "draining"]);
  assertEquals((await result).code, 0);
});

Deno.test("top --json ends when nobody reads any more, and says so in a line", async () => {
  await using admin = new FakeAdmin();
  const child = new Deno.Command(PROGRAM[0]!, {
    args: [...PROGRAM.slice(1), "top", "--json", admin.address],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  await until(() => admin.streams === 1, "it follows the events");
  await child.stdout.cancel();
  admin.tell(statusOf({}));
  assertEquals(
    [(await child.status).code, await new Response(child.stderr).text()],
    [1, "iawlb: Cannot write to standard output: nobody reads it\n"],
  );
});

Deno.test("top without a terminal says what to do instead", async () => {
  const { code, stdout, stderr } = await piped("top", "9090");
  assertEquals([code, stdout], [2, ""]);
  assertEquals(stderr, "iawlb: standard output is not a terminal: give --once or --json\n");
});

Deno.test("ctl exits 2 on bad usage, 1 on a failure, 0 otherwise", async () => {
  await using admin = new FakeAdmin();
  const good = await piped("ctl", admin.address, "status", "--json");
  assertEquals([good.code, good.stderr], [0, ""]);
  const bad = await piped("ctl", admin.address, "statsu");
  assertEquals(bad, {
    code: 2,
    stdout: "",
    stderr: 'iawlb: "statsu": no such command; the nearest is status\n',
  });
  const failed = await piped("ctl", admin.address, "drain", "nobody");
  assertEquals([failed.code, failed.stdout], [1, ""]);
  assertMatch(failed.stderr, /^iawlb: "nobody": no such destination; [^\n]+\n$/);
});

const BAD_USAGE: { args: string[]; message: string }[] = [
  { args: [], message: "ADDR is missing: give the --admin address" },
  { args: ["x"], message: 'ADDR "x": has the port "x"' },
  { args: ["9090", "9091"], message: '"9091": top takes one address only' },
  { args: ["9090", "--onec"], message: '"--onec": no such option; the nearest is --once' },
];

for (const { args, message } of BAD_USAGE) {
  Deno.test(`"top ${args.join(" ")}" is bad usage`, async () => {
    const error = await assertRejects(() => top(args, () => true), UsageError);
    assertStringIncludes(error.message, message);
  });
}
