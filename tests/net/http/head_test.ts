import { assertEquals, assertThrows } from "@std/assert";
import { BadRequest, parseHead, type RequestHead } from "../../../src/net/http/head.ts";
import { cpuTime } from "../../support/cpu.ts";

/** Reads a head; lines without their ends, a byte for each letter. */
function parse(...lines: string[]): RequestHead {
  const text = lines.join("\r\n") + "\r\n\r\n";
  return parseHead(Uint8Array.from(text, (letter) => letter.charCodeAt(0)), { host: "here" });
}

Deno.test("a head says what is asked for, as it was sent", () => {
  const head = parse("POST /a/../b%2f?c=%41 HTTP/1.1", "Host: localhost:9090", "X-One:  a b\t");
  assertEquals(head.method, "POST");
  assertEquals(head.url, "http://localhost:9090/a/../b%2f?c=%41");
  assertEquals(head.headers.get("x-one"), "a b");
  assertEquals([head.old, head.keepAlive, head.expectsContinue], [false, true, false]);
  assertEquals(head.framing, { kind: "length", length: 0 });
});

Deno.test("the target may be a whole URL", () => {
  const url = (target: string) => parse(`GET ${target} HTTP/1.1`, "Host: a").url;
  assertEquals(url("http://b:1/status"), "http://b:1/status");
  assertEquals(url("HTTP://b"), "http://b/");
  assertEquals(url("http://b?c"), "http://b/?c");
});

Deno.test("HTTP/1.0 needs no host, and keeps a connection only if it says so", () => {
  const head = parse("GET / HTTP/1.0");
  assertEquals([head.url, head.old, head.keepAlive], ["http://here/", true, false]);
  assertEquals(parse("GET / HTTP/1.0", "Connection: Keep-Alive").keepAlive, true);
  assertEquals(parse("GET / HTTP/1.1", "Host: a", "Connection: x, Close").keepAlive, false);
  assertEquals(
    parse("GET / HTTP/1.0", "Host: a", "Expect: 100-continue").expectsContinue,
    false,
  );
  assertEquals(parse("GET / HTTP/1.1", "Host: a", "Expect: 100-Continue").expectsContinue, true);
});

Deno.test("a body has one length, or comes in chunks", () => {
  const framing = (...fields: string[]) => parse("POST / HTTP/1.1", "Host: a", ...fields).framing;
  assertEquals(framing("Content-Length: 12"), { kind: "length", length: 12 });
  assertEquals(framing("Transfer-Encoding: Chunked"), { kind: "chunked" });
});

const HOST = "Host: a";
const REFUSED: [number, string[]][] = [
  [400, [""]],
  [400, ["GET /"]],
  [400, ["GET  / HTTP/1.1", HOST]],
  [400, [" GET / HTTP/1.1", HOST]],
  [400, ["GET / HTTP/1.1 ", HOST]],
  [400, ["GET /a b HTTP/1.1", HOST]],
  [400, ["GET /\xe9 HTTP/1.1", HOST]],
  [400, ["G(T / HTTP/1.1", HOST]],
  [400, ["GET / http/1.1", HOST]],
  [400, ["GET status HTTP/1.1", HOST]],
  [400, ["OPTIONS * HTTP/1.1", HOST]],
  [400, ["CONNECT a:1 HTTP/1.1", HOST]],
  [400, ["GET ftp://a/ HTTP/1.1", HOST]],
  [400, ["GET http://a@b/ HTTP/1.1", HOST]],
  [505, ["GET / HTTP/2.0", HOST]],
  [505, ["PRI * HTTP/2.0"]],
  [400, ["GET / HTTP/1.1"]],
  [400, ["GET / HTTP/1.1", HOST, HOST]],
  [400, ["GET / HTTP/1.1", "Host: a/b"]],
  [400, ["GET / HTTP/1.1", "Host: a@b"]],
  [400, ["GET / HTTP/1.1", "Host: a b"]],
  [400, ["GET / HTTP/1.0", HOST, HOST]],
  [400, ["GET / HTTP/1.1", HOST, " folded: x"]],
  [400, ["GET / HTTP/1.1", HOST, "\tfolded"]],
  [400, ["GET / HTTP/1.1", HOST, "space : x"]],
  [400, ["GET / HTTP/1.1", HOST, "no colon"]],
  [400, ["GET / HTTP/1.1", HOST, ": x"]],
  [400, ["GET / HTTP/1.1", HOST, "a: \x00"]],
  [400, ["GET / HTTP/1.1", HOST, "a: b\rc"]],
  [400, ["GET / HTTP/1.1", HOST, "a: b\nc"]],
  [400, ["POST / HTTP/1.1", HOST, "Content-Length: 1", "Content-Length: 1"]],
  [400, ["POST / HTTP/1.1", HOST, "Content-Length: 1, 1"]],
  [400, ["POST / HTTP/1.1", HOST, "Content-Length: +1"]],
  [400, ["POST / HTTP/1.1", HOST, "Content-Length: -1"]],
  [400, ["POST / HTTP/1.1", HOST, "Content-Length: 0x1"]],
  [400, ["POST / HTTP/1.1", HOST, "Content-Length:"]],
  [400, ["POST / HTTP/1.1", HOST, "Content-Length: 9999999999999999"]],
  [400, ["POST / HTTP/1.1", HOST, "Content-Length: 1", "Transfer-Encoding: chunked"]],
  [400, ["POST / HTTP/1.1", HOST, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"]],
  [501, ["POST / HTTP/1.1", HOST, "Transfer-Encoding: gzip, chunked"]],
  [501, ["POST / HTTP/1.1", HOST, "Transfer-Encoding: identity"]],
  [400, ["POST / HTTP/1.0", HOST, "Transfer-Encoding: chunked"]],
  [400, ["GET / HTTP/1.1", HOST, "Authorization: a", "Authorization: b"]],
  [417, ["POST / HTTP/1.1", HOST, "Expect: miracles"]],
  [431, ["GET / HTTP/1.1", HOST, ...Array.from({ length: 100 }, (_, i) => `x${i}: 1`)]],
];

for (const [status, lines] of REFUSED) {
  Deno.test(`refused with ${status}: ${JSON.stringify(lines.slice(0, 4))}`, () => {
    const error = assertThrows(() => parse(...lines), BadRequest);
    assertEquals((error as unknown as BadRequest).status, status);
  });
}

Deno.test("a head of nothing but blanks takes no time", () => {
  const begin = cpuTime();
  const blanks = " ".repeat(16_000);
  assertThrows(() => parse("GET / HTTP/1.1", HOST, `a:${blanks}\x01`), BadRequest);
  parse("GET / HTTP/1.1", HOST, `a:${blanks}b${blanks}`);
  assertThrows(() => parse(`GET ${blanks}/ HTTP/1.1`, HOST), BadRequest);
  const ms = cpuTime() - begin;
  if (ms > 200) throw new Error(`${ms} ms`);
});
