import { assertEquals } from "@std/assert";
import ipaddr from "ipaddr.js";
import type { SocketAddress } from "../../../src/net/address.ts";
import type { ProxiedEnds } from "../../../src/net/proxy_protocol/header.ts";
import { readHeader } from "../../../src/net/proxy_protocol/read.ts";
import { proxyHeader } from "../../../src/net/proxy_protocol/write.ts";
import { Random } from "../../support/random.ts";

const SIGNATURE = "0d0a0d0a000d0a515549540a";

function tcp(source: [string, number], destination: [string, number]): ProxiedEnds {
  const end = ([hostname, port]: [string, number]) => {
    return { transport: "tcp", hostname, port } as const;
  };
  return { source: end(source), destination: end(destination) };
}

function unix(source: string | null, destination: string): ProxiedEnds {
  return {
    source: { transport: "unix", path: source },
    destination: { transport: "unix", path: destination },
  };
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function line(ends?: ProxiedEnds): string {
  return new TextDecoder().decode(proxyHeader("v1", ends));
}

/** The header of version 2 in hexadecimal, without its signature, which has to be there. */
function binary(ends?: ProxiedEnds): string {
  const text = hex(proxyHeader("v2", ends));
  assertEquals(text.slice(0, SIGNATURE.length), SIGNATURE);
  return text.slice(SIGNATURE.length);
}

Deno.test("version 1 is the line of the specification", () => {
  const ends = tcp(["192.168.0.1", 56324], ["192.168.0.11", 443]);
  assertEquals(line(ends), "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n");
});

Deno.test("version 1 is never longer than the specification allows", () => {
  const longest = Array(4).fill("255").join(".");
  const four = line(tcp([longest, 65535], [longest, 65535]));
  assertEquals([four.length, four.slice(0, 11)], [56, "PROXY TCP4 "]);
  const groups = Array(8).fill("ffff").join(":");
  const six = line(tcp([groups, 65535], [groups, 65535]));
  assertEquals([six.length, six.slice(0, 11)], [104, "PROXY TCP6 "]);
});

Deno.test("version 2 has the addresses in network order, sixteen bytes before them", () => {
  assertEquals(
    binary(tcp(["192.0.2.1", 0x1234], ["198.51.100.2", 443])),
    "2111000c" + "c0000201" + "c6336402" + "1234" + "01bb",
  );
  assertEquals(
    binary(tcp(["2001:db8::1", 1], ["2001:db8::ffff:2", 65535])),
    "21210024" + "20010db8000000000000000000000001" + "20010db80000000000000000ffff0002" +
      "0001" + "ffff",
  );
});

Deno.test("what a dual-stack socket tells of IPv4 is written as IPv4", () => {
  const ends = tcp(["::ffff:192.0.2.1", 4660], ["::ffff:198.51.100.2", 443]);
  assertEquals(line(ends), "PROXY TCP4 192.0.2.1 198.51.100.2 4660 443\r\n");
  assertEquals(binary(ends), "2111000cc0000201c6336402123401bb");
});

Deno.test("an IPv4 address beside an IPv6 one is mapped, without decimal parts", () => {
  const there = tcp(["192.0.2.1", 4660], ["2001:db8::1", 443]);
  assertEquals(line(there), "PROXY TCP6 ::ffff:c000:201 2001:db8::1 4660 443\r\n");
  const back = tcp(["2001:db8::1", 443], ["192.0.2.1", 4660]);
  assertEquals(line(back), "PROXY TCP6 2001:db8::1 ::ffff:c000:201 443 4660\r\n");
  const mapped = "00000000000000000000ffffc0000201";
  const plain = "20010db8000000000000000000000001";
  assertEquals(binary(there), `21210024${mapped}${plain}123401bb`);
  assertEquals(binary(back), `21210024${plain}${mapped}01bb1234`);
});

Deno.test("a zone of a link-local address is left out, which no receiver could read", () => {
  const ends = tcp(["fe80::1%2", 1], ["fe80::2%2", 2]);
  assertEquals(line(ends), "PROXY TCP6 fe80::1 fe80::2 1 2\r\n");
  assertEquals(binary(ends).slice(0, 40), "21210024fe800000000000000000000000000001");
});

Deno.test("UNIX sockets are unknown to version 1, and paths of 108 bytes in version 2", () => {
  const ends = unix("/run/app.sock", "/run/iawlb.sock");
  assertEquals(line(ends), "PROXY UNKNOWN\r\n");
  const paths = ["/run/app.sock", "/run/iawlb.sock"].map((path) => {
    return hex(new TextEncoder().encode(path)).padEnd(216, "0");
  });
  assertEquals(binary(ends), `213100d8${paths.join("")}`);
  const long = `/${"x".repeat(106)}`;
  const full = hex(new TextEncoder().encode(long)) + "00";
  assertEquals(binary(unix(long, long)), `213100d8${full}${full}`);
});

Deno.test("who cannot be told of is UNKNOWN, or LOCAL without addresses", () => {
  const source: SocketAddress = { transport: "tcp", hostname: "192.0.2.1", port: 1 };
  const destination: SocketAddress = { transport: "unix", path: "/run/iawlb.sock" };
  for (const ends of [undefined, unix(null, "/run/iawlb.sock"), { source, destination }]) {
    assertEquals(line(ends), "PROXY UNKNOWN\r\n");
    assertEquals(binary(ends), "20000000");
  }
});

Deno.test("whatever is written is read back as it was, and not a byte more", () => {
  const random = new Random(20_261_126);
  const address = (): SocketAddress => {
    const byte = () => random.below(256);
    const group = () => random.chance(0.4) ? "0" : random.below(0x10000).toString(16);
    const hostname = random.chance(0.5)
      ? Array.from({ length: 4 }, byte).join(".")
      : ipaddr.IPv6.parse(Array.from({ length: 8 }, group).join(":")).toRFC5952String();
    return { transport: "tcp", hostname, port: random.below(0x10000) };
  };
  const path = (): SocketAddress => {
    return { transport: "unix", path: `/${"é".repeat(random.below(50))}${random.below(1000)}` };
  };
  /** One of IPv4 beside one of IPv6 comes back as the kernel writes a mapped one. */
  const mapped = (one: SocketAddress, other: SocketAddress) => {
    if (one.transport === "unix" || other.transport === "unix") return one;
    const maps = !one.hostname.includes(":") && other.hostname.includes(":");
    return maps ? { ...one, hostname: `::ffff:${one.hostname}` } : one;
  };
  for (let i = 0; i < 5000; i++) {
    const [source, destination] = random.chance(0.9) ? [address(), address()] : [path(), path()];
    const ends = { source, destination };
    for (const version of ["v1", "v2"] as const) {
      const header = proxyHeader(version, ends);
      const told = version === "v2" || source.transport === "tcp";
      assertEquals(readHeader(new Uint8Array([...header, 1, 2, 3])), {
        kind: "header",
        header: {
          version: version === "v1" ? 1 : 2,
          command: "proxy",
          ends: told
            ? { source: mapped(source, destination), destination: mapped(destination, source) }
            : undefined,
          length: header.length,
        },
      });
    }
  }
  const local = readHeader(proxyHeader("v2"));
  assertEquals(local.kind === "header" && local.header.command, "local");
});
