import { assertEquals, assertRejects } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import type { TcpEnd } from "../../../src/net/address.ts";
import { AcceptFailures } from "../../../src/net/accept_failures.ts";
import { InnerPort } from "../../../src/net/tls/inner_port.ts";
import { Authority, hasOpenssl } from "../../support/authority.ts";
import { until } from "../../support/servers.ts";
import { unless } from "../../support/unless.ts";

const NO_OPENSSL = { "there is no openssl": !hasOpenssl };

/** An inner port, and the ports of its strangers. */
function open(authority: Authority) {
  const { cert, key } = authority.issue();
  const strangers: number[] = [];
  const inner = new InnerPort({
    pair: { cert: Deno.readTextFileSync(cert), key: Deno.readTextFileSync(key) },
    protocols: [],
    failures: new AcceptFailures({ log: getLogger("test") }),
    onStranger: (remote) => strangers.push(Number(remote.split(":")[1])),
  });
  return { inner, strangers };
}

/** Where an inner port is, which it tells nobody: the far end of one of its connections knows. */
async function placeOf(inner: InnerPort): Promise<{ hostname: string; port: number }> {
  const { near, far } = await inner.connect();
  const { hostname, port } = far.localAddr as Deno.NetAddr;
  near.close();
  far.close();
  return { hostname, port };
}

Deno.test({
  ...unless("both ends of a connection find each other among strangers", NO_OPENSSL),
  async fn() {
    using authority = new Authority();
    const { inner, strangers } = open(authority);
    const place = await placeOf(inner);
    const others: Deno.Conn[] = [];
    const pairs = await Promise.all(Array.from({ length: 60 }, async (_, i) => {
      if (i % 3 > 0) return [await inner.connect()];
      others.push(await Deno.connect(place));
      return [];
    }));
    for (const { near, far } of pairs.flat()) {
      assertEquals((near.localAddress as TcpEnd).port, (far.remoteAddr as Deno.NetAddr).port);
      near.close();
      far.close();
    }
    await until(() => strangers.length === 20, "all strangers were told");
    assertEquals(
      strangers.toSorted(),
      others.map(({ localAddr }) => (localAddr as Deno.NetAddr).port).toSorted(),
    );
    for (const other of others) other.close();
    inner.close();
    await assertRejects(() => inner.connect(), Error);
  },
});

Deno.test({
  ...unless("one that retires still ends what has begun, and then nobody listens", NO_OPENSSL),
  async fn() {
    using authority = new Authority();
    const { inner } = open(authority);
    const place = await placeOf(inner);
    const begun = [inner.connect(), inner.connect()];
    inner.retire();
    for (const { near, far } of await Promise.all(begun)) {
      near.close();
      far.close();
    }
    await assertRejects(() => Deno.connect(place), Deno.errors.ConnectionRefused);
  },
});
