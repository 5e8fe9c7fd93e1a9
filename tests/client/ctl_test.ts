import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { DESTINATION_OPTION_FORMS } from "../../src/config/options/destination.ts";
import { ctl } from "../../src/client/ctl.ts";
import { COMMANDS } from "../../src/client/commands.ts";
import { paint } from "../../src/client/drawing.ts";
import { drawFrame } from "../../src/client/view.ts";
import { FatalError, UsageError } from "../../src/base/errors.ts";
import { FakeAdmin } from "../support/fake_admin.ts";
import { freePort, TestServer, until, writeAll } from "../support/servers.ts";
import {
  certificateOf,
  destinationOf,
  latenciesOf,
  listenerOf,
  statusOf,
} from "../support/statuses.ts";

/** Runs a command against the fake; what it printed. */
async function run(admin: { address: string }, ...args: string[]): Promise<string[]> {
  const lines: string[] = [];
  await ctl([admin.address, ...args], (line) => lines.push(line));
  return lines;
}

Deno.test("status is a table, in units for people", async () => {
  await using admin = new FakeAdmin();
  admin.status = statusOf({
    uptime_ms: 7_980_000,
    log_lines_lost: { access: 12, log: 1 },
    listeners: [
      listenerOf({
        accepted: 120,
        active: 12,
        waiting: 3,
        oldest_waiting_ms: 1234,
        bytes_up: 1536,
        bytes_down: 3 * 2 ** 30,
        ended: { done: 100, "client-gone": 5 },
        latencies: latenciesOf({
          queue: new Array(4).fill(10),
          session: new Array(100).fill(1000),
        }),
        destinations: [
          destinationOf({ active: 12, sessions: 112, bytes_up: 1023, bytes_down: 2 ** 20 }),
          destinationOf({
            id: "1.2",
            name: "10.0.0.7:9003",
            state: "down",
            failures: 7,
            weight: 0,
          }),
          destinationOf({
            id: "1.3",
            name: "unix:/b",
            backup: true,
            tier: 1,
            leaving: true,
            weight: 256,
          }),
          destinationOf({ id: "1.4", name: "9004", backup: true, tier: 12 }),
        ],
      }),
    ],
  });
  assertEquals(await run(admin, "status"), [
    "iawlb 0.1.0, pid 4242, running, up 2h 13m",
    "lines lost: 12 of the access log, 1 of the log",
    "",
    "Listener 1: 8080 ([::]:8080), running, balance fifo",
    "  120 accepted, 12 active, 3 of 1024 waiting, the oldest for 1.2 s",
    "  1.5 KiB up, 3.0 GiB down",
    "  ended: 100 done, 5 client-gone",
    "  queue p50 9.79 ms, p99 9.79 ms; session p50 995 ms, p99 995 ms",
    "",
    "  ID   DESTINATION                 STATE  ACTIVE  LIMIT  WEIGHT  SESSIONS  FAILURES      UP     DOWN",
    "  1.1  9001                        up         12     16       1       112         0  1023 B  1.0 MiB",
    "  1.2  10.0.0.7:9003               down        0     16       0         0         7     0 B      0 B",
    "  1.3  unix:/b (backup) (leaving)  up          0     16     256         0         0     0 B      0 B",
    "  1.4  9004 (backup 12)            up          0     16       1         0         0     0 B      0 B",
  ]);
});

Deno.test("status tells how many clients wait, where they are told apart", async () => {
  await using admin = new FakeAdmin();
  const waiting = { waiting: 45, waiting_clients: 7, oldest_waiting_ms: 1234 };
  admin.status = statusOf({ listeners: [listenerOf(waiting)] });
  const lines = await run(admin, "status");
  const expected = "  0 accepted, 0 active, 45 of 1024 waiting, of 7 clients, the oldest for 1.2 s";
  assertEquals(lines.filter((line) => line.includes("waiting")), [expected]);
});

Deno.test("status tells what became of datagrams, where there were some", async () => {
  await using admin = new FakeAdmin();
  const datagrams = { datagrams_up: 120, datagrams_down: 118, datagrams_dropped: 2 };
  admin.status = statusOf({ listeners: [listenerOf(datagrams), listenerOf({ id: 2 })] });
  const lines = await run(admin, "status");
  assertEquals(
    lines.filter((line) => line.includes("datagrams")),
    ["  datagrams: 120 up, 118 down, 2 dropped, 0 foreign, 0 unsent"],
  );
});

