import { assert, assertEquals, assertMatch } from "@std/assert";
import { isIPv4, isIPv6 } from "node:net";
import { formatSocketAddress } from "../../../src/net/address.ts";
import { crc32c } from "../../../src/net/proxy_protocol/crc32c.ts";
import { strictIpv4, strictIpv6 } from "../../../src/net/proxy_protocol/ip_text.ts";
import { readHeader } from "../../../src/net/proxy_protocol/read.ts";
import { bytes, ipv6Block, joined, SIGNATURE_V2, V1, V2, v2 } from "../../support/proxy_headers.ts";
import { Random } from "../../support/random.ts";

/** The client that a header names, `peer` if it leaves that unsaid, or what else came of it. */
function clientOf(header: string | Uint8Array): string {
  const reading = readHeader(typeof header === "string" ? bytes(header) : header);
  if (reading.kind !== "header") return reading.kind;
  const { ends } = reading.header;
  return ends ? formatSocketAddress(ends.source) : "peer";
}

function problemOf(header: string | Uint8Array): string {
  const reading = readHeader(typeof header === "string" ? bytes(header) : header);
  return reading.kind === "bad" ? reading.problem : reading.kind;
}

Deno.test("the example of the specification is read, and its length is where the payload begins", () => {
  const line = "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n";
  const request = "GET / HTTP/1.1\r\nHost: 192.168.0.11\r\n\r\n";
  assertEquals(readHeader(bytes(line + request)), {
    kind: "header",
    header: {
      version: 1,
      command: "proxy",
      ends: {
        source: { transport: "tcp", hostname: "192.168.0.1", port: 56324 },
        destination: { transport: "tcp", hostname: "192.168.0.11", port: 443 },
      },
      length: line.length,
    },
  });
});

