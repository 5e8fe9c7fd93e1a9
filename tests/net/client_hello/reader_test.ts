import { assert, assertEquals, assertMatch } from "@std/assert";
import type { ClientHello, HelloReading } from "../../../src/net/client_hello/client_hello.ts";
import { HelloReader } from "../../../src/net/client_hello/reader.ts";
import {
  GREASE,
  hello,
  helloMessage,
  inRecords,
  number,
  piece,
  randomHello,
  SSL2_HELLO,
} from "../../support/hellos.ts";
import { bytes, joined } from "../../support/proxy_headers.ts";
import { Random } from "../../support/random.ts";

function read(all: Uint8Array): HelloReading {
  return new HelloReader().read(all);
}

function helloIn(all: Uint8Array): ClientHello {
  const reading = read(all);
  assert(reading.kind === "hello", JSON.stringify(reading));
  return reading.hello;
}

/** Why it is none, with the problem; or what it is. */
function problemIn(all: Uint8Array): string {
  const reading = read(all);
  return reading.kind === "none" ? `${reading.why}: ${reading.problem}` : reading.kind;
}

function nameIn(...names: (string | { type: number; name: string })[]): string | undefined {
  return helloIn(hello({ names })).name;
}

Deno.test("a hello says the name, the protocols and the versions, without GREASE", () => {
  const all = hello({
    names: ["WWW.Example.COM"],
    alpn: [GREASE, "h2", "http/1.1"],
    versions: [0x5a5a, 0x0304, 0x0303],
    extensions: [[0x1a1a, ""], [10, "\0\x02\x5a\x5a"]],
  });
  assertEquals(helloIn(joined(all, "what comes next")), {
    name: "www.example.com",
    alpn: ["h2", "http/1.1"],
    versions: [0x0304, 0x0303],
  });
});

Deno.test("a hello without extensions, or with none of these, says the version in the old place", () => {
  const none = { alpn: [], versions: [0x0301] };
  assertEquals(helloIn(hello({ bare: true, legacy: 0x0301, session: "" })), none);
  assertEquals(helloIn(hello({ legacy: 0x0301 })), none);
});

Deno.test("the first name of a host counts, and one that can be none is none", () => {
  assertEquals(nameIn("a.example", "b.example"), "a.example");
  assertEquals(nameIn({ type: 7, name: "\xff" }, "b.example"), "b.example");
  assertEquals(nameIn({ type: 7, name: "\xff" }), undefined);
  assertEquals(nameIn("a.example."), "a.example");
  assertEquals(nameIn("_dmarc.a-b.example"), "_dmarc.a-b.example");
  assertEquals(nameIn("xn--bcher-kva.example"), "xn--bcher-kva.example");
  const label = "x".repeat(63);
  assertEquals(nameIn(`${label}.example`), `${label}.example`);
  const wrong = ["", ".", "..", "a..b", ".a", "a b", "a\0.example", "b\xfccher.example", "[::1]"];
  for (const name of [...wrong, "x".repeat(64), "a\n", "*.example", "a.b.".repeat(80)]) {
    assertEquals(nameIn(name), undefined, name);
  }
});

Deno.test("a hello in records and reads of one byte each is read, in time in its length", () => {
  const message = helloMessage({ names: ["a.example"], extensions: [[51, "k".repeat(10_000)]] });
  const all = inRecords(message, () => 1);
  assert(all.length > 60_000);
  const reader = new HelloReader();
  const begin = performance.now();
  for (let length = 0; length < all.length; length++) {
    assertEquals(reader.read(all.subarray(0, length)).kind, "more");
  }
  assertEquals(reader.read(all).kind, "hello");
  assert(performance.now() - begin < 1000);
});

