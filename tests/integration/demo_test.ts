import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { Program, programLine, runProgram } from "../support/program.ts";
import { until, writeAll } from "../support/servers.ts";

/** The port of its page, as it says. */
async function pageOf(program: Program): Promise<number> {
  const find = () => program.out.find((line) => line.includes("page "));
  await until(() => find() !== undefined, "the demo says where its page is");
  return Number(/http:\/\/localhost:(\d+)\/$/.exec(find()!)![1]);
}

Deno.test("--demo answers over HTTP with nothing else running, on a free port", async () => {
  await using program = await Program.spawn(["--demo"]);
  assert(program.port >= 8080 && program.port <= 8099, `${program.port}`);
  const names = new Set<string>();
  const url = `http://127.0.0.1:${program.port}/`;
  for (let i = 0; i < 4; i++) {
    const response = await fetch(url, { headers: { connection: "close" } });
    names.add(/^Hello from (\w+), answer \d+\n$/.exec(await response.text())![1]!);
  }
  assert([...names].every((name) => ["fast", "slow", "flaky"].includes(name)), [...names].join());
  await until(() => program.out.some((line) => line.startsWith("calm ")), "it says the first step");
  assert(program.out.some((line) => line.includes(`curl http://localhost:${program.port}/`)));
  assertEquals(await program.terminate(), 0);
  assertStringIncludes(program.out.at(-1)!, "The demo sends no more clients");
});

Deno.test("--demo has clients of its own, and a page", async () => {
  await using program = await Program.spawn(["--demo"]);
  const page = await pageOf(program);
  assert(page >= 9090 && page <= 9109, `${page}`);
  const url = `http://127.0.0.1:${page}`;
  assertMatch(await (await fetch(url)).text(), /^<!doctype html>/i);
  const status = async () => (await (await fetch(`${url}/status`)).json()).listeners[0];
  await until(async () => (await status()).ended.done > 5, "clients come and are served");
  const { destinations } = await status();
  assertEquals(destinations.map(({ name }: { name: string }) => name), ["fast", "slow", "flaky"]);
  // Nothing is in the way of the steps.
  assert(!program.out.some((line) => line.includes("reason=")), program.out.join("\n"));
  assertEquals((await runProgram(["ctl", `${page}`, "shutdown"])).code, 0);
  assertEquals(await program.ended(), 0);
});

Deno.test("--tour goes on when Enter is pressed: a rush has a queue, a failure a server that is down", async () => {
  const [program, ...args] = [...programLine(), "--demo", "--tour"];
  const child = new Deno.Command(program!, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let out = "";
  const reading = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream() as never)) {
      out += text;
    }
  })();
  const input = child.stdin.getWriter();
  const enter = () => input.write(new TextEncoder().encode("\n"));
  const says = (text: string) => until(() => out.includes(text), `the demo says ${text}`);
  await says("Enter: rush");
  // It is a line to copy, wherever this is run from.
  assertMatch(out, /^ {2}terminal {2}(iawlb|deno task start) top \d+$/m);
  const page = /page +(http:\S+)/.exec(out)![1]!;
  const listener = async () => (await (await fetch(`${page}status`)).json()).listeners[0];
  const flaky = async () =>
    (await listener()).destinations.find((one: { name: string }) => one.name === "flaky");
  await enter();
  await says("Enter: failure");
  await until(async () => (await listener()).waiting > 40, "a queue has formed");
  await enter();
  await says("Enter: recovery");
  await until(async () => (await flaky()).state === "down", "flaky is down");
  await enter();
  await says("Enter: calm");
  await until(async () => (await flaky()).state === "up", "flaky is up again");
  child.kill("SIGTERM");
  assertEquals((await child.status).code, 0);
  await input.close().catch(() => {});
  await reading;
  assertEquals(out.match(/^(calm|rush|failure|recovery) /gm)!.length, 4);
});

Deno.test("--demo does not work for clients that have given up, unless it is told to", async () => {
  for (const [options, gone] of [[[], true], [["--half-close", "keep"], false]] as const) {
    await using program = await Program.spawn(["--demo", "--access-log", "on", ...options]);
    const ports: number[] = [];
    // One of them has to be at the slow server.
    for (let i = 0; i < 12; i++) {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
      ports.push((conn.localAddr as Deno.NetAddr).port);
      await writeAll(conn, new TextEncoder().encode("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"));
      conn.close();
    }
    const ends = () => {
      return program.out.filter((line) => ports.some((port) => line.includes(`:${port} `)));
    };
    await until(() => ends().length === ports.length, "all have ended");
    assertEquals(ends().some((line) => line.includes("reason=client-gone")), gone);
  }
});

Deno.test("a second --demo takes other ports", async () => {
  await using first = await Program.spawn(["--demo"]);
  const page = await pageOf(first);
  await using second = await Program.spawn(["--demo"]);
  for (const { port } of [first, second]) assert(port >= 8080 && port <= 8099, `${port}`);
  assertNotEquals(first.port, second.port);
  assertNotEquals(page, await pageOf(second));
});

Deno.test("--tour is one of --demo", async () => {
  const { code, stderr } = await runProgram(["--tour", "8080", "9001"]);
  assertEquals([code, stderr], [2, "iawlb: --tour: is one of --demo; give that, too\n"]);
});
