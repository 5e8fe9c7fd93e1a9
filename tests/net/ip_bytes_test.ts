import { assertEquals } from "@std/assert";
import { fc } from "../support/properties.ts";
import ipaddr from "ipaddr.js";
import { writeIp } from "../../src/net/ip_bytes.ts";

function bytesOf(text: string): number[] {
  const bytes = new Uint8Array(16).fill(0xaa);
  return [...bytes.subarray(0, writeIp(text, bytes))];
}

/** What the library makes of it, which takes its time. */
function expected(text: string): number[] {
  return ipaddr.isValid(text) ? ipaddr.process(text).toByteArray() : [];
}

Deno.test("an IP address in whatever spelling is its bytes, and mapped IPv4 is IPv4", () => {
  const texts = [
    "127.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "1::",
    "2001:db8::1:0:0:1",
    "2001:DB8:1:2:3:4:5:6",
    "fe80::1",
    "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8",
    "::ffff:192.0.2.1",
    "::ffff:c000:201",
    "::ffff:0:192.0.2.1",
    "64:ff9b::192.0.2.33",
    "1:2:3:4:5:6:192.0.2.1",
  ];
  for (const text of texts) assertEquals(bytesOf(text), expected(text), text);
  assertEquals(bytesOf("::ffff:c000:201"), [192, 0, 2, 1]);
  assertEquals(bytesOf("fe80::1%eth0"), bytesOf("fe80::1"));
});

Deno.test("what is no IP address is none", () => {
  const texts = [
    "",
    ":",
    ":::",
    "1:2",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "1..2.3",
    ".1.2.3",
    "host",
  ]
    .concat(["1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1::", "1::2::3", "12345::", "1:", "g::1"])
    .concat([":1::", "::1:", "1.2.3.4:5", "::1.2.3", "1:2:3:4:5:6:7:1.2.3.4", "1:::2", "1.2.3.4 "]);
  for (const text of texts) assertEquals(bytesOf(text), [], text);
});

Deno.test("whatever is written, it is read as the library reads it", () => {
  const group = fc.constantFrom(
    "",
    "0",
    "1",
    "ffff",
    "FFFF",
    "abcd",
    "12345",
    "1.2.3.4",
    "0.0.0.0",
  );
  const addresses = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.array(group, { maxLength: 9 }).map((groups) => groups.join(":")),
    fc.stringMatching(/^[0-9a-f:.]{0,40}$/),
  );
  fc.assert(
    fc.property(addresses, (text) => {
      // The library also takes other forms of IPv4: 0x7f.1, 127.1, 0177.0.0.1, and ::127.0.0.1.
      const odd = !text.includes(":") && !ipaddr.IPv4.isValidFourPartDecimal(text) ||
        /(^|[:.])0\d+(\.|$)|^::\d+\./.test(text);
      if (!odd) assertEquals(bytesOf(text), expected(text), text);
    }),
    { numRuns: 3000 },
  );
});
