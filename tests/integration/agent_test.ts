// agent-check: what a server says of itself is followed, and what it should not have said is not.
import { assert, assertEquals } from "@std/assert";
import { ctl } from "../../src/client/ctl.ts";
import type { DestinationStatus } from "../../src/operations/destination_status.ts";
import { FakeAgent } from "../support/fake_agent.ts";
import { listener, type Options, start } from "../support/instance.ts";
import { Program } from "../support/program.ts";
import { ResettingServer } from "../support/resetting.ts";
import {
  answer,
  echo,
  freePort,
  readExactly,
  request,
  TestServer,
  until,
  writeAll,
} from "../support/servers.ts";

const OFTEN: Options = { checkInterval: "50ms", checkTimeout: "200ms" };

/** A program with one destination, called `a`, whose agent has said `up`. */
async function followed(options: string, settings: Options = {}) {
  const agent = new FakeAgent("up");
  const server = new TestServer(answer("a"));
  const program = await start(
    listener([`${server.address},name=a,agent-check=${agent.address}${options}`], {
      ...OFTEN,
      ...settings,
    }),
  );
  const shown = async () => (await program.destinations())["a"]!;
  await until(async () => (await shown()).agent === "up", "the agent is asked");
  return {
    agent,
    server,
    program,
    shown,
    /** What is shown after the agent was asked once more, and has said this. */
    async after(says: FakeAgent["says"], what: (one: DestinationStatus) => boolean = () => true) {
      agent.says = says;
      const { asked } = agent;
      await until(async () => agent.asked > asked && what(await shown()), `it says ${says}`);
      return { ...await shown(), asks: agent.asked - asked };
    },
    async [Symbol.asyncDispose]() {
      await program[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await agent[Symbol.asyncDispose]();
    },
  };
}

Deno.test("weight, slots and state follow what a server says, within one interval", async () => {
  await using all = await followed(",weight=10,workers=8");
  const cases: [string, Partial<DestinationStatus>][] = [
    ["75% maxconn:3", { weight: 7.5, limit: 3, state: "up", agent: "75% maxconn:3 up" }],
    ["maxconn:20", { weight: 7.5, limit: 8, agent: "75% maxconn:20 up" }],
    ["weight:4", { weight: 4 }],
    ["0%", { weight: 0, state: "drain", admin: "ready" }],
    ["100% drain", { weight: 10, state: "drain" }],
    ["maint", { state: "maint", admin: "ready" }],
    ["ready down #disk", { state: "down", agent: "100% maxconn:20 ready down #disk" }],
    ["stopped", { state: "down" }],
    ["up", { state: "up", agent: "100% maxconn:20 ready up" }],
    ["down drain", { state: "drain" }],
    ["up ready", { state: "up" }],
  ];
  assertEquals(await request(all.program.port, "x"), "a");
  for (const [says, expected] of cases) {
    const fits = (one: DestinationStatus) => {
      return Object.entries(expected).every(([name, value]) => {
        const shown = one[name as keyof DestinationStatus];
        // It is tried anew after it was not looked at.
        return shown === value || (value === "up" && shown === "untried");
      });
    };
    const { asks } = await all.after(says, fits);
    // One question may have been under way, and the next one have begun meanwhile.
    assert(asks <= 3, `${asks} questions until ${says}`);
  }
  const { agent_failures, id } = await all.shown();
  assertEquals([agent_failures, id], [0, "1.1"]);
  assertEquals(all.agent.mostOpen, 1, "one question at a time");
});

Deno.test("silence, refusal and nonsense change nothing, and are counted", async () => {
  await using all = await followed(",workers=8");
  const { agent } = await all.after("50% maxconn:3 drain", ({ state }) => state === "drain");
  const bytes = (text: string) => (conn: Deno.Conn) => {
    return writeAll(conn, new TextEncoder().encode(text));
  };
  const silent = async (conn: Deno.Conn) => void await conn.read(new Uint8Array(1));
  const ways: Record<string, FakeAgent["says"]> = {
    silence: silent,
    "half a line and silence": async (conn) => {
      await bytes("75% maxconn:9")(conn);
      await silent(conn);
    },
    "one byte at a time, too slowly": async (conn) => {
      for (const byte of "ready 100% up maxconn:8 ".repeat(50)) {
        await bytes(byte)(conn);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    "the end at once": async () => {},
    "a line without an end": bytes("ready 100%"),
    "a line with a NUL": bytes("ready 100%\0\n"),
    "far too much": async (conn) => {
      for (let i = 0; i < 100; i++) await bytes("ready ".repeat(10_000))(conn);
    },
    garbage: bytes("\x00\xff\x16\x03\x01 %%% maxconn:\n"),
    "an HTTP answer": bytes("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
    "numbers that are not allowed": bytes("weight:1000 maxconn:-3\n"),
  };
  for (const [name, way] of Object.entries(ways)) {
    const { agent_failures: before } = await all.shown();
    const shown = await all.after(way, ({ agent_failures }) => agent_failures > before + 1);
    assertEquals([shown.agent, shown.state, shown.limit], [agent, "drain", 3], name);
    assertEquals(shown.failures, 0, `${name} is no failure of the destination`);
  }
  await all.agent[Symbol.asyncDispose]();
  const { agent_failures: before } = await all.shown();
  await until(async () => (await all.shown()).agent_failures > before + 1, "nobody listens");
  assertEquals((await all.shown()).agent, agent);
});

Deno.test("an agent that resets every connection is one that says nothing", async () => {
  await using agent = await ResettingServer.start("at once");
  await using server = new TestServer(answer("a"));
  await using program = await start(
    listener([`${server.address},name=a,agent-check=${agent.address}`], OFTEN),
  );
  const shown = async () => (await program.destinations())["a"]!;
  await until(async () => (await shown()).agent_failures > 2, "it is asked");
  const { agent: said, failures } = await shown();
  assertEquals([said, failures], ["", 0]);
  assertEquals(await request(program.port, "x"), "a");
});

Deno.test("checks go on at their pace while an agent is silent", async () => {
  await using agent = new FakeAgent(async (conn) => void await conn.read(new Uint8Array(1)));
  let checks = 0;
  await using server = new TestServer(async (conn) => {
    checks++;
    await writeAll(conn, new TextEncoder().encode("a"));
  }, { speaksFirst: true });
  await using _program = await start(
    listener([`${server.address},agent-check=${agent.address},check=expect:a`], {
      ...OFTEN,
      checkTimeout: "1h",
    }),
  );
  await until(() => agent.open === 1, "the agent is asked");
  const before = checks;
  await until(() => checks > before + 5, "it is checked again and again");
  assertEquals(agent.asked, 1, "no question beside the one that is not answered");
});

Deno.test("what the operator wants goes first, and only the agent takes back what it wants", async () => {
  await using all = await followed("");
  const { instance } = all.program;
  const state = async (state: "ready" | "drain" | "maint") => {
    return (await instance.changeDestination("1.1", { state })).state;
  };
  await all.after("drain", ({ state }) => state === "drain");
  assertEquals(await state("ready"), "drain", "the operator cannot take it back");
  assertEquals(await state("drain"), "drain");
  const { agent, admin } = await all.after("ready", ({ agent }) => agent.startsWith("ready"));
  assertEquals([agent, admin], ["ready up", "drain"]);
  assertEquals((await all.shown()).state, "drain", "the agent cannot take back the operator's");
  assertEquals(await state("maint"), "maint");
  // A question may have been under way.
  await until(() => all.agent.open === 0, "no question is under way");
  const { asked } = all.agent;
  all.agent.says = "down";
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert(all.agent.asked <= asked + 1, "it is left alone in maintenance");
  assert(["up", "untried", "down"].includes(await state("ready")));
  await until(async () => (await all.shown()).state === "down", "it is asked again");
});

Deno.test("a destination is checked neither in the agent's maintenance, nor forgotten after it", async () => {
  await using all = await followed(",check=tcp");
  await all.after("maint", ({ state }) => state === "maint");
  const { looks } = all.server;
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert(all.server.looks <= looks + 2, "it is not checked");
  await all.after("ready", ({ state }) => state === "up");
});

Deno.test("an agent's words go with its failures: down only ends with up, and with a passing check", async () => {
  await using all = await followed(",check=tcp", { fall: "1", rise: "1" });
  await all.after("down", ({ state }) => state === "down");
  all.server.stopListening();
  await until(async () => (await all.shown()).failures > 0, "its check fails");
  await all.after("up", ({ agent }) => agent === "up");
  assertEquals((await all.shown()).state, "down", "its check fails still");
  await using _server = new TestServer(answer("a"), { port: all.server.port });
  await until(async () => (await all.shown()).state === "up", "its check passes");
});

Deno.test("while one server's agent says this and that, no session is lost and it gets none it does not want", async () => {
  await using agent = new FakeAgent("up");
  await using one = new TestServer(answer("one"));
  await using two = new TestServer(answer("two"));
  await using program = await start(
    listener([`${one.address},name=one,agent-check=${agent.address}`, two.address], OFTEN),
  );
  let over = false;
  const served = { one: 0, two: 0 };
  const clients = Array.from({ length: 8 }, async () => {
    while (!over) served[await request(program.port, "x") as "one" | "two"]++;
  });
  const shown = async () => (await program.destinations())["one"]!;
  for (let round = 0; round < 3; round++) {
    for (const [says, back] of [["drain", "ready"], ["maint", "ready"], ["down", "up"]] as const) {
      agent.says = says;
      await until(async () => {
        const { state, active } = await shown();
        return !["up", "untried"].includes(state) && active === 0;
      }, `${says} is followed`);
      const [{ sessions }, others] = [await shown(), served.two];
      await until(() => served.two > others + 10, "the other one serves");
      assertEquals((await shown()).sessions, sessions, `no session came after ${says}`);
      agent.says = back;
      const ones = served.one;
      await until(() => served.one > ones + 10, `${back} is followed`);
    }
    agent.says = "maxconn:1 10%";
    await until(async () => (await shown()).limit === 1, "the slots follow");
    await until(async () => (await shown()).active <= 1, "those from before have ended");
    const ones = served.one;
    await until(async () => {
      const { active } = await shown();
      assert(active <= 1, `${active} at a time`);
      return served.one > ones + 5;
    }, "one at a time is served");
    agent.says = "maxconn:0 100%";
    await until(async () => (await shown()).limit > 1, "the slots are back");
  }
  over = true;
  await Promise.all(clients);
  const { listeners: [status] } = await program.instance.status();
  assertEquals(Object.keys(status!.ended), ["done"]);
});

Deno.test("sessions go on when their server wants no new ones", async () => {
  await using agent = new FakeAgent("up");
  await using server = new TestServer(echo);
  await using program = await start(
    listener([`${server.address},name=a,agent-check=${agent.address}`], OFTEN),
  );
  using client = await Deno.connect({ port: program.port });
  for (const says of ["drain", "maint", "ready down", "up maxconn:1", "0%"]) {
    agent.says = says;
    const { asked } = agent;
    await until(() => agent.asked > asked + 1, "it has said so");
    await writeAll(client, new Uint8Array(10));
    assertEquals((await readExactly(client, 10)).length, 10);
  }
  assertEquals((await program.destinations())["a"]!.active, 1);
});

Deno.test("a backup serves while the agents of all others want nobody, and nobody is sent to them in a panic", async () => {
  await using agent = new FakeAgent("down");
  await using one = new TestServer(answer("one"));
  await using two = new TestServer(answer("two"));
  const agentCheck = `agent-check=${agent.address}`;
  await using program = await start(
    listener([`${one.address},name=a,${agentCheck}`, `${two.address},backup`], OFTEN),
  );
  await until(async () => (await program.destinations())["a"]!.state === "down", "it is down");
  for (let i = 0; i < 5; i++) assertEquals(await request(program.port, "x"), "two");
  await program.reload(listener([`${one.address},name=a,${agentCheck}`], OFTEN));
  const waiting = request(program.port, "x");
  await until(
    async () => (await program.instance.status()).listeners[0]!.waiting === 1,
    "it waits",
  );
  assertEquals((await program.destinations())["a"]!.sessions, 0);
  agent.says = "up";
  assertEquals(await waiting, "one");
});

Deno.test("a reload of agent-check keeps number, counters and sessions, and what is not asked any more does not count", async () => {
  await using agent = new FakeAgent("drain 10%");
  await using other = new FakeAgent("maxconn:2");
  await using server = new TestServer(echo);
  const texts = (check: string) => [`${server.address},name=a${check && `,agent-check=${check}`}`];
  await using program = await start(listener(texts(""), OFTEN));
  using client = await Deno.connect({ port: program.port });
  await writeAll(client, new Uint8Array(1));
  await readExactly(client, 1);
  const shown = async () => (await program.destinations())["a"]!;
  const { changes } = await program.reload(listener(texts(agent.address), OFTEN));
  assertEquals(changes, [`destination a: agent-check off → ${agent.address}`]);
  await until(async () => (await shown()).state === "drain", "it is asked");
  await program.reload(listener(texts(other.address), OFTEN));
  assertEquals((await shown()).agent.includes("drain"), false, "another one begins anew");
  await until(async () => (await shown()).limit === 2, "the other one is asked");
  const first = await program.instance.changeDestination("1.1", { agent_check: "off" });
  assertEquals([first.agent, first.state, first.limit, first.agent_check], ["", "up", 256, "off"]);
  await program.instance.changeDestination("1.1", { agent_check: agent.address });
  await until(async () => (await shown()).state === "drain", "it is asked again");
  const { asked } = other;
  const { id, sessions, active } = await shown();
  assertEquals([id, sessions, active], ["1.1", 1, 1]);
  await program.reload(listener(texts(""), { ...OFTEN, agentCheck: `${freePort()}` }));
  const { agent: said, state, agent_check } = await shown();
  assertEquals([said, state], ["", "up"]);
  assert(/^\d+$/.test(agent_check), agent_check);
  assertEquals(other.asked, asked, "who is not asked any more is left alone");
});

Deno.test("a port alone is one of the server's own host, and a path one of this machine", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const port = freePort();
    await using first = new FakeAgent("10%", { port, hostname: "127.0.0.2" });
    await using second = new FakeAgent("20%", { port, hostname: "127.0.0.3" });
    await using third = new FakeAgent("30%", { port });
    const path = `${folder}/agent`;
    using unix = Deno.listen({ transport: "unix", path });
    const answered = (async () => {
      for await (const conn of unix) {
        await writeAll(conn, new TextEncoder().encode("40%\r\nand more\n"));
        conn.close();
      }
    })();
    await using program = await start(
      listener([
        `127.0.0.2:${freePort()},weight=100`,
        `127.0.0.3:${freePort()},weight=100`,
        `unix:${folder}/none,weight=100`,
        `127.0.0.4:${freePort()},weight=100,agent-check=unix:${path}`,
        `127.0.0.5:${freePort()},weight=100,agent-check=off`,
      ], { ...OFTEN, agentCheck: `:${port}` }),
    );
    await until(async () => {
      const weights = Object.values(await program.destinations()).map(({ weight }) => weight);
      return weights.join() === "10,20,30,40,100";
    }, "each is asked at its own host");
    assert(first.asked > 0 && second.asked > 0 && third.asked > 0);
    unix.close();
    await answered;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the slots of two threads add up to what a server allows", async () => {
  await using agent = new FakeAgent("maxconn:3 50%");
  const hold = Promise.withResolvers<void>();
  const held = { now: 0, most: 0 };
  await using server = new TestServer(async (conn) => {
    // Whoever has only looked says nothing.
    if (await conn.read(new Uint8Array(1)) === null) return;
    held.most = Math.max(held.most, ++held.now);
    await hold.promise;
    held.now--;
    await answer("served")(conn);
  });
  // Before the server, which would wait for it.
  using _hold = { [Symbol.dispose]: () => hold.resolve() };
  await using program = await Program.start([
    `${server.address},workers=10,weight=4,agent-check=${agent.port}`,
  ], ["--threads", "2", "--check-interval", "50ms"]);
  const shown = async () => (await program.status()).destinations[0];
  await until(async () => (await shown()).limit === 3, "both threads have asked");
  const requests = Array.from({ length: 40 }, () => request(program.port, "x"));
  await until(async () => (await program.status()).waiting === 37, "the slots are taken");
  await until(() => held.now === 3, "the server has them");
  const { agent: said, weight } = await shown();
  assertEquals([said, weight], ["50% maxconn:3", 2]);
  hold.resolve();
  for (const text of await Promise.all(requests)) assertEquals(text, "served");
  assertEquals(held.most, 3);
  agent.says = "drain";
  await until(async () => (await shown()).state === "drain", "the first thread has asked");
  await until(() => {
    return program.log.filter((line) => line.includes("says drain")).length === 2;
  }, "both threads follow");
  assertEquals(await program.terminate(), 0);
});

Deno.test("the log says what an agent wants, and once that it fails", async () => {
  await using agent = new FakeAgent("drain");
  await using server = new TestServer(answer("a"));
  await using program = await Program.start([
    `${server.address},name=db1,agent-check=${agent.address}`,
  ], ["--check-interval", "50ms"]);
  await program.logged(/agent of db1 says drain/);
  agent.says = "ready down #the disk is full\x1b[31m";
  await program.logged(/agent of db1 says down \(the disk is full\?\[31m\)/);
  agent.says = "hello";
  await program.logged(/agent of db1 failed, what it has said before counts: it says .{1,2}hello/);
  const { asked } = agent;
  await until(() => agent.asked > asked + 10, "it is asked again and again");
  assertEquals(program.log.filter((line) => line.includes("agent of db1 failed")).length, 1);
  agent.says = "up";
  await program.logged(/agent of db1 answers again/);
  await program.logged(/agent of db1 says up/);
  assertEquals(await program.terminate(), 0);
});

Deno.test("a silent agent holds up neither a drain nor the end", async () => {
  const agent = new FakeAgent(async (conn) => void await conn.read(new Uint8Array(1)));
  await using _agent = agent;
  await using server = new TestServer(answer("a"));
  await using program = await start(
    listener([`${server.address},agent-check=${agent.address}`], {
      checkInterval: "50ms",
      checkTimeout: "1h",
    }),
  );
  await until(() => agent.open === 1, "it is asked");
  const began = performance.now();
  assertEquals(await program.instance.drain(), true);
  await until(() => agent.open === 0, "the question is given up");
  assert(performance.now() - began < 20_000);
});

Deno.test("ctl, metrics and every record of a name show what servers say", async () => {
  await using agent = new FakeAgent("25% maxconn:2 drain #not this");
  await using server = new TestServer(answer("a"), { hostname: "127.0.0.1" });
  await using program = await Program.spawn([
    ...["--admin", "127.0.0.1:0", "--agent-check", `${agent.port}`, "--check-interval", "50ms"],
    ...["--log-format", "json", `127.0.0.1:${freePort()}`],
    ...[`dns:localhost:${server.port},weight=10`],
  ]);
  const admin = /admin API on ([\d.:]+)/.exec(await program.logged(/admin API on /))![1]!;
  const lines: string[] = [];
  const told = async (...command: string[]) => {
    lines.length = 0;
    await ctl([admin, ...command], (line) => void lines.push(...line.split("\n")));
    return lines.join("\n");
  };
  await until(
    async () => / drain .* 2 +2\.5 .* 25% maxconn:2 drain/.test(await told("status")),
    "",
  );
  const metrics = await told("metrics");
  for (
    const line of [
      /^iawlb_destination_weight\{.*\} 2\.5$/m,
      /^iawlb_destination_limit\{.*\} 2$/m,
      /^iawlb_destination_state\{.*state="drain"\} 1$/m,
      /^iawlb_destination_agent_failures_total\{.*\} 0$/m,
    ]
  ) assert(line.test(metrics), `${line}`);
  assertEquals(await program.terminate(), 0);
});
