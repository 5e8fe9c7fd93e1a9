// Headers that are cut, changed, or none at all, through real sockets: what is let in reaches the
// server whole, and what is not leaves nothing behind.
import { assert, assertEquals } from "@std/assert";
import { readHeader } from "../../src/net/proxy_protocol/read.ts";
import { Front } from "../support/front.ts";
import { hasProc, openDescriptors } from "../support/process.ts";
import { joined, samples } from "../support/proxy_headers.ts";
import { Random } from "../support/random.ts";
import { echo, randomBytes, readAll, TestServer, until, writeAll } from "../support/servers.ts";

/** Sends pieces so that they arrive one by one, and gives all that comes back until the end. */
async function exchange(front: Front, pieces: readonly Uint8Array[]): Promise<Uint8Array> {
  using conn = await front.connect();
  conn.setNoDelay();
  for (const [i, piece] of pieces.entries()) {
    if (i > 0) await new Promise((resolve) => setTimeout(resolve, 0));
    await writeAll(conn, piece);
  }
  await conn.closeWrite();
  return await readAll(conn);
}

/** Does so many things, some at a time. */
async function inTurns(number: number, act: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: 50 }, async () => {
    while (next < number) await act(next++);
  }));
}

Deno.test("10,000 headers cut at random places name their clients, and no byte of the payload is lost", async () => {
  const random = new Random(1);
  await using server = new TestServer(echo);
  await using front = await Front.start([server.address]);
  const all = samples(random, 10_000);
  const named = new Map<string, number>();
  const note = (client: string, by: number) => named.set(client, (named.get(client) ?? 0) + by);
  for (const { client } of all) note(client, 1);
  await inTurns(all.length, async (i) => {
    const { header } = all[i]!;
    const payload = randomBytes(random.below(200));
    const stream = joined(header, payload);
    const cut = random.below(stream.length + 1);
    const pieces = [stream.subarray(0, cut), stream.subarray(cut)].filter(({ length }) =>
      length > 0
    );
    assertEquals(await exchange(front, pieces), payload);
  });
  await until(() => front.balancer.sessions(1).length === 0, "all have ended");
  const { done = 0, "client-gone": gone = 0 } = front.ended;
  // Those without a payload have left.
  assertEquals(done + gone, all.length);
  for (const { client, peer } of await front.entries()) note(peer ? client : "peer", -1);
  assertEquals([...named].filter(([, number]) => number !== 0), []);
});

Deno.test("no byte of the payload is lost, whatever came before it, and all is given back", async () => {
  const random = new Random(2);
  await using server = new TestServer(echo);
  const descriptors = hasProc ? openDescriptors(Deno.pid) : 0;
  {
    await using front = await Front.start([server.address], { acceptProxyTimeout: "1s" });
    const all = samples(random, 1500);
    const ends = { served: 0, refused: 0 };
    await inTurns(all.length, async (i) => {
      const stream = joined(all[i]!.header, randomBytes(random.below(9000)));
      // What is no header, or not any more; some are still fine.
      for (let change = random.below(3); change > 0; change--) {
        stream[random.below(Math.min(stream.length, 120))] = random.below(256);
      }
      const reading = readHeader(stream);
      const cuts = [0, random.below(stream.length), stream.length].sort((a, b) => a - b);
      const pieces = [stream.subarray(0, cuts[1]), stream.subarray(cuts[1])];
      if (reading.kind === "header") {
        assertEquals(await exchange(front, pieces), stream.subarray(reading.header.length));
        ends.served++;
      } else {
        // Whether the end or a reset comes depends on what was not read.
        assertEquals((await exchange(front, pieces).catch(() => "")).length, 0);
        ends.refused++;
      }
    });
    await until(() => front.balancer.sessions(1).length === 0, "all have ended");
    assert(ends.served > 300 && ends.refused > 300, JSON.stringify(ends));
    const { "bad-proxy-header": bad = 0, "client-gone": gone = 0, ...rest } = front.ended;
    assert(bad > 300 && bad + gone >= ends.refused, JSON.stringify(front.ended));
    assertEquals(Object.keys(rest), ["done"]);
  }
  if (hasProc) {
    await until(() => openDescriptors(Deno.pid) <= descriptors + 8, "all descriptors are closed");
  }
});
