import { assert, assertEquals, assertRejects } from "@std/assert";
import { parseAddress } from "../../src/net/address.ts";
import { formatCheck, parseCheck } from "../../src/config/values/check.ts";
import { CheckError } from "../../src/destinations/conversation.ts";
import { runCheck } from "../../src/destinations/probe.ts";
import { connectorTo } from "../../src/destinations/connector.ts";
import { TestServer, writeAll } from "../support/servers.ts";

const PRESETS = ["redis", "postgres", "postgres:iawlb", "mysql:iawlb", "smtp"];

/** Runs a check once against a server that handles it so. */
async function run(
  check: string,
  serve: (conn: Deno.Conn) => Promise<void>,
  { served, patience = 10_000 }: { served?: Promise<void>; patience?: number } = {},
): Promise<void> {
  await using server = new TestServer(serve, { speaksFirst: true });
  const connector = connectorTo(parseAddress(server.address, { minPort: 1 }));
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new Error("too late")), patience);
  try {
    const options = { connector, host: "test", signal: limit.signal, timeout: patience };
    await runCheck(parseCheck(check)!, options);
    await served;
  } finally {
    clearTimeout(timer);
  }
}

type Turn = string | Uint8Array;

/** Says one thing, then one more after each that it hears, byte by byte; closes when it is told to. */
function talker(turns: Turn[], heard: string[] = [], { piecewise = false } = {}) {
  return async (conn: Deno.Conn) => {
    const buffer = new Uint8Array(10_000);
    for (const [i, turn] of turns.entries()) {
      if (i > 0) {
        const n = await conn.read(buffer);
        if (n === null) return;
        heard.push(latin1(buffer.subarray(0, n)));
      }
      const bytes = typeof turn === "string" ? new TextEncoder().encode(turn) : turn;
      if (!piecewise) await writeAll(conn, bytes);
      else {
        for (const byte of bytes) {
          await writeAll(conn, new Uint8Array([byte]));
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      }
    }
    // Whoever asks has gone, or has more to say.
    const n = await conn.read(buffer).catch(() => null);
    if (n !== null) heard.push(latin1(buffer.subarray(0, n)));
  };
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function packet(sequence: number, ...body: (number | string)[]): Uint8Array {
  const bytes = body.flatMap((part) => {
    return typeof part === "string" ? [...new TextEncoder().encode(part)] : [part];
  });
  return new Uint8Array([bytes.length & 255, bytes.length >> 8, 0, sequence, ...bytes]);
}

const GREETING = packet(0, 10, "10.11.6-MariaDB\0", 1, 0, 0, 0, "12345678", 0, 255, 247, 8, 2, 0);
const OK = packet(2, 0, 0, 0, 2, 0, 0, 0);
const DENIED = packet(2, 0xff, 0x15, 0x04, "#28000Access denied for user 'iawlb'@'h'");
const BLOCKED = packet(
  0,
  0xff,
  0x69,
  0x04,
  "Host 'h' is blocked because of many connection errors",
);
const FULL = packet(0, 0xff, 0x10, 0x04, "#08004Too many connections");

function postgresError(code: string, message: string): Uint8Array {
  const body = new TextEncoder().encode(`SFATAL\0C${code}\0M${message}\0\0`);
  return new Uint8Array([0x45, 0, 0, 0, body.length + 4, ...body]);
}

const LET_IN = new Uint8Array([0x52, 0, 0, 0, 8, 0, 0, 0, 0]);
const SCRAM = new Uint8Array([0x52, 0, 0, 0, 12, 0, 0, 0, 10, 65, 66, 67, 0]);

/** What a server says to each check, and whether that passes. */
const CASES: [check: string, turns: Turn[], passes: true | string][] = [
  ["redis", ["", "+PONG\r\n"], true],
  ["redis", ["", "-NOAUTH Authentication required.\r\n"], true],
  ["redis", ["", "-ERR max number of clients reached\r\n"], true],
  ["redis", ["", "-LOADING Redis is loading the dataset in memory\r\n"], "LOADING"],
  ["redis", ["", "-MISCONF Redis is configured to save RDB snapshots\r\n"], "MISCONF"],
  ["redis", ["", "-DENIED Redis is running in protected mode\r\n"], "DENIED"],
  ["redis", ["", "+PONGO\r\n"], "PONGO"],
  ["postgres", ["", "N"], true],
  ["postgres", ["", "G"], true],
  ["postgres", ["", postgresError("53300", "sorry, too many clients already")], true],
  ["postgres", ["", postgresError("57P03", "the database system is starting up")], "starting up"],
  ["postgres:iawlb", ["", LET_IN], true],
  ["postgres:iawlb", ["", SCRAM], true],
  ["postgres:iawlb", ["", postgresError("28000", 'role "iawlb" does not exist')], true],
  ["postgres:iawlb", ["", postgresError("53300", "sorry, too many clients already")], true],
  [
    "postgres:iawlb",
    ["", postgresError("57P03", "the database system is starting up")],
    "starting",
  ],
  ["postgres:iawlb", ["", "N"], '"N"'],
  ["mysql:iawlb", [GREETING, OK], true],
  ["mysql:iawlb", [GREETING, packet(2, 0xfe, "unix_socket\0"), packet(4, 0, 0, 0, 2, 0)], true],
  ["mysql:iawlb", [FULL], true],
  ["mysql:iawlb", [BLOCKED], "blocked"],
  ["mysql:iawlb", [GREETING, DENIED], "CREATE USER 'iawlb'"],
  ["mysql:iawlb", [GREETING, ...[2, 4, 6, 8].map((i) => packet(i, 0xfe, "x\0"))], "its check"],
  ["smtp", ["220 mx ESMTP\r\n", "250-mx\r\n250-SIZE 1\r\n250 HELP\r\n", "221 bye\r\n"], true],
  ["smtp", ["220-mx\r\n220 hi\r\n", "502 what?\r\n", "250 mx\r\n", "221 bye\r\n"], true],
  ["smtp", ["554 no service\r\n"], "554"],
  ["smtp", ["421 too busy\r\n"], "421"],
  ["smtp", ["220 mx\r\n", "421 going down\r\n"], "421"],
];

Deno.test("a preset is passed by what its server says when it is well, however it arrives", async () => {
  for (const piecewise of [false, true]) {
    for (const [check, turns, passes] of CASES) {
      const checked = run(check, talker(turns, [], { piecewise }));
      const what = `${check}: ${turns.map(String).join()}`;
      if (passes === true) await checked.catch((error) => assert(false, `${what}: ${error}`));
      else {
        const error = await checked.then(() => undefined, (error) => error);
        assert(error instanceof CheckError && error.message.includes(passes), `${what}: ${error}`);
      }
    }
  }
});

Deno.test("a server that says something else, nothing, or half of it and closes has not passed", async () => {
  const strange = ["HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-x\r\n", "\0\0\0\0\0\0\0\0", ""];
  for (const check of PRESETS) {
    for (const answer of strange) {
      await assertRejects(() => run(check, (conn) => writeAll(conn, encode(answer))), CheckError);
    }
  }
  const half = [["redis", "+PO"], ["mysql:iawlb", latin1(GREETING.subarray(0, 9))], ["smtp", "22"]];
  for (const [check, answer] of half) {
    const talk = talker(check === "redis" ? ["", answer!] : [answer!]);
    const closing = async (conn: Deno.Conn) => {
      await Promise.race([talk(conn), new Promise((resolve) => setTimeout(resolve, 50))]);
    };
    await assertRejects(() => run(check!, closing), CheckError, "half an answer");
  }
});

Deno.test("an answer without an end is read no further than 64 KiB", async () => {
  for (const [check, chunk] of [["redis", "+"], ["smtp", "2"], ["smtp", "220-x\r\n"]] as const) {
    let sent = 0;
    const flood = async (conn: Deno.Conn) => {
      const bytes = encode(chunk.repeat(2000));
      for (;;) sent += (await writeAll(conn, bytes), bytes.length);
    };
    await assertRejects(() => run(check, flood), CheckError, "without an end");
    assert(sent < 16 * 2 ** 20, `${sent} bytes`);
  }
  const huge = new Uint8Array([255, 255, 255, 0]);
  await assertRejects(() => run("mysql:iawlb", talker([huge])), CheckError, "no MySQL packet");
});

Deno.test("a server that says nothing is given up by the signal", async () => {
  for (const check of PRESETS) {
    await assertRejects(
      () => run(check, talker(["", "", ""]), { patience: 200 }),
      Error,
      "too late",
    );
  }
});

Deno.test("each preset takes its leave as its protocol has it", async () => {
  const heard = async (check: string, turns: Turn[]) => {
    const all: string[] = [];
    const done = Promise.withResolvers<void>();
    await run(check, (conn) => talker(turns, all)(conn).finally(done.resolve), {
      served: done.promise,
    });
    return all;
  };
  assertEquals(await heard("redis", ["", "+PONG\r\n"]), ["*1\r\n$4\r\nPING\r\n"]);
  assertEquals(await heard("postgres", ["", "N"]), ["\0\0\0\x08\x04\xd2\x16\x30"]);
  assertEquals((await heard("postgres:iawlb", ["", LET_IN]))[1], "X\0\0\0\x04");
  assertEquals((await heard("mysql:iawlb", [GREETING, OK]))[1], "\x01\0\0\0\x01");
  const smtp = await heard("smtp", ["220 mx\r\n", "250 mx\r\n", "221 bye\r\n"]);
  assertEquals(smtp, ["EHLO localhost\r\n", "QUIT\r\n"]);
});

Deno.test("presets are read, and written back as they were; a user has a plain name", () => {
  for (const text of PRESETS) assertEquals(formatCheck(parseCheck(text)!), text);
  const wrong = ["mysql", "mysql:", "mysql:a b", "mysql:a,b", "mysql:a\\b", "mysql:ä", "smtp:x"];
  for (const text of [...wrong, "redis:", "postgres:", `mysql:${"a".repeat(81)}`, "Redis"]) {
    assertEquals(parseCheck(text), undefined, text);
  }
});

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
