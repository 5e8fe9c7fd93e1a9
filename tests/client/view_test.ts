import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { apart } from "../../src/client/columns.ts";
import { bar, flow, paint, spark, widthOf } from "../../src/client/drawing.ts";
import { readEvents } from "../../src/client/event_stream.ts";
import { formatBytes, formatRate, formatSpan } from "../../src/client/format.ts";
import { readKeys } from "../../src/client/keys.ts";
import { History, rates } from "../../src/client/rates.ts";
import { stepsWithin } from "../../src/client/trend_lines.ts";
import { Trends } from "../../src/client/trends.ts";
import { drawFrame, type ViewOptions } from "../../src/client/view.ts";
import type { SessionInfo, Status } from "../../src/operations/operations.ts";
import {
  certificateOf,
  destinationOf,
  latenciesOf,
  listenerOf,
  statusOf,
} from "../support/statuses.ts";

/** A program that has been busy for so many seconds. */
function busy(seconds: number): Status {
  return statusOf({
    uptime_ms: 60_000 + seconds * 1000,
    listeners: [
      listenerOf({
        accepted: 120 * seconds,
        active: 13,
        waiting: 45,
        queue: 64,
        oldest_waiting_ms: 1234,
        bytes_up: 1536 * seconds,
        bytes_down: 3 * 2 ** 20 * seconds,
        ended: { done: 100 * seconds, "client-gone": 18 * seconds },
        latencies: latenciesOf({
          queue: new Array(20 * seconds).fill(10),
          session: new Array(20 * seconds).fill(1000),
        }),
        destinations: [
          destinationOf({ active: 12, sessions: 22 * seconds, bytes_up: 1024 * seconds }),
          destinationOf({ id: "1.2", name: "10.0.0.7:9003", limit: 4, active: 1, state: "down" }),
          destinationOf({
            id: "1.3",
            name: "database-replica.internal.example.com:9003",
            backup: true,
            tier: 2,
            weight: 0,
            state: "drain",
            failures: seconds,
            sessions: 50 * seconds,
          }),
        ],
      }),
    ],
  });
}

const FORESEEN = {
  ...{ expected_wait_ms: 2500, clears_in_ms: null, load: 1.5, gave_up_per_s: 12 },
  ...{ offered_per_s: 150, capacity_per_s: 100, turned_away_per_s: 20 },
};

Deno.test("an overload is said, with the patience that clients have shown", () => {
  const now = busy(10);
  const shown = (more: { overloaded: number; patience_ms: number }) => {
    const [listener] = now.listeners;
    const lines = draw({}, {
      ...now,
      listeners: [{ ...listener!, ...more, forecast: { ...FORESEEN, clears_in_ms: 0 } }],
    });
    return lines.join("\n");
  };
  assertStringIncludes(shown({ overloaded: 1, patience_ms: 980 }), "  overloaded, patience 980 ms");
  assertStringIncludes(shown({ overloaded: 1, patience_ms: 0 }), "  overloaded, patience ?");
  assert(!shown({ overloaded: 0, patience_ms: 980 }).includes("overloaded"));
});

Deno.test("what is foreseen has a line of its own, where something is", () => {
  const now = busy(10);
  const [listener] = now.listeners;
  const shown = draw({}, { ...now, listeners: [{ ...listener!, forecast: FORESEEN }] });
  const line = "  load 150%  expected wait 2.5 s  queue gets no shorter  gave up/s 12.0";
  assert(shown.includes(line), shown.join("\n"));
  assert(shown.includes("  turned away/s 20.0"), shown.join("\n"));
  const { forecast: _, ...earlier } = listener!;
  const older = { ...now, listeners: [earlier as typeof listener & object] };
  assertEquals(draw({}, older).filter((text) => text.includes("load")), []);
});

Deno.test("datagrams have a line of their own, where there were some: rates, and losses so far", () => {
  const udp = (seconds: number) => {
    const [listener] = busy(seconds).listeners;
    const datagrams = { datagrams_up: 120 * seconds, datagrams_down: 60 * seconds };
    const lost = { datagrams_dropped: 7, datagrams_unsent: 1 };
    return { ...busy(seconds), listeners: [{ ...listener!, ...datagrams, ...lost }] };
  };
  const line = "  datagrams/s up 120  down 60.0  dropped 7  unsent 1";
  assert(draw({}, udp(10), udp(5)).includes(line), draw({}, udp(10), udp(5)).join("\n"));
  assertEquals(draw({}, busy(10), busy(5)).filter((text) => text.includes("datagrams")), []);
});

