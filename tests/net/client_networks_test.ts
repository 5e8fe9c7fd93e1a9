import { assertEquals, assertNotEquals } from "@std/assert";
import { ClientNetworks } from "../../src/net/client_networks.ts";

function of(mask: { v4: number; v6: number }, hostname: string): string | undefined {
  return new ClientNetworks(mask).of({ transport: "tcp", hostname, port: 1 });
}

Deno.test("clients are told apart by so many leading bits of their addresses", () => {
  const pairs: [v4: number, v6: number, one: string, other: string, same: boolean][] = [
    [32, 64, "10.0.0.1", "10.0.0.1", true],
    [32, 64, "10.0.0.1", "10.0.0.2", false],
    [24, 64, "10.0.0.1", "10.0.0.2", true],
    [24, 64, "10.0.0.1", "10.0.1.1", false],
    [31, 64, "10.0.0.2", "10.0.0.3", true],
    [32, 64, "10.0.0.1", "::ffff:10.0.0.1", true],
    [32, 64, "10.0.0.1", "::ffff:a00:1", true],
    [24, 64, "10.0.0.9", "::ffff:a00:1", true],
    [32, 64, "2001:db8::1", "2001:db8:0:0:ffff::", true],
    [32, 64, "2001:db8::1", "2001:db8:0:1::1", false],
    [32, 128, "2001:db8::1", "2001:db8::2", false],
    [32, 64, "fe80::1%eth0", "fe80::2", true],
    [1, 1, "10.0.0.1", "a::", false],
    [32, 1, "10.0.0.1", "::1", false],
  ];
  for (const [v4, v6, one, other, same] of pairs) {
    const assert = same ? assertEquals : assertNotEquals;
    assert(of({ v4, v6 }, one), of({ v4, v6 }, other), `${one} ${other} ${v4},${v6}`);
  }
});

Deno.test("a client of a UNIX socket is in no network", () => {
  const networks = new ClientNetworks({ v4: 32, v6: 64 });
  assertEquals(networks.of({ transport: "unix", path: null }), undefined);
});
