import { assert, assertEquals } from "@std/assert";
import { hasProc, openDescriptors, residentMemory } from "../support/process.ts";
import { Program } from "../support/program.ts";
import { Place, whyNoPlace } from "../support/place.ts";
import { Random } from "../support/random.ts";
import { freePort, until } from "../support/servers.ts";
import { echo, UdpClient, UdpServer } from "../support/udp.ts";
import { unless } from "../support/unless.ts";

const obstacle = await whyNoPlace();

const CLIENTS = 2000;
/** As many as have room in a receive buffer of the kernel. */
const BURST = 50;
/** Descriptors that the program may open once and for all. */
const ONCE = 10;
/** What its memory may become more from one flood to the next. */
const MORE_MEMORY = 48 * 2 ** 20;

/** Lets each client ask until it has its answer, which is its own. */
async function askAll(clients: readonly UdpClient[]): Promise<void> {
  for (let first = 0; first < clients.length; first += BURST) {
    const some = clients.slice(first, first + BURST);
    const question = (client: UdpClient) => `question of ${client.port}`;
    for (const client of some) await client.send(question(client));
    let askedAt = performance.now();
    await until(async () => {
      const late = some.filter(({ received }) => received.length === 0);
      if (performance.now() - askedAt > 500) {
        askedAt = performance.now();
        for (const client of late) await client.send(question(client));
      }
      return late.length === 0;
    }, "all are answered");
    for (const client of some) {
      for (const { text } of client.received) assertEquals(text, question(client));
    }
  }
}

Deno.test("thousands of clients at once are answered, and what they took is given back", {
  ignore: !hasProc,
}, async () => {
  await using server = new UdpServer();
  await using program = await Program.spawn([
    ...["--log-format", "json", "--workers", "10000", "--access-log", "off", "--udp-idle", "2s"],
    ...[`udp:127.0.0.1:${freePort()}`, server.address],
  ], "ulimit -n $(ulimit -H -n)");
  const { pid } = program;
  const before = openDescriptors(pid);
  const memory: number[] = [];
  for (let wave = 1; wave <= 2; wave++) {
    const clients = Array.from({ length: CLIENTS }, () => new UdpClient(program.port));
    try {
      await askAll(clients);
      assertEquals((await program.status()).active, CLIENTS);
      assert(openDescriptors(pid) >= before + CLIENTS);
    } finally {
      for (const client of clients) await client[Symbol.asyncDispose]();
    }
    await until(async () => (await program.status()).active === 0, "all sessions are over");
    assert(openDescriptors(pid) <= before + ONCE);
    memory.push(residentMemory(pid));
  }
  assert(memory[1]! - memory[0]! < MORE_MEMORY, memory.join(" and then "));
  const { accepted, ended, waiting } = await program.status();
  assertEquals([accepted, ended, waiting], [2 * CLIENTS, { "udp-idle": 2 * CLIENTS }, 0]);
  assertEquals(await program.terminate(), 0);
});

Deno.test("a flood of forged addresses stays within bounds, and whoever comes after it is served", {
  ignore: !hasProc,
}, async () => {
  const [slots, places] = [32, 64];
  await using server = new UdpServer((received, server) => {
    return received.text === "honest" ? echo(received, server) : undefined;
  });
  await using program = await Program.spawn([
    ...["--log-format", "json", "--access-log", "off", "--udp-idle", "500ms"],
    ...["--queue-timeout", "1s", "--workers", `${slots}`],
    ...["--queue", `${places}`, "--backlog", `${places}`],
    ...[`udp:127.0.0.1:${freePort()}`, server.address],
  ]);
  const { pid } = program;
  const before = { descriptors: openDescriptors(pid), memory: residentMemory(pid) };
  const random = new Random(14);
  const part = () => 1 + random.below(250);
  for (let i = 0; i < CLIENTS; i++) {
    // All of 127.0.0.0/8 is this machine, so that nobody has to be lied to.
    const hostname = `127.${part()}.${part()}.${part()}`;
    await using client = new UdpClient(program.port, { hostname });
    await client.send("forged", new Uint8Array(1000));
    if (i % BURST === 0) assert(openDescriptors(pid) <= before.descriptors + slots + ONCE);
  }
  await until(async () => (await program.status()).datagrams_dropped > 0, "most are dropped");
  const { waiting } = await program.status();
  assert(waiting <= places, `${waiting} wait`);
  assert(residentMemory(pid) - before.memory < MORE_MEMORY);
  await using honest = new UdpClient(program.port);
  await until(async () => {
    await honest.send("honest");
    return honest.received.length > 0;
  }, "one that is none of them is answered");
  assert(openDescriptors(pid) <= before.descriptors + slots + ONCE);
  assertEquals(await program.terminate(), 0);
});

Deno.test({
  ...unless("clients for whom the machine has no port wait until others are done", {
    [`no namespaces here: ${obstacle}`]: obstacle !== "",
  }),
  async fn() {
    const [clients, ports] = [30, 40];
    const server = 50_000;
    await using place = await Place.make([
      `net.ipv4.ip_local_port_range=40000\t${40_000 + ports - 1}`,
    ]);
    const echo = place.echo(server);
    try {
      const { program, addresses } = await place.start(
        ["--udp-idle", "500ms", "udp:127.0.0.1:50001", `udp:127.0.0.1:${server}`],
      );
      await using _ = program;
      assertEquals(addresses, ["udp:127.0.0.1:50001"]);
      // Each client has one of the ports as well.
      const script = `
        for ((i = 0; i < ${clients}; i++)); do
          exec {fd}<>/dev/udp/127.0.0.1/50001; all+=($fd); echo -n "$i" >&$fd
        done
        for fd in \${all[@]}; do timeout 10 dd bs=100 count=1 status=none <&$fd; echo; done
      `;
      const args = [...place.prefix.slice(1), "bash", "-c", script];
      const { stdout } = await new Deno.Command("ip", { args }).output();
      const answers = new TextDecoder().decode(stdout).trim().split("\n");
      assertEquals(answers, Array.from({ length: clients }, (_, i) => `${i}`));
      const told = program.log.filter((line) => line.includes("has no port of UDP"));
      assertEquals(told.length, 1);
      assertEquals(JSON.parse(told[0]!).level, "warning");
      const { accepted, datagrams_dropped, destinations } = await program.status();
      assertEquals([accepted, datagrams_dropped, destinations[0].state], [clients, 0, "up"]);
    } finally {
      echo.kill("SIGTERM");
      await echo.status;
    }
  },
});
