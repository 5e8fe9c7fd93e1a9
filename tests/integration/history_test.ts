import { assert, assertEquals } from "@std/assert";
import type { History, Mark } from "../../src/operations/history.ts";
import type { Status } from "../../src/operations/operations.ts";
import { Program } from "../support/program.ts";
import { answer, freePort, request, TestServer, until } from "../support/servers.ts";

/** A program with its admin API, and what it tells of the past. */
async function start(destinations: readonly string[], options: readonly string[] = []) {
  const admin = `127.0.0.1:${freePort()}`;
  const program = await Program.start(destinations, ["--admin", admin, ...options]);
  await program.logged(/admin API on/);
  const ask = async (path: string, init?: RequestInit) => {
    return await fetch(`http://${admin}${path}`, init);
  };
  return {
    program,
    ask,
    async history(query = ""): Promise<History> {
      return await (await ask(`/history${query}`)).json();
    },
    async status(): Promise<Status> {
      return await (await ask("/status")).json();
    },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

for (const threads of [1, 2]) {
  Deno.test(`the past can be seen by whoever comes later, with ${threads} threads`, async () => {
    await using server = new TestServer(answer("served"));
    await using it = await start([`${server.address},name=db1`], ["--threads", String(threads)]);
    const requests = Array.from({ length: 12 }, () => request(it.program.port, "hello"));
    for (const text of await Promise.all(requests)) assertEquals(text, "served");
    const counted = async () => {
      const { listeners } = await it.history("?listener=1");
      const [{ series, destinations } = { series: undefined, destinations: [] }] = listeners;
      return [series?.accepted_per_s, series?.ended_per_s, destinations?.[0]?.series.sessions_per_s]
        .map((values) => (values ?? []).reduce<number>((sum, value) => sum + (value ?? 0), 0));
    };
    await until(async () => (await counted()).every((sum) => sum === 12), "all are in the history");
    const { listeners: [listener], step_ms, uptime_ms } = await it.history("?listener=1");
    assertEquals([step_ms, uptime_ms % 1000], [1000, 0]);
    assertEquals(new Set(Object.values(listener!.series).map(({ length }) => length)).size, 1);
    assertEquals(listener!.series.bytes_up_per_s.reduce((sum, n) => sum! + n!), 60);
    assert(listener!.series.wait_p99_ms.some((ms) => ms !== null));
    assertEquals(listener!.destinations!.map(({ id, name }) => [id, name]), [["1.1", "db1"]]);
    const status = await it.status();
    assertEquals(status.listeners[0]!.recent, { ended: { done: 12 } });
    const { recent } = status.listeners[0]!.destinations[0]!;
    assertEquals(recent?.failures, 0);
    assert(recent!.sessions_per_s > 0 && recent!.session_p50_ms! > 0);
    const day = await it.history("?span=24h");
    assertEquals([day.step_ms, day.listeners[0]!.series.waiting.length], [60_000, 0]);
  });
}

Deno.test("marks tell of what happened, at once to those who follow, and after a reload", async () => {
  const port = freePort();
  const server = new TestServer(answer("served"), { port });
  await using it = await start([`127.0.0.1:${port},name=db1`, "127.0.0.1:1,name=spare,backup"], [
    "--check-interval",
    "200ms",
  ]);
  assertEquals(await request(it.program.port, "hello"), "served");
  const followed: Mark[] = [];
  const frames: string[] = [];
  const { body } = await it.ask("/events");
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
  const following = (async () => {
    let text = "";
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const parts = (text + next.value).split("\n\n");
      text = parts.pop()!;
      for (const part of parts) {
        const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(part)!;
        frames.push(event!);
        if (event === "mark") followed.push(JSON.parse(data!));
      }
    }
  })();
  await until(() => frames.length > 0, "the stream has begun");
  const kinds = () =>
    followed.filter(({ destination }) => destination === "db1").map((m) => m.kind);
  await server[Symbol.asyncDispose]();
  // It waits until somebody serves it.
  const waiting = request(it.program.port, "hello");
  await until(() => kinds().includes("down"), "it is down");
  await using _again = new TestServer(answer("served"), { port });
  await until(() => kinds().includes("up"), "it is up again");
  assertEquals(await waiting, "served");
  const json = { "content-type": "application/json" };
  for (const state of ["drain", "ready"]) {
    const init = { method: "PATCH", headers: json, body: JSON.stringify({ state }) };
    assertEquals((await (await it.ask("/destinations/1.1", init)).json()).admin, state);
    await until(() => kinds().at(-1) === state, `${state} is marked`);
  }
  await (await it.ask("/reload", { method: "POST", headers: json })).json();
  await until(() => followed.at(-1)?.kind === "reload", "the reload is marked");
  await reader.cancel();
  await following;
  assertEquals(frames[0], "history");
  const { marks, listeners } = await it.history();
  assertEquals(marks[0]!.kind, "start");
  assertEquals(marks.slice(-followed.length), followed);
  assert(marks.find(({ kind }) => kind === "down")!.text.startsWith("db1 is down: "));
  // What it did before the reload is still there.
  assert(listeners[0]!.series.accepted_per_s.some((n) => n! > 0));
});

Deno.test("a question about the past that makes no sense is refused in one line", async () => {
  await using it = await start(["127.0.0.1:1"]);
  await until(async () => (await it.history()).listeners.length === 1, "there is a history");
  const refusals = [
    ["?span=1h", 422, 'span "1h": must be 5m or 24h'],
    ["?span=5m&span=24h", 422, 'span "24h": must be given once'],
    ["?spam=5m", 422, '"spam": no such parameter; must be one of "span", "listener"'],
    ["?listener=", 422, "listener: must be the number or the name of a listener"],
    ["?listener=web", 404, 'nothing is kept of a listener "web"'],
  ] as const;
  for (const [query, status, error] of refusals) {
    const response = await it.ask(`/history${query}`);
    assertEquals([response.status, (await response.json()).error], [status, error]);
  }
});
