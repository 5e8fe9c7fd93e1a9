import { assertEquals } from "@std/assert";
import { BufferPool } from "../../../src/net/buffer_pool.ts";
import { Front } from "../../support/front.ts";
import { heldServer } from "../../support/instance.ts";
import { NamedClient } from "../../support/named_client.ts";
import { readExactly, until } from "../../support/servers.ts";

Deno.test("the buffer of a silent client that is turned away is nobody else's while it is read", async () => {
  const held = heldServer("held");
  await using _held = held.server;
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, "busy");
  await using front = await Front.start([`${held.server.address},sni=*,workers=1`], {
    acceptProxy: "none",
    queue: "1",
    overflow: "reject",
    rejectWith: file,
    greetingTimeout: "100ms",
  });
  using served = await NamedClient.connect(front.port, "a.example");
  await until(() => front.balancer.status().active === 1, "one is served");
  using waiting = await NamedClient.connect(front.port, "a.example");
  await until(() => front.balancer.status().waiting === 1, "one waits");
  const { give } = BufferPool.prototype;
  let given = 0;
  BufferPool.prototype.give = function (buffer) {
    given++;
    give.call(this, buffer);
  };
  try {
    using silent = await front.connect();
    assertEquals(new TextDecoder().decode(await readExactly(silent, 4)), "busy");
    assertEquals([front.ended, given], [{ "refused-overflow": 1 }, 0]);
  } finally {
    BufferPool.prototype.give = give;
    await Deno.remove(file);
  }
  held.release();
  assertEquals([await served.answer, await waiting.answer], ["held", "held"]);
});
