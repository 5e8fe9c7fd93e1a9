// The same agent for HAProxy and iawlb: both come to the same state, weight and number of slots.
import { assertEquals } from "@std/assert";
import { FakeAgent } from "../support/fake_agent.ts";
import { listener, start } from "../support/instance.ts";
import { needing, serve } from "../support/packaged_servers.ts";
import { answer, readAll, TestServer, until, writeAll } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

/** What both have to say of the server. */
interface Seen {
  readonly state: string;
  readonly weight: number;
  readonly slots: number;
}

const WORKERS = 8;

/** What puts everything back, for HAProxy too. */
const BEGIN = `ready up 100% maxconn:${WORKERS}`;
const AT_FIRST: Seen = { state: "up", weight: 100, slots: WORKERS };

/** Lines, and what becomes of a server that was in full use. */
const LINES: [string, Partial<Seen>][] = [
  ["75%", { weight: 75 }],
  ["33% maxconn:3", { weight: 33, slots: 3 }],
  ["\tREADY,50%\t maxconn:2,,up ", { weight: 50, slots: 2 }],
  ["200%", { weight: 200 }],
  ["900%", { weight: 256 }],
  ["0%", { weight: 0, state: "drain" }],
  ["drain 51%", { weight: 51, state: "drain" }],
  ["Maint 52%", { weight: 52, state: "maint" }],
  ["down # it is broken, 1%", { state: "down" }],
  ["53% fail", { weight: 53, state: "down" }],
  ["54% stopped", { weight: 54, state: "down" }],
  ["drain ready down up 1% 55%", { weight: 55 }],
  ["down#broken 56%", { weight: 56 }],
  ["bogus maxconn:3x draining 57% ups", { weight: 57 }],
  ["maxconn: 58% #drain", { weight: 58 }],
  ["drain\r59%", { state: "drain" }],
];

Deno.test({
  ...unless("an agent that HAProxy takes has the same effect here", needing("haproxy", "haproxy")),
  async fn() {
    await using agent = new FakeAgent(BEGIN);
    await using server = new TestServer(answer("served"));
    await using haproxy = await serve("haproxy", async ({ port, folder }) => {
      const path = `${folder}/haproxy.cfg`;
      await Deno.writeTextFile(
        path,
        `global
  stats socket ${folder}/stats
defaults
  mode tcp
  timeout connect 1s
  timeout client 10s
  timeout server 10s
listen all
  bind 127.0.0.1:${port}
  server a ${server.address} weight 100 maxconn ${WORKERS} agent-check agent-port ${agent.port} agent-inter 50ms
`,
      );
      return ["-db", "-f", path];
    });
    const options = `name=a,workers=${WORKERS},weight=100,agent-check=${agent.address}`;
    await using program = await start(
      listener([`${server.address},${options}`], { checkInterval: "50ms" }),
    );
    const both = async () => [await seenByHaproxy(`${haproxy.folder}/stats`), await seenHere()];
    const seenHere = async () => {
      const { state, weight, limit } = (await program.destinations())["a"]!;
      return { state: state === "untried" ? "up" : state, weight, slots: limit };
    };
    const reach = async (line: string, wanted: Seen) => {
      agent.says = line;
      let latest: Seen[] = [];
      try {
        await until(
          async () => {
            latest = await both();
            return latest.every((one) => JSON.stringify(one) === JSON.stringify(wanted));
          },
          "both follow",
          10_000,
        );
      } catch {
        assertEquals(latest, [wanted, wanted], `HAProxy and iawlb after ${JSON.stringify(line)}`);
      }
    };
    for (const [line, wanted] of LINES) {
      await reach(BEGIN, AT_FIRST);
      await reach(line, { ...AT_FIRST, ...wanted });
    }
    // A line without an end, of which both know that it may not be whole.
    await reach(BEGIN, AT_FIRST);
    const { asked } = agent;
    agent.says = (conn) => writeAll(conn, new TextEncoder().encode("drain 1%"));
    await until(() => agent.asked > asked + 6, "both have asked");
    assertEquals(await both(), [AT_FIRST, AT_FIRST]);
  },
});

/** What HAProxy's own statistics say of the server `a`. */
async function seenByHaproxy(path: string): Promise<Seen> {
  const rows = (await ask(path, "show stat")).split("\n").map((line) => line.split(","));
  const names = rows[0]!.map((name) => name.replace("# ", ""));
  const row = rows.find((row) => row[names.indexOf("svname")] === "a")!;
  const [status = "", slots] = ["status", "slim"].map((name) => row[names.indexOf(name)]);
  const state = (await ask(path, "show servers state all")).split("\n");
  const fields = state[1]!.replace("# ", "").split(" ");
  const weight = Number(state[2]!.split(" ")[fields.indexOf("srv_uweight")]);
  const word = status === "no check" ? "up" : status.split(" ")[0]!.toLowerCase();
  // A server without weight is DRAIN on its page, and UP here.
  return { state: word === "up" && weight === 0 ? "drain" : word, weight, slots: Number(slots) };
}

async function ask(path: string, command: string): Promise<string> {
  using conn = await Deno.connect({ transport: "unix", path });
  await writeAll(conn, new TextEncoder().encode(`${command}\n`));
  return new TextDecoder().decode(await readAll(conn));
}
