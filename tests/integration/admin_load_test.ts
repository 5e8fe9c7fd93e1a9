import { assert } from "@std/assert";
import { hasProc, mainThreadMs } from "../support/process.ts";
import { Program } from "../support/program.ts";
import { echo, freePort, TestServer, until } from "../support/servers.ts";

const DESTINATIONS = 1000;

/** No session may wait longer for what operators do, in milliseconds. */
const LONGEST_MS = 10;

/** How often each is asked; a quarter of the results may be better than the one that counts. */
const ROUNDS = 9;

/** After so long nobody gets an answer that was made before, in milliseconds. */
const SNAPSHOT_MS = 250;

/**
 * The longest round trip of a session while something is done, the lower quartile of several rounds,
 * since a busy machine only adds. Of each round trip no more counts than the program worked in it: what
 * others take of the machine is time that passes, too.
 */
async function longestRoundTrip(
  { conn, pid }: { conn: Deno.Conn; pid: number },
  work: () => Promise<unknown>,
): Promise<number> {
  const byte = new Uint8Array(1);
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await new Promise((resolve) => setTimeout(resolve, SNAPSHOT_MS));
    let [working, longest] = [true, 0];
    const worked = work().finally(() => working = false);
    let [last, used] = [performance.now(), mainThreadMs(pid)];
    while (working) {
      await conn.write(byte);
      await conn.read(byte);
      const [now, usedNow] = [performance.now(), mainThreadMs(pid)];
      longest = Math.max(longest, Math.min(now - last, usedNow - used));
      [last, used] = [now, usedNow];
    }
    await worked;
    rounds.push(longest);
  }
  return rounds.sort((a, b) => a - b)[ROUNDS >> 2]!;
}

/** Another process asks, which takes all of the answer as soon as it comes. */
async function curl(...args: string[]): Promise<void> {
  const { success } = await new Deno.Command("curl", {
    args: ["-sS", "-f", "-o", "/dev/null", ...args],
    stdout: "null",
  }).output();
  assert(success);
}

const ignore = !hasProc;

Deno.test("a round trip beside long answers waits for none of them", { ignore }, async (t) => {
  await using server = new TestServer(echo, { hostname: "0.0.0.0" });
  const admin = freePort();
  const names = Array.from({ length: DESTINATIONS }, (_, i) => {
    return `127.1.${i >> 8}.${i & 255}:${server.port}`;
  });
  await using program = await Program.start(names, ["--admin", `127.0.0.1:${admin}`]);
  await program.logged(/admin API on/);
  const url = `http://127.0.0.1:${admin}`;
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
  conn.setNoDelay(true);
  await until(
    async () => {
      const text = await (await fetch(`${url}/metrics`)).text();
      return !/_destination_state\{.*state="untried"\} 1/.test(text);
    },
    "all destinations have been tried",
    60_000,
  );
  const requests: Record<string, string[]> = {
    "GET /metrics": [`${url}/metrics`],
    "GET /status": [`${url}/status`],
    "POST /reload": [`${url}/reload`, "-X", "POST", "-H", "content-type: application/json"],
  };
  for (const [name, request] of Object.entries(requests)) {
    await t.step(name, async () => {
      const longest = await longestRoundTrip({ conn, pid: program.pid }, () => curl(...request));
      assert(longest < LONGEST_MS, `${longest} ms`);
    });
  }
});
