import { assertEquals, assertThrows } from "@std/assert";
import {
  AddressError,
  canonicalIp,
  formatAddress,
  formatSocketAddress,
  parseAddress,
} from "../src/address.ts";

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
    "http": "a port from 1",
    "65536": "a port from 1",
    "080": "a port from 1",
    "0x50": "a port from 1",
    " 80": "a port from 1",
    "host:": "a port from 1",
    "host": "a port from 1",
    ":80": "must be PORT",
    "-host:80": "must be PORT",
    "ho st:80": "must be PORT",
    "http://host:80": "brackets",
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
