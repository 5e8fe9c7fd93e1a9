import { assert, assertEquals, assertRejects } from "@std/assert";
import { COMMANDS } from "../../src/client/commands.ts";
import { ctl } from "../../src/client/ctl.ts";
import { readEvents, type ServerEvent } from "../../src/client/event_stream.ts";
import { top } from "../../src/client/top.ts";
import { FatalError } from "../../src/base/errors.ts";
import { seededRandom } from "../../scripts/bench/statistics.ts";
import { TestServer, writeAll } from "../support/servers.ts";
import { destinationOf, listenerOf, statusOf } from "../support/statuses.ts";

const LIMITS = { patience: 300, json: 200_000, metrics: 200_000 };

/** Each command with arguments, the program `top` as a command of its own. */
const CALLS: readonly string[][] = [
  ...Object.entries(COMMANDS).flatMap(([name, { operands, many, switches }]) => {
    const given = operands.map((operand): string => {
      return operand === "ADDRESS" ? "9009" : operand === "OPTION" ? "workers=3" : "1.1";
    });
    if (many && given.length === 0) given.push("1.1");
    if (name === "capture") given.push("--file", "-");
    const call = [name, ...given];
    return [call, ...switches.map((flag) => [...call, `--${flag}`])];
  }),
  ["top", "--once"],
  ["top", "--json"],
  ["top", "--once", "--json"],
];

const SANE = JSON.stringify(statusOf({}));

/** Answers connection after connection, one request each. */
type Answer = (conn: Deno.Conn, request: string) => Promise<void>;

function http(body: string, type = "application/json", status = "200 OK"): string {
  return `HTTP/1.1 ${status}\r\ncontent-type: ${type}\r\nconnection: close\r\n\r\n${body}`;
}

/** Clients write the whole address, as to a proxy. */
function isFor(wanted: string, request: string): boolean {
  return request.replace(/ http:\/\/[^/]*/, " ").startsWith(wanted);
}

function says(text: string): Answer {
  return (conn) => writeAll(conn, new TextEncoder().encode(text));
}