Deno.test("status tells of handshakes and certificates, where clients speak TLS", async () => {
  await using admin = new FakeAdmin();
  const [site, other] = [certificateOf(19.5), certificateOf(-1.5, "b.example")];
  const counts = { tls_handshakes: 1204, tls_pending: 3, ended: { "tls-failed": 2 } };
  admin.status = statusOf({
    listeners: [
      listenerOf({ ...counts, certificates: [site] }),
      listenerOf({ id: 2, certificates: [site, other] }),
      listenerOf({ id: 3 }),
    ],
  });
  const lines = await run(admin, "status");
  assertEquals(lines.filter((line) => line.includes("TLS")), [
    "  TLS: 1204 handshakes, 3 under way, 2 failed; certificate a.example ends in 19 days",
    "  TLS: 0 handshakes, 0 under way, 0 failed; " +
    "2 certificates, the first to end b.example ended 1 day ago",
  ]);
});

Deno.test("sessions have a column of certificates that clients have shown", async () => {
  await using admin = new FakeAdmin();
  const session = { id: "1.7", listener: "8080", client: "127.0.0.1:5000", destination: null };
  const more = { stage: "waiting", place: 1, age_ms: 90_000, bytes_up: 5, bytes_down: 0 };
  const answer = { sessions: [{ ...session, ...more, attempts: 0, tls_client: "CN=a" }], total: 1 };
  admin.answers.set("GET /sessions?limit=100", () => Response.json(answer));
  assertEquals((await run(admin, "sessions")).map((line) => line.slice(0, 41)), [
    "ID   CLIENT          TLS CLIENT  STAGE   ",
    "1.7  127.0.0.1:5000  CN=a        waiting ",
  ]);
});

Deno.test("status --json is the answer itself", async () => {
  await using admin = new FakeAdmin();
  const [line, ...more] = await run(admin, "status", "--json");
  assertEquals([JSON.parse(line!), more], [admin.status, []]);
});

Deno.test("sessions are listed, and how many there are beside them", async () => {
  await using admin = new FakeAdmin();
  const session = { id: "1.7", listener: "8080", client: "127.0.0.1:5000", destination: null };
  const more = { stage: "waiting", place: 1, age_ms: 90_000, bytes_up: 5, bytes_down: 0 };
  const answer = { sessions: [{ ...session, ...more, attempts: 0 }], total: 3 };
  admin.answers.set("GET /sessions?limit=100", () => Response.json({ sessions: [], total: 0 }));
  admin.answers.set("GET /sessions?limit=1", () => Response.json(answer));
  assertEquals(await run(admin, "sessions"), ["no sessions"]);
  assertEquals(await run(admin, "sessions", "--limit", "1"), [
    "ID   CLIENT          STAGE    PLACE  DESTINATION     AGE   UP  DOWN  ATTEMPTS  LISTENER",
    "1.7  127.0.0.1:5000  waiting      1  -            1m 30s  5 B   0 B         0  8080",
    "the 1 oldest of 3; --limit N shows more",
  ]);
  assertEquals(await run(admin, "sessions", "--limit=1", "--json"), [JSON.stringify(answer)]);
});

Deno.test("sessions of UDP have columns of their datagrams", async () => {
  await using admin = new FakeAdmin();
  const session = { listener: "8080", client: "127.0.0.1:5000", destination: null, place: null };
  const more = { stage: "relaying", age_ms: 90_000, bytes_up: 5, bytes_down: 0, attempts: 1 };
  const datagrams = { datagrams_up: 12, datagrams_down: 3 };
  const sessions = [{ ...session, id: "1.7", ...more, ...datagrams }, {
    ...session,
    id: "2.1",
    ...more,
  }];
  admin.answers.set("GET /sessions?limit=100", () => Response.json({ sessions, total: 2 }));
  const [head, ...rows] = await run(admin, "sessions");
  assertEquals(head!.replace(/^.* ATTEMPTS /, ""), " LISTENER  DGRAMS UP  DOWN");
  assertEquals(rows.map((line) => line.replace(/^.* 8080 +/, "")), ["12     3", "-     -"]);
});

