import { hasProc, nothingLeft, openDescriptors } from "../support/process.ts";
import { listener, start } from "../support/instance.ts";
import { discard, TestServer, until } from "../support/servers.ts";

Deno.test("checks that are given up again and again leave no connection", {
  ignore: !hasProc,
}, async () => {
  await using server = new TestServer(discard);
  const options = { check: "expect:never", checkInterval: "10ms", checkTimeout: "20ms" };
  await using program = await start(listener([server.address], options));
  const { id } = Object.values(await program.destinations())[0]!;
  await until(() => server.looks > 0, "it is checked");
  const descriptors = openDescriptors(Deno.pid);
  for (let round = 0; round < 200; round++) {
    await program.instance.changeDestination(id, { state: "maint" });
    await program.instance.changeDestination(id, { state: "ready" });
    // In every other round the check has begun to connect, or is connected.
    if (round % 2) await new Promise((resolve) => setTimeout(resolve, round % 5));
  }
  await program.instance.changeDestination(id, { state: "maint" });
  await until(() => server.looks + server.accepted > 20, "many checks have reached the server");
  await nothingLeft(Deno.pid, { destinations: [server.port], descriptors });
});
