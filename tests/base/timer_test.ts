import { assert, assertEquals, assertLess } from "@std/assert";
import { optionNames, OPTIONS } from "../../src/config/options.ts";
import { after, every, sleep } from "../../src/base/timer.ts";
import { listener, type Options, start } from "../support/instance.ts";
import { echo, readExactly, request, TestServer, until, writeAll } from "../support/servers.ts";

const DAY = 86_400_000;

/** Runs a function with a runtime whose timers fire when the test says so, as Deno's would. */
function withTimers(use: (fire: () => number) => void): void {
  const { setTimeout, clearTimeout } = globalThis;
  const running = new Map<number, { ms: number; action: () => void }>();
  let latest = 0;
  const fake = {
    setTimeout(action: () => void, ms: number): number {
      running.set(++latest, { ms: ms > 2 ** 31 - 1 ? 1 : ms, action });
      return latest;
    },
    clearTimeout: (timer: number) => running.delete(timer),
  };
  Object.assign(globalThis, fake);
  try {
    use(() => {
      const [first] = running;
      if (!first) return 0;
      running.delete(first[0]);
      first[1].action();
      return first[1].ms;
    });
    assertEquals(running.size, 0);
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout });
  }
}

Deno.test("a timer fires after its time, also beyond what the runtime's can be", () => {
  for (const ms of [0, 5, 2 ** 31 - 1, 2 ** 31, 2 ** 32 + 7, 365 * DAY]) {
    withTimers((fire) => {
      let fired = 0;
      after(ms, () => fired++);
      let passed = 0;
      while (fired === 0) passed += fire();
      assertEquals([passed, fire(), fired], [ms, 0, 1]);
    });
  }
});

Deno.test("a timer that is stopped in any of its parts fires no more", () => {
  for (const parts of [0, 1, 2]) {
    withTimers((fire) => {
      const timer = after(365 * DAY, () => assert(false));
      for (let i = 0; i < parts; i++) assertEquals(fire(), 2 ** 31 - 1);
      timer.stop();
      timer.stop();
      assertEquals(fire(), 0);
    });
  }
});

Deno.test("a timer that repeats does so after its time, until it is stopped, also by itself", () => {
  withTimers((fire) => {
    let fired = 0;
    const timer = every(30 * DAY, () => {
      if (++fired === 3) timer.stop();
    });
    let passed = 0;
    for (let ms = fire(); ms > 0; ms = fire()) passed += ms;
    assertEquals([fired, passed], [3, 90 * DAY]);
  });
});

Deno.test("a short timer that repeats is the runtime's", async () => {
  let fired = 0;
  const timer = every(1, () => fired++);
  await until(() => fired >= 3, "it has fired three times");
  timer.stop();
});

Deno.test("a pause ends after its time, or when the signal is aborted, before it or meanwhile", async () => {
  await sleep(1);
  const giveUp = new AbortController();
  const pause = sleep(365 * DAY, { signal: giveUp.signal });
  giveUp.abort();
  await pause;
  await sleep(Infinity, { signal: giveUp.signal });
});

Deno.test("nothing sets a timer but the module for it", async () => {
  const own = /\b(setTimeout|setInterval|AbortSignal\.timeout)\b|@std\/async\/(delay|deadline)/;
  const found: string[] = [];
  let files = 0;
  for await (const path of sources(new URL("../../src/", import.meta.url))) {
    if (path.href.endsWith("/src/base/timer.ts")) continue;
    files++;
    if (own.test(await Deno.readTextFile(path))) found.push(path.pathname);
  }
  assert(files > 50);
  assertEquals(found, []);
});

Deno.test("the timers of the dashboard's page depend on no option", async () => {
  const timers: string[] = [];
  for await (
    const path of sources(new URL("../../src/admin/dashboard/page/", import.meta.url), ".js")
  ) {
    const text = await Deno.readTextFile(path);
    for (
      const [, ms] of text.matchAll(/\bset(?:Timeout|Interval)\((?:[^()]|\([^()]*\))*, (\w+)\)/g)
    ) {
      const constant = new RegExp(`const ${ms} = \\d+`).test(text) || /^\d+$/.test(ms!);
      timers.push(constant ? "constant" : `${ms} of ${path.pathname}`);
    }
  }
  assertLess(3, timers.length);
  // How long it waits for the next attempt to connect, which is bounded where it is reckoned.
  assertEquals(timers.filter((one) => one !== "constant").map((one) => one.split(" ")[0]), [
    "wait",
  ]);
});

/** Every module of a folder and the folders in it. */
async function* sources(folder: URL, ending = ".ts"): AsyncGenerator<URL> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* sources(new URL(`${name}/`, folder), ending);
    else if (name.endsWith(ending)) yield new URL(name, folder);
  }
}

/** All durations as long as they can be. */
function longest(): Options {
  const options: Options = {};
  for (const name of optionNames()) {
    const { form, parse } = OPTIONS[name];
    if (form !== "TIME") continue;
    options[name] = parse("365d") === undefined ? "1s" : "365d";
  }
  return options;
}

Deno.test("with every duration as long as it can be nothing fires at once, and no check follows another", async () => {
  await using server = new TestServer(echo);
  await using other = new TestServer(echo);
  const options = { ...longest(), check: "tcp", fall: "2", batchDelay: "0" };
  await using program = await start(listener([server.address, other.address], options));
  using session = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
  await writeAll(session, new TextEncoder().encode("a"));
  await readExactly(session, 1);
  // As long as these take, timers that fire at once would have done so a hundred times.
  for (let i = 0; i < 200; i++) assertEquals(await request(program.port, "x"), "x");
  // Besides the sessions, one look at each when it was new.
  assertLess(server.accepted + other.accepted, 204);
  const drained = program.instance.drain();
  await writeAll(session, new TextEncoder().encode("b"));
  for (let i = 0; i < 200; i++) assertEquals(await request(server.port, "x"), "x");
  await readExactly(session, 1);
  await session.closeWrite();
  assertEquals(await drained, true);
});
