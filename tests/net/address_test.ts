import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  AddressError,
  canonicalIp,
  formatAddress,
  formatHostPort,
  formatSocketAddress,
  isLocalhost,
  parseAddress,
  RESERVED_WORDS,
} from "../../src/net/address.ts";
import { collides, isSelf } from "../../src/net/address_relations.ts";

const tcp = (hostname: string | undefined, port: number) => {
  return { transport: "tcp", hostname, port } as const;
};

Deno.test("every form of an address is read, and written back as it was", () => {
  const forms = {
    "8080": tcp(undefined, 8080),
    "localhost:80": tcp("localhost", 80),
    "db-1.example.org:5432": tcp("db-1.example.org", 5432),
    "my_host:1": tcp("my_host", 1),
    "10.0.0.7:65535": tcp("10.0.0.7", 65535),
    "[::1]:443": tcp("::1", 443),
    "unix:/run/app.sock": { transport: "unix", path: "/run/app.sock" },
  } as const;
  for (const [text, address] of Object.entries(forms)) {
    assertEquals(parseAddress(text, { minPort: 1 }), address);
    assertEquals(formatAddress(address), text);
  }
});

Deno.test("udp: before a port is one of UDP, where that is allowed", () => {
  const udp = (hostname: string | undefined, port: number) => {
    return { transport: "udp", hostname, port } as const;
  };
  const forms = {
    "udp:53": udp(undefined, 53),
    "udp:localhost:53": udp("localhost", 53),
    "udp:10.0.0.7:53": udp("10.0.0.7", 53),
    "udp:[::1]:53": udp("::1", 53),
  };
  for (const [text, address] of Object.entries(forms)) {
    assertEquals(parseAddress(text, { minPort: 1, udp: true }), address);
    assertEquals(formatAddress(address), text);
    assertThrows(() => parseAddress(text, { minPort: 1 }), AddressError, "which is for listeners");
  }
  assertEquals(parseAddress("udp:domain", { minPort: 1, udp: true }).transport, "udp");
  for (const text of ["udp:", "udp:x:y:1", "udp:udp:53", "udp:dns:53", "UDP:53", "udp:0"]) {
    assertThrows(() => parseAddress(text, { minPort: 1, udp: true }), AddressError);
  }
});

Deno.test("a port of UDP is not the port of TCP of that number", () => {
  const [udp, tcp] = ["udp:127.0.0.1:53", "127.0.0.1:53"].map((text) => {
    return parseAddress(text, { minPort: 1, udp: true });
  });
  assertEquals([collides(udp!, tcp!), collides(udp!, udp!)], [false, true]);
  assertEquals([isSelf(udp!, tcp!), isSelf(udp!, udp!)], [false, true]);
});

Deno.test("an address has one spelling", () => {
  assertEquals(parseAddress("Example.ORG:80", { minPort: 1 }), tcp("example.org", 80));
  assertEquals(parseAddress("[0:0:0::1]:80", { minPort: 1 }), tcp("::1", 80));
  assertEquals(parseAddress("[::ffff:10.0.0.7]:80", { minPort: 1 }), tcp("10.0.0.7", 80));
});

Deno.test("port 0 is for listening only", () => {
  assertEquals(parseAddress("0", { minPort: 0 }), tcp(undefined, 0));
  assertThrows(() => parseAddress("0", { minPort: 1 }), AddressError, "from 1 to 65535");
});

Deno.test("what is wrong with an address is said", () => {
  const problems = {
    "": "a port from 1",
    "x-http": 'the port "x-http", but /etc/services has no TCP service of that name; must be PORT',
    "localhost:x-http": "has no TCP service of that name",
    ":": "a port from 1",
    "http:": "a port from 1",
    "::http": "brackets around an IPv6 address",
    "1.2.3:http": "four numbers",
    "65536": "a port from 1",
    "080": "a port from 1",
    "0x50": "a port from 1",
    " 80": "a port from 1",
    "host:": "a port from 1",
    "host": "a port from 1",
    "-host:80": "must be PORT",
    "ho st:80": "must be PORT",
    "http://host:80": "must be HOST:PORT without http://",
    "::1:80": "brackets around an IPv6 address",
    "[::g]:80": "an IPv6 address between the brackets",
    "[10.0.0.7]:80": "an IPv6 address between the brackets",
    "1.2.3:80": "four numbers",
    "1.2.3.256:80": "four numbers",
    "unix:": "an absolute path",
    "unix:app.sock": "an absolute path",
    [`unix:/${"x".repeat(107)}`]: "at most 107 bytes",
  };
  for (const [text, problem] of Object.entries(problems)) {
    assertThrows(() => parseAddress(text, { minPort: 1 }), AddressError, problem);
  }
});

