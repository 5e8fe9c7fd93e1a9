import { assertEquals, assertRejects } from "@std/assert";
import { FatalError } from "../../src/base/errors.ts";
import { ctl } from "../../src/client/ctl.ts";
import { FakeAdmin } from "../support/fake_admin.ts";
import { runProgram } from "../support/program.ts";
import { freePort, until } from "../support/servers.ts";
import { destinationOf, listenerOf, statusOf } from "../support/statuses.ts";

const NAME = { id: "2.9", name: "pool", address: "dns:pool:53", admin: "ready" } as const;

/** Two listeners: web-1, web-2 and db, and one with a name of two records and a web-1 of its own. */
function farm(): FakeAdmin {
  const admin = new FakeAdmin();
  const one = (id: string, name: string, more = {}) => {
    const destination = destinationOf({ id, name, ...more });
    admin.answers.set(`PATCH /destinations/${id}`, () => Response.json(destination));
    return destination;
  };
  const record = { source: "pool" };
  admin.status = statusOf({
    listeners: [
      listenerOf({
        name: "front",
        destinations: [
          one("1.1", "web-1"),
          one("1.2", "web-2"),
          one("1.3", "db"),
          one("1.4", "web-0", { leaving: true }),
        ],
      }),
      listenerOf({
        id: 2,
        name: "back",
        names: [{ ...NAME, records: 2, failures: 0, last_error: "", age_ms: 0 }],
        destinations: [
          one("2.1", "web-1"),
          one("2.2", "pool@10.0.0.1:53", record),
          one("2.3", "pool@10.0.0.2:53", record),
        ],
      }),
    ],
  });
  one("2.9", "pool");
  return admin;
}

async function run(admin: FakeAdmin, ...args: string[]): Promise<string[]> {
  const lines: string[] = [];
  await ctl([admin.address, ...args], (line) => lines.push(line));
  return lines;
}

