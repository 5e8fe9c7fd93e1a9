import { assert, assertEquals } from "@std/assert";
import { slowServer } from "../../support/crowd.ts";
import { Front } from "../../support/front.ts";
import { NamedClient, namedClients } from "../../support/named_client.ts";
import { answer, freePort, TestServer, until } from "../../support/servers.ts";

Deno.test("nobody is shed for whom no server has a session, whatever others have", async () => {
  const port = freePort();
  await using busy = slowServer(30);
  await using front = await Front.start([
    `${busy.address},sni=busy.example,workers=1`,
    `127.0.0.1:${port},sni=down.example`,
  ], { acceptProxy: "none", whenOverloaded: "shed", shedTarget: "50ms", shedInterval: "50ms" });
  using waiting = await namedClients(front.port, 3, "down.example");
  await until(() => front.balancer.status().destinations[1]!.state === "down", "it is down");
  const since = performance.now();
  const visit = async () => {
    while (performance.now() - since < 500) {
      using client = await NamedClient.connect(front.port, "busy.example");
      await client.answer;
    }
  };
  await Promise.all([visit(), visit(), visit()]);
  assert(front.ended.shed! > 0, "others are shed");
  assertEquals(waiting.all.map(({ answered }) => answered), [false, false, false]);
  await using _back = new TestServer(answer("back"), { port });
  assertEquals(await waiting.answers(), ["back", "back", "back"]);
});
