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
import { destinationOf, listenerOf, statusOf } from "../support/statuses.ts";
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

terminalTest(
  "top stays when the program ends, says how, and goes on when it is there again",
  async () => {
    const port = freePort();
    for (const state of ["running", "draining"] as const) {
      const first = new FakeAdmin({ port });
      first.status = statusOf({ state, listeners: [listenerOf({ waiting: 7 })] });
      await using terminal = start(first.address);
      await terminal.shows("q quit");
      let before = terminal.output.length;
      await first[Symbol.asyncDispose]();
      await terminal.shows(state === "draining" ? "ended as planned" : "disconnected", before);
      // What was seen last stays, and nothing is done to what is not there.
      await terminal.shows("waiting 7/1024", before);
      await terminal.shows("Cannot connect to ", before);
      before = terminal.output.length;
      await terminal.type("\x1b[Bd");
      await terminal.shows("\x1b[31mdisconnected", before);
      before = terminal.output.length;
      await using second = new FakeAdmin({ port });
      second.status = statusOf({ pid: 777 });
      await terminal.shows("pid 777", before);
      await until(() => {
        const frame = terminal.since(before).split("\x1b[H").at(-1)!;
        return frame.includes("pid 777") && !/disconnected|as planned/.test(frame);
      }, "it is as if nothing had been");
      await terminal.type("q");
      assertEquals(await restored(terminal), 0);
    }
  },
);

terminalTest("Ctrl-Z gives the terminal to the shell, and fg back to top", async () => {
  await using admin = new FakeAdmin();
  await using terminal = new Terminal("PS1='ready> ' bash --noprofile --norc -i");
  const line = [...PROGRAM, "top", admin.address].map((word) => `'${word}'`).join(" ");
  await terminal.shows("ready> ");
  for (let turn = 0; turn < 2; turn++) {
    let before = terminal.output.length;
    await terminal.type(turn === 0 ? `${line}\n` : "fg\n");
    await terminal.shows(ENTER, before);
    await terminal.shows("q quit", before);
    before = terminal.output.length;
    await terminal.type("\x1a");
    await terminal.shows("Stopped", before);
    assertStringIncludes(terminal.since(before), LEAVE);
    // What is typed is seen, and lines can be edited again.
    before = terminal.output.length;
    await terminal.type("stty -a | grep -o ' echo'; echo $((40 + 2))\n");
    await terminal.shows("\n42", before);
    assertStringIncludes(terminal.since(before), "\n echo");
  }
  const before = terminal.output.length;
  await terminal.type("fg\n");
  await terminal.shows("q quit", before);
  await terminal.type("q");
  await terminal.shows(LEAVE, before);
  // What is typed earlier, top may still read.
  await terminal.shows("ready> ", terminal.output.lastIndexOf(LEAVE));
  await terminal.type("exit\n");
  await terminal.ended();
});

terminalTest(
  "of a flood of keys only the end is drawn, and a signal is heard beside it",
  async () => {
    await using admin = new FakeAdmin();
    const destinations = Array.from({ length: 1000 }, (_, i) => {
      return destinationOf({ id: `1.${i + 1}`, name: `10.0.0.1:${9001 + i}` });
    });
    admin.status = statusOf({ listeners: [listenerOf({ destinations })] });
    await using terminal = start(admin.address);
    await terminal.shows("q quit");
    const before = terminal.output.length;
    await terminal.type("j".repeat(3000));
    await terminal.shows("> 1.1000", before);
    assert(terminal.since(before).split("\x1b[H").length < 300, "less than a picture for each key");
    Deno.kill(Number(/pid=(\d+)/.exec(terminal.output)![1]), "SIGTERM");
    assertEquals(await restored(terminal), 0);
  },
);

terminalTest("top asks again for nobody who may not, and for no other program", async () => {
  for (const failure of ["token", "foreign"] as const) {
    await using admin = new FakeAdmin();
    await using terminal = start(admin.address);
    await terminal.shows("q quit");
    if (failure === "token") admin.token = "secret";
    else admin.answers.set("GET /events", () => new Response("hello"));
    admin.endStreams();
    assertEquals(await restored(terminal), 1);
    const why = failure === "token" ? "wants a token" : "does not look like the --admin address";
    assertStringIncludes(terminal.output, why);
  }
});

terminalTest(
  "keys drain, bring back and take out what is chosen, once it was confirmed",
  async () => {
    await using admin = new FakeAdmin();
    const [up, drained] = [
      destinationOf({ id: "1.2", name: "9002", active: 3 }),
      destinationOf({ id: "1.2", name: "9002", state: "drain", admin: "drain", active: 3 }),
    ];
    const listeners = [listenerOf({ destinations: [destinationOf({}), up] })];
    admin.status = statusOf({ listeners });
    admin.answers.set("PATCH /destinations/1.2", () => Response.json(drained));
    await using terminal = start(admin.address);
    await terminal.shows("q quit");
    await terminal.type("d");
    await terminal.shows("choose a destination with ↑↓ first");
    await terminal.type("\x1b[B\x1b[B");
    await terminal.shows("> 1.2");
    // What comes with it in one read is no answer.
    await terminal.type("dy");
    await terminal.shows("drain 1.2 9002? y yes, n no");
    await terminal.shows("it finishes 3 sessions");
    let before = terminal.output.length;
    await terminal.type("n");
    await terminal.shows("q quit", before);
    await terminal.type("m");
    await terminal.shows("maint 1.2 9002? y yes, n no");
    before = terminal.output.length;
    await terminal.type("\x1b");
    await terminal.shows("q quit", before);
    assertEquals(admin.requests.filter((request) => request.startsWith("PATCH")), []);
    before = terminal.output.length;
    await terminal.type("d");
    await terminal.shows("drain 1.2 9002?", before);
    await terminal.type("y");
    await terminal.shows("1.2 9002: drain, 3 active");
    assertEquals(admin.received.find(({ body }) => body)!.body, { state: "drain" });
    admin.tell(
      statusOf({ listeners: [listenerOf({ destinations: [destinationOf({}), drained] })] }),
    );
    before = terminal.output.length;
    await terminal.type("\x1b[A");
    await terminal.shows("> 1.1", before);
    // Who is the last one says so.
    await terminal.type("m");
    await terminal.shows("nobody else serves 8080; it finishes 0 sessions");
    await terminal.type("n\x1b[B");
    await terminal.shows("> 1.2", before);
    before = terminal.output.length;
    const refusal = () => Response.json({ error: "a reader may change nothing" }, { status: 403 });
    admin.answers.set("PATCH /destinations/1.2", refusal);
    await terminal.type("r");
    await terminal.shows("ready 1.2 9002? y yes, n no", before);
    await terminal.type("y");
    await terminal.shows("a reader may change nothing", before);
    await terminal.type("q");
    assertEquals(await restored(terminal), 0);
  },
);