Deno.test("TLS has a line of its own, where clients speak it, and says which certificate ends", () => {
  const tls = (seconds: number, days: number) => {
    const [listener] = busy(seconds).listeners;
    const counts = { tls_handshakes: 90 * seconds, tls_pending: 3, ended: { "tls-failed": 2 } };
    return {
      ...busy(seconds),
      listeners: [{ ...listener!, ...counts, certificates: [certificateOf(days)] }],
    };
  };
  const line =
    "  TLS handshakes/s 90.0  under way 3  failed 2  certificate a.example ends in 5 days";
  const shown = draw({ columns: 100 }, tls(10, 5), tls(5, 5));
  assert(shown.includes(line), shown.join("\n"));
  const { lines } = drawFrame(tls(10, -5), undefined, {
    ...{ columns: 100, rows: 24, offset: 0, sort: "configured", paused: false },
  });
  const ended = lines.flat().find(({ text }) => text.includes("ended 5 days ago"));
  assertEquals(ended?.style, "red");
  assertEquals(draw({}, busy(10), busy(5)).filter((text) => text.includes("TLS")), []);
});

function draw(different: Partial<ViewOptions>, now = busy(10), before?: Status): string[] {
  const options = { columns: 80, rows: 24, offset: 0, sort: "configured", paused: false } as const;
  const { lines } = drawFrame(now, before, { ...options, ...different });
  return lines.map((line) => paint(line, { colors: false }));
}

Deno.test("a program is told apart by its name, not by its options or its folder", () => {
  const now = busy(10);
  const [listener] = now.listeners;
  const names = [
    "user=nobody,workers=4,exec:/usr/bin/git daemon --inetd --export-all --base-path=/srv/git",
    "exec:/usr/sbin/sshd -i",
    "exec:'/opt/a b/c' --with-an-argument-that-is-long",
  ];
  const destinations = listener!.destinations.map((one, i) => ({ ...one, name: names[i]! }));
  const shown = draw({}, { ...now, listeners: [{ ...listener!, destinations }] }).join("\n");
  assertStringIncludes(shown, "  1.1  exec:git da~h=/srv/git  up ");
  assertStringIncludes(shown, "  1.2  exec:/usr/sbin/sshd -i  down ");
  assertStringIncludes(shown, "  1.3  exec:~-long (backup 2)  drain ");
});

Deno.test("a frame in 40 columns keeps what matters most", () => {
  assertEquals(draw({ columns: 40, rows: 14 }, busy(10), busy(5)), [
    "iawlb  running  up 1m 10s  rates of 5 s",
    "8080  running  [::]:8080  balance fifo",
    "  waiting 45/64 ▕███████████████▌      ▏",
    "  oldest 1.2 s",
    "  active 13  accepted/s 120  ended/s 118",
    "  up 1.5 KiB/s  down 3.0 MiB/s",
    "  queue p50 9.79 ms p99 9.79 ms",
    "  session p50 995 ms p99 995 ms",
    "  ID   DESTINATION   STATE  ACTIVE  FAIL",
    "  1.1  9001          up      12/16     0",
    "  1.2  10.0.0~:9003  down      1/4     0",
    "  1.3  databa~:9003  drain    0/16    10",
    "",
    "q quit  ↑↓ choose  d drain  r ready",
  ]);
});

Deno.test("a frame in 80 columns has bars and rates", () => {
  assertEquals(draw({ rows: 12 }, busy(10), busy(5)), [
    "iawlb  running  up 1m 10s  rates of 5 s  pid 4242  0.1.0",
    "8080  running  [::]:8080  balance fifo",
    "  waiting 45/64 ▕███████████████████▊        ▏  oldest 1.2 s",
    "  active 13  accepted/s 120  ended/s 118  up 1.5 KiB/s  down 3.0 MiB/s",
    "  queue p50 9.79 ms p99 9.79 ms  session p50 995 ms p99 995 ms",
    "  ID   DESTINATION             STATE  ACTIVE            SESS/S  FAIL     BYTES/S",
    "  1.1  9001                    up      12/16  ▕████▌ ▏    22.0     0     1.0 KiB",
    "  1.2  10.0.0.7:9003           down      1/4  ▕█▌    ▏       0     0         0 B",
    "  1.3  datab~:9003 (backup 2)  drain    0/16  ▕      ▏    50.0    10         0 B",
    "",
    "",
    "q quit  ↑↓ choose  d drain  r ready  m maint  tab sessions  s sort  space pause",
  ]);
});