/** The IDs that a command has changed. */
async function changed(...texts: string[]): Promise<string[]> {
  await using admin = farm();
  await run(admin, "drain", ...texts);
  return admin.requests.filter((request) => request.startsWith("PATCH"))
    .map((request) => request.replace(/.*\//, ""));
}

Deno.test("several destinations, all of them, or those that a pattern fits are changed, each once", async () => {
  assertEquals(await changed("db", "1.1"), ["1.3", "1.1"]);
  assertEquals(await changed("web-*", "1.2"), ["1.1", "1.2", "2.1"]);
  assertEquals(await changed("front/web-?"), ["1.1", "1.2"]);
  assertEquals(await changed("2/*"), ["2.9", "2.1"]);
  assertEquals(await changed("pool@10.0.0.*"), ["2.2", "2.3"]);
  assertEquals(await changed("all"), ["2.9", "1.1", "1.2", "1.3", "2.1"].sort(byPlace));
});

/** A listener's names stand before its destinations. */
function byPlace(a: string, b: string): number {
  const rank = (id: string) => id.replace("2.9", "2.0");
  return rank(a).localeCompare(rank(b));
}

Deno.test("a text that means nothing, or too much, changes nothing of the others either", async () => {
  for (
    const [text, message] of [
      ["nope-*", '"nope-*": no destination is called so; there is 1.1 (front/web-1), 1.2'],
      ["web-1", '"web-1" is more than one destination: give 1.1 (front/web-1) or 2.1 (back/web-1)'],
    ] as const
  ) {
    await using admin = farm();
    const error = await assertRejects(() => run(admin, "drain", "db", text), FatalError);
    assertEquals(error.message.slice(0, message.length), message);
    assertEquals(admin.requests, ["GET /status"]);
  }
});

Deno.test("a destination that is called like a pattern is meant by it alone", async () => {
  await using admin = new FakeAdmin();
  const named = [
    destinationOf({ id: "1.1", name: "all" }),
    destinationOf({ id: "1.2", name: "exec:/bin/sh -c 'ls *'" }),
    destinationOf({ id: "1.3", name: "b" }),
  ];
  admin.status = statusOf({ listeners: [listenerOf({ destinations: named })] });
  for (const one of named) {
    admin.answers.set(`PATCH /destinations/${one.id}`, () => Response.json(one));
  }
  assertEquals(await run(admin, "drain", "all"), ["1.1 all: up, 0 active"]);
  const program = named[1]!.name;
  assertEquals(await run(admin, "drain", program), [`1.2 ${program}: up, 0 active`]);
});

Deno.test("what fails for one is said in the end, and done for the others", async () => {
  await using admin = farm();
  const refusal = () => Response.json({ error: "it is being removed" }, { status: 409 });
  admin.answers.set("PATCH /destinations/1.2", refusal);
  const lines: string[] = [];
  const error = await assertRejects(
    () => ctl([admin.address, "ready", "front/*"], (line) => lines.push(line)),
    FatalError,
  );
  assertEquals(error.message, "1.2 web-2: it is being removed");
  assertEquals(lines, ["1.1 web-1: up, 0 active", "1.3 db: up, 0 active"]);
});

Deno.test("set takes several destinations before its options, remove and end several as well", async () => {
  await using admin = farm();
  const lines = await run(admin, "set", "db", "1.2", "backup", "workers=4");
  assertEquals(lines, ["1.3 db: workers=16 weight=1", "1.2 web-2: workers=16 weight=1"]);
  const bodies = admin.received.slice(1).map(({ body }) => body);
  assertEquals(bodies, [{ backup: true, workers: 4 }, { backup: true, workers: 4 }]);
  for (const id of ["1.1", "2.1"]) {
    admin.answers.set(`DELETE /destinations/${id}`, () => Response.json({}, { status: 202 }));
    admin.answers.set(`DELETE /sessions/${id}`, () => new Response(null, { status: 204 }));
  }
  assertEquals(await run(admin, "remove", "1.1", "2.1"), [
    "1.1 web-1: removed, finishes 0 sessions",
    "2.1 web-1: removed, finishes 0 sessions",
  ]);
  assertEquals(await run(admin, "end", "1.1", "2.1"), ["1.1: ended", "2.1: ended"]);
});

Deno.test("names are those that commands take, and fit for the completion of a shell", async () => {
  await using admin = farm();
  assertEquals(await run(admin, "names"), [
    ...["front/web-1", "web-2", "db", "web-0", "pool", "back/web-1"],
    ...["pool@10.0.0.1:53", "pool@10.0.0.2:53"],
  ]);
  assertEquals(await run(admin, "names", "listeners"), ["front", "back"]);
  const session = { id: "1.7", listener: "front", client: "127.0.0.1:5000", destination: null };
  const more = { stage: "waiting", place: 1, age_ms: 90_000, bytes_up: 5, bytes_down: 0 };
  const answer = { sessions: [{ ...session, ...more, attempts: 0 }], total: 1 };
  admin.answers.set("GET /sessions?limit=200", () => Response.json(answer));
  assertEquals(await run(admin, "names", "sessions"), ["1.7"]);
});

Deno.test("logs tells what was logged, and with -f what comes, also when the program was gone", async () => {
  const port = freePort();
  const admin = new FakeAdmin({ port });
  admin.past = [
    { time: "2026-01-01T00:00:00.000Z", level: "info", message: "listening \x1b[31m" },
    { time: "2026-01-01T00:00:01.000Z", level: "warning", message: "9001 is down" },
  ];
  const lines = [
    "2026-01-01T00:00:00.000Z INFO    listening ?[31m",
    "2026-01-01T00:00:01.000Z WARNING 9001 is down",
  ];
  assertEquals(await run(admin, "logs"), lines);
  assertEquals((await run(admin, "logs", "--json")).map((line) => JSON.parse(line)), [
    ...admin.past,
  ]);
  const shown: string[] = [];
  const following = ctl([admin.address, "logs", "-f"], (line) => shown.push(line));
  await until(() => shown.length === 2, "the past is shown");
  admin.log({ time: "2026-01-01T00:00:02.000Z", level: "info", message: "9001 is up" });
  await until(() => shown.at(-1) === "2026-01-01T00:00:02.000Z INFO    9001 is up", "it follows");
  const up = { time: "2026-01-01T00:00:02.000Z", level: "info", message: "9001 is up" } as const;
  const late = { ...up, time: "2026-01-01T00:00:03.000Z", message: "logged while nobody heard" };
  admin.past = [...admin.past, up, late];
  admin.endStreams();
  await until(() => shown.length > 3, "it is there again");
  assertEquals(shown.slice(2), [
    "2026-01-01T00:00:02.000Z INFO    9001 is up",
    "2026-01-01T00:00:03.000Z INFO    logged while nobody heard",
  ]);
  await admin[Symbol.asyncDispose]();
  await using next = new FakeAdmin({ port });
  next.status = statusOf({ pid: 777 });
  next.past = [{ ...up, time: "2026-01-01T00:00:09.000Z", message: "started" }];
  await until(() => shown.at(-1)!.endsWith("started"), "the next one tells its own lines");
  assertEquals(shown.length, 5);
  // A wrong token does not become right by another attempt.
  next.token = "secret";
  next.endStreams();
  await assertRejects(() => following, FatalError, "wants a token");
  await assertRejects(() => run(next, "logs", "-f"), FatalError, "wants a token");
});

Deno.test("config shows what is in force, marks what was given, and picks a listener", async () => {
  await using admin = new FakeAdmin();
  const [given, usual] = [true, false].map((given) => (value: string) => ({ value, given }));
  const config = {
    file: "/etc/iawlb/iawlb.toml",
    settings: { admin: given!("9090"), threads: usual!("1") },
    listeners: [
      {
        ...{ id: 1, name: "front", listen: ["[::]:8080"] },
        options: { queue: usual!("1024"), "queue-timeout": given!("30s") },
        destinations: [{
          ...{ id: "1.1", name: "db", address: "10.0.0.7:9003" },
          options: { workers: given!("4"), weight: usual!("1") },
        }],
      },
      { id: 2, name: "back", listen: ["back"], options: {}, destinations: [] },
    ],
  };
  admin.answers.set("GET /config", () => Response.json(config));
  assertEquals(await run(admin, "config"), [
    "/etc/iawlb/iawlb.toml; * was given, the rest is as it is by default",
    ...["", "Program", "  * admin    9090", "    threads  1"],
    ...["", "Listener 1: front ([::]:8080)", "    queue          1024", "  * queue-timeout  30s"],
    ...["  Destination 1.1: db (10.0.0.7:9003)", "    * workers  4", "      weight   1"],
    ...["", "Listener 2: back"],
  ]);
  assertEquals((await run(admin, "config", "1", "--given")).slice(1), [
    ...["", "Listener 1: front ([::]:8080)", "  * queue-timeout  30s"],
    ...["  Destination 1.1: db (10.0.0.7:9003)", "    * workers  4"],
  ]);
  assertEquals(JSON.parse((await run(admin, "config", "--json"))[0]!), config);
  const message = '"frnt": no such listener; the nearest is front';
  await assertRejects(() => run(admin, "config", "frnt"), FatalError, message);
});

Deno.test("without ADDR it is what IAWLB_ADMIN says", async () => {
  await using admin = farm();
  const set = (address: string) => `export IAWLB_ADMIN='${address}'`;
  const ready = await runProgram(["ctl", "ready", "db"], set(admin.address));
  assertEquals([ready.code, ready.stdout], [0, "1.3 db: up, 0 active\n"]);
  const top = await runProgram(["top", "--once", "--json"], set(admin.address));
  assertEquals([top.code, JSON.parse(top.stdout).pid], [0, admin.status.pid]);
  const wrong = await runProgram(["ctl", "status"], set("http://[::1]:9"));
  assertEquals(wrong.code, 2);
  assertEquals(wrong.stderr.slice(0, 50), 'iawlb: IAWLB_ADMIN "http://[::1]:9": must be HOST:');
});
