import { assert, assertEquals, assertRejects } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import { FatalError } from "../../src/base/errors.ts";
import type { DestinationStatus } from "../../src/operations/destination_status.ts";
import type { ListenerStatus } from "../../src/operations/listener_status.ts";
import type { OptionName } from "../../src/config/options.ts";
import type { Identity } from "../../src/balancer/balancer.ts";
import type { Config } from "../../src/config/config.ts";
import { Numbers } from "../../src/program/destination_numbers.ts";
import { nameOf } from "../../src/config/config.ts";
import { LocalBalancer } from "../../src/balancer/local_balancer.ts";
import { Names } from "../../src/net/names.ts";
import { configOf } from "../support/config.ts";
import { RecordedAccess } from "../support/recorded_access.ts";
import {
  answer,
  echo,
  freePort,
  readAll,
  readExactly,
  request,
  TestServer,
  until,
  writeAll,
} from "../support/servers.ts";

const log = getLogger(["test", "server"]);

async function start(
  destinations: string[],
  given: Partial<Record<OptionName, string>> = {},
  more: { names?: Names } = {},
) {
  const config = configOf(["127.0.0.1:0", ...destinations], { ...given, logFormat: "json" });
  const access = new RecordedAccess(config);
  const server = await LocalBalancer.start(config, {
    identity: identityOf(config),
    log,
    access: access.log,
    ...more,
  });
  return {
    server,
    port: Number(server.address.split(":")[1]),
    access: () => access.entries(),
    async [Symbol.asyncDispose]() {
      await server.quit();
      await access.log.close();
    },
  };
}

function identityOf(config: Config): Identity {
  return { id: 1, name: nameOf(config), numbers: new Numbers(config).byKey };
}

Deno.test("the status counts sessions and shows the destinations", async () => {
  await using destination = new TestServer(echo);
  await using running = await start([destination.address]);
  assertEquals(await request(running.port, "hello"), "hello");
  await until(() => running.server.status().active === 0, "the session has ended");
  const { latencies, forecast, destinations: [first], ...status } = running
    .server.status() as ListenerStatus & { destinations: [DestinationStatus] };
  const { latencies: ofDestination, state_age_ms: _, last_check, ...shown } = first;
  assert(last_check?.ok ?? true);
  const { queue, connect, session } = latencies;
  assertEquals([queue.count, connect.count, session.count], [1, 1, 1]);
  assertEquals(ofDestination, latencies);
  assertEquals([forecast.expected_wait_ms, forecast.clears_in_ms], [0, 0]);
  assertEquals({ ...status, destinations: [shown] }, {
    id: 1,
    name: "127.0.0.1:0",
    address: running.server.address,
    state: "running",
    balance: "fifo",
    waiting_clients: 0,
    next: "oldest",
    oldest_waiting_ms: 0,
    queue: 1024,
    waits_at_most_ms: 30_000,
    overloaded: 0,
    patience_ms: 0,
    datagrams_up: 0,
    certificates: [],
    children: [],
    datagrams_down: 0,
    datagrams_dropped: 0,
    datagrams_foreign: 0,
    datagrams_unsent: 0,
    bytes_up: 5,
    bytes_down: 5,
    accepted: 1,
    recent: null,
    greeting: 0,
    waiting: 0,
    active: 0,
    tls_handshakes: 0,
    tls_pending: 0,
    unbound: 0,
    ended: { done: 1 },
    answered: 0,
    gave_up: 0,
    routes: [],
    names: [],
    destinations: [{
      id: "1.1",
      name: destination.address,
      address: destination.address,
      source: "",
      state: "up",
      last_error: null,
      recent: null,
      admin: "ready",
      leaving: false,
      limit: 256,
      limit_reason: "configured",
      limit_changes: 0,
      weight: 1,
      backup: false,
      tier: 0,
      check: "off",
      bytes_up: 5,
      bytes_down: 5,
      workers: 1,
      active: 0,
      sessions: 1,
      failures: 0,
      lookup_failures: 0,
      sni: "",
      alpn: "",
      send_proxy: "off",
      tls: "off",
      tls_name: "",
      tls_unfinished: 0,
      agent_check: "off",
      agent: "",
      agent_failures: 0,
    }],
  });
});

