import { assertEquals } from "@std/assert";
import { formatNetwork, isAllowed, parseNetworks, parsePeers } from "../../src/net/networks.ts";

function rules(...texts: [verdict: "allow" | "deny", networks: string][]) {
  return texts.flatMap(([verdict, networks]) => parseNetworks(networks, verdict)!);
}

Deno.test("without a match a client is let in", () => {
  assertEquals(isAllowed([], "10.0.0.1"), true);
  assertEquals(isAllowed(rules(["deny", "10.0.0.0/8"]), "192.0.2.1"), true);
});

Deno.test("the first rule that matches counts", () => {
  const list = rules(["allow", "10.1.0.0/16"], ["deny", "10.0.0.0/8"], ["allow", "10.2.0.0/16"]);
  const verdicts = ["10.1.2.3", "10.2.2.3", "10.9.9.9"].map((ip) => isAllowed(list, ip));
  assertEquals(verdicts, [true, false, false]);
});

Deno.test("a single address is a range of one", () => {
  const list = rules(["deny", "192.0.2.1, 2001:db8::1"]);
  const addresses = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"];
  assertEquals(addresses.map((ip) => isAllowed(list, ip)), [false, true, false, true]);
});

Deno.test("an IPv4 address mapped into IPv6 is the IPv4 address, in rules and in clients", () => {
  const list = rules(["deny", "10.0.0.0/8"]);
  assertEquals(isAllowed(list, "::ffff:10.0.0.1"), false);
  const mapped = rules(["deny", "::ffff:10.0.0.0/104"]);
  assertEquals(mapped.map(formatNetwork), ["10.0.0.0/8"]);
  assertEquals([isAllowed(mapped, "10.0.0.1"), isAllowed(mapped, "11.0.0.1")], [false, true]);
});

Deno.test("every address of a family can be matched", () => {
  const list = rules(["allow", "127.0.0.0/8"], ["deny", "0.0.0.0/0,::/0"]);
  assertEquals(["127.1.2.3", "8.8.8.8", "::1"].map((ip) => isAllowed(list, ip)), [
    true,
    false,
    false,
  ]);
});

Deno.test("what is not a list of networks is refused", () => {
  for (const text of ["", "10.0.0.0/33", "10.0.0/8", "::/129", "host", "10.0.0.1,", "1.2.3.4/-1"]) {
    assertEquals(parseNetworks(text, "deny"), undefined, text);
  }
});

Deno.test("a zone is refused, since no socket tells the zone of its peer", () => {
  for (const text of ["fe80::1%eth0", "fe80::%2/64", "10.0.0.1,fe80::1%1"]) {
    assertEquals([parseNetworks(text, "allow"), parsePeers(text)], [undefined, undefined], text);
  }
  assertEquals(parsePeers("fe80::/64,unix")?.length, 2);
});