Deno.test("an IPv4 address mapped into IPv6 is an IPv4 address", () => {
  assertEquals(canonicalIp("::ffff:127.0.0.1"), "127.0.0.1");
  assertEquals(canonicalIp("2001:DB8:0:0::1"), "2001:db8::1");
  const mapped = { transport: "tcp", hostname: "::ffff:127.0.0.1", port: 5 } as const;
  assertEquals(formatSocketAddress(mapped), "127.0.0.1:5");
  assertEquals(formatSocketAddress({ ...mapped, hostname: "::1" }), "[::1]:5");
  assertEquals(formatSocketAddress({ transport: "unix", path: "/a" }), "unix:/a");
});

Deno.test("an address that is written is read back as the same", () => {
  const texts = [
    "1",
    "65535",
    "LOCALHOST:1",
    "a.b.c.:2",
    "[::]:3",
    "[2001:DB8:0:0:0::1]:4",
    "[::ffff:192.0.2.1]:5",
    "[fe80::1%eth0]:6",
    "0.0.0.0:7",
    "unix:/run/with space:8",
    `${"x".repeat(63)}.org:9`,
  ];
  for (const text of texts) {
    const address = parseAddress(text, { minPort: 1 });
    assertEquals(parseAddress(formatAddress(address), { minPort: 1 }), address, text);
  }
});

Deno.test("the length of a socket's path counts in bytes", () => {
  const longest = "unix:/" + "é".repeat(53);
  assertEquals(parseAddress(longest, { minPort: 1 }).transport, "unix");
  assertThrows(() => parseAddress(longest + "x", { minPort: 1 }), AddressError, "has 108");
});

Deno.test("a path with a zero byte is not an address", () => {
  assertThrows(() => parseAddress("unix:/run/\0", { minPort: 1 }), AddressError, "a path");
});

Deno.test("an IPv4 address has four plain decimal numbers", () => {
  for (const text of ["010.0.0.1:80", "1.2.3.4.5:80", "1.2.3.:80", "256.1.1.1:80", "1234:80"]) {
    assertThrows(() => parseAddress(text, { minPort: 1 }), AddressError, "four numbers");
  }
});

Deno.test("a host name is bounded in its labels and as a whole", () => {
  const names = ["x".repeat(64), "a..b", ".a", "a b", "é", "a/b", `${"abc.".repeat(63)}ab`];
  for (const name of names) {
    assertThrows(() => parseAddress(`${name}:80`, { minPort: 1 }), AddressError, "must be PORT");
  }
});

Deno.test("only an IPv6 host has brackets", () => {
  assertEquals(formatHostPort("::1", 80), "[::1]:80");
  assertEquals(formatHostPort("10.0.0.1", 80), "10.0.0.1:80");
});

Deno.test("a socket without a path has just its kind", () => {
  assertEquals(formatSocketAddress({ transport: "unix", path: null }), "unix:");
});

Deno.test("localhost and what is below it is this machine", () => {
  const names = ["localhost", "app.localhost", "notlocalhost", "localhost.org", "127.0.0.1"];
  assertEquals(names.map(isLocalhost), [true, true, false, false, false]);
});

Deno.test("what is not an IP address has no canonical form", () => {
  assertEquals(["localhost", "", "1.2.3.4:5"].map(canonicalIp), ["localhost", "", "1.2.3.4:5"]);
});

for (const word of RESERVED_WORDS) {
  Deno.test(`${word} before the first colon is no host, unless it ends in a dot`, () => {
    for (const text of [`${word}:53`, `${word.toUpperCase()}:53`, `${word}:example.org:53`]) {
      const error = assertThrows(() => parseAddress(text, { minPort: 0 }), AddressError);
      assertStringIncludes(error.message, `a host of that name ends in a dot, as in ${word}.:53`);
    }
    const address = parseAddress(`${word}.:53`, { minPort: 0 });
    assertEquals(address, tcp(`${word}.`, 53));
    assertEquals(formatAddress(address), `${word}.:53`);
    assertEquals(parseAddress(`${word}.example.org:53`, { minPort: 0 }).transport, "tcp");
    assertEquals(parseAddress(`x${word}:53`, { minPort: 0 }), tcp(`x${word}`, 53));
  });
}