terminalTest(
  "sessions are listed only while they are looked at, and one can be ended",
  async () => {
    await using admin = new FakeAdmin();
    const session = (id: string) => ({
      ...{ id, listener: "8080", client: `192.0.2.7:${id}`, destination: "9001" },
      ...{ stage: "relaying", place: null, age_ms: 5000, bytes_up: 5, bytes_down: 0, attempts: 1 },
    });
    const path = "/sessions?limit=500";
    const list = (...ids: string[]) => () => {
      return Response.json({ sessions: ids.map(session), total: ids.length });
    };
    admin.answers.set(`GET ${path}`, list("1.7", "1.8"));
    admin.answers.set("DELETE /sessions/1.8", () => new Response(null, { status: 204 }));
    await using terminal = start(admin.address);
    await terminal.shows("q quit");
    admin.tell(statusOf({}));
    assert(!admin.requests.includes(`GET ${path}`));
    await terminal.type("\t");
    await terminal.shows("2 sessions");
    await terminal.type("\x1b[F");
    await terminal.shows("> 1.8");
    await terminal.type("x");
    await terminal.shows("end session 1.8? y yes, n no");
    await terminal.shows("of 192.0.2.7:1.8, relaying for 5.0 s");
    admin.answers.set(`GET ${path}`, list("1.7"));
    await terminal.type("y");
    await terminal.shows("session 1.8: ended");
    await terminal.shows("1 session");
    assert(admin.requests.includes("DELETE /sessions/1.8"));
    const before = terminal.output.length;
    await terminal.type("\t");
    await terminal.shows("waiting 0/1024", before);
    await terminal.type("q");
    assertEquals(await restored(terminal), 0);
  },
);

terminalTest("the latest minutes are there at first sight, in 80 and in 200 columns", async () => {
  await using admin = new FakeAdmin();
  const names = ["postgres-replica-01.example:5432", "postgres-replica-02.example:5432"];
  const destinations = names.map((name, i) => destinationOf({ id: `1.${i + 1}`, name }));
  admin.status = statusOf({ uptime_ms: 400_000, listeners: [listenerOf({ destinations })] });
  const values = Array.from({ length: 300 }, (_, i) => i % 60);
  const series = { waiting: values, ended_per_s: values, active: values, accepted_per_s: values };
  const past = { uptime_ms: 399_000, listeners: [{ id: 1, series }] };
  admin.answers.set("GET /history?span=5m", () => Response.json(past));
  for (const [columns, rows] of [[80, 24], [200, 50]] as const) {
    await using terminal = new Terminal(
      [...PROGRAM, "top", admin.address].map((word) => `'${word}'`).join(" "),
      { columns, rows },
    );
    await terminal.shows("max 59");
    await terminal.type("s");
    await terminal.shows("sort: load");
    const lines = terminal.output.split("\x1b[H").at(-1)!.split("\x1b[")
      .map((piece, i) => i === 0 ? piece : piece.replace(/^[\d;?]*[A-Za-z]/, "")).join("")
      .split(/\r+\n/);
    assertEquals(lines.length, rows);
    assert(lines.every((line) => [...line].length <= columns), lines.join("\n"));
    const trends = lines.find((line) => line.includes("max 59"))!;
    assertEquals(trends.match(/[▁▂▃▄▅▆▇█]{14,}/g)?.length, columns === 80 ? 2 : 4, trends);
    const shown = lines.filter((line) => /^ {2}1\.[12] {2}/.test(line));
    assertEquals(shown.map((line) => /^ {2}(1\.[12])/.exec(line)![1]), ["1.1", "1.2"]);
    const [first, second] = shown.map((line) => line.slice(7, 30));
    assert(first !== second, shown.join("\n"));
    await terminal.type("q");
    await terminal.ended();
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
  const listeners = Array.from({ length: 9 }, (_, i) => {
    const destinations = [destinationOf({ id: `${i + 1}.1` })];
    return listenerOf({ id: i + 1, name: `${8081 + i}`, destinations });
  });
  admin.status = statusOf({ listeners });
  await using terminal = start(admin.address);
  await terminal.shows("0 above");
  await terminal.type("\x1b[B");
  await terminal.shows("> 1.1");
  await terminal.type("\x1b[F");
  await terminal.shows("0 below");
  await terminal.type("\x1b[H\x1b[A");
  await until(
    () => terminal.output.split("\x1b[H").at(-1)!.includes("0 above"),
    "it is at the top",
  );
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
