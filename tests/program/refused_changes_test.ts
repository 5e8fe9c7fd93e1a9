// What the configuration refuses, operators and reloads cannot have either.
import { assertEquals, assertRejects } from "@std/assert";
import { OperationError } from "../../src/operations/operations.ts";
import { UsageError } from "../../src/base/errors.ts";
import type { DestinationChange, NewDestination } from "../../src/operations/operations.ts";
import { sleep } from "../../src/base/timer.ts";
import { Instance } from "../../src/program/instance.ts";
import { FakeResolver } from "../support/fake_resolver.ts";
import { listener, type Options, start } from "../support/instance.ts";
import { childrenOf, reaped } from "../support/process.ts";
import { quietLogs } from "../support/logs.ts";
import { request, until } from "../support/servers.ts";

type Program = Awaited<ReturnType<typeof start>>;

const ACCEPTING = "service:echo,processes=accept,workers=2";

/** Makes sure that a destination is not added, for this reason, and that nothing has changed. */
async function assertRefused(
  { instance }: Program,
  destination: NewDestination,
  reason: string,
): Promise<void> {
  const before = (await instance.status()).listeners[0]!.destinations.length;
  const error = await assertRejects(() => instance.addDestination(destination), OperationError);
  assertEquals([error.kind, error.message], ["invalid", reason]);
  assertEquals((await instance.status()).listeners[0]!.destinations.length, before);
}

Deno.test("where processes accept nothing is added, or comes by a reload, that does not", async () => {
  const of = (destinations: string[], options: Options = { threads: "2" }) => {
    return listener(destinations, options);
  };
  await using program = await start(of([ACCEPTING]));
  const why =
    "has no processes=accept, as others of this listener have, which only a restart changes";
  for (const address of ["127.0.0.1:9001", "unix:/nowhere", "dns:name:80", "service:http"]) {
    await assertRefused(program, { address }, `DESTINATION "${address}": ${why}`);
  }
  for (const [text, option] of [["9001", ""], ["service:echo", ",workers=2"]]) {
    const other = of([`${text}${option}`]);
    await assertRejects(
      () => program.reload(other),
      UsageError,
      `DESTINATION "${text}${option}": ${why}`,
    );
  }
  const two = of([ACCEPTING, "service:daytime,processes=accept,workers=1"]);
  await assertRejects(() => program.reload(two), UsageError, "cannot be divided by it");
  const { id } = (await program.destinations())["service:echo,processes=accept"]!;
  for (const workers of [0, 1]) {
    const error = await assertRejects(
      () => program.instance.changeDestination(id, { workers }),
      OperationError,
    );
    assertEquals(error.kind, "invalid");
  }
  assertEquals(await request(program.port, "as before"), "as before");
  const pids = childrenOf(Deno.pid);
  await program.instance.quit();
  await reaped(pids);
});

Deno.test("processes that accept do not come to a listener that has begun without them", async () => {
  for (const threads of ["1", "2"]) {
    await using program = await start(listener(["service:echo,workers=2"], { threads }));
    await assertRejects(
      () => program.reload(listener([ACCEPTING], { threads: "2" })),
      UsageError,
      `DESTINATION "${ACCEPTING}": has processes=accept, which others of this listener have not, ` +
        "which only a restart changes",
    );
    assertEquals(await request(program.port, "as before"), "as before");
  }
});

Deno.test("what a listener of UDP cannot have it does not get later", async () => {
  const resolver = new FakeResolver().addresses("web", "127.0.0.1");
  const udp = listener(["dns:web:9"], {}, "udp:127.0.0.1:0");
  const config = { settings: udp, listeners: [udp] };
  const lookUps = { resolver, pause: (_: number, signal: AbortSignal) => sleep(20, { signal }) };
  const logs = quietLogs();
  const instance = await Instance.start({ config, load: () => config, logs, lookUps });
  await using _instance = { [Symbol.asyncDispose]: async () => void await instance.quit() };
  const record = async () => (await instance.status()).listeners[0]!.destinations[0];
  await until(async () => await record() !== undefined, "there is a record");
  const { id, name } = (await record())!;
  for (const address of ["127.0.0.1:9", "service:http", "unix:/nowhere"]) {
    await assertRejects(() => instance.addDestination({ address }), OperationError);
  }
  const changes: [string, DestinationChange][] = [
    [
      "has a check of connections, of which UDP has none; must be off, " +
      "udp:send:TEXT,expect:TEXT or dns:NAME",
      { check: "tcp" },
    ],
    ["datagrams have no PROXY header before them; send-proxy must be off", { send_proxy: "v2" }],
    ["has delay, which is for service:http only", { delay: "1s" }],
  ];
  for (const [why, change] of changes) {
    const error = await assertRejects(
      () => instance.changeDestination(id, change),
      OperationError,
    );
    assertEquals([error.kind, error.message], ["invalid", `${name}: ${why}`]);
  }
  const { weight } = await instance.changeDestination(id, { weight: 3 });
  assertEquals(weight, 3);
});