/** Says a beginning, then the same again and again until nobody reads it any more. */
function repeats(beginning: string, again: string, pauseMs = 0): Answer {
  return async (conn) => {
    await says(beginning)(conn, "");
    const bytes = new TextEncoder().encode(again);
    for (;;) {
      await writeAll(conn, bytes);
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
}

function answersWith(value: unknown): Answer {
  return (conn, request) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    const events = http(`event: status\ndata: ${text}\n\n`, "text/event-stream");
    return says(isFor("GET /events", request) ? events : http(text))(conn, "");
  };
}

/** A status in which one thing is not what it should be. */
function status(wrong: (it: Record<string, unknown>) => void): Answer {
  const it = JSON.parse(SANE);
  wrong(it);
  // Nothing in JSON is infinite, but this is read as that.
  return answersWith(JSON.stringify(it).replaceAll('"1e999"', "1e999"));
}

// deno-lint-ignore no-explicit-any -- what a stranger sends is anything
type Anything = any;

const NONSENSE: Readonly<Record<string, Answer>> = {
  "closes at once": () => Promise.resolve(),
  "never answers": (conn) => conn.read(new Uint8Array(1)).then(() => {}, () => {}),
  "is another protocol": says("220 mail.example.com ESMTP \x1b[31mready\r\n"),
  "is noise": says("\x00\xff\x16\x03\x01".repeat(1000)),
  "has endless headers": repeats("HTTP/1.1 200 OK\r\n", `x: ${"y".repeat(1000)}\r\n`),
  "has an endless header": repeats("HTTP/1.1 200 OK\r\nx: ", "y".repeat(1000)),
  "drips headers": repeats("HTTP/1.1 200 OK\r\nx: ", "y", 20),
  "has an endless body": repeats(http(""), " ".repeat(10_000)),
  "has endless events": repeats(http("", "text/event-stream"), "data: x\n".repeat(1000)),
  "has an endless line": repeats(http("data:", "text/event-stream"), "x".repeat(10_000)),
  "has endless comments": repeats(http("", "text/event-stream"), `:${"\n:".repeat(5000)}`),
  "drips a body": repeats(http(""), " ", 20),
  "drips events": repeats(http("", "text/event-stream"), "event: log\ndata: {}\n\n", 20),
  "is silent after its head": async (conn) => {
    await says(http("", "text/event-stream"))(conn, "");
    await conn.read(new Uint8Array(1));
  },
  "announces more than comes": says(
    "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\ncontent-type: application/json\r\n\r\n{",
  ),
  "is a web page": says(http("<!doctype html><title>\x1b[2J</title>", "text/html")),
  "leads elsewhere": says("HTTP/1.1 302 Found\r\nlocation: http://192.0.2.1/\r\n\r\n"),
  "refuses in colour": says(
    http(
      JSON.stringify({ error: "\x1b]0;owned\x07no\nyes" + "x".repeat(9999) }),
      undefined,
      "500 No",
    ),
  ),
  "answers null": answersWith("null"),
  "answers a list": answersWith("[]"),
  "answers a number": answersWith("1e999"),
  "answers half of JSON": answersWith('{"listeners":'),
  "answers nothing": answersWith(""),
  "answers nested lists": answersWith("[".repeat(90_000) + "]".repeat(90_000)),
  "has no listeners": answersWith({}),
  "has listeners that are none": status((it) => it.listeners = [{}, null, 5]),
  "has no destinations": status((it: Anything) => delete it.listeners[0].destinations),
  "has infinite numbers": status((it: Anything) => it.listeners[0].accepted = "1e999"),
  "has negative numbers": status((it: Anything) => it.listeners[0].destinations[0].active = -1),
  "has texts for numbers": status((it: Anything) => it.listeners[0].destinations[0].limit = "4"),
  "has no time": status((it) => it.uptime_ms = null),
  "has a name without end": status((it: Anything) => it.listeners[0].name = "x".repeat(5000)),
  "has an id that is a path": status((it: Anything) => {
    it.listeners[0].destinations[0].id = "../../drain";
  }),
  "has durations that are none": status((it: Anything) => it.listeners[0].latencies.queue = 4),
  "has ends that are none": status((it: Anything) => it.listeners[0].ended = { done: "\x1b[2J" }),
};

async function serve(answer: Answer): Promise<TestServer> {
  return await Promise.resolve(
    new TestServer(async (conn) => {
      const buffer = new Uint8Array(4096);
      let request = "";
      while (!request.includes("\r\n\r\n")) {
        const n = await conn.read(buffer);
        if (n === null) return;
        request += new TextDecoder().decode(buffer.subarray(0, n));
      }
      await answer(conn, request).catch(() => {});
    }),
  );
}

/** Whether something could steer a terminal, or is more than a line. */
function isRaw(line: string): boolean {
  // deno-lint-ignore no-control-regex -- it is what is looked for
  return /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202e]/.test(line);
}

async function failureOf(server: TestServer, call: readonly string[]): Promise<string> {
  const [name, ...rest] = call;
  const printed: string[] = [];
  const print = (line: string) => void printed.push(line);
  const run = name === "top"
    ? top([server.address, ...rest], print, { limits: LIMITS })
    : ctl([server.address, ...call], print, { limits: LIMITS });
  const { message } = await assertRejects(() => run, FatalError);
  assertEquals(printed.filter(isRaw), [], "nothing reaches the terminal raw");
  return message;
}

for (const [what, answer] of Object.entries(NONSENSE)) {
  Deno.test(`a server that ${what} is one clear line for every command`, async () => {
    await using server = await serve(answer);
    await Promise.all(CALLS.map(async (call) => {
      // The end of a session is told by no more than the status of the answer.
      if (call[0] === "end" && what === "answers nothing") return;
      const begin = performance.now();
      const message = await failureOf(server, call);
      assert(!isRaw(message) && message.length < 1000, `${call}: ${JSON.stringify(message)}`);
      assert(performance.now() - begin < 20_000, `${call} takes its time`);
    }));
  });
  Deno.test(`an answer after a status that ${what} is one clear line, too`, async () => {
    await using server = await serve((conn, request) => {
      return isFor("GET /status", request) ? says(http(SANE))(conn, "") : answer(conn, request);
    });
    for (const call of [["drain", "1.1"], ["set", "1.1", "workers=2"], ["shutdown", "--wait"]]) {
      const isFine = call[0] === "shutdown" && what.startsWith("has ");
      if (isFine) continue;
      const message = await failureOf(server, call);
      assert(!isRaw(message) && message.length < 1000, `${call}: ${JSON.stringify(message)}`);
    }
  });
}