Deno.test("workers are hired for a burst and retire after it", async () => {
  const hold = Promise.withResolvers<void>();
  await using destination = new TestServer(async (conn) => {
    await hold.promise;
    await answer("served")(conn);
  });
  await using running = await start([destination.address], { workers: "20" });
  const answers = Array.from({ length: 50 }, () => request(running.port, "hello"));
  await until(() => running.server.status().waiting === 30, "the workers are busy");
  assertEquals(running.server.status().destinations[0]!.workers, 20);
  hold.resolve();
  await Promise.all(answers);
  await until(() => running.server.status().destinations[0]!.workers === 1, "they retire");
});

Deno.test("--max-connections holds further clients back until one has ended", async () => {
  await using destination = new TestServer(echo);
  await using running = await start([destination.address], { maxConnections: "2" });
  const { port } = running;
  const clients = await Promise.all([0, 1, 2].map(() => Deno.connect({ port })));
  await until(() => running.server.status().active === 2, "two are being served");
  await writeAll(clients[2]!, new TextEncoder().encode("hello"));
  assertEquals(running.server.status().accepted, 2);
  clients[0]!.close();
  assertEquals(await readExactly(clients[2]!, 5), new TextEncoder().encode("hello"));
  for (const client of clients.slice(1)) client.close();
});

Deno.test("a drain resolves to whether nothing was cut, however often it is asked", async () => {
  await using destination = new TestServer(echo);
  await using running = await start([destination.address], { drainTimeout: "100ms" });
  using client = await Deno.connect({ port: running.port });
  await writeAll(client, new TextEncoder().encode("x"));
  await readExactly(client, 1);
  const both = [running.server.drain(), running.server.drain()];
  assertEquals(running.server.status().state, "draining");
  assertEquals(await Promise.all(both), [false, false]);
  assertEquals((await running.access())[0].reason, "drain-timeout");
});

Deno.test("quitting cuts sessions in every stage", async () => {
  const hold = Promise.withResolvers<void>();
  await using destination = new TestServer(() => hold.promise);
  await using running = await start([destination.address], { workers: "1" });
  const clients = [1, 2, 3].map((i) => request(running.port, `${i}`).catch(() => "reset"));
  await until(() => running.server.status().waiting === 2, "one is served, two wait");
  assertEquals(await running.server.quit(), false);
  await Promise.all(clients);
  const reasons = (await running.access()).map(({ reason }) => reason);
  assertEquals(reasons, ["quit", "quit", "quit"]);
  hold.resolve();
});

Deno.test("a session timeout counts while waiting, too", async () => {
  await using running = await start([`127.0.0.1:${freePort()}`], { sessionTimeout: "200ms" });
  using client = await Deno.connect({ port: running.port });
  await writeAll(client, new TextEncoder().encode("hello"));
  await readAll(client).catch(() => {});
  await until(() => running.server.status().ended["session-timeout"] === 1, "it has ended");
});

Deno.test("the totals add up: every accepted session is alive or has ended once", async () => {
  await using destination = new TestServer(async (conn, number) => {
    if (number % 3 === 0) return;
    await answer("served")(conn);
  });
  await using running = await start([destination.address], { workers: "5" });
  const clients = Array.from({ length: 100 }, async (_, i) => {
    if (i % 4 === 0) (await Deno.connect({ port: running.port })).close();
    else await request(running.port, "hello").catch(() => {});
  });
  await Promise.all(clients);
  await running.server.drain();
  const { accepted, ended } = running.server.status();
  const sum = Object.values(ended).reduce((total, number) => total + number, 0);
  assertEquals([accepted, sum], [100, 100]);
  assertEquals((await running.access()).length, 100);
});