for (const state of ["drain", "maint", "ready"] as const) {
  Deno.test(`${state} asks for that state of the destination that is meant`, async () => {
    await using admin = new FakeAdmin();
    const shown = state === "ready" ? "up" : state;
    const changed = destinationOf({ id: "1.2", name: "9002", state: shown, active: 3 });
    admin.answers.set("PATCH /destinations/1.2", () => Response.json(changed));
    assertEquals(await run(admin, state, "9002"), [`1.2 9002: ${shown}, 3 active`]);
    assertEquals(await run(admin, state, "1.2", "--json"), [JSON.stringify(changed)]);
    const { body, type } = admin.received[1]!;
    assertEquals([body, type], [{ state }, "application/json"]);
  });
}

Deno.test("drain --wait ends when the last session has, without asking again and again", async () => {
  await using admin = new FakeAdmin();
  const active = (number: number) =>
    destinationOf({ admin: "drain", state: "drain", active: number });
  const status = (number: number) =>
    statusOf({ listeners: [listenerOf({ destinations: [active(number)] })] });
  admin.status = status(2);
  admin.answers.set("PATCH /destinations/1.1", () => Response.json(active(2)));
  let done = false;
  const lines = run(admin, "drain", "9001", "--wait").finally(() => done = true);
  await until(() => admin.streams === 1, "it follows the events");
  admin.tell(status(1));
  // Time enough for it to end too early: another client asks over new connections meanwhile.
  for (let i = 0; i < 10; i++) await run(admin, "metrics").catch(() => {});
  assertEquals([done, admin.streams], [false, 1]);
  admin.tell(status(0));
  assertEquals(await lines, [
    "1.1 9001: drain, 2 active",
    "1.1 9001: drain, has finished its sessions",
  ]);
  assertEquals(
    admin.requests.filter((request) => request !== "GET /metrics"),
    ["GET /status", "PATCH /destinations/1.1", "GET /events"],
  );
  await until(() => admin.streams === 0, "it has let go of the events");
});

Deno.test("drain --wait fails if somebody makes the destination ready again", async () => {
  await using admin = new FakeAdmin();
  const status = (admin: "drain" | "ready") =>
    statusOf({ listeners: [listenerOf({ destinations: [destinationOf({ admin, active: 1 })] })] });
  admin.status = status("drain");
  admin.answers.set("PATCH /destinations/1.1", () => Response.json(destinationOf({ active: 1 })));
  const lines = run(admin, "drain", "9001", "--wait");
  await until(() => admin.streams === 1, "it follows the events");
  admin.tell(status("ready"));
  await assertRejects(() => lines, FatalError, "1.1 9001 was made ready again while 1 of its");
});

Deno.test("drain --wait fails if the program ends before", async () => {
  await using admin = new FakeAdmin();
  const busy = destinationOf({ admin: "drain", active: 1 });
  admin.status = statusOf({ listeners: [listenerOf({ destinations: [busy] })] });
  admin.answers.set("PATCH /destinations/1.1", () => Response.json(busy));
  const lines = run(admin, "drain", "9001", "--wait");
  await until(() => admin.streams === 1, "it follows the events");
  admin.endStreams();
  await assertRejects(() => lines, FatalError, "ended before 1.1 9001 had finished");
});

Deno.test("add sends the destination with its options", async () => {
  await using admin = new FakeAdmin();
  const added = destinationOf({ id: "1.3", name: "10.0.0.7:9003", limit: 4 });
  admin.answers.set("POST /destinations", () => Response.json(added, { status: 201 }));
  const text = "10.0.0.7:9003,workers=4,weight=2,backup";
  assertEquals(await run(admin, "add", text, "--listener", "8080"), [
    "1.3 10.0.0.7:9003: added, up, limit 4",
  ]);
  await run(admin, "add", "9003");
  assertEquals(admin.received.map(({ body }) => body), [
    { address: "10.0.0.7:9003", workers: 4, weight: 2, backup: true, listener: "8080" },
    { address: "9003" },
  ]);
});