Deno.test("a frame in 200 columns has everything", () => {
  const lines = draw({ columns: 200, rows: Infinity }, busy(10), busy(5));
  assertEquals(lines.slice(5), [
    "  ID   DESTINATION                                            STATE  ACTIVE                                  SESS/S  FAIL     BYTES/S  SESSIONS  WEIGHT",
    "  1.1  9001                                                   up      12/16  ▕█████████████████████       ▏    22.0     0     1.0 KiB       220       1",
    "  1.2  10.0.0.7:9003                                          down      1/4  ▕███████                     ▏       0     0         0 B         0       1",
    "  1.3  database-replica.internal.example.com:9003 (backup 2)  drain    0/16  ▕                            ▏    50.0    10         0 B       500       0",
  ]);
});

Deno.test("the row that is chosen has a mark, and is scrolled to with what stands around it", () => {
  const options = { columns: 80, rows: 6, sort: "configured", paused: false } as const;
  const shown = (chosen: string, offset = 0) => {
    const frame = drawFrame(busy(10), undefined, { ...options, offset, chosen });
    const lines = frame.lines.map((line) => paint(line, { colors: false }));
    return { ...frame, marked: lines.filter((line) => line.startsWith("> ")), lines };
  };
  const first = shown("1.1");
  assertEquals(first.ids, ["1.1", "1.2", "1.3"]);
  assertEquals([first.offset, first.marked.map((line) => line.slice(0, 12))], [2, [
    "> 1.1  9001 ",
  ]]);
  const last = shown("1.3", first.offset);
  assertEquals([last.offset, last.marked.length], [4, 1]);
  // Nothing is chosen that is not there.
  assertEquals(shown("1.9").marked, []);
});

Deno.test("sessions are a table that fits, and keep the ID in every width", () => {
  const session = {
    ...{ id: "1.17", listener: "8080", client: "192.0.2.7:50001", peer: "192.0.2.7:50001" },
    ...{ server_name: null, destination: "10.0.0.7:9003", stage: "waiting", place: 3 },
    ...{ age_ms: 61_000, bytes_up: 1024, bytes_down: 0, attempts: 0 },
  };
  const sessions = { sessions: [session as SessionInfo], total: 812 };
  assertEquals(draw({ rows: 5, sessions, chosen: "1.17" }).slice(1), [
    "812 sessions, the 1 oldest",
    "  ID    CLIENT           STAGE     PLACE  DESTINATION        AGE       UP   DOWN",
    "> 1.17  192.0.2.7:50001  waiting       3  10.0.0.7:9003    1m 1s  1.0 KiB    0 B",
    "q quit  ↑↓ choose  x end  tab destinations  space pause",
  ]);
  for (const columns of [20, 30, 40, 60, 120]) {
    const line = draw({ rows: 5, columns, sessions })[3]!;
    assert(line.includes("1.17"), line);
  }
  assertEquals(draw({ rows: 3, sessions: "none yet" })[1], "sessions …");
  assertEquals(draw({ rows: 3, sessions: { sessions: [], total: 0 } })[1], "no sessions");
});

Deno.test("names are made shorter so that they stay apart, wherever they differ", () => {
  const cut = (length: number, ...names: string[]) => {
    return names.map((name) => apart(names)(name, length));
  };
  assertEquals(cut(10, "db", "10.0.0.7:9003"), ["db", "10.0.~9003"]);
  // At their ends, at their beginnings, and somewhere in the middle.
  assertEquals(cut(12, "replica.example:9001", "replica.example:9002"), [
    ...["replic~:9001", "replic~:9002"],
  ]);
  assertEquals(cut(12, "db-1.internal.example:5432", "db-2.internal.example:5432"), [
    ...["db-1.i~:5432", "db-2.i~:5432"],
  ]);
  const [first, second] = cut(
    16,
    "postgres-replica-01.internal.example.com:5432",
    "postgres-replica-02.internal.example.com:5432",
  );
  assertEquals([first, second], ["~a-01.in~om:5432", "~a-02.in~om:5432"]);
  assertEquals(cut(14, "x-of-the-first-server-a:1", "x-of-the-first-server-b:1"), [
    ...["x-of-th~er-a:1", "x-of-th~er-b:1"],
  ]);
});