Deno.test("a taken port is a fatal error and leaves nothing behind", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const config = configOf([`127.0.0.1:${taken.addr.port}`, "9001"]);
  const identity = identityOf(config);
  await assertRejects(() => LocalBalancer.start(config, { identity, log }), FatalError, "in use");
});

Deno.test("the queue of a session is all its waiting, summed, in the log and the histogram", async () => {
  await using held = new TestServer(async (conn) => {
    await readAll(conn);
  });
  const refused = freePort();
  await using program = await start([`${held.address},workers=1`], {
    queueTimeout: "1s",
    retries: "9",
  });
  const { server, port } = program;
  const client = await Deno.connect({ port });
  await until(() => server.status().active === 1, "the only worker is busy");
  // One that only waits, until its time is up.
  await request(port, "x").catch(() => {});
  await until(async () => (await program.access()).length === 1, "its line is there");
  const [late] = await program.access();
  assertEquals(late.reason, "queue-timeout");
  assert(late.queue_ms >= 1000 && late.queue_ms === late.total_ms, JSON.stringify(late));
  // One whose connect fails after it has waited, and which waits again.
  const asked = request(port, "x").catch(() => {});
  await until(() => server.status().waiting === 1, "it waits");
  await server.reconfigure(
    configOf(["127.0.0.1:0", `127.0.0.1:${refused}`], { queueTimeout: "900ms", retries: "9" }),
    { numbers: { [`127.0.0.1:${refused}`]: 2 } },
  );
  await asked;
  await until(async () => (await program.access()).length === 2, "its line is there");
  const again = (await program.access())[1];
  assert(again.attempts >= 1, JSON.stringify(again));
  assert(again.queue_ms > 850 && again.queue_ms <= again.total_ms, JSON.stringify(again));
  client.close();
  await until(async () => (await program.access()).length === 3, "all lines are there");
  const waited = (await program.access()).reduce((sum, line) => sum + line.queue_ms, 0);
  const { count, sum } = server.status().latencies.queue;
  assertEquals(count, 3);
  assert(Math.abs(sum * 1000 - waited) < 1, `${sum} s and ${waited} ms`);
});

/** Answers look-ups when the test says so. */
function slowNames() {
  const answers = new Map<string, PromiseWithResolvers<readonly string[]>>();
  const names = new Names((name) => {
    const answer = Promise.withResolvers<readonly string[]>();
    answers.set(name, answer);
    return answer.promise;
  });
  return { names, answers };
}

Deno.test("nobody waits for names that were never looked up while another destination serves", async () => {
  await using destination = new TestServer(answer("served"));
  const { names, answers } = slowNames();
  const silent = Array.from({ length: 50 }, (_, i) => `silent${i}.test:9`);
  await using running = await start([...silent, destination.address], { queueTimeout: "2s" }, {
    names,
  });
  const served = await Promise.all(
    Array.from({ length: 100 }, () => request(running.port, "hello")),
  );
  assertEquals(served.filter((text) => text !== "served"), []);
  for (const entry of await running.access()) {
    assertEquals([entry.reason, entry.attempts], ["done", 1]);
  }
  for (const { reject } of answers.values()) reject(new Error("no answer"));
});

Deno.test("sessions wait in the queue until the name of the only destination is known", async () => {
  await using destination = new TestServer(answer("served"));
  const { names, answers } = slowNames();
  const port = destination.address.split(":")[1];
  await using running = await start([`slow.test:${port}`, `slower.test:${port},backup`], {}, {
    names,
  });
  const asked = Array.from({ length: 10 }, () => request(running.port, "hello"));
  await until(() => running.server.status().waiting === 10, "all wait");
  answers.get("slow.test")!.resolve(["127.0.0.1"]);
  assertEquals(await Promise.all(asked), Array(10).fill("served"));
  const entries = await running.access();
  assertEquals(
    entries.filter(({ attempts, destination }) => {
      return attempts !== 1 || destination !== `slow.test:${port}`;
    }),
    [],
  );
  answers.get("slower.test")!.reject(new Error("no answer"));
});