Deno.test("remove --wait ends when the destination is forgotten", async () => {
  await using admin = new FakeAdmin();
  admin.answers.set("DELETE /destinations/1.2", () => Response.json({}, { status: 202 }));
  const lines = run(admin, "remove", "9002", "--wait");
  await until(() => admin.streams === 1, "it follows the events");
  admin.tell(statusOf({ listeners: [listenerOf({ destinations: [destinationOf({})] })] }));
  assertEquals(await lines, ["1.2 9002: removed, finishes 0 sessions", "1.2 9002: gone"]);
  assertEquals(
    await run(admin, "remove", "1.1").catch((error) => error.message),
    "DELETE " +
      "/destinations/1.1 is not there",
  );
});

Deno.test("set changes the tier of a backup, makes one of a primary, and takes that away", async () => {
  await using admin = new FakeAdmin();
  for (
    const [option, backup, shown] of [
      ["backup=2", 2, " backup=2"],
      ["backup", true, " backup=1"],
      ["backup=true", true, " backup=1"],
      ["backup=false", false, ""],
      ["backup=0", 0, ""],
    ] as const
  ) {
    const changed = destinationOf({ weight: 0, backup: Number(backup) > 0, tier: Number(backup) });
    admin.answers.set("PATCH /destinations/1.1", () => Response.json(changed));
    const lines = await run(admin, "set", "9001", option, "weight=0");
    assertEquals(lines, [`1.1 9001: workers=16 weight=0${shown}`]);
    assertEquals(admin.received.at(-1)!.body, { backup, weight: 0 });
  }
});

Deno.test("set says that workers are found, and why there are so many", async () => {
  await using admin = new FakeAdmin();
  const changed = destinationOf({ limit: 4, limit_reason: "start" });
  admin.answers.set("PATCH /destinations/1.1", () => Response.json(changed));
  assertEquals(await run(admin, "set", "9001", "workers=auto", "workers-max=64"), [
    "1.1 9001: workers=4 (auto: start) weight=1",
  ]);
  assertEquals(admin.received[1]!.body, { workers: "auto", workers_max: 64 });
});

Deno.test("set changes workers and weight", async () => {
  await using admin = new FakeAdmin();
  const changed = destinationOf({ limit: 8, weight: 3 });
  admin.answers.set("PATCH /destinations/1.1", () => Response.json(changed));
  assertEquals(await run(admin, "set", "9001", "workers=8", "weight=3"), [
    "1.1 9001: workers=8 weight=3",
  ]);
  assertEquals(admin.received[1]!.body, { workers: 8, weight: 3 });
});

Deno.test("end ends a session", async () => {
  await using admin = new FakeAdmin();
  admin.answers.set("DELETE /sessions/1.7", () => new Response(null, { status: 204 }));
  assertEquals(await run(admin, "end", "1.7"), ["1.7: ended"]);
  assertEquals(await run(admin, "end", "1.7", "--json"), []);
});

Deno.test("reload tells what is different", async () => {
  await using admin = new FakeAdmin();
  const answers = [
    { changes: ["added 9003"], needs_restart: ["threads"] },
    { changes: [], needs_restart: [] },
  ];
  admin.answers.set("POST /reload", () => Response.json(answers.shift()));
  assertEquals(await run(admin, "reload"), ["added 9003", "only after a restart: threads"]);
  assertEquals(await run(admin, "reload"), ["nothing is different"]);
  assertEquals(admin.received[0]!.type, "application/json");
});

Deno.test("reload shows every error of a configuration that is not allowed", async () => {
  await using admin = new FakeAdmin();
  const answer = { error: "a.toml:1: x (and 1 more)", errors: ["a.toml:1: x", "a.toml:2"] };
  admin.answers.set("POST /reload", () => Response.json(answer, { status: 422 }));
  const { message } = await assertRejects(() => run(admin, "reload"), FatalError);
  assertEquals(message, "a.toml:1: x\na.toml:2");
});