Deno.test("a trend is filled by what the program remembers and goes on by itself", () => {
  const trends = new Trends();
  const look = (second: number, waiting: number, accepted: number, pid = 1) => {
    const destinations = [destinationOf({ sessions: accepted })];
    const listeners = [listenerOf({ waiting, accepted, destinations })];
    return statusOf({ pid, uptime_ms: second * 1000, listeners });
  };
  const steps = { columns: 6, per: 1 };
  trends.add(look(100, 4, 10));
  assertEquals(trends.listener(1, "waiting", steps), [null, null, null, null, null, 4]);
  trends.fill({
    uptime_ms: 100_200,
    listeners: [{
      id: 1,
      series: { waiting: [1, null, 3, 9], accepted_per_s: [5, 6, 7, 8] },
      destinations: [{ id: "1.1", series: { sessions_per_s: [2, 2, 2, 2] } }],
    }],
  });
  // What was seen stays.
  assertEquals(trends.listener(1, "waiting", steps), [null, null, 1, null, 3, 4]);
  trends.add(look(102, 0, 30));
  assertEquals(trends.listener(1, "waiting", steps), [1, null, 3, 4, null, 0]);
  assertEquals(trends.listener(1, "accepted/s", steps), [5, 6, 7, 8, null, 10]);
  assertEquals(trends.destination("1.1", { columns: 2, per: 3 }), [2, 10]);
  trends.add(look(1, 7, 0, 2));
  assertEquals(trends.listener(1, "waiting", { columns: 2, per: 1 }), [null, 7]);
});

Deno.test("a picture of a trend shows what is unknown, nothing, little and the most", () => {
  assertEquals(spark([null, 0, 0.001, 4, 8, 2]), " ▁▂▅█▃");
  assertEquals(spark([0, 0]), "▁▁");
  assertEquals(stepsWithin(9), undefined);
  assertEquals([10, 13, 29, 49, 50, 70, 150].map((columns) => stepsWithin(columns)), [
    { columns: 10, per: 6 },
    { columns: 12, per: 5 },
    { columns: 20, per: 3 },
    { columns: 30, per: 2 },
    { columns: 50, per: 6 },
    { columns: 60, per: 5 },
    { columns: 150, per: 2 },
  ]);
});

Deno.test("every listener has its trends, as many as there is room for", () => {
  const trends = new Trends();
  trends.add(statusOf({}));
  trends.fill({
    uptime_ms: 59_000,
    listeners: [{ id: 1, series: { waiting: [0, 45], ended_per_s: [120, 60.5] } }],
  });
  const line = (columns: number) => draw({ columns, trends }, statusOf({}))[5]!;
  assertEquals(
    line(80).replace(/ +(?=[█▁])/g, " "),
    "  60 s  waiting █▁ max 45    ended/s █  max 120 ",
  );
  for (const columns of [40, 80, 100, 120, 160, 200, 300]) {
    assert(
      draw({ columns, trends, rows: 30 }, statusOf({})).every((line) => line.length <= columns),
    );
  }
  assertEquals(line(200).match(/\w+(\/s)? [ █▁]+ max/g)?.length, 4);
  assert(draw({ columns: 100, trends }, statusOf({}))[6]!.includes("LAST 60 S"));
});

Deno.test("how many clients wait is beside how many sessions do, where clients are told apart", () => {
  const now = statusOf({ listeners: [listenerOf({ waiting: 45, waiting_clients: 7 })] });
  const line = draw({}, now).find((line) => line.includes("waiting 45/1024"))!;
  assertEquals(line.replace(/^.*▏/, ""), "  clients 7  oldest 0 s");
});

Deno.test("what servers say has a column as soon as one has said something", () => {
  const [first, second] = [
    destinationOf({ agent: "75% maxconn:3 drain", weight: 0.75, limit: 3, state: "drain" }),
    destinationOf({ id: "1.2", name: "9002" }),
  ];
  const now = statusOf({ listeners: [listenerOf({ destinations: [first, second] })] });
  const ends = draw({ columns: 200, rows: Infinity }, now).slice(-3);
  assertEquals(ends.map((line) => line.slice(-37).trim()), [
    "SESSIONS  WEIGHT  AGENT",
    "0    0.75  75% maxconn:3 drain",
    "0       1  -",
  ]);
});

