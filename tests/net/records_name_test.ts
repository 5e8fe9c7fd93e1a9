import { assertEquals, assertThrows } from "@std/assert";
import { fc } from "../support/properties.ts";
import { AddressError } from "../../src/net/address.ts";
import {
  canonicalRecordsName,
  formatRecordsName,
  parseRecordsName,
} from "../../src/net/records_name.ts";

Deno.test("a name whose records are servers is read, and written as it was", () => {
  for (
    const [text, canonical] of [
      ["dns:web.example:8080", "dns:web.example:8080"],
      ["dns:web.example.:http", "dns:web.example.:80"],
      ["dns:dns.:53", "dns:dns.:53"],
      ["srv:_web._tcp.example", "srv:_web._tcp.example"],
      ["srv:web.service.consul", "srv:web.service.consul"],
    ] as const
  ) {
    const name = parseRecordsName(text)!;
    assertEquals([formatRecordsName(name), canonicalRecordsName(name)], [text, canonical]);
  }
  assertEquals(parseRecordsName("DNS:Web:80"), { kind: "dns", hostname: "web", port: 80 });
  for (const other of ["web:80", "9001", "unix:/dns:a:1", "dns.:53", "srv.:53"]) {
    assertEquals(parseRecordsName(other), undefined, other);
  }
});

Deno.test("what is no such name is refused with what is allowed", () => {
  for (
    const [text, problem] of [
      ["dns:web.example", "must be dns:HOST:PORT with a name that name servers know; a host of"],
      ["dns::80", "must be dns:HOST:PORT"],
      ["dns:web.example:0", "with a port from 1 to 65535"],
      ["dns:web.example:nosuchservice", "has no TCP service of that name"],
      ["dns:10.0.0.1:80", "an IP address is there without a look-up"],
      ["dns:[::1]:80", "must be dns:HOST:PORT"],
      ["dns:a b:80", "must be dns:HOST:PORT"],
      ["dns:web:80:81", "must be dns:HOST:PORT"],
      ["srv:", "must be srv:NAME"],
      ["srv:_web._tcp.example:80", "must be srv:NAME"],
      ["srv:a..b", "must be srv:NAME"],
      [`srv:${"a".repeat(300)}`, "must be srv:NAME"],
    ] as const
  ) {
    assertThrows(() => parseRecordsName(text), AddressError, problem);
  }
});

Deno.test("whatever is read can be written and is the same again", () => {
  fc.assert(fc.property(fc.constantFrom("dns:", "srv:"), fc.string(), (word, rest) => {
    try {
      const name = parseRecordsName(word + rest)!;
      assertEquals(parseRecordsName(formatRecordsName(name)), name);
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
    }
  }));
});