Deno.test("nothing that the program says steers the terminal", async () => {
  await using admin = new FakeAdmin();
  const name = "unix:/\x1b[2J\x9b31m";
  const state = "\x1b[31mup" as "up";
  const bad = destinationOf({ name, state });
  admin.status = statusOf({ listeners: [listenerOf({ name, destinations: [bad] })] });
  admin.answers.set("PATCH /destinations/1.1", () => Response.json(bad));
  admin.answers.set("POST /reload", () => Response.json({ changes: [name], needs_restart: [] }));
  admin.answers.set("GET /metrics", () => new Response(`a{b="${name}"} 1\nc 2\n`));
  assertEquals(await run(admin, "metrics"), ['a{b="unix:/?[2J?31m"} 1', "c 2"]);
  const { lines } = drawFrame(admin.status, undefined, {
    ...{ columns: 80, rows: Infinity, offset: 0, sort: "configured", paused: false },
  });
  const printed = [
    ...await run(admin, "status"),
    ...await run(admin, "status", "--json"),
    ...await run(admin, "drain", "1.1"),
    ...await run(admin, "reload"),
    ...lines.map((line) => paint(line, { colors: false })),
  ];
  // deno-lint-ignore no-control-regex -- exactly these must not be there
  for (const line of printed) assert(!/[\x00-\x1f\x7f-\x9f]/.test(line), JSON.stringify(line));
  const [json] = await run(admin, "status", "--json");
  assertEquals(JSON.parse(json!).listeners[0].name, name);
});

Deno.test("shutdown --wait ends when the program is gone", async () => {
  const admin = new FakeAdmin();
  admin.status = statusOf({ listeners: [listenerOf({ active: 2, waiting: 1, greeting: 3 })] });
  admin.answers.set("POST /drain", () => Response.json({}, { status: 202 }));
  const lines = run(admin, "shutdown", "--wait");
  await until(() => admin.streams === 1, "it follows the events");
  // The end of one stream is not the end of the program.
  admin.endStreams();
  await until(() => admin.streams === 1, "it follows the events again");
  await admin[Symbol.asyncDispose]();
  assertEquals(await lines, ["draining, finishes 6 sessions", "gone"]);
});

Deno.test("shutdown --wait does not wait for the program's successor", async () => {
  await using admin = new FakeAdmin();
  admin.answers.set("POST /drain", () => Response.json({}, { status: 202 }));
  const lines = run(admin, "shutdown", "--wait");
  await until(() => admin.streams === 1, "it follows the events");
  admin.tell(statusOf({ pid: 4243 }));
  assertEquals(await lines, ["draining, finishes 0 sessions", "gone"]);
});

Deno.test("metrics are passed on as they are", async () => {
  await using admin = new FakeAdmin();
  admin.answers.set("GET /metrics", () => new Response("# HELP a b\na 1\n"));
  assertEquals(await run(admin, "metrics"), ["# HELP a b", "a 1"]);
});

Deno.test("a destination is meant by id, name, or LISTENER/NAME", async () => {
  await using admin = new FakeAdmin();
  const second = listenerOf({
    id: 2,
    name: "unix:/run/a",
    destinations: [destinationOf({ id: "2.1" }), destinationOf({ id: "2.2", leaving: true })],
  });
  admin.status = statusOf({ listeners: [listenerOf({}), second] });
  for (const id of ["1.1", "1.2", "2.1"]) {
    const changed = destinationOf({ id });
    admin.answers.set(`PATCH /destinations/${id}`, () => Response.json(changed));
  }
  const meant = async (text: string) => (await run(admin, "drain", text))[0]!.split(" ")[0];
  assertEquals(await meant("2.1"), "2.1");
  assertEquals(await meant("9002"), "1.2");
  assertEquals(await meant("8080/9001"), "1.1");
  assertEquals(await meant("1/9001"), "1.1");
  assertEquals(await meant("unix:/run/a/9001"), "2.1");
  const fails = async (text: string) =>
    (await assertRejects(() => run(admin, "drain", text), FatalError)).message;
  assertEquals(
    await fails("9001"),
    '"9001" is more than one destination: give 1.1 (8080/9001) or 2.1 (unix:/run/a/9001)',
  );
  assertMatch(
    await fails("9009"),
    /^"9009": no such destination; there is 1\.1 \(8080\/9001\), .*/,
  );
});