Deno.test("names with escape sequences never reach the terminal raw", async () => {
  const name = "\x1b]0;owned\x07\x9b31m\u202e\u2028\r\n9001";
  const hostile = statusOf({
    version: name,
    listeners: [
      listenerOf({ name, address: name, destinations: [destinationOf({ name })] }),
    ],
  });
  await using server = await serve(async (conn, request) => {
    if (isFor("GET /status", request)) {
      return await says(http(JSON.stringify(hostile)))(conn, "");
    }
    if (isFor("GET /events", request)) {
      const frames = [1, 2].map((second) => {
        const it = { ...hostile, uptime_ms: 60_000 + 1000 * second };
        return `event: status\ndata: ${JSON.stringify(it)}\n\n`;
      });
      return await says(http(frames.join(""), "text/event-stream"))(conn, "");
    }
    const one = JSON.stringify(destinationOf({ name }));
    await says(http(isFor("DELETE /sessions", request) ? "" : one))(conn, "");
  });
  for (
    const call of [
      ["status"],
      ["status", "--json"],
      ["drain", "1.1"],
      ["drain", "1.1", "--json"],
      ["add", "9009"],
      ["remove", "1.1"],
      ["end", "1.1"],
    ]
  ) {
    const printed: string[] = [];
    await ctl([server.address, ...call], (line) => printed.push(line), { limits: LIMITS });
    assertEquals(printed.filter(isRaw), [], call.join(" "));
    assert(printed.length > 0);
    if (call[1] === "--json") assertEquals(JSON.parse(printed[0]!), hostile, "and says the same");
  }
  const printed: string[] = [];
  await top([server.address, "--once"], (line) => printed.push(line), { limits: LIMITS });
  assertEquals(printed.filter(isRaw), []);
  const message = await failureOf(server, ["drain", "9002"]);
  assert(!isRaw(message), message);
});

Deno.test("huge numbers are shown on as many lines as others", async () => {
  const lengths: number[] = [];
  for (const number of [7, 1e300]) {
    const status = JSON.parse(SANE, (_, value) => typeof value === "number" ? number : value);
    await using server = await serve(says(http(JSON.stringify(status))));
    const lines: string[] = [];
    await ctl([server.address, "status"], (line) => lines.push(line), { limits: LIMITS });
    lengths.push(lines.length);
  }
  assertEquals(lengths[0], lengths[1]);
});

Deno.test("the events of a stream are the same however its bytes come", async () => {
  const random = seededRandom(9);
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)]!;
  const pieces = [
    ..."\n\r: \0ab€😀",
    "\r\n",
    "\n\n",
    "data",
    "data:",
    "data: ",
    "event: status\n",
    "event",
    "id: 7\n",
    "retry: 5\n",
    ":comment\n",
    "\ufeff",
  ];
  for (let round = 0; round < 3000; round++) {
    const text = Array.from({ length: Math.floor(random() * 40) }, () => pick(pieces)).join("");
    const bytes = new TextEncoder().encode(text);
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < bytes.length;) {
      const length = 1 + Math.floor(random() * 6);
      chunks.push(bytes.subarray(at, at += length));
    }
    const events: ServerEvent[] = [];
    for await (const event of readEvents(from(chunks))) events.push(event);
    assertEquals(events, reference(text), JSON.stringify(text));
  }
});

/** The algorithm of the standard, all at once. */
function reference(text: string): ServerEvent[] {
  const events: ServerEvent[] = [];
  let [type, data, some] = ["", "", false];
  const lines = text.replace(/^\ufeff/, "").split(/\r\n|\n|\r/);
  for (const line of lines.slice(0, -1)) {
    if (line === "") {
      if (some) events.push({ type: type || "message", data: data.slice(0, -1) });
      [type, data, some] = ["", "", false];
      continue;
    }
    const [, field, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!;
    if (field === "event") type = value;
    if (field === "data") [data, some] = [`${data}${value}\n`, true];
  }
  return events;
}

async function* from(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

Deno.test("a long event costs each of its bytes once", async () => {
  const chunk = new TextEncoder().encode("x".repeat(1000));
  async function* long(): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode("data: ");
    for (let i = 0; i < 20_000; i++) yield await Promise.resolve(chunk);
    yield new TextEncoder().encode("\n\n");
  }
  const begin = performance.now();
  let length = 0;
  for await (const { data } of readEvents(long())) length += data.length;
  assertEquals(length, 20_000_000);
  assert(performance.now() - begin < 5000, "20 MB in 20,000 pieces");
});
