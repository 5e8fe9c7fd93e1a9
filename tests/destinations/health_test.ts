import { assertEquals } from "@std/assert";
import { parseCheck } from "../../src/config/values/check.ts";
import type { Config } from "../../src/config/config.ts";
import { listener, start } from "../support/instance.ts";
import { answer, TestServer, until, writeAll } from "../support/servers.ts";

/** Greets with a text and waits for the end. */
function greeter(text: string): TestServer {
  return new TestServer(async (conn) => {
    await writeAll(conn, new TextEncoder().encode(text));
    await answer("")(conn);
  });
}

/** The same configuration, each destination with a check of its own. */
function withChecks(config: Config, checks: readonly string[]): Config {
  const destinations = config.destinations.map((one, i) => {
    return { ...one, check: parseCheck(checks[i]!)! };
  });
  return { ...config, destinations, configured: destinations };
}

Deno.test("each destination is checked in its own way, and a reload changes that", async () => {
  await using one = greeter("one");
  await using two = greeter("two");
  const config = listener([one.address, two.address], {
    checkInterval: "20ms",
    checkTimeout: "500ms",
  });
  await using program = await start(withChecks(config, ["expect:one", "expect:one"]));
  const states = async () => {
    const all = await program.destinations();
    return [all[one.address]!.state, all[two.address]!.state];
  };
  await until(async () => (await states()).join() === "up,down", "the second fails its check");
  const { changes } = await program.reload(withChecks(config, ["expect:two", "expect:two"]));
  assertEquals(
    changes.sort(),
    [one, two].map(({ address }) => `destination ${address}: check expect:one → expect:two`).sort(),
  );
  await until(async () => (await states()).join() === "down,up", "the first fails its new check");
  assertEquals((await program.reload(config)).changes.length, 2);
  await until(async () => (await states()).join() === "up,up", "a connect is enough for both");
});