Deno.test("every command works over a Unix-domain socket, events too", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await using admin = new FakeAdmin({ path: `${directory}/admin.sock` });
    admin.answers.set("POST /drain", () => Response.json({}, { status: 202 }));
    assertMatch((await run(admin, "status"))[0]!, /pid 4242/);
    const lines = run(admin, "shutdown", "--wait");
    await until(() => admin.streams === 1, "it follows the events");
    admin.tell(statusOf({ pid: 1 }));
    assertEquals((await lines).at(-1), "gone");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("an address may be a port of loopback, or IPv6", async () => {
  await using admin = new FakeAdmin();
  const port = admin.address.split(":")[1]!;
  assertMatch((await run({ address: port }, "status"))[0]!, /pid 4242/);
  await using six = new FakeAdmin({ hostname: "::1" });
  assertMatch((await run(six, "status"))[0]!, /pid 4242/);
});

Deno.test("the token of a file is sent, and a wrong or missing one is told", async () => {
  await using admin = new FakeAdmin();
  admin.token = "0123456789abcdef";
  const file = await Deno.makeTempFile();
  const fails = async (...args: string[]) =>
    (await assertRejects(() => run(admin, "status", ...args), FatalError)).message;
  try {
    await Deno.writeTextFile(file, "0123456789abcdef\n# the note of an operator\n");
    assertMatch((await run(admin, "status", "--token-file", file))[0]!, /pid 4242/);
    assertEquals(await fails(), `${admin.address} wants a token: give --token-file FILE`);
    await Deno.writeTextFile(file, "another9abcdef00");
    assertEquals(
      await fails("--token-file", file),
      `${admin.address} does not accept the token in ${file}`,
    );
    await Deno.writeTextFile(file, " \n");
    for (const [path, problem] of [[file, "must be a token"], ["/nowhere", "cannot be read"]]) {
      const args = [admin.address, "status", "--token-file", path!];
      const { message } = await assertRejects(() => ctl(args, () => {}), UsageError);
      assertStringIncludes(message, `--token-file "${path}": `);
      assertStringIncludes(message, problem!);
    }
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("what cannot be reached, or is something else, is told in one line", async () => {
  const fails = async (address: string) =>
    (await assertRejects(() => run({ address }, "status"), FatalError)).message;
  const port = freePort();
  assertEquals(
    await fails(`127.0.0.1:${port}`),
    `Cannot connect to 127.0.0.1:${port}: Connection refused; is iawlb running with --admin ` +
      `127.0.0.1:${port}?`,
  );
  assertMatch(await fails("unix:/nowhere/a"), /^Cannot connect to unix:\/nowhere\/a: No such file/);
  await using admin = new FakeAdmin();
  const foreign = `${admin.address} does not look like the --admin address of iawlb: `;
  admin.answers.set("GET /status", () => new Response("<html>"));
  assertEquals(await fails(admin.address), `${foreign}its answer to /status is not JSON`);
  admin.answers.set("GET /status", () => Response.json({ ok: true }));
  assertEquals(
    await fails(admin.address),
    `${foreign}its answer to /status is not what iawlb tells`,
  );
  admin.answers.set("GET /status", () => new Response("no", { status: 404 }));
  assertEquals(await fails(admin.address), `${foreign}it answered 404 to GET /status`);
  admin.answers.set("GET /status", () => Response.json({ error: "a\x1b[2Jb" }, { status: 403 }));
  assertEquals(await fails(admin.address), "a?[2Jb");
  await using hangsUp = new TestServer(async () => {});
  assertMatch(await fails(hangsUp.address), /^127\.0\.0\.1:\d+ did not answer to the end: [^\n]+$/);
  await using noHttp = new TestServer(async (conn) => {
    await writeAll(conn, new TextEncoder().encode("220 mail\r\n"));
    await conn.read(new Uint8Array(1000));
  });
  assertMatch(await fails(noHttp.address), /^127\.0\.0\.1:\d+ did not answer to the end: [^\n]+$/);
});

const BAD_USAGE: { args: string[]; message: string }[] = [
  { args: [], message: "ADDR is missing" },
  {
    args: ["srv:53"],
    message: 'ADDR "srv:53": must not begin with srv:, which is for destinations; ',
  },
  {
    args: ["9090", "add", "exec:53"],
    message: 'ADDRESS "exec:53": must name a program, not the number 53',
  },
  {
    args: ["stats"],
    message: '"stats": neither a command nor an ADDR; the nearest command is status',
  },
  {
    args: ["nonsense", "status"],
    message: 'ADDR "nonsense": has the port "nonsense", but ',
  },
  { args: ["http://localhost:9090", "status"], message: 'ADDR "http://localhost:9090": must be ' },
  { args: ["9090", "config", "a", "b"], message: '"b": one too many: iawlb ctl [ADDR] config ' },
  { args: ["9090", "names", "session"], message: "the nearest is sessions" },
  { args: ["9090", "status", "-f"], message: "--follow: not an option of status" },
  { args: ["9090"], message: "the command is missing: give one of status, sessions, drain" },
  { args: ["9090", "drian", "9001"], message: '"drian": no such command; the nearest is drain' },
  { args: ["9090", "toString"], message: '"toString": no such command' },
  {
    args: ["9090", "drain"],
    message: "drain needs DEST: iawlb ctl [ADDR] drain DEST ... [--wait]",
  },
  { args: ["9090", "add", "9001", "9002"], message: '"9002": one too many' },
  {
    args: ["9090", "status", "--wiat"],
    message: '"--wiat": no such option; the nearest is --wait',
  },
  { args: ["9090", "status", "-x"], message: '"-x": no such option' },
  { args: ["9090", "status", "--wait"], message: "--wait: not an option of status" },
  { args: ["9090", "ready", "a", "--wait"], message: "--wait: not an option of ready" },
  { args: ["9090", "metrics", "--json"], message: "--json: not an option of metrics" },
  { args: ["9090", "status", "--json=1"], message: "--json takes no value" },
  { args: ["9090", "status", "--token-file"], message: "--token-file has no value" },
  { args: ["9090", "sessions", "--limit", "0"], message: '--limit "0": must be a whole number' },
  { args: ["9090", "sessions", "--limit=10001"], message: "from 1 to 10000" },
  { args: ["9090", "set", "a"], message: "set needs OPTION" },
  { args: ["9090", "set", "a", "workers=0"], message: "workers must be a whole number" },
  {
    args: ["9090", "set", "a", "color=1"],
    message: '"color=1": must be workers=N|auto, workers-max=N',
  },
  { args: ["9090", "set", "a", "weight=1", "weight=2"], message: "weight is given twice" },
  { args: ["9090", "end", "7"], message: 'SESSION "7": must be an ID as sessions shows it' },
  { args: ["9090", "add", "nowhere"], message: 'ADDRESS "nowhere": has the port "nowhere", but ' },
  {
    args: ["9090", "add", "9001,fast"],
    message: `"fast": must be ${DESTINATION_OPTION_FORMS}`,
  },
];

for (const { args, message } of BAD_USAGE) {
  Deno.test(`"ctl ${args.join(" ")}" is bad usage, told in one line`, async () => {
    const error = await assertRejects(() => ctl(args, () => {}), UsageError);
    assertStringIncludes(error.message, message);
    assertEquals(error.message.split("\n").length, 1);
  });
}

Deno.test("--help has every command, in 80 columns", async () => {
  const lines: string[] = [];
  await ctl(["--help"], (line) => lines.push(...line.split("\n")));
  for (const name of Object.keys(COMMANDS)) {
    assertEquals(lines.filter((line) => line.startsWith(`  ${name}`)).length, 1, name);
  }
  assertEquals(lines.filter((line) => line.length > 80), []);
});

Deno.test("health is told by the exit status, and without a token", async () => {
  await using admin = new FakeAdmin();
  const answer = (status: string, code: number) => {
    admin.answers.set("GET /healthz", () => Response.json({ status }, { status: code }));
  };
  answer("ok", 200);
  assertEquals(await run(admin, "health"), ["ok"]);
  assertEquals(await run(admin, "health", "--json"), ['{"status":"ok"}']);
  answer("draining", 503);
  const health = () => run(admin, "health");
  await assertRejects(health, FatalError, `${admin.address}: draining`);
  answer("ok", 500);
  await assertRejects(health, FatalError, "it answered 500 to GET /healthz");
  admin.answers.set("GET /healthz", () => new Response("busy", { status: 503 }));
  await assertRejects(health, FatalError, "does not look like the --admin address of iawlb");
});