Deno.test("what is no TLS is told by the first byte, and SSL 2 by the third", () => {
  assertEquals(problemIn(bytes("")), "more");
  assertEquals(
    problemIn(bytes("GET / HTTP/1.1\r\n\r\n")),
    String.raw`plain: no TLS, it begins with "GET / HTTP/1"`,
  );
  for (const header of ["PROXY TCP4 10.0.0.9 10.0.0.1 5 443\r\n", "\r\n\r\n\0\r\nQUIT\n!"]) {
    assertMatch(problemIn(bytes(header)), /", a PROXY header: --accept-proxy does not name it$/);
  }
  assertMatch(problemIn(bytes("S")), /^plain: /);
  assertMatch(problemIn(bytes("\0")), /^plain: /);
  assertEquals(problemIn(SSL2_HELLO.subarray(0, 2)), "more");
  assertEquals(problemIn(SSL2_HELLO), "ssl2: a hello of SSL 2");
  assertMatch(problemIn(bytes("\x80\x2e\x02")), /^plain: /);
  assertMatch(problemIn(bytes("\x15\x03\x01\0\x02\x01\0")), /^plain: /);
});

Deno.test("records that a hello cannot stand in are told", () => {
  const all = hello({ names: ["a.example"] });
  const bent = (at: number, value: number) => all.with(at, value);
  assertEquals(problemIn(bent(1, 2)), "broken: a record of version 2.1");
  assertEquals(problemIn(bent(5, 2)), "broken: a message of type 2 instead of a hello");
  assertEquals(problemIn(bytes("\x16\x03\x01\0\0")), "broken: a record without anything in it");
  assertEquals(problemIn(bytes("\x16\x03\x01\x40\x01")), "broken: a record of 16385 bytes");
  const halves = inRecords(helloMessage(), (left) => Math.min(left, 40));
  assertEquals(problemIn(halves.with(45, 23)), "broken: a record of type 23 within the hello");
});

Deno.test("lengths that contradict each other are told", () => {
  const problems: Record<string, Uint8Array> = {
    "the hello ends too early": hello({ bare: true, ciphers: "" }).with(8, 0x24),
    "the session's id is longer than 32 bytes": hello({ session: "s".repeat(33) }),
    "the list of ciphers has 0 bytes": hello({ ciphers: "" }),
    "the list of ciphers has 3 bytes": hello({ ciphers: "abc" }),
    "the list of compressions is empty": hello({ compressions: "" }),
    "the hello has more than it says": hello({ behind: "x" }),
    "extension 0 comes twice": hello({ names: ["a"], extensions: [[0, piece("\0\0\x01a", 2)]] }),
    "the server's name is empty": hello({ names: [] }),
    "the server's name ends too early": hello({ extensions: [[0, piece("\0\0\x09a", 2)]] }),
    "the server's name has more than it says": hello({ extensions: [[0, "\0\x04\0\0\x01ab"]] }),
    "the list of protocols ends too early": hello({ extensions: [[16, "\0\x03\x03h2"]] }),
    "a protocol without a name": hello({ alpn: [""] }),
    "the list of versions ends too early": hello({ extensions: [[43, "\x03\x03\x04\x03"]] }),
    "the list of versions is empty": hello({ versions: [] }),
  };
  for (const [problem, all] of Object.entries(problems)) {
    assertEquals(problemIn(all), `broken: ${problem}`);
  }
});

Deno.test("a hello of up to 64 KiB is read, and a longer one is none as soon as it says so", () => {
  const key: [number, string] = [51, "k".repeat(65_000)];
  const all = hello({ names: ["a.example"], extensions: [key] });
  assertEquals(helloIn(all).name, "a.example");
  const second: [number, string] = [52, "k".repeat(490)];
  const long = hello({ names: ["a.example"], extensions: [key, second] });
  assertEquals(problemIn(long.subarray(0, 2 ** 14 + 4)), "more");
  assertEquals(problemIn(long.subarray(0, 2 ** 14 + 5)), "long: a hello of more than 64 KiB");
  const parts = inRecords(helloMessage({ extensions: [[51, "k".repeat(12_000)]] }), () => 1);
  assertEquals(problemIn(parts.subarray(0, 2 ** 16)), "long: a hello of more than 64 KiB");
  assertEquals(
    problemIn(joined("\x16\x03\x01\0\x04\x01", number(0xffffff, 3))).slice(0, 5),
    "long:",
  );
});

Deno.test("10,000 hellos at random are read wherever they are cut, and bent ones do no harm", () => {
  const random = new Random(1);
  const kinds = new Map<string, number>();
  for (let i = 0; i < 10_000; i++) {
    const { bytes: all, name, alpn } = randomHello(random);
    const reader = new HelloReader();
    for (let cuts = random.below(6); cuts >= 0; cuts--) {
      const length = Math.floor(all.length * random.next() / (cuts + 1));
      assertEquals(reader.read(all.subarray(0, length)).kind, "more", `hello ${i}`);
    }
    const reading = reader.read(all);
    assert(reading.kind === "hello", `hello ${i}: ${JSON.stringify(reading)}`);
    assertEquals([reading.hello.name, reading.hello.alpn], [name, alpn]);
    for (let bends = 1 + random.below(3); bends > 0; bends--) {
      all[random.below(Math.min(all.length, 300))] = random.below(256);
    }
    const { kind } = read(all.subarray(0, all.length - random.below(3)));
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  for (const kind of ["more", "hello", "none"]) assert(kinds.get(kind)! > 100, kind);
});
