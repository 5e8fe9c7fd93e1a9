import { assert, assertEquals } from "@std/assert";
import { TestFile } from "../support/config_file.ts";
import { cpuSeconds, hasProc, openDescriptors, residentMemory } from "../support/process.ts";
import { Program } from "../support/program.ts";
import { freePort, until } from "../support/servers.ts";
import { UdpClient, UdpServer } from "../support/udp.ts";
import { unless } from "../support/unless.ts";

/** An address of this machine that is not the loopback interface's. */
const ownIp = Deno.networkInterfaces().find(({ family, address }) => {
  return family === "IPv4" && !address.startsWith("127.");
})?.address;

const DATAGRAMS = 100;

/** Descriptors that the program may open once and for all after its start: fewer than there are slots. */
const ONCE = 10;

/** Starts a program with several listeners of UDP, each with its destination. */
async function start(ways: Record<string, string>): Promise<Program> {
  const tables = Object.entries(ways).map(([listen, destination]) => {
    return `[[listener]]\nlisten = "${listen}"\ndestinations = ["${destination}"]\n`;
  });
  using file = new TestFile(tables.join("\n"));
  const program = await Program.spawn(["--config", file.path, "--log-format", "json"]);
  const listening = () => program.log.filter((line) => line.includes("listening on"));
  await until(() => listening().length === tables.length, "all listen");
  return program;
}

/** What is sent to the port comes back, which costs little, and is told. */
async function assertLoop(program: Program, port: number): Promise<void> {
  const descriptors = hasProc ? openDescriptors(program.pid) : 0;
  await using client = new UdpClient(port);
  for (let i = 0; i < DATAGRAMS; i++) await client.send("hello");
  await program.logged(/loop: session [\d.]+ of .* has come back to listener udp:/);
  const looped = () => program.access().filter(({ reason }) => reason === "loop");
  const first = `127.0.0.1:${client.port}`;
  await until(() => looped().some(({ client }) => client === first), "the first one is told");
  if (hasProc) {
    await until(() => openDescriptors(program.pid) <= descriptors, "no socket is left");
  }
  // As many as there is room for would be hundreds for each client.
  assert(looped().length <= 3 * DATAGRAMS, `${looped().length} sessions`);
  assertEquals(program.access().filter(({ reason }) => reason !== "loop"), []);
  assertEquals(client.received, []);
  const told = program.log.filter((line) => line.includes("loop: session"));
  assert(told.length <= 3, told.join("\n"));
  assertEquals(await program.terminate(), 0);
}

for (const host of ["127.0.0.1", "[::1]"]) {
  for (const number of [2, 3]) {
    Deno.test(`a circle of ${number} listeners of UDP is a loop, over ${host}`, async () => {
      const ports = Array.from({ length: number }, () => freePort());
      const address = (i: number) => `udp:${host}:${ports[i % number]}`;
      const front = freePort();
      await using program = await start({
        [`udp:127.0.0.1:${front}`]: address(0),
        ...Object.fromEntries(ports.map((_, i) => [address(i), address(i + 1)])),
      });
      await assertLoop(program, front);
    });
  }
}

Deno.test(
  unless("a destination that is this listener of UDP by another address is a loop", {
    "loopback is all there is": !ownIp,
  }),
  async () => {
    const port = freePort();
    await using program = await start({ [`udp:0.0.0.0:${port}`]: `udp:${ownIp}:${port}` });
    await assertLoop(program, port);
  },
);

Deno.test("a chain of listeners of UDP is no loop, nor is one of TCP at the same port", async () => {
  await using server = new UdpServer();
  const ports = [freePort(), freePort(), freePort()];
  const address = (i: number) => `udp:127.0.0.1:${ports[i]}`;
  await using program = await start({
    [address(0)]: address(1),
    [address(1)]: address(2),
    [address(2)]: server.address,
    [`127.0.0.1:${ports[0]}`]: `127.0.0.1:${ports[1]}`,
  });
  const clients = [0, 1, 2, 0].map((i) => new UdpClient(ports[i]!));
  for (const client of clients) {
    for (let i = 0; i < 10; i++) assertEquals(await client.ask(`hello ${i}`), `hello ${i}`);
    await client[Symbol.asyncDispose]();
  }
  assertEquals(await program.terminate(), 0);
  assertEquals(program.log.filter((line) => line.includes("loop")), []);
});

const SLOTS = 16;

/** How two programs that lead to each other are limited, and how long a session keeps its slot then. */
const LIMITS = {
  "--udp-idle": ["--udp-idle", "1s", "--queue-timeout", "500ms"],
  "--udp-answers": [
    ...["--udp-answers", "1", "--udp-request-timeout", "1s", "--queue-timeout", "500ms"],
  ],
};

