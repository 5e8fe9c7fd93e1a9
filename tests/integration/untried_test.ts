import { assertEquals } from "@std/assert";
import { Program } from "../support/program.ts";
import { answer, freePort, request, TestServer, until, writeAll } from "../support/servers.ts";

async function health(admin: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${admin}/healthz`);
  await response.body?.cancel();
  return response.status;
}

/** What the states of the destinations are, in their order. */
async function states(program: Program): Promise<string[]> {
  return (await program.status()).destinations.map(({ state }: { state: string }) => state);
}

/** Says a word to whoever connects, once it may; whoever sends something gets "served". */
function reticent() {
  const hold = Promise.withResolvers<void>();
  const server = new TestServer(async (conn) => {
    if (
      await Promise.race([hold.promise.then(() => true), conn.read(new Uint8Array(9))]) === true
    ) {
      await writeAll(conn, new TextEncoder().encode("welcome"));
    }
    await answer("served")(conn);
  });
  return { server, release: () => hold.resolve() };
}

const SLOW_CHECK = ["--check", "expect:welcome", "--check-timeout", "1h", "--check-interval", "1h"];

Deno.test("a destination is untried until it was reached, without a session, and then up", async () => {
  const { server, release } = reticent();
  await using _ = server;
  const admin = freePort();
  await using program = await Program.start([server.address], [
    ...SLOW_CHECK,
    "--admin",
    `${admin}`,
  ]);
  await until(() => server.open === 1, "it is tried");
  assertEquals([await states(program), await health(admin)], [["untried"], 503]);
  release();
  await until(async () => (await states(program))[0] === "up", "it was reached");
  await until(async () => await health(admin) === 200, "it is healthy");
  assertEquals(server.accepted, 1);
});

Deno.test("a session that comes first is served, and is the try", async () => {
  const { server } = reticent();
  await using _ = server;
  const admin = freePort();
  await using program = await Program.start([server.address], [
    ...SLOW_CHECK,
    "--admin",
    `${admin}`,
  ]);
  await until(() => server.open === 1, "it is tried");
  assertEquals(await request(program.port, "hello"), "served");
  assertEquals(await states(program), ["up"]);
  await until(async () => await health(admin) === 200, "it is healthy");
});

Deno.test("without a check each new destination gets one connect, and no more", async () => {
  await using one = new TestServer(answer("one"));
  await using two = new TestServer(answer("two"));
  await using program = await Program.start([one.address, two.address]);
  await until(async () => (await states(program)).join() === "up,up", "both were reached");
  for (let i = 0; i < 10; i++) await request(program.port, "hello");
  assertEquals([one.looks, two.looks, one.accepted + two.accepted], [1, 1, 10]);
});

Deno.test("a destination that nobody can reach is down before a session comes", async () => {
  const admin = freePort();
  const addresses = [`127.0.0.1:${freePort()}`, `127.0.0.1:${freePort()}`];
  await using program = await Program.start(addresses, ["--admin", `${admin}`]);
  for (const address of addresses) {
    await program.logged(new RegExp(`destination ${address} is down: .*refused`, "i"));
  }
  assertEquals([await states(program), await health(admin)], [["down", "down"], 503]);
});

Deno.test("a first check that fails is no proof that a destination is up", async () => {
  const server = new TestServer(answer("no welcome"));
  await using _ = server;
  await using program = await Program.start(
    [server.address],
    ["--check", "send:x\\n,expect:welcome", "--check-interval", "50ms", "--check-timeout", "50ms"],
  );
  const seen = new Set<string>();
  await until(async () => {
    const [state] = await states(program);
    seen.add(state!);
    return state === "down";
  }, "it is down");
  assertEquals(seen.has("up"), false);
});

Deno.test("a backup rests while the others are untried", async () => {
  const { server } = reticent();
  await using _ = server;
  await using backup = new TestServer(answer("backup"));
  await using program = await Program.start(
    [server.address, `${backup.address},backup`],
    SLOW_CHECK,
  );
  for (let i = 0; i < 5; i++) assertEquals(await request(program.port, "hello"), "served");
});

Deno.test("a destination that is another listener of the program is there from the start", async () => {
  await using server = new TestServer(answer("served"));
  const ports = [freePort(), freePort(), freePort()];
  const [first, second, third] = ports;
  const path = await Deno.makeTempFile({ suffix: ".toml" });
  await Deno.writeTextFile(
    path,
    [[first, `127.0.0.1:${second}`], [second, `localhost:${third}`], [third, server.address]]
      .map(([listen, to]) =>
        `[[listener]]\nlisten = "127.0.0.1:${listen}"\ndestinations = ["${to}"]\n`
      )
      .join(""),
  );
  await using program = await Program.spawn(["--config", path, "--log-format", "json"]);
  await program.logged(new RegExp(`listening on 127.0.0.1:${first} `));
  await Deno.remove(path);
  assertEquals(await request(first!, "hello"), "served");
  assertEquals(program.log.filter((line) => line.includes("is down")), []);
});