Deno.test("without an earlier look there are no rates, and none are made up", () => {
  const lines = draw({ rows: Infinity });
  assertEquals(lines[0], "iawlb  running  up 1m 10s  rates follow  pid 4242  0.1.0");
  assertEquals(lines[3], "  active 13  accepted/s -  ended/s -  up -  down -");
  assertEquals(lines[4], "  queue p50 - p99 -  session p50 - p99 -");
});

Deno.test("lines that the logs have lost are in the title", () => {
  const [title] = draw({ rows: 12 }, { ...busy(10), log_lines_lost: { access: 11, log: 1 } });
  assertEquals(
    title,
    "iawlb  running  12 log lines lost  up 1m 10s  rates follow  pid 4242  0.1.0",
  );
});

Deno.test("no frame is wider or higher than the terminal", () => {
  for (const columns of [1, 2, 10, 20, 39, 40, 41, 79, 80, 81, 120, 200]) {
    for (const rows of [1, 2, 3, 10, 24, 60]) {
      const options = { columns, rows, offset: 0, sort: "load", paused: true } as const;
      const { lines } = drawFrame(busy(10), busy(5), { ...options, warning: "no news for 3 s" });
      assertEquals(lines.length, rows);
      assert(lines.every((line) => widthOf(line) <= columns), `${columns} x ${rows}`);
    }
  }
});

Deno.test("colours change nothing but the colours", () => {
  const { lines } = drawFrame(busy(10), busy(5), {
    columns: 80,
    rows: 24,
    offset: 0,
    sort: "configured",
    paused: true,
  });
  const colored = lines.map((line) => paint(line, { colors: true }));
  const pieces = colored.map((line) => line.split("\x1b["));
  const text = pieces.map(([first, ...rest]) => {
    return first + rest.map((piece) => piece.replace(/^\d+m/, "")).join("");
  });
  assertEquals(text, lines.map((line) => paint(line, { colors: false })));
  assert(colored.join("").includes("\x1b[31mdown \x1b[0m"));
});

Deno.test("the middle scrolls as far as there is something, the first and last line stay", () => {
  const options = { columns: 80, rows: 6, sort: "configured", paused: false } as const;
  const frame = drawFrame(busy(10), undefined, { ...options, offset: 2 });
  const lines = frame.lines.map((line) => paint(line, { colors: false }));
  assertEquals(frame.offset, 2);
  assertEquals(lines[1], "  active 13  accepted/s -  ended/s -  up -  down -");
  assertEquals(
    lines[5],
    "q quit  2 above, 2 below  ↑↓ choose  d drain  r ready  m maint  tab sessions",
  );
  assertEquals(drawFrame(busy(10), undefined, { ...options, offset: 1e9 }).offset, 4);
  assertEquals(drawFrame(busy(10), undefined, { ...options, rows: 60, offset: 5 }).offset, 0);
});

Deno.test("destinations are sorted by what the operator looks for", () => {
  const order = (sort: ViewOptions["sort"]) => {
    const lines = draw({ columns: 200, rows: Infinity, sort }, busy(10), busy(5));
    return lines.slice(6).map((line) => line.slice(2, 5));
  };
  assertEquals(order("configured"), ["1.1", "1.2", "1.3"]);
  assertEquals(order("load"), ["1.1", "1.2", "1.3"]);
  assertEquals(order("sessions/s"), ["1.3", "1.1", "1.2"]);
  assertEquals(order("bytes/s"), ["1.1", "1.2", "1.3"]);
  assertEquals(order("failures"), ["1.3", "1.1", "1.2"]);
});

Deno.test("a name cannot steer the terminal", () => {
  const name = "unix:/a\x1b[2J\u{1f600}";
  const listeners = [listenerOf({ name, destinations: [destinationOf({ name })] })];
  const text = draw({ rows: Infinity }, statusOf({ listeners })).join("\n");
  assertEquals(text.split("unix:/a?[2J?").length, 3);
  assert(!text.includes("\x1b"));
});