/** Two programs, each of which is the destination of the other, and what they have at the beginning. */
async function startCircle(limits: readonly string[]) {
  const ports = [freePort(), freePort()];
  const spawn = (i: number) => {
    const [listen, destination] = [ports[i], ports[1 - i]].map((port) => `udp:127.0.0.1:${port}`);
    const options = [...limits, "--workers", `${SLOTS}`, "--log-format", "json"];
    return Program.spawn([...options, listen!, destination!]);
  };
  const both = [await spawn(0), await spawn(1)];
  const before = both.map(({ pid }) => ({
    descriptors: openDescriptors(pid),
    memory: residentMemory(pid),
    cpu: cpuSeconds(pid),
  }));
  /** Neither has more than its slots, which cost next to nothing. */
  const assertFrugal = () => {
    for (const [i, { pid }] of both.entries()) {
      const { descriptors, memory, cpu } = before[i]!;
      assert(openDescriptors(pid) <= descriptors + ONCE + SLOTS);
      const more = residentMemory(pid) - memory;
      assert(more < 32 * 2 ** 20, `${more} bytes more`);
      const used = cpuSeconds(pid) - cpu;
      assert(used < 2, `${used} s of a processor`);
    }
  };
  return {
    both,
    before,
    assertFrugal,
    port: ports[0]!,
    async [Symbol.asyncDispose]() {
      for (const program of both) await program[Symbol.asyncDispose]();
    },
  };
}

for (const [option, limits] of Object.entries(LIMITS)) {
  Deno.test(
    `two programs that lead to each other take no more than their slots, and come to an end by ${option}`,
    { ignore: !hasProc },
    async () => {
      await using circle = await startCircle(limits);
      const { both, before, port } = circle;
      await using client = new UdpClient(port);
      for (let i = 0; i < DATAGRAMS; i++) await client.send("hello");
      await until(async () => (await both[0]!.status()).active === SLOTS, "all slots are taken");
      circle.assertFrugal();
      // It ends by itself: who waits is given up before those end who have the slots.
      for (const [i, program] of both.entries()) {
        await until(async () => {
          const { active, waiting } = await program.status();
          return active + waiting === 0;
        }, "nobody is left");
        const { datagrams_up, accepted, ended } = await program.status();
        assert(datagrams_up <= DATAGRAMS * SLOTS, `${datagrams_up} datagrams`);
        assert(accepted <= 2 * SLOTS + DATAGRAMS, `${accepted} sessions`);
        const slow = ended[option === "--udp-idle" ? "udp-idle" : "request-timeout"] ?? 0;
        assert(slow >= SLOTS, JSON.stringify(ended));
        const { descriptors } = before[i]!;
        await until(() => openDescriptors(program.pid) <= descriptors + ONCE, "no socket is left");
      }
      circle.assertFrugal();
      assertEquals(client.received, []);
      for (const program of both) assertEquals(await program.terminate(), 0);
    },
  );
}

Deno.test(
  "one datagram in a circle of two programs goes on at the rate at which slots become free",
  { ignore: !hasProc },
  async () => {
    const timeout = 200;
    const limits = ["--udp-answers", "1", "--udp-request-timeout", `${timeout}ms`];
    await using circle = await startCircle(limits);
    const { both, port } = circle;
    await using client = new UdpClient(port);
    const begun = performance.now();
    await client.send("hello");
    const [one] = both;
    await until(async () => (await one!.status()).accepted > 3 * SLOTS, "it has gone on and on");
    circle.assertFrugal();
    for (const program of both) {
      const { datagrams_up, accepted, ended } = await program.status();
      const rounds = 1 + (performance.now() - begun) / timeout;
      assert(datagrams_up <= SLOTS * rounds, `${datagrams_up} datagrams in ${rounds} rounds`);
      assert(accepted <= SLOTS * rounds + 1, `${accepted} sessions in ${rounds} rounds`);
      assertEquals(Object.keys(ended), ["request-timeout"]);
    }
    assertEquals(client.received, []);
    // A drain breaks it.
    for (const program of both) assertEquals(await program.terminate(), 0);
  },
);

Deno.test("--max-per-ip ends a circle of two programs", { ignore: !hasProc }, async () => {
  await using circle = await startCircle([
    ...["--udp-answers", "1", "--udp-request-timeout", "300ms", "--max-per-ip", `${SLOTS / 2}`],
  ]);
  const { both, port } = circle;
  await using client = new UdpClient(port);
  await client.send("hello");
  const statuses = () => Promise.all(both.map((program) => program.status()));
  await until(async () => {
    return (await statuses()).some(({ ended }) => ended["refused-per-ip"] > 0);
  }, "it is refused");
  await until(async () => {
    return (await statuses()).every(({ active, waiting }) => active + waiting === 0);
  }, "nobody is left");
  for (const { accepted } of await statuses()) {
    assert(accepted <= SLOTS / 2 + 2, `${accepted} sessions`);
  }
  for (const program of both) assertEquals(await program.terminate(), 0);
});