Deno.test("the longest lines of the specification are read, and none that is longer", () => {
  const wide = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  assertEquals(
    clientOf("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
    "255.255.255.255:65535",
  );
  assertEquals(clientOf(`PROXY TCP6 ${wide} ${wide} 65535 65535\r\n`), `[${wide}]:65535`);
  assertEquals(clientOf("PROXY UNKNOWN\r\n"), "peer");
  const longest = `PROXY UNKNOWN ${wide} ${wide} 65535 65535\r\n`;
  assertEquals(longest.length, 107);
  assertEquals(clientOf(longest), "peer");
  assertMatch(problemOf(longest.replace("UNKNOWN ", "UNKNOWN  ")), /without an end within 107/);
  assertMatch(problemOf("PROXY UNKNOWN " + "x".repeat(93)), /without an end within 107/);
  assertEquals(clientOf("PROXY UNKNOWN " + "x".repeat(92)), "more");
});

Deno.test("of an unknown protocol everything up to the end of the line is ignored", () => {
  assertEquals(clientOf("PROXY UNKNOWN \x00\xff any thing\r\n"), "peer");
  assertEquals(clientOf("PROXY UNKNOWN whatever\r"), "more");
  assertMatch(problemOf("PROXY UNKNOWN whatever\n"), /line feed alone/);
  assertMatch(problemOf("PROXY UNKNOWN what\rever\r\n"), /carriage return alone/);
});

Deno.test("addresses of version 1 have no leading zeros, and IPv6 is spelled as the kernel does", () => {
  const of = (host: string) => clientOf(`PROXY TCP6 ${host} ::1 1 2\r\n`);
  assertEquals(of("2001:DB8:0:0:0:0:0:1"), "[2001:db8::1]:1");
  assertEquals(of("::"), "[::]:1");
  assertEquals(of("::ffff:192.0.2.1"), "192.0.2.1:1");
  assertEquals(of("::ffff:c000:201"), "192.0.2.1:1");
  for (const host of ["1.2.3.4", "fe80::1%eth0", "1::2::3", "[::1]", "::00001", "1:2:3:4:5:6:7"]) {
    assertEquals(of(host), "bad", host);
  }
});

Deno.test("what deviates from version 1 is refused at its first wrong byte, wherever that comes", () => {
  // The last byte of each is the first one that is wrong.
  const wrong = [
    "G",
    "PROXX",
    "PROXY\t",
    "PROXY  ",
    "PROXY t",
    "PROXY TCP5",
    "PROXY UD",
    "PROXY TCP4  ",
    "PROXY TCP4 a",
    "PROXY TCP4 1.2.3 ",
    "PROXY TCP4 1.2.3.04 ",
    "PROXY TCP4 1.2.3.256 ",
    "PROXY TCP4 1.2.3.4 5.6.7.8 00",
    "PROXY TCP4 1.2.3.4 5.6.7.8 65536",
    "PROXY TCP4 1.2.3.4 5.6.7.8 -",
    "PROXY TCP4 1.2.3.4 5.6.7.8 1  ",
    "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 ",
    "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n",
    "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\r",
    "PROXY TCP4 1.2.3.4 5.6.7.8 1\r",
    "PROXY TCP4 1.2.3.4 5.6.7.8 1 \r",
    "PROXY TCP4\r",
    "PROXY UNKNOWNX",
    "PROXY \r",
    "PROXY TCP6 g",
    "PROXY TCP6 1::2::3 ",
    "PROXY TCP6 :::1 ",
    "PROXY TCP6 1:2:3:4:5:6:7:8:9 ",
  ];
  for (const text of wrong) {
    assertEquals(clientOf(text), "bad", text);
    assertEquals(clientOf(text.slice(0, -1)), "more", text);
  }
});

Deno.test("IP addresses are told from other texts as the C library does", () => {
  const random = new Random(12);
  const letters = ["0", "1", "ab", "F", "25", "256", "00001", ":", ":", ":", "::", ".", ".", "%"];
  let valid = 0;
  for (let i = 0; i < 20_000; i++) {
    const text = Array.from(
      { length: 1 + random.below(14) },
      () => letters[random.below(letters.length)],
    ).join("");
    assertEquals(strictIpv4(text) !== undefined, isIPv4(text), text);
    assertEquals(strictIpv6(text) !== undefined, isIPv6(text) && !text.includes("%"), text);
    if (isIPv4(text) || isIPv6(text)) valid++;
  }
  assert(valid > 100, `only ${valid} of them were addresses`);
});

Deno.test("a header of version 2 names both ends, for connections and for datagrams", () => {
  const block = bytes("\xcb\x00\x71\x07" + "\xc6\x33\x64\x01" + "\xdc\x04" + "\x01\xbb");
  for (const kind of [0x11, 0x12]) {
    const reading = readHeader(joined(v2({ kind, block }), "payload"));
    assertEquals(reading, {
      kind: "header",
      header: {
        version: 2,
        command: "proxy",
        ends: {
          source: { transport: "tcp", hostname: "203.0.113.7", port: 56324 },
          destination: { transport: "tcp", hostname: "198.51.100.1", port: 443 },
        },
        length: 28,
      },
    });
  }
  assertEquals(clientOf(V2.header), V2.client);
  assertEquals(clientOf(v2({ kind: 0x22, block: ipv6Block() })), V2.client);
});

Deno.test("a header of version 2 names UNIX sockets, with a path, without one and abstract", () => {
  const path = (text: string) => text.padEnd(108, "\0");
  const of = (source: string) => {
    return clientOf(v2({ kind: 0x31, block: bytes(path(source) + path("/run/app.sock")) }));
  };
  assertEquals(of("/run/client.sock"), "unix:/run/client.sock");
  assertEquals(of(""), "unix:");
  assertEquals(of("\0name"), "unix:\0name");
  assertEquals(of("/run/a\n2026-01-01 an entry of its own"), "unix:");
  assertEquals(of("x".repeat(108)), `unix:${"x".repeat(108)}`);
});

Deno.test("LOCAL and what leaves the addresses unsaid keep the peer's, whatever stands there", () => {
  const block = bytes("anything at all");
  assertEquals(clientOf(v2({ command: 0x20, kind: 0x00, block: bytes("") })), "peer");
  assertEquals(clientOf(v2({ command: 0x20, kind: 0x11, block })), "peer");
  assertEquals(clientOf(v2({ command: 0x20, kind: 0x21, block: ipv6Block() })), "peer");
  for (const kind of [0x00, 0x01, 0x10, 0x20, 0x41, 0x13, 0xff]) {
    assertEquals(clientOf(v2({ kind, block })), "peer", kind.toString(16));
  }
  const reading = readHeader(joined(v2({ command: 0x20, kind: 0x11, block }), "payload"));
  assert(reading.kind === "header");
  assertEquals(reading.header, { version: 2, command: "local", ends: undefined, length: 31 });
});

Deno.test("what deviates from version 2 is refused as soon as that can be seen", () => {
  assertMatch(problemOf("\r\n\r\n\0\r\nQUIX"), /^no PROXY header, it begins with "\\x0d\\x0a/);
  assertMatch(problemOf("\x16\x03\x01\x02\x00"), /^no PROXY header, but a hello of TLS$/);
  assertMatch(problemOf(SIGNATURE_V2 + "\x11"), /^version 1 in the signature of version 2$/);
  assertMatch(problemOf(SIGNATURE_V2 + "\x22"), /^version 2 with the unknown command 2$/);
  assertMatch(problemOf(SIGNATURE_V2 + "\x21\x11\x0f\xf1"), /^version 2 with 4097 bytes, more/);
  assertMatch(problemOf(SIGNATURE_V2 + "\x21\x11\x00\x0b"), /too few for its addresses$/);
  assertMatch(problemOf(SIGNATURE_V2 + "\x21\x21\x00\x23"), /too few for its addresses$/);
  assertMatch(problemOf(SIGNATURE_V2 + "\x21\x31\x00\xd7"), /too few for its addresses$/);
  assertEquals(clientOf(SIGNATURE_V2 + "\x21\x11\x0f\xf0"), "more");
});

Deno.test("values behind the addresses are skipped, and have to fit exactly", () => {
  const of = (values: readonly (readonly [number, string])[], behind = "") => {
    const block = joined(ipv6Block());
    const header = v2({ kind: 0x21, block, values });
    header[15]! += behind.length;
    return problemOf(joined(header, behind));
  };
  assertEquals(of([[0x01, "h2"], [0xe0, ""], [0x20, "\x01".repeat(100)]]), "header");
  for (const behind of ["\x05", "\x05\0", "\x05\0\x01", "\x05\0\x02x"]) {
    assertEquals(of([], behind), "version 2 with a value that is longer than the header");
  }
  const longest = v2({ kind: 0x21, block: ipv6Block(), values: [[5, "x".repeat(4041)]] });
  assertEquals(longest.length, 4096);
  assertEquals(clientOf(longest), V2.client);
});

Deno.test("a checksum is checked where there is one", () => {
  // The examples of RFC 3720, appendix B.4, and the usual one.
  assertEquals(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assertEquals(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assertEquals(crc32c(bytes("123456789")), 0xe3069283);
  const header = v2({ kind: 0x21, block: ipv6Block(), values: [[5, "id"]], checksum: true });
  assertEquals(clientOf(header), V2.client);
  assertEquals(clientOf(joined(header, "payload")), V2.client);
  for (const at of [13, 20, 40, 55, header.length - 1]) {
    const broken = header.with(at, header[at]! ^ (at === 13 ? 0x03 : 0x01));
    assertEquals(problemOf(broken), "version 2 with a wrong checksum", `byte ${at}`);
  }
  const twice = v2({
    kind: 0x21,
    block: ipv6Block(),
    values: [[0x03, "\0\0\0\0"]],
    checksum: true,
  });
  new DataView(twice.buffer).setUint32(55, crc32c(twice, { zeroAt: 55 }));
  assertEquals(problemOf(twice), "version 2 with more than one checksum");
  const short = v2({ kind: 0x21, block: ipv6Block(), values: [[0x03, "\0\0\0"]] });
  assertEquals(problemOf(short), "version 2 with a checksum of 3 bytes instead of 4");
});

Deno.test("10,000 headers cut anywhere are the same header, and before its end nothing is decided", () => {
  const random = new Random(1);
  for (let i = 0; i < 10_000; i++) {
    const { header, client } = [V1, V2][i % 2]!;
    const stream = joined(header, "x".repeat(random.below(5)));
    const cut = random.below(header.length);
    assertEquals(readHeader(stream.subarray(0, cut)).kind, "more");
    const reading = readHeader(stream);
    assert(reading.kind === "header");
    assertEquals(reading.header.length, header.length);
    assertEquals(formatSocketAddress(reading.header.ends!.source), client);
  }
});

Deno.test("whatever comes is decided within 4 KiB, and no later byte changes what was decided", () => {
  const random = new Random(2);
  const checked = v2({ kind: 0x11, block: bytes("abcdefghijkl"), checksum: true });
  for (let i = 0; i < 20_000; i++) {
    const bytes = i % 4 === 0
      ? Uint8Array.from({ length: random.below(200) }, () => random.below(256))
      : joined([V1.header, V2.header, checked][i % 3]!, "payload");
    for (let change = random.below(4); change > 0 && bytes.length > 0; change--) {
      bytes[random.below(bytes.length)] = random.chance(0.5)
        ? random.below(256)
        : 0x20 + random.below(0x60);
    }
    let decided: ReturnType<typeof readHeader> | undefined;
    for (let length = 0; length <= bytes.length; length += 1 + random.below(bytes.length)) {
      const reading = readHeader(bytes.subarray(0, length));
      if (decided?.kind === "header") assertEquals(reading, decided);
      if (decided?.kind === "bad") assertEquals(reading.kind, "bad");
      if (reading.kind === "header") assert(reading.header.length <= length);
      if (reading.kind !== "more") decided ??= reading;
    }
    if (i % 100 === 0) assert(readHeader(joined(bytes, new Uint8Array(4096))).kind !== "more");
  }
});
