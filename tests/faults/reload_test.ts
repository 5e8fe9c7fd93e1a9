import { assert, assertEquals } from "@std/assert";
import { hasProc, nothingLeft, openDescriptors } from "../support/process.ts";
import { Program } from "../support/program.ts";
import { echo, randomBytes, readExactly, TestServer, until, writeAll } from "../support/servers.ts";

const RELOADS = 100;
const CLIENTS = 24;
const DESTINATIONS = 5;

/** A configuration that is different each time; at least one destination is always in it. */
function configuration(round: number, servers: readonly TestServer[]): string {
  const kept = servers.filter((_, i) => i === round % DESTINATIONS || Math.random() < 0.5);
  const destinations = kept.map(({ address }, i) => {
    const options = [`,workers=${1 + (round % 7)}`, "", `,weight=${1 + (round % 3)}`];
    return `"${address}${options[(round + i) % options.length]}"`;
  });
  return `
listen = "127.0.0.1:0"
destinations = [${destinations.join(", ")}]
queue = ${1000 + round}
workers = ${4 + (round % 5)}
redispatch = "${round % 2 ? "held" : "unsent"}"
idle-timeout = "${60 + (round % 2)}s"
check = "${round % 3 ? "off" : "tcp"}"
`;
}

/** Sends and gets back random bytes over one connection after the other until told to stop. */
async function client(port: number, stop: AbortSignal): Promise<number> {
  let complete = 0;
  while (!stop.aborted) {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    const trips = complete % 10 === 0 ? 50 : 2;
    for (let trip = 0; trip < trips; trip++) {
      const bytes = randomBytes(1 + Math.floor(Math.random() * 20_000));
      const [back] = await Promise.all([readExactly(conn, bytes.length), writeAll(conn, bytes)]);
      assertEquals(back, bytes);
    }
    complete++;
  }
  return complete;
}

Deno.test(`${RELOADS} reloads under load: no connection fails, none is cut`, async () => {
  await using stack = new AsyncDisposableStack();
  const servers = Array.from({ length: DESTINATIONS }, () => stack.use(new TestServer(echo)));
  const path = await Deno.makeTempFile({ suffix: ".toml" });
  stack.defer(() => Deno.remove(path));
  await Deno.writeTextFile(path, configuration(0, servers));
  await using program = await Program.spawn(["--config", path, "--log-format", "json"]);
  const descriptors = hasProc ? openDescriptors(program.pid) : 0;
  const stop = new AbortController();
  // One connection lasts over all reloads, wherever it was served at first.
  using longest = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
  const clients = Array.from({ length: CLIENTS }, () => client(program.port, stop.signal));
  for (let round = 1; round <= RELOADS; round++) {
    await Deno.writeTextFile(path, configuration(round, servers));
    program.signal("SIGHUP");
    await program.logged(new RegExp(`queue ${999 + round} → ${1000 + round}`));
    const bytes = randomBytes(100);
    await writeAll(longest, bytes);
    assertEquals(await readExactly(longest, 100), bytes);
  }
  stop.abort();
  const complete = (await Promise.all(clients)).reduce((sum, number) => sum + number, 0);
  longest.close();
  await until(() => program.out.length === complete + 1, "all sessions have ended");
  assertEquals(program.access().filter(({ reason }) => reason !== "done"), []);
  assert(complete > CLIENTS, `${complete} connections`);
  const ports = servers.map(({ port }) => port);
  if (hasProc) await nothingLeft(program.pid, { destinations: ports, descriptors, more: 8 });
  assertEquals(await program.terminate(), 0);
});
