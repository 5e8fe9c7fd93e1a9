// Many whose greeting ends at once.
import { assertEquals } from "@std/assert";
import { Front } from "../../support/front.ts";
import { joined, V1 } from "../../support/proxy_headers.ts";
import { readExactly, TestServer, tryClose, until, writeAll } from "../../support/servers.ts";

Deno.test("with --overflow reject a batch has no more sessions than there is room for", async () => {
  const hold = Promise.withResolvers<void>();
  const order: string[] = [];
  await using server = new TestServer(async (conn) => {
    order.push(new TextDecoder().decode(await readExactly(conn, 1)));
    await hold.promise;
  });
  await using front = await Front.start([server.address], {
    ...{ queue: "2", workers: "1", overflow: "reject" },
    ...{ batchSize: "64", batchDelay: "200ms" },
  });
  const conns = await Promise.all(Array.from({ length: 8 }, () => front.connect()));
  try {
    await until(() => front.greeting === 8, "all are being greeted");
    await writeAll(conns[0]!, joined(V1.header, "0"));
    await until(() => order.length === 1, "the first one is served");
    for (const conn of conns.slice(1)) await writeAll(conn, joined(V1.header, "x"));
    await until(() => front.greeting === 0, "all have been greeted");
    const refused = () => front.ended["refused-overflow"] ?? 0;
    const waiting = () => front.balancer.status().waiting;
    await until(() => waiting() + refused() === 7, "all know whether there is room");
    assertEquals([waiting(), refused()], [2, 5]);
  } finally {
    hold.resolve();
    conns.forEach(tryClose);
  }
});

Deno.test("whoever finds no room in the queue is counted among those who wait", async () => {
  const hold = Promise.withResolvers<void>();
  await using server = new TestServer(() => hold.promise);
  await using front = await Front.start([server.address], { queue: "1", workers: "1" });
  const conns = await Promise.all(Array.from({ length: 8 }, () => front.connect()));
  try {
    await until(() => front.greeting === 8, "all are being greeted");
    for (const conn of conns) await writeAll(conn, V1.header);
    await until(() => front.greeting === 0, "all have been greeted");
    await until(() => front.balancer.status().active === 1, "one is served");
    assertEquals(front.balancer.status().waiting, 7);
    conns[7]!.close();
    await until(() => front.ended["client-gone"] === 1, "one has left");
    assertEquals(front.balancer.status().waiting, 6);
  } finally {
    hold.resolve();
    conns.forEach(tryClose);
  }
});
