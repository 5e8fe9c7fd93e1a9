import { assert, assertEquals } from "@std/assert";
import { hasProc, nothingLeft, openDescriptors } from "../support/process.ts";
import { Program } from "../support/program.ts";
import { answer, freePort, readAll, request, TestServer, until } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

/** An address of this machine that is not the loopback interface's. */
const ownIp = Deno.networkInterfaces().find(({ family, address }) => {
  return family === "IPv4" && !address.startsWith("127.");
})?.address;

/** Starts a program with several listeners, each `address` with its destinations. */
async function startAll(
  listeners: Record<string, string[]>,
  options: { threads?: number } = {},
): Promise<Program & AsyncDisposable> {
  const { threads = 1 } = options;
  const path = await Deno.makeTempFile({ suffix: ".toml" });
  const tables = Object.entries(listeners).map(([listen, destinations]) => {
    const own = listen.startsWith("unix:") ? 1 : threads;
    return `[[listener]]\nlisten = "${listen}"\ndestinations = ${JSON.stringify(destinations)}\n` +
      `threads = ${own}\nqueue-timeout = "20s"\n`;
  });
  await Deno.writeTextFile(path, tables.join("\n"));
  const program = await Program.spawn(["--config", path, "--log-format", "json"]);
  await until(() => {
    return program.log.filter((line) => line.includes("listening on")).length === tables.length;
  }, "all listen");
  await Deno.remove(path);
  return program;
}

/** What a client gets that sends something and waits; it fails if that takes as long as the queue. */
async function ask(target: { port: number } | { path: string }): Promise<string> {
  const conn = "path" in target
    ? await Deno.connect({ transport: "unix", path: target.path })
    : await Deno.connect({ hostname: "127.0.0.1", port: target.port });
  const began = performance.now();
  try {
    await conn.write(new TextEncoder().encode("hello"));
    return new TextDecoder().decode(await readAll(conn));
  } catch {
    return "";
  } finally {
    conn.close();
    const took = performance.now() - began;
    assert(took < 10_000, `it took ${took} ms`);
  }
}

/** Clients come and all are turned away; nothing is left of what they caused. */
async function assertLoop(
  program: Program,
  target: { port: number } | { path: string },
): Promise<void> {
  const descriptors = hasProc ? openDescriptors(program.pid) : 0;
  for (let round = 0; round < 5; round++) assertEquals(await ask(target), "");
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(target)));
  assertEquals(answers.filter((text) => text !== ""), []);
  await program.logged(/loop: session [\d.]+ of /);
  await until(() => {
    const accepted = program.access();
    return accepted.filter(({ reason }) => reason === "loop").length >= 25;
  }, "the sessions have ended");
  // Whoever has sent something was in the loop, wherever it was noticed; on a machine that is too
  // busy to note a way in time that is a round later, and nobody before it is told.
  const served = program.access().filter(({ bytes_up }) => bytes_up > 0);
  const others = served.filter(({ reason }) => reason !== "loop");
  assert(others.length <= served.length / 2, `${others.length} of ${served.length} are no loops`);
  if (hasProc) await nothingLeft(program.pid, { destinations: [], descriptors, more: 10 });
  // Each client causes a few sessions, not as many as there is room for.
  assert(program.out.length < 25 * 24, `${program.out.length} sessions`);
  const told = program.log.filter((line) => line.includes("loop: session"));
  assert(told.length <= 6, told.join("\n"));
  assertEquals(await program.terminate(), 0);
}

for (const threads of [1, 2]) {
  Deno.test(
    unless(
      `a destination that is this listener by another address is a loop, ${threads} thread(s)`,
      { "loopback is all there is": !ownIp },
    ),
    async () => {
      const port = freePort();
      await using program = await startAll({ [`0.0.0.0:${port}`]: [`${ownIp}:${port}`] }, {
        threads,
      });
      await assertLoop(program, { port });
    },
  );

  for (const number of [2, 3]) {
    Deno.test(`a circle of ${number} listeners is a loop, ${threads} thread(s)`, async () => {
      const ports = Array.from({ length: number }, () => freePort());
      await using program = await startAll(
        Object.fromEntries(ports.map((port, i) => {
          return [`127.0.0.1:${port}`, [`127.0.0.1:${ports[(i + 1) % number]}`]];
        })),
        { threads },
      );
      await assertLoop(program, { port: ports[0]! });
    });
  }
}

Deno.test(
  unless("a loop is found also while the only worker is taken", {
    "loopback is all there is": !ownIp,
  }),
  async () => {
    const port = freePort();
    await using program = await startAll({ [`0.0.0.0:${port}`]: [`${ownIp}:${port},workers=1`] });
    await assertLoop(program, { port });
  },
);

const SHAPES: Record<string, string[]> = {
  "TCP and a socket file": ["tcp", "unix"],
  "TCP and two socket files": ["tcp", "unix", "unix"],
  "a socket file and two of TCP": ["unix", "tcp", "tcp"],
  "two socket files": ["unix", "unix"],
  "three socket files": ["unix", "unix", "unix"],
};

for (const [name, kinds] of Object.entries(SHAPES)) {
  Deno.test(`a circle of ${name} is a loop`, { ignore: !hasProc }, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const addresses = kinds.map((kind, i) => {
        return kind === "tcp" ? `127.0.0.1:${freePort()}` : `unix:${folder}/${i}`;
      });
      await using program = await startAll(
        Object.fromEntries(addresses.map((address, i) => {
          return [address, [addresses[(i + 1) % addresses.length]!]];
        })),
      );
      const [first] = addresses;
      const target = first!.startsWith("unix:")
        ? { path: first!.slice("unix:".length) }
        : { port: Number(first!.split(":")[1]) };
      await assertLoop(program, target);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

for (const link of ["symlink", "link"] as const) {
  Deno.test(`a ${link} to its own socket file is a loop`, { ignore: !hasProc }, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const [path, other] = [`${folder}/socket`, `${folder}/other`];
      await using program = await startAll({ [`unix:${path}`]: [`unix:${other}`] });
      await Deno[link](path, other);
      await assertLoop(program, { path });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

for (const threads of [1, 2]) {
  Deno.test(`a chain of different listeners is none, ${threads} thread(s)`, async () => {
    await using server = new TestServer(answer("served"));
    const folder = await Deno.makeTempDir();
    try {
      const ports = [freePort(), freePort(), freePort()];
      await using program = await startAll({
        [`127.0.0.1:${ports[0]}`]: [`127.0.0.1:${ports[1]}`],
        [`127.0.0.1:${ports[1]}`]: [`unix:${folder}/1`],
        [`unix:${folder}/1`]: [`unix:${folder}/2`],
        [`unix:${folder}/2`]: [`127.0.0.1:${ports[2]}`],
        [`127.0.0.1:${ports[2]}`]: [server.address],
      }, { threads });
      for (let round = 0; round < 20; round++) {
        const entries = [0, 1, 2].map((i) => request(ports[i]!, "hello"));
        assertEquals(await Promise.all(entries), Array(3).fill("served"));
      }
      const answers = Array.from({ length: 100 }, () => request(ports[0]!, "hello"));
      assertEquals((await Promise.all(answers)).filter((text) => text !== "served"), []);
      assertEquals(await program.terminate(), 0);
      // Whoever is gone without a byte was a probe.
      const others = program.access().filter(({ reason, bytes_up }) => {
        return reason !== "done" && (!reason.startsWith("client-") || bytes_up > 0);
      });
      assertEquals(others, []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