Deno.test("a bar is filled to an eighth of a column, and shows the nearly empty and nearly full", () => {
  assertEquals(bar(0, 6), "▕    ▏");
  assertEquals(bar(0.5, 6), "▕██  ▏");
  assertEquals(bar(0.6, 6), "▕██▍ ▏");
  assertEquals(bar(1, 6), "▕████▏");
  assertEquals(bar(7, 6), "▕████▏");
  assertEquals(bar(0.000001, 6), "▕▏   ▏");
  assertEquals(bar(0.999999, 6), "▕███▉▏");
  assertEquals(bar(NaN, 6), "▕    ▏");
});

Deno.test("pieces flow into as many lines as they need", () => {
  const pieces = ["aaa", "bbb", "cc"].map((text) => [{ text }]);
  const lines = (columns: number) =>
    flow(pieces, { columns, indent: 1 }).map((line) => paint(line, { colors: false }));
  assertEquals(lines(13), [" aaa  bbb  cc"]);
  assertEquals(lines(12), [" aaa  bbb", " cc"]);
  assertEquals(lines(2), [" aaa", " bbb", " cc"]);
});

Deno.test("numbers are shown in units for people", () => {
  assertEquals(
    [0, 1023, 1024, 1024 * 1023.96, 2 ** 30, 2 ** 60].map(formatBytes),
    ["0 B", "1023 B", "1.0 KiB", "1.0 MiB", "1.0 GiB", "1024.0 PiB"],
  );
  assertEquals(
    [0, 0.25, 1, 9.96, 999, 999.6, 59_949, 59_951, 3_599_400, 3_599_600, 86_400_000].map(
      formatSpan,
    ),
    [
      "0 s",
      "250 us",
      "1.0 ms",
      "10 ms",
      "999 ms",
      "1.0 s",
      "59.9 s",
      "1m 0s",
      "59m 59s",
      "1h 0m",
      "1d 0h",
    ],
  );
  assertEquals([0, 0.2, 99.94, 99.96, 1234.5].map(formatRate), ["0", "0.2", "99.9", "100", "1235"]);
});

Deno.test("keys are read from whatever comes at once", () => {
  assertEquals(readKeys("\x1b[A\x1bOBs q"), ["up", "down", "sort", "pause", "quit"]);
  assertEquals(readKeys("\x1b[5~\x1b[6~\x1b[H\x1b[F\x03"), [
    "page up",
    "page down",
    "top",
    "end",
    "quit",
  ]);
  assertEquals(readKeys("\x1b[1~\x1bOF\x1b[8~\x1a"), ["top", "end", "end", "stop"]);
  // The letters of an unknown key are none.
  assertEquals(readKeys("\x1b[1;5q\x1bOq?"), []);
  assertEquals(readKeys("drm\txyn"), [
    ...["drain", "ready", "maint", "switch", "kill", "yes", "no"] as const,
  ]);
  assertEquals(readKeys("d\x1b"), ["drain", "no"]);
});

async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

Deno.test("events are read however their bytes are cut", async () => {
  const text = ': hello\r\nevent: status\r\ndata: {"a":\r\ndata: "ä"}\r\n\r\n\n' +
    "event:log\ndata\n\ndata: cut off";
  const bytes = new TextEncoder().encode(text);
  for (const size of [1, 2, 7, 1000]) {
    const events = [];
    for await (const event of readEvents(chunks(bytes, size))) events.push(event);
    assertEquals(events, [{ type: "status", data: '{"a":\n"ä"}' }, { type: "log", data: "" }]);
  }
});

Deno.test("rates reach back five seconds, and not into another process", () => {
  const history = new History(5000);
  const look = (second: number, pid = 1) => statusOf({ pid, uptime_ms: second * 1000 });
  const before = [0, 1, 2, 3, 4, 5, 6, 7].map((second) => history.add(look(second))?.uptime_ms);
  assertEquals(before, [undefined, 0, 0, 0, 0, 0, 1000, 2000]);
  assertEquals(history.add(look(8, 2)), undefined);
  assertEquals(rates(look(8, 2), look(7)), undefined);
  assertEquals(rates(look(8), look(8)), undefined);
});

Deno.test("a destination that has just come has no rates", () => {
  const before = statusOf({ listeners: [listenerOf({ destinations: [] })] });
  const between = rates(statusOf({ uptime_ms: 61_000 }), before)!;
  assertEquals(between.destinations.size, 0);
  assertEquals([...between.listeners.keys()], [1]);
});
