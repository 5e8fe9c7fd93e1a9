import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Place, whyNoPlace } from "../support/place.ts";
import { Program, runProgram } from "../support/program.ts";
import { freePort, until } from "../support/servers.ts";

const obstacle = await whyNoPlace();
const skipped = obstacle && ` (skipped: no namespaces here: ${obstacle})`;

function test(name: string, body: () => Promise<void>): void {
  Deno.test(`${name}${skipped}`, {
    ignore: obstacle !== "",
    sanitizeOps: true,
    sanitizeResources: true,
  }, body);
}

/** How many sessions the program has accepted, by its last line. */
function accepted({ log }: Program): number {
  return Number(/(\d+) accepted/.exec(log.at(-1)!)![1]);
}

for (const threads of ["1", "2"]) {
  test(`a bare port is both families where IPv6 is alone, threads: ${threads}`, async () => {
    await using place = await Place.make(["net.ipv6.bindv6only=1"]);
    for (const port of [0, freePort()]) {
      const { program, addresses } = await place.start([`${port}`, "9", "--threads", threads]);
      await using _ = program;
      const bound = Number(/\d+$/.exec(addresses[0]!));
      assertEquals(addresses, [`[::]:${bound}`, `0.0.0.0:${bound}`]);
      if (port !== 0) assertEquals(bound, port);
      for (const host of ["127.0.0.1", "::1"]) assert(await place.reaches(host, bound));
      assertEquals(await program.terminate(), 0);
      assertEquals(accepted(program), 2);
    }
  });

  test(`a name is all of its addresses, threads: ${threads}`, async () => {
    await using place = await Place.make([], {
      hosts: "127.0.0.7 many\n127.0.0.8 many\n::1 many\n",
    });
    const { program, addresses } = await place.start(["many:0", "9", "--threads", threads]);
    await using _ = program;
    const port = Number(/\d+$/.exec(addresses[0]!));
    const all = [`127.0.0.7:${port}`, `127.0.0.8:${port}`, `[::1]:${port}`];
    assertEquals(addresses.toSorted(), all);
    for (const host of ["127.0.0.7", "127.0.0.8", "::1"]) assert(await place.reaches(host, port));
    assert(!await place.reaches("127.0.0.1", port));
    assertEquals(await program.terminate(), 0);
    assertEquals(accepted(program), 3);
  });
}

test("where one socket takes both families, a bare port is one socket", async () => {
  await using place = await Place.make(["net.ipv6.bindv6only=0"]);
  const { program, addresses } = await place.start(["0", "9"]);
  await using _ = program;
  const port = Number(/\d+$/.exec(addresses[0]!));
  assertEquals(addresses, [`[::]:${port}`]);
  for (const host of ["127.0.0.1", "::1"]) assert(await place.reaches(host, port));
  assertEquals(await program.terminate(), 0);
});

test("without the addresses of IPv6, localhost is IPv4", async () => {
  await using place = await Place.make(["net.ipv6.conf.all.disable_ipv6=1"]);
  const { program, addresses } = await place.start(["localhost:0", "9"]);
  await using _ = program;
  const port = Number(/\d+$/.exec(addresses[0]!));
  assertEquals(addresses, [`127.0.0.1:${port}`]);
  assertEquals(await program.terminate(), 0);
});

test("the check of a configuration knows what the kernel does", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/iawlb.toml`;
  const listener = (listen: string) => `[[listener]]\nlisten = "${listen}"\ndestinations = ["9"]\n`;
  const pairs = [
    ["[::]:8009", "0.0.0.0:8009"],
    ["[::]:8009", "127.0.0.1:8009"],
    ["[::]:8009", "[::1]:8009"],
    ["8009", "0.0.0.0:8009"],
    ["8009", "[::]:8009"],
    ["localhost:8009", "[::1]:8009"],
    ["localhost:8009", "127.0.0.1:8009"],
    ["127.0.0.2:8009", "localhost:8009"],
  ];
  const expected = { 0: "-------+", 1: "++-----+" };
  try {
    for (const [only, results] of Object.entries(expected)) {
      await using place = await Place.make([`net.ipv6.bindv6only=${only}`]);
      let checked = "";
      let started = "";
      for (const [one, other] of pairs) {
        await Deno.writeTextFile(path, listener(one!) + listener(other!));
        const { code } = await runProgram(["--config", path, "--check-config"], place.entry);
        checked += code === 0 ? "+" : "-";
        await using program = Program.launch(["--config", path], place.entry);
        const ending = /collides|Cannot listen/;
        const listening = () => program.log.filter((line) => line.includes("listening on")).length;
        await until(() => listening() === 2 || ending.test(program.log.join()), "it has started");
        started += listening() === 2 ? "+" : "-";
        if (listening() === 2) await program.terminate();
      }
      assertEquals([checked, started], [results, results], `bindv6only=${only}`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

test("a destination of the other family is not the listener where IPv6 is alone", async () => {
  const args = ["--check-config", "[::]:8009", "127.0.0.1:8009"];
  await using alone = await Place.make(["net.ipv6.bindv6only=1"]);
  assertEquals((await runProgram(args, alone.entry)).code, 0);
  await using both = await Place.make(["net.ipv6.bindv6only=0"]);
  assertStringIncludes((await runProgram(args, both.entry)).stderr, "connect to itself");
});

test("if IPv4 is taken where IPv6 is alone, that is named and nothing listens", async () => {
  await using place = await Place.make(["net.ipv6.bindv6only=1"]);
  const { program } = await place.start(["0.0.0.0:8009", "9"]);
  await using _ = program;
  const { code, stderr } = await runProgram(["8009", "9"], place.entry);
  assertEquals(code, 1);
  assertStringIncludes(
    stderr,
    "iawlb: Cannot listen on 8009 (0.0.0.0:8009): the address is in use",
  );
  assertEquals(stderr.trim().split("\n").length, 1);
  await program.terminate();
});
