import { assertEquals } from "@std/assert";
import { Loopback } from "../../src/net/loopback.ts";
import { TurnProbe } from "../../src/net/turn_probe.ts";

/** More operations than the runtime finishes between two looks at the sockets. */
const MANY = 200;

Deno.test("a turn in which more is ready than the runtime finishes is told from the others", async () => {
  using probe = await TurnProbe.open();
  using loopback = new Loopback();
  const { near, far } = await loopback.connect();
  assertEquals(await probe.look(), true);
  assertEquals(await probe.served(), true);
  const writes = Array.from({ length: MANY }, () => near.write(new Uint8Array(1)));
  assertEquals(await probe.served(), false);
  await Promise.all(writes);
  assertEquals(await probe.look(), true);
  near.close();
  far.close();
});

Deno.test("an accept that was ready before a look has been served after it", async () => {
  using probe = await TurnProbe.open();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  for (let i = 0; i < 20; i++) {
    let accepted = false;
    const accepting = listener.accept().then((conn) => {
      accepted = true;
      conn.close();
    });
    using _client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
    await probe.look();
    assertEquals(accepted, true);
    await accepting;
  }
});
