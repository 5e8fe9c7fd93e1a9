import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import { enterKey } from "../../src/program/demo/enter_key.ts";
import { FlakyServer } from "../../src/program/demo/flaky_server.ts";
import { playRhythm } from "../../src/program/demo/rhythm.ts";
import { STEPS } from "../../src/program/demo/steps.ts";
import { Traffic } from "../../src/program/demo/traffic.ts";
import { request, TestServer, until, writeAll } from "../support/servers.ts";

/** Says something as soon as something was asked. */
async function say(conn: Deno.Conn, text: string): Promise<void> {
  await conn.read(new Uint8Array(1024));
  await writeAll(conn, new TextEncoder().encode(text));
}

/** What a rhythm has done, in order. */
class Played {
  readonly told: string[] = [];
  readonly done: string[] = [];
  readonly traffic = {
    here: 3,
    become: ({ rate }: { rate: number }) => void this.done.push(`${rate} a second`),
    take: () => ({ came: 9, answered: 8, lost: 1, longest: 1234 }),
  };
  readonly flaky = {
    break: () => Promise.resolve(void this.done.push("break")),
    comeBack: () => Promise.resolve(void this.done.push("come back")),
  };
  tell = (line: string): void => void this.told.push(line);
}

Deno.test("a round is calm, a rush, a failure and a recovery, each told in one short line", () => {
  assertEquals(STEPS.map(({ name }) => name), ["calm", "rush", "failure", "recovery"]);
  assertEquals(STEPS.map(({ flaky }) => flaky), [true, true, false, true]);
  for (const { name, says } of STEPS) {
    assert(`${name.padEnd(9)} ${says}`.length <= 100 && !says.includes("\n"), says);
  }
});

Deno.test("the rhythm goes on by itself, and ends with the signal", async () => {
  const played = new Played();
  const over = new AbortController();
  const steps = STEPS.map((step) => ({ ...step, ms: 1 }));
  const tell = (line: string) => {
    played.tell(line);
    if (line.startsWith("round 2")) over.abort();
  };
  await playRhythm({ ...played, tell, signal: over.signal, steps });
  const round = ["10 a second", "come back", "60 a second", "come back", "45 a second", "break"];
  const whole = [...round, "25 a second", "come back"];
  assertEquals(played.done, [...whole, ...whole]);
  assertEquals(played.told.length, 11);
  assertEquals(
    played.told[4],
    "round 1   is over: 9 clients, 1 lost, 8 answered, each within 1.2 s",
  );
  assertStringIncludes(
    played.told.at(-1)!,
    "no more clients; the 3 that are here are still served",
  );
  for (const [here, says] of [[0, "clients."], [1, "clients; the one that is here is"]] as const) {
    const { traffic } = played;
    await playRhythm({ ...played, traffic: { ...traffic, here }, signal: over.signal, steps });
    assertStringIncludes(played.told.at(-1)!, `The demo sends no more ${says}`);
  }
});

Deno.test("a tour stops at each step until Enter, and goes on alone where nobody is left", async () => {
  const played = new Played();
  const over = new AbortController();
  const presses: PromiseWithResolvers<boolean>[] = [];
  const rhythm = playRhythm({
    ...played,
    signal: over.signal,
    steps: STEPS.map((step) => ({ ...step, ms: 3_600_000 })),
    onward() {
      presses.push(Promise.withResolvers());
      return presses.at(-1)!.promise;
    },
  });
  await until(() => presses.length === 1, "it stops at the first");
  assertMatch(played.told.join("\n"), /^calm .*\n\n {10}The queue is empty[^]*Enter: rush$/);
  presses[0]!.resolve(true);
  await until(() => presses.length === 2, "and at the second");
  assertEquals(played.done.filter((what) => what.endsWith("second")), [
    "10 a second",
    "60 a second",
  ]);
  presses[1]!.resolve(false);
  await until(() => played.told.at(-1)!.includes("by itself"), "nobody is left");
  over.abort();
  await rhythm;
  assertEquals(presses.length, 2);
  assertEquals(played.done.includes("break"), false, "no step begins after the end");
});

Deno.test("Enter is a line of standard input, however they come", async () => {
  const inputs = ["a\n\n", "", "b", "\n"];
  const pressed = enterKey((buffer) => {
    const text = inputs.shift();
    if (text === undefined) return Promise.resolve(null);
    return Promise.resolve(new TextEncoder().encodeInto(text, buffer).written);
  });
  const { signal } = new AbortController();
  assertEquals([await pressed(signal), await pressed(signal), await pressed(signal)], [
    true,
    true,
    true,
  ]);
  assertEquals([await pressed(signal), await pressed(signal)], [false, false]);
  const never = enterKey(() => new Promise(() => {}));
  const over = new AbortController();
  const waiting = never(over.signal);
  over.abort();
  assertEquals(await waiting, false);
});

Deno.test("clients of the demo come at their rate, never more than so many, until the end", async () => {
  const held = Promise.withResolvers<void>();
  await using server = new TestServer(async (conn, number) => {
    if (number <= 5) await held.promise;
    await say(conn, "HTTP/1.1 200 OK\r\n\r\nhello");
  });
  const over = new AbortController();
  const traffic = new Traffic(server.port, over.signal);
  traffic.become({ rate: 500, most: 5 });
  await until(() => server.open === 5, "as many as may be are there");
  assertEquals(traffic.here, 5);
  held.resolve();
  await until(() => server.accepted > 20, "others come");
  assert(server.mostOpen <= 5, `${server.mostOpen}`);
  over.abort();
  await until(() => traffic.here === 0, "all are served");
  const { accepted } = server;
  const { came, answered, lost, longest } = traffic.take();
  assertEquals([came, answered, lost], [accepted, accepted, 0]);
  assert(longest > 0);
});

Deno.test("clients without an answer are counted as lost", async () => {
  await using server = new TestServer((conn) => say(conn, "nonsense"));
  const over = new AbortController();
  const traffic = new Traffic(server.port, over.signal);
  traffic.become({ rate: 500, most: 2 });
  await until(() => server.accepted > 3, "some come");
  traffic.stop();
  await until(() => traffic.here === 0, "all have left");
  const { came, answered, lost } = traffic.take();
  assertEquals([came, answered], [lost, 0]);
  over.abort();
});

Deno.test("the flaky server breaks and comes back to its port", async () => {
  await using flaky = await FlakyServer.start(getLogger("iawlb"));
  const port = Number(flaky.address.split(":")[1]);
  const ask = () => request(port, "GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  assertStringIncludes(await ask(), "Hello from flaky, answer 1\n");
  const asked = ask();
  const { signal } = new AbortController();
  await flaky.break();
  await flaky.break();
  assertMatch(await asked.catch(() => "refused"), /answer 2|refused/);
  await Deno.connect({ port }).then(
    () => assert(false, "it is still there"),
    (error) => assert(error instanceof Deno.errors.ConnectionRefused),
  );
  await flaky.comeBack(signal);
  await flaky.comeBack(signal);
  assertMatch(await ask(), /Hello from flaky, answer [23]\n/);
});
